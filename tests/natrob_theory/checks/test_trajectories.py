from typing import Any

import pytest
import torch
from hypothesis import given
from torch import Tensor

from natrob_theory import EulerNet, LinearField, NeuralODE, RevNet, broadcast_time, measure_divergence
from natrob_theory.checks.trajectories import run_pair
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wave(time: Tensor, state: Tensor) -> Tensor:
    return torch.sin(2 * state) + torch.cos(broadcast_time(time, state))


@given(fields(dimension=3), step_sizes(1e-3, 1.0), perturbations((4, 3), smallest=1e-6))
def test_euler_secants_are_the_hand_formula(known: KnownField, step_size: float, perturbation: Tensor) -> None:
    """K_n = ‖f(z_n) − f(y_n)‖/‖z_n − y_n‖ along both solutions, computed one by one."""
    y0 = normal(4, 3)
    divergence = measure_divergence(EulerNet(known.field, step_size, 3), y0, perturbation)
    y, z = y0, y0 + perturbation
    for n in range(3):
        time = torch.tensor(n * step_size, dtype=torch.float64)
        with torch.no_grad():
            slope_y, slope_z = known.field(time, y), known.field(time, z)
        distance = (z - y).norm(dim=1)
        # The network runs both as one batch, and a matrix product may be rounded in another order there: differences
        # are off by a few u times what is subtracted.
        atol = 1e-14 * float(y.norm() + z.norm() + slope_y.norm() + slope_z.norm() + 1)
        torch.testing.assert_close(divergence.distance[n], distance, rtol=1e-13, atol=atol)
        torch.testing.assert_close(
            divergence.secant_constants[n] * distance, (slope_z - slope_y).norm(dim=1), rtol=1e-12, atol=atol
        )
        y, z = y + step_size * slope_y, z + step_size * slope_z
    atol = 1e-13 * float(y.norm() + z.norm() + 1)
    torch.testing.assert_close(divergence.distance[3], (z - y).norm(dim=1), rtol=1e-13, atol=atol)


@given(fields(dimension=2), step_sizes(1e-3, 1.0), perturbations((3, 2), smallest=1e-6))
def test_secants_never_exceed_the_constant(known: KnownField, step_size: float, perturbation: Tensor) -> None:
    y0 = normal(3, 2)
    divergence = measure_divergence(EulerNet(known.field, step_size, 4), y0, perturbation)
    # Rounding of f relative to the distance: u(‖f‖ + K‖y‖)/‖z − y‖, generously.
    size = 1e-14 * (1 + known.lipschitz) * (10.0 + perturbation.norm(dim=1)) * 5.0**4
    assert (divergence.secant_constants <= known.lipschitz + size / divergence.distance[:-1].clamp_min(1e-300)).all()


def test_documented_shapes(method: Any) -> None:
    y0 = normal(5, 4, 2)
    divergence = measure_divergence(method.build(wave, 0.1, 3), y0, 1e-3 * normal(5, 4, 2, seed=1))
    steps = len(divergence.times) - 1
    assert divergence.distance.shape == (steps + 1, 5)
    assert divergence.secant_constants.shape == (steps, 5)
    assert divergence.distance.dtype == divergence.secant_constants.dtype == torch.float64
    assert steps == 3 or method.name == "neural_ode"


def test_a_linear_field_has_its_constant_as_secant(method: Any) -> None:
    y0 = normal(3, 4)
    divergence = measure_divergence(method.build(lambda _t, y: -0.5 * y, 0.1, 3), y0, normal(3, 4, seed=1))
    torch.testing.assert_close(
        divergence.secant_constants, torch.full_like(divergence.secant_constants, 0.5), rtol=1e-12, atol=0.0
    )


def test_revnet_takes_the_larger_secant_of_its_two_fields() -> None:
    net = RevNet((lambda _t, y: 2 * y, lambda _t, y: -3 * y), 0.1, 2)
    secants = measure_divergence(net, normal(3, 4), normal(3, 4, seed=1)).secant_constants
    torch.testing.assert_close(secants, torch.full_like(secants, 3.0), rtol=1e-12, atol=0.0)


def test_secants_count_every_stage(method: Any) -> None:
    """A field that is flat at the start and steep beyond: only later stages see it."""
    if method.name in ("euler", "backward_euler", "revnet", "neural_ode"):
        return
    y0 = torch.zeros(1, 2, dtype=torch.float64)
    net = method.build(lambda _t, y: torch.relu(y - 0.25) * 8.0 + 1.0, 1.0, 1)
    secants = measure_divergence(net, y0, torch.full_like(y0, 0.01)).secant_constants
    assert float(secants) > 4.0 or method.name.startswith(("polynet", "fractalnet"))
    assert float(secants) <= 8.0 + 1e-12


def test_no_perturbation_means_no_distance_and_no_secant(method: Any) -> None:
    y0 = normal(3, 4)
    divergence = measure_divergence(method.build(wave, 0.1, 3), y0, torch.zeros_like(y0))
    assert float(divergence.distance.abs().max()) == 0.0
    assert float(divergence.secant_constants.abs().max()) == 0.0


def test_permuting_the_batch_permutes_the_result(method: Any) -> None:
    net, y0, perturbation = method.build(wave, 0.1, 3), normal(5, 4), 0.1 * normal(5, 4, seed=1)
    order = torch.tensor([2, 0, 4, 3, 1])
    whole = measure_divergence(net, y0, perturbation)
    permuted = measure_divergence(net, y0[order], perturbation[order])
    # Implicit solves agree to their tolerance, explicit steps to rounding.
    torch.testing.assert_close(permuted.distance, whole.distance[:, order], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(permuted.secant_constants, whole.secant_constants[:, order], rtol=1e-9, atol=1e-9)


def test_a_neural_ode_pair_shares_the_grid() -> None:
    net = NeuralODE(wave, 2.0)
    y0 = normal(3, 2)
    run = run_pair(net, y0, normal(3, 2, seed=1))
    assert net.last_solve is not None
    assert net.last_solve.samples == 3
    assert torch.equal(run.times, net.last_solve.times)
    assert torch.equal(torch.stack([step.time for step in run.plan]), run.times[:-1])
    assert len(run.clean_evaluations) == len(run.perturbed_evaluations) == len(run.plan)
    assert torch.equal(run.clean[0], y0)


def test_single_precision_is_measured_in_double() -> None:
    y0 = normal(3, 2).float()
    divergence = measure_divergence(EulerNet(wave, 0.1, 3), y0, torch.full_like(y0, 1e-3))
    exact = measure_divergence(EulerNet(wave, 0.1, 3), y0.double(), torch.full_like(y0, 1e-3).double())
    assert divergence.distance.dtype == torch.float64
    torch.testing.assert_close(divergence.distance, exact.distance, rtol=1e-3, atol=0.0)


def test_nothing_is_recorded_for_gradients() -> None:
    net = EulerNet(LinearField(torch.eye(2)), 0.1, 2)
    divergence = measure_divergence(net, torch.ones(1, 2, requires_grad=True), torch.ones(1, 2))
    assert not divergence.distance.requires_grad


def test_bad_input() -> None:
    net, y0 = EulerNet(wave, 0.1, 2), torch.ones(2, 3)
    with pytest.raises(ValueError, match=r"`perturbation` must have the shape .* \(2, 3\) .* got \(1, 3\)"):
        measure_divergence(net, y0, torch.ones(1, 3))
    with pytest.raises(ValueError, match=r"`perturbation` must have .* torch\.float32, got \(2, 3\) torch\.float64"):
        measure_divergence(net, y0, y0.double())
    with pytest.raises(ValueError, match="`perturbation` must be finite, got NaN or infinite entries in 2 of 2"):
        measure_divergence(net, y0, y0 / 0)
    with pytest.raises(ValueError, match=r"`y0` must have shape \(batch, \*state\)"):
        measure_divergence(net, torch.ones(3), torch.ones(3))


def test_an_overflow_is_an_error_and_no_measurement() -> None:
    net = EulerNet(lambda _t, y: 1e200 * y, 1.0, 3)
    with pytest.raises(OverflowError, match="NaN or infinite entries from step 2 on; take fewer or smaller steps"):
        measure_divergence(net, torch.ones(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64))
