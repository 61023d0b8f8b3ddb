"""The affine bound of adaptive solves: parts, soundness on searched pairs, the jump, and everything it refuses."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmarks.adaptive_bounds import pairs_across_a_jump, wave
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    AffineBound,
    AutonomousField,
    Bound,
    EulerNet,
    GradientFlowField,
    IntegrationError,
    IntegrationWarning,
    LinearField,
    NeuralODE,
    PIController,
    SkewSymmetricField,
    SumField,
    adaptive_affine_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive import adaptive_affine_bound as module_function
from natrob_theory.bounds.adaptive import flow_error
from natrob_theory.numbers.norms import Norm, per_sample_l2

PAIRS = (HEUN_EULER, BOGACKI_SHAMPINE, FEHLBERG45, DOPRI5)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numbers(value: Any) -> Tensor:
    assert isinstance(value, Tensor)
    return value


def at(bound: AffineBound, distance: Tensor) -> Tensor:
    return numbers(bound.at(distance).value)


def test_the_parts_are_those_of_theory_section_8_and_add_up() -> None:
    net = NeuralODE(LinearField(torch.diag(torch.tensor([-1.0, -3.0]).double())), 2.0, max_step_size=0.05)
    y0 = normal(3, 2)
    bound = adaptive_affine_bound(net, y0, lipschitz=3.0, one_sided=-1.0)
    any_error = bound.any_error
    assert any_error is not None
    torch.testing.assert_close(numbers(bound.flow_growth), torch.full((3,), math.exp(-2.0)).double())
    torch.testing.assert_close(numbers(bound.slope), numbers(bound.flow_growth) + numbers(any_error.slope))
    torch.testing.assert_close(numbers(bound.constant), numbers(bound.clean_error) + numbers(any_error.constant))
    speed = (y0 * torch.tensor([-1.0, -3.0]).double()).norm(dim=1)
    torch.testing.assert_close(numbers(any_error.slope) * speed, 3.0 * numbers(any_error.constant))
    assert (bound.kind, bound.norm) == ("upper", "L2")
    assert any("reaches the end time" in text for text in bound.assumptions)
    assert net.last_solve is not None
    assert float(net.last_solve.times.diff(dim=0).max()) <= 0.05


def known_field(kind: str, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    flow, skew = GradientFlowField.dense(3, 6).double(), SkewSymmetricField.dense(3).double()
    fields = {"gradient flow": flow, "linear": LinearField(normal(3, 3, seed=seed)), "sum": SumField([flow, skew])}
    return fields[kind]


@settings(max_examples=12)
@given(
    st.integers(0, 2**31),
    st.sampled_from(["gradient flow", "linear", "sum"]),
    st.sampled_from(PAIRS),
    st.floats(0.02, 1.0),
    st.floats(-6.0, -1.0),
    st.floats(-8.0, 0.5),
)
def test_no_pair_is_beyond_the_bound(
    seed: int, kind: str, tableau: Any, share: float, tolerance: float, distance: float
) -> None:
    field = known_field(kind, seed)
    largest = lipschitz_upper_bound(field, input_shape=(3,))
    mu = one_sided_lipschitz_upper_bound(field, input_shape=(3,))
    controller = PIController(safety=0.5 + 0.45 * share, beta=0.1 * share, largest_factor=1.5 + 20 * share)
    net = NeuralODE(
        field, 1.5, tableau=tableau, rtol=10.0**tolerance, atol=10.0**tolerance, max_step_size=share,
        controller=controller,
    )  # fmt: skip
    y0, perturbation = normal(6, 3, seed=seed), 10.0**distance * normal(6, 3, seed=seed + 1)
    with torch.no_grad():
        measured = (net(y0 + perturbation) - net(y0)).norm(dim=1)
    bound = adaptive_affine_bound(net, y0, lipschitz=largest, one_sided=mu)
    assert bound.kind == "upper"
    assert (measured <= at(bound, perturbation.norm(dim=1)) + 1e-12 * (1 + y0.norm(dim=1))).all()


def test_neighbours_whose_grids_differ_stay_below_the_bound_and_above_every_multiple() -> None:
    net = NeuralODE(wave, 2.0, rtol=1e-4, atol=1e-4, max_step_size=0.25, tableau=BOGACKI_SHAMPINE)
    y0, perturbation = pairs_across_a_jump(net)
    assert len(y0) > 20
    with torch.no_grad():
        perturbed = net(y0 + perturbation)
        other = net.last_solve
        measured = (perturbed - net(y0)).norm(dim=1)
    assert other is not None
    assert net.last_solve is not None
    assert (other.rejected != net.last_solve.rejected).all()
    bound = adaptive_affine_bound(net, y0, lipschitz=3.0)
    assert (measured <= at(bound, perturbation.norm(dim=1))).all()
    assert measured.max() > 1e6 * math.exp(6.0) * perturbation.norm(dim=1).max()


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
def test_the_slope_is_tight_and_one_percent_less_is_caught(factor: float, exceeded: bool) -> None:
    """y′ = y under small steps and a large perturbation: the flow's growth is all there is."""
    net = NeuralODE(LinearField(torch.eye(1, dtype=torch.float64)), 0.5, max_step_size=0.02)
    y0, perturbation = torch.ones(1, 1, dtype=torch.float64), torch.full((1, 1), 1e4, dtype=torch.float64)
    bound = adaptive_affine_bound(net, y0, lipschitz=1.0, one_sided=1.0)
    with torch.no_grad():
        measured = float((net(y0 + perturbation) - net(y0)).norm())
    assert (measured > factor * float(at(bound, torch.tensor([1e4]).double()))) is exceeded


@pytest.mark.parametrize("norm", ["Linf", "L1"])
@given(st.integers(0, 2**31))
@settings(max_examples=6)
def test_other_norms_use_their_own_constants(norm: Norm, seed: int) -> None:
    """tanh(Wy) − 2y with rows, or columns, of W that sum to at most 1: K = 3 and μ = −1 in that norm."""
    weight = normal(4, 4, seed=seed).abs()
    weight = weight / weight.sum(dim=1 if norm == "Linf" else 0, keepdim=True)
    net = NeuralODE(lambda _t, y: torch.tanh(y) @ weight.T - 2.0 * y, 1.0, max_step_size=0.1, tableau=BOGACKI_SHAMPINE)
    y0, perturbation = normal(3, 4, seed=seed), 0.01 * normal(3, 4, seed=seed + 1)
    order = math.inf if norm == "Linf" else 1
    bound = adaptive_affine_bound(net, y0, lipschitz=3.0, one_sided=-1.0, norm=norm)
    with torch.no_grad():
        measured = torch.linalg.vector_norm(net(y0 + perturbation) - net(y0), ord=order, dim=1)
    distance = torch.linalg.vector_norm(perturbation, ord=order, dim=1)
    assert bound.norm == norm
    assert (measured <= at(bound, distance) + 1e-13).all()
    speed = torch.linalg.vector_norm(torch.tanh(y0) @ weight.T - 2.0 * y0, ord=order, dim=1)
    any_error = bound.any_error
    assert any_error is not None
    torch.testing.assert_close(numbers(any_error.constant) * 3.0, numbers(any_error.slope) * speed)


def test_a_linear_part_makes_the_bound_smaller_and_a_plain_field_has_none() -> None:
    torch.manual_seed(3)
    flow = GradientFlowField.dense(4, 8).double()
    largest = lipschitz_upper_bound(flow, input_shape=(4,))
    y0 = normal(3, 4)

    def bound_of(field: Any) -> AffineBound:
        net = NeuralODE(field, 1.0, max_step_size=0.01 / float(largest), tableau=BOGACKI_SHAMPINE)
        return adaptive_affine_bound(net, y0, lipschitz=largest, one_sided=0.0)

    def plain_function(time: Tensor, state: Tensor) -> Tensor:
        return flow(time, state)

    known, plain = bound_of(flow), bound_of(plain_function)
    ratio = numbers(known.constant) / numbers(plain.constant)
    torch.testing.assert_close(ratio, torch.full((3,), 0.5).double(), rtol=0.03, atol=0.0)


def test_samples_do_not_mix_and_both_precisions_are_taken() -> None:
    net = NeuralODE(wave, 1.0, max_step_size=0.1)
    y0 = normal(4, 2)
    together = adaptive_affine_bound(net, y0, lipschitz=3.0)
    alone = adaptive_affine_bound(net, y0[2:3], lipschitz=3.0)
    torch.testing.assert_close(numbers(together.constant)[2:3], numbers(alone.constant))
    single = adaptive_affine_bound(net, y0.float(), lipschitz=3.0)
    torch.testing.assert_close(numbers(single.constant), numbers(together.constant), rtol=1e-3, atol=0.0)


def test_a_trajectory_at_hand_is_used_and_one_of_another_input_is_refused() -> None:
    net, y0 = NeuralODE(wave, 1.0, max_step_size=0.5, rtol=1e-6, atol=1e-6), normal(3, 2)
    fresh = adaptive_affine_bound(net, y0, lipschitz=3.0)
    with torch.no_grad():
        run = net.trajectory(y0)
    kept = adaptive_affine_bound(net, y0, lipschitz=3.0, trajectory=run)
    assert torch.equal(numbers(fresh.constant), numbers(kept.constant))
    with pytest.raises(
        ValueError, match="`trajectory` must start at `y0`, got a grid on record that belongs to another"
    ):
        adaptive_affine_bound(net, y0 + 0.1, lipschitz=3.0, trajectory=run)
    net(y0 - 1.0)
    with pytest.raises(ValueError, match="`trajectory` must be the last solve on record, got one with another grid"):
        adaptive_affine_bound(net, y0, lipschitz=3.0, trajectory=run)


def test_constants_that_are_no_upper_bounds_make_it_an_estimate() -> None:
    net, y0 = NeuralODE(wave, 0.5, max_step_size=0.1), normal(2, 2)
    sampled = Bound(value=2.9, kind="lower", source="a search")
    assert adaptive_affine_bound(net, y0, lipschitz=sampled).kind == "estimate"
    guessed = Bound(value=1.0, kind="estimate", source="a guess")
    assert adaptive_affine_bound(net, y0, lipschitz=3.0, one_sided=guessed).kind == "estimate"
    larger = Bound(value=5.0, kind="estimate", source="of no use")
    unused = adaptive_affine_bound(net, y0, lipschitz=3.0, one_sided=larger)
    assert unused.kind == "upper"
    assert torch.equal(numbers(unused.slope), numbers(adaptive_affine_bound(net, y0, lipschitz=3.0).slope))


REFUSED: list[tuple[Callable[[], NeuralODE], str]] = [
    (lambda: NeuralODE(wave), "`net` must have a `max_step_size`, which every step really taken keeps, got None"),
    (lambda: NeuralODE(wave, -1.0, max_step_size=0.1), "`net` must go forward in time, got `start_time` = 0.0"),
    (
        lambda: NeuralODE(wave, max_step_size=0.1, event=lambda _t, y: y[:, 0] - 5.0),
        "`net` must have no `event`",
    ),
    (lambda: NeuralODE(wave, max_step_size=0.1, jump_times=[0.5]), "`net` must have no `jump_times`"),
    (lambda: NeuralODE(wave, solver="torchdiffeq"), '`net` must have `solver` = "natrob"'),
    (
        lambda: NeuralODE(lambda t, y: torch.cos(y) + t[:, None], max_step_size=0.1),
        "looks at t: the bound is known for fields that do not depend on time only",
    ),
    (
        lambda: NeuralODE(
            AutonomousField(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).double()), max_step_size=0.1
        ),
        "`net` must be in evaluation mode, got BatchNorm1d in training mode",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_solves_it_says_nothing_of_are_refused_by_name(make: Callable[[], NeuralODE], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        adaptive_affine_bound(make(), normal(4, 2), lipschitz=3.0)


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_are_refused() -> None:
    net, y0 = NeuralODE(wave, max_step_size=0.1), normal(2, 2)
    with pytest.raises(ValueError, match=re.escape("constants must be of the norm Linf, got a Bound of norm L2")):
        adaptive_affine_bound(net, y0, lipschitz=Bound(value=3.0, kind="upper"), norm="Linf")
    with pytest.raises(ValueError, match=re.escape("`one_sided` must be at least −K = -3.0, got -4.0")):
        adaptive_affine_bound(net, y0, lipschitz=3.0, one_sided=-4.0)
    with pytest.raises(ValueError, match="`norm` must be one of L2, Linf, L1, got 'L3'"):
        adaptive_affine_bound(net, y0, lipschitz=3.0, norm="L3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`y0` must be finite"):
        adaptive_affine_bound(net, y0 / 0.0, lipschitz=3.0)


@pytest.mark.usefixtures("unchecked")
def test_only_adaptive_networks_are_taken() -> None:
    with pytest.raises(TypeError, match="`net` must be a NeuralODE, got EulerNet"):
        adaptive_affine_bound(EulerNet(wave, 0.1, 10), normal(2, 2), lipschitz=3.0)  # type: ignore[arg-type]


def test_a_clean_solve_that_fails_has_no_bound() -> None:
    net = NeuralODE(lambda _t, y: y**2, 1.0, max_step_size=0.5, on_failure="warn")
    with pytest.warns(IntegrationWarning), pytest.raises(IntegrationError, match="the affine bound needs the solution"):
        adaptive_affine_bound(net, torch.tensor([[5.0]]).double(), lipschitz=1.0)


def test_it_is_handed_on_and_rests_on_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module_function is adaptive_affine_bound
    net, y0 = NeuralODE(wave, 1.0, max_step_size=0.1), normal(2, 2)
    before = adaptive_affine_bound(net, y0, lipschitz=3.0)
    original = flow_error.error_rate
    monkeypatch.setattr(flow_error, "error_rate", lambda *arguments: 2.0 * original(*arguments))
    after = adaptive_affine_bound(net, y0, lipschitz=3.0)
    assert before.any_error is not None
    assert after.any_error is not None
    assert (numbers(after.any_error.constant) > numbers(before.any_error.constant)).all()
    assert (per_sample_l2(y0) > 0).all()
