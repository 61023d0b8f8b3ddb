"""growth_bound from (μ, K): the smaller factor per step, sound, tight, and its source says what it used."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import BackwardEulerNet, Bound, EulerNet, HeunNet, LinearField, RevNet, check_bound
from natrob_theory.steppers.abstract_stepper import contracting_product
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes

IDENTITY = lambda _t, y: y  # noqa: E731
ROTATION = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.floats(-2.0, 2.0), step_sizes(1e-3, 5.0), st.integers(1, 20))
def test_euler_in_closed_form(mu: float, h: float, steps: int) -> None:
    value = float(EulerNet(IDENTITY, h, steps).growth_bound(2.0, one_sided=mu))
    # K(cos φ + J sin φ)y attains it; the absolute part is what the outward rounding adds near h = −1/μ.
    exact = math.sqrt(max(1 + 2 * h * mu + 4 * h * h, 0.0))
    assert value >= exact**steps * (1 - 1e-13)
    assert value <= (exact + 1e-7 * (1 + 2 * h)) ** steps * (1 + 1e-12)


def test_euler_smaller_factor_and_its_source() -> None:
    net = EulerNet(IDENTITY, 1.0, 4)
    skew = net.growth_bound(3.0, one_sided=0.0)
    assert float(skew) == pytest.approx(100.0, rel=1e-12)
    assert skew.source == "Euler's method from (μ, K): Π √(1 + 2hμ + h²K²)"
    assert "one-sided Lipschitz constant at most μ = 0, as given" in skew.assumptions[1]
    alone = net.growth_bound(3.0, one_sided=3.0)
    assert alone.value == net.growth_bound(3.0).value
    assert alone.source.endswith("from K alone, (μ, K) gives no less")
    assert len(alone.assumptions) == 1
    assert net.growth_bound(3.0).source == "(10): Π (1 + h_n K_n)"


def test_constants_per_step_are_used_where_they_help() -> None:
    mixed = EulerNet(IDENTITY, 1.0, 3).growth_bound(2.0, one_sided=[2.0, 0.0, -2.0])
    assert float(mixed) == pytest.approx(3.0 * math.sqrt(5.0) * 1.0, rel=1e-7)
    assert "in 2 of 3 steps, elsewhere (10)" in mixed.source
    with pytest.raises(ValueError, match="`one_sided` must hold one constant per step, 3, got 2"):
        EulerNet(IDENTITY, 1.0, 3).growth_bound(2.0, one_sided=[1.0, 1.0])


def test_backward_euler_has_a_bound_where_k_alone_gives_none() -> None:
    net = BackwardEulerNet(IDENTITY, 1.0, 3)
    with pytest.raises(ValueError, match="only for hK < 1"):
        net.growth_bound(5.0)
    bound = net.growth_bound(5.0, one_sided=-1.0)
    assert float(bound) == pytest.approx(1 / 8, rel=1e-12)
    assert "1/(1 − hμ)" in bound.source
    assert float(net.growth_bound(1e6, one_sided=0.0)) == pytest.approx(1.0, rel=1e-12)
    # hμ ≥ 1 and hK ≥ 1: nothing is left.
    with pytest.raises(ValueError, match="only for hK < 1"):
        net.growth_bound(5.0, one_sided=2.0)
    assert float(net.growth_bound(0.5, one_sided=0.5)) == pytest.approx(8.0, rel=1e-12)


@pytest.mark.parametrize("build", [HeunNet, lambda f, h, n: RevNet((f, f), h, n)])
def test_methods_without_a_formula_leave_mu_aside_and_say_so(build: Any) -> None:
    net = build(IDENTITY, 0.5, 2)
    bound = net.growth_bound(1.0, one_sided=-1.0)
    assert bound.value == net.growth_bound(1.0).value
    assert "from K alone" in bound.source
    assert "has no formula from (μ, K)" in bound.source
    assert net.growth_bound(1.0, one_sided=Bound(value=0.0, kind="lower")).kind == "upper"


def test_kinds() -> None:
    net = EulerNet(IDENTITY, 1.0, 2)
    lower = Bound(value=0.0, kind="lower", source="a search")
    doubtful = net.growth_bound(2.0, one_sided=lower)
    assert doubtful.kind == "estimate"
    assert "μ = 0, a lower bound from: a search" in doubtful.assumptions
    assert net.growth_bound(Bound(value=2.0, kind="lower"), one_sided=0.0).kind == "estimate"
    assert net.growth_bound(2.0, one_sided=Bound(value=0.0, kind="upper")).kind == "upper"


def test_mu_below_minus_k_contradicts_itself_unless_it_is_an_estimate() -> None:
    net = EulerNet(IDENTITY, 0.5, 2)
    with pytest.raises(ValueError, match=r"`one_sided` must be at least −K = -1\.0, got -1\.5"):
        net.growth_bound(1.0, one_sided=-1.5)
    found = Bound(value=-1.5, kind="estimate")
    assert float(net.growth_bound(1.0, one_sided=found)) == pytest.approx(0.25, rel=1e-13)
    with pytest.raises(ValueError, match="`one_sided` must be finite, got nan"):
        net.growth_bound(1.0, one_sided=math.nan)


def test_products_that_would_underflow_on_the_way_stay_bounds() -> None:
    factors = torch.tensor([1e-200, 1e-200, 1e200, 1e100], dtype=torch.float64)
    assert contracting_product(factors)[-1] >= 1e-100
    assert 0 < float(BackwardEulerNet(IDENTITY, 1.0, 400).growth_bound(9.0, one_sided=-9.0)) <= 1e-289


@given(fields(dimension=3), step_sizes(1e-6, 5.0), perturbations((4, 3)), st.integers(0, 2**32 - 1))
def test_measured_divergence_keeps_the_bound_from_both(
    known: KnownField, h: float, perturbation: Tensor, seed: int
) -> None:
    net = EulerNet(known.field, h, 4)
    y0 = normal(4, 3, seed=seed)
    for lipschitz in (known.lipschitz, None):
        check = check_bound(net, y0, perturbation, lipschitz=lipschitz, one_sided=known.one_sided)
        assert check.all_hold
        assert check.kind == "upper"
        assert (check.bound <= check_bound(net, y0, perturbation, lipschitz=lipschitz).bound * (1 + 1e-13)).all()


@given(fields(dimension=3), step_sizes(1e-6, 5.0), perturbations((4, 3)), st.integers(0, 2**32 - 1))
def test_implicit_steps_keep_it_at_any_hk(known: KnownField, h: float, perturbation: Tensor, seed: int) -> None:
    if h * known.one_sided >= 0.9:
        h = 0.9 / known.one_sided
    if known.one_sided > 0 and h * known.lipschitz > 3:
        h = 3 / known.lipschitz  # Newton's method is not promised to converge for expanding fields
    net = BackwardEulerNet(known.field, h, 3)
    y0 = normal(4, 3, seed=seed)
    for lipschitz in (known.lipschitz, None):
        check = check_bound(net, y0, perturbation, lipschitz=lipschitz, one_sided=known.one_sided)
        assert check.all_hold
        assert check.bound.isfinite().all()
        assert check.allowance.isfinite().all()


@pytest.mark.parametrize(("net_class", "h"), [(EulerNet, 0.7), (BackwardEulerNet, 2.0)])
def test_the_tight_case_and_a_bound_one_percent_too_small(
    net_class: Any, h: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turning, decaying field for Euler, −3y for backward Euler, with hK far beyond 1."""
    matrix = -1.0 * torch.eye(2) + 2.0 * ROTATION if net_class is EulerNet else -3.0 * torch.eye(2)
    lipschitz, mu = (math.sqrt(5.0), -1.0) if net_class is EulerNet else (3.0, -3.0)
    net = net_class(LinearField(matrix.double()), h, 4)
    y0, perturbation = normal(3, 2), normal(3, 2, seed=1)
    check = check_bound(net, y0, perturbation, lipschitz=lipschitz * (1 + 1e-15), one_sided=mu)
    assert check.all_hold
    assert check.ratio[1:].min().item() == pytest.approx(1.0, abs=1e-9)
    true_growth = net.stepper.growth_factors[0].growth
    monkeypatch.setattr(net.stepper.growth_factors[0], "growth", lambda step: 0.99 * true_growth(step))
    assert not check_bound(net, y0, perturbation, lipschitz=lipschitz, one_sided=mu).holds[1:].any()


def test_a_constant_too_small_is_caught_and_an_estimate_refutes_only_itself() -> None:
    net = EulerNet(LinearField(3.0 * ROTATION), 1.0, 2)
    y0, perturbation = normal(3, 2), normal(3, 2, seed=1)
    claimed = check_bound(net, y0, perturbation, lipschitz=3.0, one_sided=-0.1)
    assert not claimed.holds[1:].any()
    assert claimed.kind == "upper"
    estimated = Bound(value=-0.1, kind="lower")
    assert check_bound(net, y0, perturbation, lipschitz=3.0, one_sided=estimated).kind == "estimate"
    assert check_bound(net, y0, perturbation, one_sided=estimated).kind == "estimate"


def test_a_small_step_is_sufficient_for_contraction_and_not_necessary() -> None:
    """f = −diag(1, 10)y at h = 0.15, far above −2μ/K² = 0.02: the method contracts, the bound from (μ, K) exceeds 1."""
    field = LinearField(-torch.diag(torch.tensor([1.0, 10.0], dtype=torch.float64)))
    y0, perturbation = normal(4, 2), normal(4, 2, seed=1)
    net = EulerNet(field, 0.15, 3)
    check = check_bound(net, y0, perturbation, lipschitz=10.0, one_sided=-1.0)
    assert bool((check.distance[1:] < check.distance[:-1]).all())
    bound = net.growth_bound(10.0, one_sided=-1.0)
    assert float(bound) > 1.0
    assert bound.kind == "upper"  # it bounds the growth from above, and says of no distance that it grows
    assert check.all_hold
    assert float(EulerNet(field, 0.0199, 3).growth_bound(10.0, one_sided=-1.0)) < 1.0
