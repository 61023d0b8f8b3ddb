"""check_bound: sound for every method, tight where theory says so, and it catches a bound 1 % too small."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    RK4,
    AbstractIntegratorNet,
    BackwardEulerNet,
    Bound,
    EulerNet,
    ImplicitSolveWarning,
    LinearField,
    NewtonKrylov,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    check_bound,
)
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes, tableaus
from natrob_theory.tableaus import ButcherTableau

seeds = st.integers(0, 2**32 - 1)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(known=fields(dimension=2), drawn=step_sizes(), perturbation=perturbations((3, 4)), seed=seeds)
def test_soundness_with_the_true_constant(
    method: Any, known: KnownField, drawn: float, perturbation: Tensor, seed: int
) -> None:
    """Random fields, steps 1e-10 … 10, perturbations 1e-12 … 1e3: never a violation beyond rounding."""
    width = 2 * method.halves
    net = method.build(known.field, method.step_size(drawn, known.lipschitz), 3)
    check = check_bound(net, normal(3, width, seed=seed), perturbation[:, :width], lipschitz=known.lipschitz)
    assert check.all_hold
    assert check.kind == "upper"


@given(known=fields(dimension=2), drawn=step_sizes(), perturbation=perturbations((3, 4)), seed=seeds)
def test_without_a_constant_it_is_a_theorem_for_the_pair(
    method: Any, known: KnownField, drawn: float, perturbation: Tensor, seed: int
) -> None:
    width = 2 * method.halves
    net = method.build(known.field, method.step_size(drawn, known.lipschitz), 3)
    check = check_bound(net, normal(3, width, seed=seed), perturbation[:, :width])
    assert check.all_hold
    assert check.kind == "upper"


@given(tableaus(), fields(dimension=3), step_sizes(), perturbations((3, 3)), seeds)
def test_soundness_for_any_tableau(
    tableau: ButcherTableau, known: KnownField, step_size: float, perturbation: Tensor, seed: int
) -> None:
    net = RungeKuttaNet(known.field, step_size, 3, tableau=tableau)
    assert check_bound(net, normal(3, 3, seed=seed), perturbation, lipschitz=known.lipschitz).all_hold


def tight_case(method: Any, x: float) -> tuple[AbstractIntegratorNet, float]:
    """f = Ky with hK = x and its K."""
    return method.build(lambda _t, y: 2.0 * y, x / 2.0, 3), 2.0


@pytest.mark.parametrize("x", [1e-3, 0.1, 0.7])
def test_the_tight_case_reaches_the_bound(tight_method: Any, x: float) -> None:
    net, lipschitz = tight_case(tight_method, x)
    check = check_bound(net, torch.zeros(1, 2, dtype=torch.float64), normal(1, 2), lipschitz=lipschitz)
    assert check.all_hold
    assert check.ratio.min().item() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("x", [0.1, 0.7])
def test_a_growth_factor_one_percent_too_small_is_caught(
    tight_method: Any, x: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, lipschitz = tight_case(tight_method, x)
    y0, perturbation = normal(2, 2), normal(2, 2, seed=1)
    assert check_bound(net, y0, perturbation, lipschitz=lipschitz).all_hold
    true_growth = net.stepper.growth
    monkeypatch.setattr(net.stepper, "growth", lambda scaled: 0.99 * true_growth(scaled))
    check = check_bound(net, y0, perturbation, lipschitz=lipschitz)
    assert not check.holds[1:].any()
    assert check.holds[0].all()


@pytest.mark.parametrize("x", [0.1, 0.7])
def test_a_constant_one_percent_too_small_is_caught(tight_method: Any, x: float) -> None:
    net, lipschitz = tight_case(tight_method, x)
    check = check_bound(net, normal(2, 2), normal(2, 2, seed=1), lipschitz=0.99 * lipschitz)
    assert not check.holds[1:].any()
    assert check.worst_ratio > 1.0


def test_revnet_reaches_its_bound_and_a_smaller_one_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (LinearField(torch.tensor([[k]], dtype=torch.float64)) for k in (2.0, 0.5))
    net = RevNet((first, second), 0.4, 4)
    coupling = torch.tensor([[1.0, 0.8], [0.2, 1.16]], dtype=torch.float64)
    direction = torch.linalg.svd(torch.linalg.matrix_power(coupling, 4)).Vh[:1]
    y0 = normal(1, 2)
    check = check_bound(net, y0, direction, lipschitz=(2.0, 0.5))
    assert check.all_hold
    assert check.ratio[-1].item() == pytest.approx(1.0, abs=1e-12)
    assert not check_bound(net, y0, direction, lipschitz=(1.98, 0.495)).all_hold
    true_growth = net.stepper.cumulative_growth
    monkeypatch.setattr(net.stepper, "cumulative_growth", lambda x: 0.99 * true_growth(x))
    assert not check_bound(net, y0, direction, lipschitz=(2.0, 0.5)).holds[-1].any()


def test_bound_ratio_and_distance_fit_together(method: Any) -> None:
    net = method.build(lambda _t, y: torch.sin(y), 0.1, 3)
    check = check_bound(net, normal(4, 4), 0.1 * normal(4, 4, seed=1), lipschitz=1.0)
    torch.testing.assert_close(check.ratio * check.bound, check.distance, rtol=1e-14, atol=0.0)
    torch.testing.assert_close(check.bound[0], check.distance[0], rtol=1e-13, atol=0.0)
    growth = net.growth_bound(1.0).value  # one number, or one for each sample's grid
    torch.testing.assert_close(check.bound[-1], growth * check.distance[0], rtol=1e-12, atol=0.0)
    points = len(net.plan()) + 1
    for tensor in (check.holds, check.ratio, check.bound, check.distance, check.allowance):
        assert tensor.shape == (points, 4)
    assert check.resolved.all()
    assert check.worst_ratio == check.ratio[1:].max().item()
    # The allowance is rounding (and the solver's tolerance), far below the perturbation of 0.1.
    assert check.allowance.max().item() < 1e-11
    assert "torch.float64 with allowance, c = 16" in check.rounding


def test_a_ratio_that_is_only_rounding_does_not_count_as_the_worst() -> None:
    net, y0 = EulerNet(lambda _t, y: 0.5 * y, 1.0, 2), normal(2, 2)
    perturbation = torch.stack([1e-17 * normal(2, seed=1) + 1e-15, normal(2, seed=2)])
    check = check_bound(net, y0, perturbation, lipschitz=0.1)
    assert check.resolved[:, 1].all()
    assert not check.resolved[1:, 0].any()
    assert check.worst_ratio == check.ratio[1:, 1].max().item() == pytest.approx((1.5 / 1.1) ** 2, rel=1e-9)
    assert check_bound(net, y0[:1], perturbation[:1], lipschitz=0.1).worst_ratio == 0.0


def test_no_perturbation(method: Any) -> None:
    y0 = normal(3, 4)
    check = check_bound(method.build(lambda _t, y: torch.sin(y), 0.1, 3), y0, torch.zeros_like(y0), lipschitz=1.0)
    assert check.all_hold
    assert check.worst_ratio == 0.0
    assert check.bound.max().item() == 0.0


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0])
def test_single_precision_has_a_larger_allowance(method: Any, size: float) -> None:
    y0, perturbation = normal(4, 4).float(), size * normal(4, 4, seed=1).float()
    net = method.build(lambda _t, y: torch.sin(y), 0.1, 3)
    single = check_bound(net, y0, perturbation, lipschitz=1.0)
    assert single.all_hold
    double = check_bound(net, y0.double(), perturbation.double(), lipschitz=1.0)
    if method.name != "neural_ode":
        assert (single.allowance[-1] > 1e6 * double.allowance[-1]).all()
    assert "torch.float32" in single.rounding


def test_a_lower_bound_of_the_constant_gives_an_estimate(method: Any) -> None:
    net, y0 = method.build(lambda _t, y: torch.sin(y), 0.1, 3), normal(2, 4)
    lower = Bound(value=1.0, kind="lower")
    assert check_bound(net, y0, y0, lipschitz=lower).kind == "estimate"
    assert check_bound(net, y0, y0, lipschitz=Bound(value=1.0, kind="upper")).kind == "upper"


def test_the_sequence_of_constants_is_per_step() -> None:
    net = EulerNet([lambda _t, y: 1.0 * y, lambda _t, y: 3.0 * y], 0.5)
    y0 = normal(2, 2)
    check = check_bound(net, y0, y0, lipschitz=[1.0, 3.0])
    assert check.all_hold
    assert check.ratio.min().item() == pytest.approx(1.0, abs=1e-12)
    assert check_bound(net, y0, y0, lipschitz=[3.0, 1.0]).worst_ratio == pytest.approx(1.0, abs=1e-12)
    assert not check_bound(net, y0, y0, lipschitz=[1.0, 2.9]).holds[2].any()


def test_permuting_the_batch_permutes_the_result(method: Any) -> None:
    net, y0, perturbation = method.build(lambda _t, y: torch.sin(y), 0.1, 3), normal(5, 4), 0.1 * normal(5, 4, seed=1)
    order = torch.tensor([2, 0, 4, 3, 1])
    whole, permuted = check_bound(net, y0, perturbation), check_bound(net, y0[order], perturbation[order])
    torch.testing.assert_close(permuted.ratio, whole.ratio[:, order], rtol=1e-9, atol=1e-9)
    assert torch.equal(permuted.holds, whole.holds[:, order])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("name", "x"), [("rk4", 30.0), ("dopri5", 30.0), ("polynet_4", 30.0), ("rk4", 3.0), ("backward_euler", 0.999)]
)
def test_rounding_in_an_early_stage_that_later_stages_amplify_is_allowed_for(name: str, x: float, seed: int) -> None:
    """f = K⟨v, y⟩v with y ⟂ v: the stages vanish but for rounding, which the later stages blow up along v, where the
    tiny perturbation grows by exactly G."""
    direction = normal(6, seed=seed)
    direction = direction / direction.norm()
    matrix = x * torch.outer(direction, direction)
    y0 = 100 * normal(4, 6, seed=seed + 1)
    y0 = y0 - (y0 @ direction)[:, None] * direction
    perturbation = 1e-12 * direction.expand(4, 6)
    nets = {
        "rk4": RungeKuttaNet(LinearField(matrix), 1.0, 2, tableau=RK4),
        "dopri5": RungeKuttaNet(LinearField(matrix), 1.0, 2),
        "polynet_4": PolyNet(LinearField(matrix), 1.0, 2, order=4),
        "backward_euler": BackwardEulerNet(LinearField(matrix), 1.0, 2, solver=NewtonKrylov(tolerance=1e-10)),
    }
    lipschitz = min(x * (1 + 1e-14), x if name != "backward_euler" else 0.9991)
    assert check_bound(nets[name], y0, perturbation, lipschitz=lipschitz * (1 + 1e-14)).all_hold


def test_residuals_of_inexact_solves_enter_the_allowance() -> None:
    """A sloppy solver: the distance may exceed 1/(1 − hK) by the residuals, and the allowance knows it."""
    field = LinearField(torch.diag(torch.tensor([0.5, -0.5, 0.2], dtype=torch.float64)))
    y0, perturbation = normal(6, 3), 1e-9 * normal(6, 3, seed=1)
    exact = BackwardEulerNet(field, 1.0, 3)
    sloppy = BackwardEulerNet(field, 1.0, 3, solver=NewtonKrylov(tolerance=1e-3))
    assert check_bound(sloppy, y0, perturbation, lipschitz=0.5).all_hold
    loose, tight = (check_bound(net, y0, perturbation, lipschitz=0.5).allowance for net in (sloppy, exact))
    assert (loose[-1] >= tight[-1]).all()
    unfinished = BackwardEulerNet(field, 1.0, 1, solver=NewtonKrylov(max_iterations=1), on_failure="warn")
    with pytest.warns(ImplicitSolveWarning):
        check = check_bound(unfinished, y0, perturbation, lipschitz=0.5)
    # One iteration returns y_0: the residual is ‖h f(y_0)‖ of each solution, and G = 2.
    residual = field(torch.tensor(0.0), y0).norm(dim=1) + field(torch.tensor(0.0), y0 + perturbation).norm(dim=1)
    torch.testing.assert_close(check.allowance[1], 2 * residual.detach(), rtol=1e-10, atol=0.0)


def test_backward_euler_refuses_large_products_but_not_without_a_constant() -> None:
    net = BackwardEulerNet(lambda _t, y: -3 * y, 1.0, 2)
    y0 = normal(2, 2)
    with pytest.raises(ValueError, match="backward Euler has a growth bound from K alone only for hK < 1"):
        check_bound(net, y0, y0, lipschitz=3.0)
    check = check_bound(net, y0, y0)
    assert check.all_hold
    assert check.bound[-1].eq(math.inf).all()


def test_bad_arguments() -> None:
    net, y0 = EulerNet(lambda _t, y: y, 0.1, 2), torch.ones(2, 2)
    with pytest.raises(ValueError, match=r"`field_error_factor` must be at least 0, got -1\.0"):
        check_bound(net, y0, y0, field_error_factor=-1.0)
    with pytest.raises(ValueError, match=r"`lipschitz` must be at least 0, got -1\.0"):
        check_bound(net, y0, y0, lipschitz=-1.0)
    with pytest.raises(ValueError, match="`lipschitz` must hold one constant per step, 2, got 3"):
        check_bound(net, y0, y0, lipschitz=[1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="`perturbation` must have the shape"):
        check_bound(net, y0, torch.ones(2, 3))


def test_the_field_error_factor_widens_the_allowance() -> None:
    net, y0 = EulerNet(lambda _t, y: y, 0.1, 2), normal(2, 2)
    default, wide = (
        check_bound(net, y0, y0, lipschitz=1.0),
        check_bound(net, y0, y0, lipschitz=1.0, field_error_factor=1e6),
    )
    assert (wide.allowance[1:] > 1e3 * default.allowance[1:]).all()
    assert "field factor 1e+06" in wide.rounding
