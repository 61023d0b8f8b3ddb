"""check_bound in ball arithmetic: proofs, refutations, and ties that are neither unless both sides are exact."""

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from costly_examples import examples, repeats
from hypothesis import given
from hypothesis import strategies as st
from module_fields import module_field, normal, upper_constant
from torch import nn

from natrob_theory import (
    RK4,
    AutonomousField,
    BackwardEulerNet,
    BallRefusedError,
    Bound,
    EulerNet,
    FractalNet,
    HeunNet,
    LinearField,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    ball_field,
    broadcast_time,
    check_bound,
    layer_lipschitz,
)

DYADIC_TIES = (
    (EulerNet, lambda x: 1 + x),
    (HeunNet, lambda x: 1 + x + x**2 / 2),
    (PolyNet, lambda x: 1 + x + x**2),
    (FractalNet, lambda x: x**2 / 2 + x / 2),
)


def scalar_field(constant: float, dimension: int = 1) -> LinearField:
    return LinearField(constant * torch.eye(dimension, dtype=torch.float64))


@pytest.mark.parametrize(("network", "factor"), DYADIC_TIES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("step_size", [0.1, 0.35])
def test_a_dyadic_tie_is_proved_because_both_sides_are_exact(network: Any, factor: Any, step_size: float) -> None:
    """f = Ky: the distance is G(hK)^n ‖ε‖ exactly."""
    perturbation = torch.tensor([[0.3], [-1e-9]], dtype=torch.float64)
    y0 = torch.tensor([[0.7], [1e3]], dtype=torch.float64)
    check = check_bound(network(scalar_field(1.7), step_size, 6), y0, perturbation, lipschitz=1.7, arithmetic="ball")
    assert check.all_hold
    assert not check.undecided.any()
    assert (check.ratio == 1.0).all()
    growth = factor(Fraction(step_size) * Fraction(1.7))
    start = ((y0 + perturbation).flatten()[0].item(), y0[0, 0].item())
    exact = abs(Fraction(start[0]) - Fraction(start[1])) * growth**6
    above = check.distance[-1, 0].item()
    assert Fraction(math.nextafter(above, -math.inf)) < exact <= Fraction(above)


@pytest.mark.parametrize(
    "net",
    [RungeKuttaNet(scalar_field(1.7), 0.35, 3, tableau=RK4), BackwardEulerNet(scalar_field(1.7), 0.35, 3)],
    ids=["rk4", "backward_euler"],
)
def test_a_tie_that_is_not_dyadic_stays_undecided_and_is_never_called_proved(net: Any) -> None:
    check = check_bound(net, normal(1, 1, seed=0), normal(1, 1, seed=1), lipschitz=1.7, arithmetic="ball")
    assert check.undecided[1:].all()
    assert not check.holds[1:].any()
    assert not check.violated.any()
    assert check.ratio[1:].sub(1).abs().max() < 1e-15
    for constant, proved in ((math.nextafter(1.7, 2.0), True), (math.nextafter(1.7, 1.0), False)):
        next_to = check_bound(net, normal(1, 1, seed=0), normal(1, 1, seed=1), lipschitz=constant, arithmetic="ball")
        assert bool(next_to.holds[1:].all()) is proved
        assert bool(next_to.violated[1:].any()) is not proved


@pytest.mark.parametrize("x", [0.1, 0.7])
def test_a_constant_one_percent_too_small_is_refuted(tight_method: Any, x: float) -> None:
    net = tight_method.build(scalar_field(2.0, 2), x / 2.0, 3)
    y0, perturbation = normal(2, 2, seed=0), normal(2, 2, seed=1)
    check = check_bound(net, y0, perturbation, lipschitz=1.98, arithmetic="ball")
    assert check.violated[1:].all()
    assert check.holds[0].all()
    assert not check.undecided.any()


def test_a_growth_factor_one_percent_too_small_is_refuted(tight_method: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = tight_method.build(scalar_field(0.5, 2), 0.1, 2)
    exact = net.stepper.squared_growth
    monkeypatch.setattr(net.stepper, "squared_growth", lambda x: [0.99**2 * square for square in exact(x)])
    check = check_bound(net, normal(1, 2, seed=0), normal(1, 2, seed=1), lipschitz=0.5, arithmetic="ball")
    assert check.violated.all()


@examples(6)  # of each method
@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-9, 1e-3, 1.0]))
def test_proved_for_every_method_and_close_to_float64(method: Any, seed: int, size: float) -> None:
    field = module_field(2, seed=seed)
    constant = upper_constant(field, 2)
    net = method.build(field, min(0.3, 0.9 / constant), 2)
    y0 = normal(2, 2 * method.halves, seed=seed)
    perturbation = size * normal(2, 2 * method.halves, seed=seed + 1)
    for lipschitz in (constant, None):
        proof = check_bound(net, y0, perturbation, lipschitz=lipschitz, arithmetic="ball")
        measured = check_bound(net, y0, perturbation, lipschitz=lipschitz)
        assert not proof.violated.any()
        assert lipschitz is None or proof.all_hold
        assert ((proof.distance - measured.distance).abs() <= measured.allowance + 1e-15 * measured.distance).all()
        if lipschitz is not None:  # secants of nearby points keep few digits in float64
            torch.testing.assert_close(proof.bound, measured.bound, rtol=1e-12, atol=0.0)
        assert proof.kind == measured.kind == "upper"


def test_a_huge_bias_that_cancels_is_rounding_in_float64_and_a_proof_in_balls() -> None:
    """f(y) = max(y + 10⁵, 0) − 10⁵ is y near 0; float64 keeps no digit of a perturbation of 5·10⁻¹²."""
    first, second = nn.Linear(1, 1).double(), nn.Linear(1, 1).double()
    for layer, bias in ((first, 1e5), (second, -1e5)):
        layer.weight.data.fill_(1.0)
        layer.bias.data.fill_(bias)
    net = EulerNet(AutonomousField(nn.Sequential(first, nn.ReLU(), second)), 0.5, 4)
    y0 = torch.linspace(-1.0, 1.0, 32, dtype=torch.float64)[:, None]
    perturbation = torch.full_like(y0, 5e-12)
    assert check_bound(net, y0, perturbation, lipschitz=1.0).violated.any()
    proof = check_bound(net, y0, perturbation, lipschitz=1.0, arithmetic="ball")
    assert proof.all_hold
    assert proof.allowance.max() == 0.0
    assert "Arb balls" in proof.rounding
    assert "proof for this instance" in proof.rounding
    assert check_bound(net, y0, perturbation, lipschitz=0.99, arithmetic="ball").violated[1:].all()


def test_the_two_starts_may_be_equal_for_some_samples() -> None:
    """‖0‖ ≤ 0 needs no digits; a perturbation that is rounded away is none."""
    y0 = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    perturbation = torch.tensor([[0.0, 0.0], [1e-3, 0.0], [1e-30, 0.0]], dtype=torch.float64)
    net = EulerNet(module_field(2, seed=2), 0.1, 3)
    check = check_bound(net, y0, perturbation, lipschitz=upper_constant(net.fields[0], 2), arithmetic="ball")
    assert check.all_hold
    assert check.distance[:, [0, 2]].max() == check.ratio[:, [0, 2]].max() == 0.0
    assert check.distance[:, 1].min() > 0


def test_fields_that_never_move_apart_have_secant_constant_zero() -> None:
    """All ReLUs dead: K_n = 0, so the bound is the start, and it is attained."""
    dead = nn.Linear(2, 3).double()
    dead.bias.data.fill_(-1e3)
    field = AutonomousField(nn.Sequential(dead, nn.ReLU(), nn.Linear(3, 2).double()))
    for net in (EulerNet(field, 0.1, 3), PolyNet(field, 0.1, 3)):
        check = check_bound(net, normal(2, 2, seed=0), normal(2, 2, seed=1), arithmetic="ball")
        assert check.all_hold
        assert (check.ratio == 1.0).all()


def test_single_precision_states_are_taken_as_they_are() -> None:
    field = scalar_field(0.5, 2).float()
    y0, perturbation = normal(2, 2, seed=0).float(), 1e-6 * normal(2, 2, seed=1).float()
    check = check_bound(EulerNet(field, 0.1, 3), y0, perturbation, lipschitz=0.5, arithmetic="ball")
    assert check.all_hold
    started = ((y0 + perturbation).double() - y0.double()).norm(dim=1)
    torch.testing.assert_close(check.distance[0], started, rtol=1e-15, atol=0.0)


def test_steps_and_halves_may_have_constants_of_their_own() -> None:
    y0, perturbation = normal(2, 2, seed=0), normal(2, 2, seed=1)
    net = EulerNet([scalar_field(1.0, 2), scalar_field(3.0, 2)], 0.5)
    assert check_bound(net, y0, perturbation, lipschitz=[1.0, 3.0], arithmetic="ball").all_hold
    swapped = check_bound(net, y0, perturbation, lipschitz=[3.0, 1.0], arithmetic="ball")
    assert swapped.all_hold  # after both steps the product is the same
    assert check_bound(net, y0, perturbation, lipschitz=[1.0, 2.97], arithmetic="ball").violated[2].all()
    reversible = RevNet((scalar_field(2.0), scalar_field(0.5)), 0.4, 4)
    assert check_bound(reversible, y0, perturbation, lipschitz=(2.0, 0.5), arithmetic="ball").all_hold
    assert check_bound(net, y0, perturbation, lipschitz=Bound(value=3.0, kind="lower"), arithmetic="ball").kind == (
        "estimate"
    )


def test_revnet_s_largest_direction_is_refuted_with_constants_one_percent_too_small() -> None:
    net = RevNet((scalar_field(2.0), scalar_field(0.5)), 0.4, 4)
    coupling = torch.tensor([[1.0, 0.8], [0.2, 1.16]], dtype=torch.float64)
    direction = torch.linalg.svd(torch.linalg.matrix_power(coupling, 4)).Vh[:1]
    y0 = normal(1, 2, seed=0)
    assert not check_bound(net, y0, direction, lipschitz=(2.0, 0.5), arithmetic="ball").violated.any()
    assert check_bound(net, y0, direction, lipschitz=(1.98, 0.495), arithmetic="ball").violated[-1].all()


def test_backward_euler_without_a_constant_has_no_bound_where_the_secant_says_so() -> None:
    """hK ≥ 1 with K the secant constant: ∞ ≥ anything. But the root must be enclosed, so hL < 1 all the same."""
    net = BackwardEulerNet(scalar_field(-0.9), 1.0, 2)
    check = check_bound(net, normal(1, 1, seed=0), normal(1, 1, seed=1), arithmetic="ball")
    assert check.all_hold
    with pytest.raises(ValueError, match="only for hK < 1"):
        check_bound(net, normal(1, 1, seed=0), normal(1, 1, seed=1), lipschitz=2.0, arithmetic="ball")
    stiff = BackwardEulerNet(scalar_field(-3.0), 1.0, 2)
    with pytest.raises(BallRefusedError, match="enclosed in balls only where the step is a contraction"):
        check_bound(stiff, normal(1, 1, seed=0), normal(1, 1, seed=1), arithmetic="ball")


def test_the_steps_of_a_neural_ode_end_where_the_next_ones_start() -> None:
    net = NeuralODE(module_field(2, seed=1), 0.7, rtol=1e-2, atol=1e-2, start_time=0.1)
    check = check_bound(net, normal(2, 2, seed=0), 1e-3 * normal(2, 2, seed=1), arithmetic="ball")
    assert check.all_hold
    assert check.times[-1].tolist() == [0.7, 0.7]


class Clock(nn.Module):
    """f(t, y) = ty."""

    def forward(self, time: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        return broadcast_time(time, state) * state


def test_every_method_evaluates_at_the_network_s_own_times(method: Any) -> None:
    ball_field.register(Clock, lambda _field: lambda time, state: state * time)
    layer_lipschitz.register(Clock, lambda _field, _shape: 2.0)
    net = method.build(Clock(), 0.3, 3)
    y0, perturbation = normal(2, 2 * method.halves, seed=0), normal(2, 2 * method.halves, seed=1)
    proof = check_bound(net, y0, perturbation, lipschitz=1.2, arithmetic="ball")
    assert proof.all_hold
    torch.testing.assert_close(
        proof.distance, check_bound(net, y0, perturbation, lipschitz=1.2).distance, rtol=1e-13, atol=0.0
    )


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments() -> None:
    net, y0 = EulerNet(scalar_field(1.0, 2), 0.1, 2), normal(2, 2, seed=0)
    with pytest.raises(ValueError, match='`arithmetic` must be "float" or "ball", got \'interval\''):
        check_bound(net, y0, y0, arithmetic="interval")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`field_error_factor` is for arithmetic 'float' only, got 2\.0"):
        check_bound(net, y0, y0, field_error_factor=2.0, arithmetic="ball")
    images = EulerNet(AutonomousField(nn.Identity()), 0.1, 2)
    with pytest.raises(ValueError, match=r"ball arithmetic takes flat states, \(batch, d\), got \(4, 2, 3\)"):
        check_bound(images, normal(4, 2, 3, seed=0), normal(4, 2, 3, seed=1), arithmetic="ball")
    function = EulerNet(lambda _time, state: torch.sin(state), 0.1, 2)
    with pytest.raises(BallRefusedError, match="the plain function <lambda>"):
        check_bound(function, y0, y0, arithmetic="ball")


@pytest.mark.hypothesis  # as much a property: `make test-long` takes more instances
def test_random_instances_are_proved(method: Any) -> None:
    """Every comparison with the upper constant is proved, none is left open."""
    for seed in range(repeats(5, 16)):
        dimension = 2 + seed % 4
        field = module_field(dimension, seed=seed)
        constant = upper_constant(field, dimension)
        net = method.build(field, min(10.0 ** -(seed % 3), 0.95 / constant), 1 + seed % 5)
        y0 = normal(2, dimension * method.halves, seed=seed)
        perturbation = 10.0 ** -(3 * seed % 13) * normal(2, dimension * method.halves, seed=seed + 1)
        check = check_bound(net, y0, perturbation, lipschitz=constant, arithmetic="ball")
        assert check.all_hold, (method.name, seed)
        assert not check.undecided.any()
