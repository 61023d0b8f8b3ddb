import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_theory import (
    DOPRI5,
    Bound,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    LinearField,
    RungeKuttaNet,
    RungeKuttaStepper,
    discrete_bound,
    exponential_bound,
    gradient_flow_bound,
    lipschitz_upper_bound,
)
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.strategies import step_sizes

constants = st.floats(0.0, 10.0)


@given(step_sizes(), constants, st.integers(1, 50))
def test_discrete_bound_against_exact_arithmetic(step_size: float, lipschitz: float, steps: int) -> None:
    exact = (1 + Fraction(step_size) * Fraction(lipschitz)) ** steps
    value = Fraction(float(discrete_bound(step_size, lipschitz, steps)))
    assert exact <= value <= exact * (1 + steps * Fraction(1e-14))
    # A bound 1 % too small is seen.
    assert value * Fraction(99, 100) < exact


def taylor_of_exp(x: Fraction, terms: int) -> Fraction:
    total, term = Fraction(0), Fraction(1)
    for k in range(terms):
        total += term
        term = term * x / (k + 1)
    return total


@given(st.floats(0.0, 3.0), st.floats(-5.0, 5.0), st.floats(0.0, 3.0))
def test_exponential_bound_against_a_partial_sum(lipschitz: float, start: float, span: float) -> None:
    end = start + span
    x = Fraction(lipschitz) * (Fraction(end) - Fraction(start))
    value = Fraction(float(exponential_bound(lipschitz, start, end)))
    # 60 terms of the series leave out less than 9^60/60!·2 < 1e-24 of a sum that is at least 1.
    partial = taylor_of_exp(x, 60)
    assert partial <= value <= partial * (1 + Fraction(1e-13))


@given(step_sizes(), constants, st.integers(1, 1000))
def test_equation_10_is_at_most_equation_11_for_every_step_size(h: float, lipschitz: float, steps: int) -> None:
    # Both are rounded outward, (10) by at most 8n + 8 times 2u (5n in the
    # base, 3n in the power): for tiny hK that exceeds the gap between them.
    allowance = 1.0 + (8 * steps + 8) * EPSILON
    discrete = float(discrete_bound(h, lipschitz, steps))
    exponential = float(exponential_bound(lipschitz, 0.0, h * steps))
    assert discrete <= exponential * allowance


def test_many_small_steps_approach_the_exponential() -> None:
    limit = float(exponential_bound(1.5, 0.5, 2.5))
    gaps = [limit - float(discrete_bound(2.0 / n, 1.5, n)) for n in (10, 100, 1000, 10_000)]
    assert gaps[0] > gaps[1] > gaps[2] > gaps[3] > 0
    # (1 + KT/n)^n = e^{KT}(1 − (KT)²/2n + …)
    assert gaps[3] == pytest.approx(limit * 9.0 / (2 * 10_000), rel=1e-2)


def test_at_step_size_one_the_discrete_constant_is_the_smaller() -> None:
    assert float(discrete_bound(1.0, 2.0, 5)) == pytest.approx(243.0, rel=1e-13)
    assert float(discrete_bound(1.0, 2.0, 5)) < float(exponential_bound(2.0, 0.0, 5.0))


def test_overflow_gives_infinity() -> None:
    assert float(discrete_bound(10.0, 1e300, 3)) == math.inf
    assert float(discrete_bound(1e200, 1e200, 1)) == math.inf
    assert float(exponential_bound(1e3, 0.0, 1.0)) == math.inf


def test_no_growth_without_a_constant_or_time() -> None:
    assert float(discrete_bound(1.0, 0.0, 10)) == pytest.approx(1.0, abs=1e-13)
    assert float(exponential_bound(5.0, 2.0, 2.0)) == pytest.approx(1.0, abs=1e-13)


def test_one_dormand_prince_step_grows_by_more_than_the_exponential() -> None:
    """The witness of theory, section 2: y′ = y, one dopri5 step with h = 1 grows by 2.71833 > e."""
    net = RungeKuttaNet(LinearField(torch.eye(1, dtype=torch.float64)), 1.0, 1, tableau=DOPRI5)
    grown = net(torch.ones(1, 1, dtype=torch.float64)).item()
    assert grown == pytest.approx(1 + 1 + 1 / 2 + 1 / 6 + 1 / 24 + 1 / 120 + 1 / 600, rel=1e-14)
    assert f"{grown:.5f}" == "2.71833"
    assert grown > math.e
    # So (11) is no bound of this method, while the method's own growth factor is one.
    assert grown > float(exponential_bound(1.0, 0.0, 1.0))
    assert grown <= RungeKuttaStepper(DOPRI5).growth_factor(step_size=1.0, lipschitz=1.0)


def test_euler_net_and_discrete_bound_agree() -> None:
    net = EulerNet(LinearField(torch.eye(2)), 0.25, 7)
    assert float(net.growth_bound(1.5)) == pytest.approx(float(discrete_bound(0.25, 1.5, 7)), rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 1.0, 1), "`step_size` must be greater than 0, got 0.0"),
        ((-1.0, 1.0, 1), "`step_size` must be greater than 0, got -1.0"),
        ((math.nan, 1.0, 1), "`step_size` must be finite, got nan"),
        ((1.0, -1.0, 1), "`lipschitz` must be at least 0, got -1.0"),
        ((1.0, 1.0, 0), "`steps` must be at least 1, got 0"),
    ],
)
def test_discrete_bound_refuses(arguments: tuple[float, float, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        discrete_bound(*arguments)


def test_exponential_bound_refuses() -> None:
    with pytest.raises(ValueError, match=r"`end_time` must be at least `start_time` = 1\.0, got 0\.5"):
        exponential_bound(1.0, 1.0, 0.5)
    with pytest.raises(ValueError, match="`start_time` must be finite, got -inf"):
        exponential_bound(1.0, -math.inf, 0.5)
    with pytest.raises(ValueError, match="`lipschitz` must be at least 0"):
        exponential_bound(-1.0, 0.0, 1.0)


@given(st.floats(-3.0, 3.0), st.floats(0.0, 3.0))
def test_the_exact_flow_under_a_one_sided_constant(one_sided: float, span: float) -> None:
    bound = exponential_bound(3.0, 0.0, span, one_sided=one_sided)
    exact = math.exp(one_sided * span)
    assert exact * (1 - 1e-15) <= float(bound) <= exact * (1 + 1e-13)
    assert 0.99 * float(bound) < exact


@given(st.floats(0.0, 5.0), st.floats(0.0, 3.0))
def test_a_contractive_flow_keeps_its_bound(decay: float, span: float) -> None:
    """y′ = −decay·y is solved exactly, and e^{μT} is attained."""
    assert math.exp(-decay * span) <= float(exponential_bound(decay, 0.0, span, one_sided=-decay))


def test_the_source_says_for_what_the_exponential_holds() -> None:
    from_lipschitz = exponential_bound(2.0, 0.0, 1.0)
    assert "Euler steps of any size" in from_lipschitz.source
    from_one_sided = exponential_bound(2.0, 0.0, 1.0, one_sided=-1.0)
    assert "exact flow only" in from_one_sided.source
    assert "Euler" not in from_one_sided.source
    # μ ≥ K says nothing new.
    assert exponential_bound(2.0, 0.0, 1.0, one_sided=2.5) == from_lipschitz


def test_the_kind_is_that_of_the_constant_in_use() -> None:
    lower = Bound(value=1.0, kind="lower")
    assert exponential_bound(2.0, 0.0, 1.0, one_sided=lower).kind == "estimate"
    assert exponential_bound(lower, 0.0, 1.0, one_sided=0.5).kind == "upper"
    assert exponential_bound(2.0, 0.0, 1.0, one_sided=Bound(value=3.0, kind="lower")).kind == "upper"
    assert gradient_flow_bound(1.0, lower, 2).kind == "estimate"
    assert gradient_flow_bound(1.0, 2.0, 2, one_sided=Bound(value=-1.0, kind="estimate")).kind == "estimate"


def test_what_would_underflow_stays_a_bound() -> None:
    assert 0.0 < float(exponential_bound(1e4, 0.0, 1.0, one_sided=-1e4)) <= 1e-289
    assert 0.0 < float(gradient_flow_bound(0.5, 1.0, 5000, one_sided=-1.0)) <= 1e-289


@given(step_sizes(1e-3, 10.0), st.floats(0.0, 3.0), st.floats(0.0, 1.0), st.integers(1, 20))
def test_the_gradient_flow_bound_in_closed_form(h: float, lipschitz: float, share: float, steps: int) -> None:
    mu = -share * lipschitz
    exact = max(abs(1 - Fraction(h) * Fraction(lipschitz)), abs(1 + Fraction(h) * Fraction(mu))) ** steps
    value = Fraction(float(gradient_flow_bound(h, lipschitz, steps, one_sided=mu)))
    assert exact <= value <= exact * (1 + Fraction(1e-12)) + Fraction(1e-12) * (1 + Fraction(h) * 3) ** steps


def test_the_gradient_flow_bound_is_attained_on_both_sides_of_its_corner() -> None:
    """−diag(β, ρ)y: below h = 2/(β + ρ) the slow direction decides, beyond it the fast one."""
    field = LinearField(-torch.diag(torch.tensor([3.0, 0.5], dtype=torch.float64)))
    for h in (0.1, 0.5, 1.0, 2.0):
        bound = float(gradient_flow_bound(h, 3.0, 4, one_sided=-0.5))
        grown = EulerNet(field, h, 4)(torch.eye(2, dtype=torch.float64)).norm(dim=1).max().item()
        assert grown <= bound * (1 + 1e-14)
        assert grown > 0.99 * bound
    assert float(gradient_flow_bound(2 / 3, 3.0, 100)) == pytest.approx(1.0, abs=1e-12)
    assert float(gradient_flow_bound(1.0, 3.0, 3)) == pytest.approx(8.0, rel=1e-12)


@given(st.integers(0, 2**32 - 1), step_sizes(1e-2, 10.0), st.floats(0.0, 2.0))
def test_euler_on_a_gradient_flow_never_exceeds_it(seed: int, h: float, rate: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    gradient_flow = GradientFlowField(nn.Linear(3, 4, dtype=torch.float64), nn.ReLU())
    gradient_flow.linear_map.weight.data = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    field = DissipativeField(gradient_flow, rate)
    lipschitz = lipschitz_upper_bound(field, input_shape=(3,))
    y, z = (torch.randn(8, 3, generator=generator, dtype=torch.float64) for _ in range(2))
    with torch.no_grad():
        grown = (EulerNet(field, h, 3)(z) - EulerNet(field, h, 3)(y)).norm(dim=1) / (z - y).norm(dim=1)
    bound = float(gradient_flow_bound(h, lipschitz, 3, one_sided=-rate))
    assert (grown <= bound + 1e-13 * (1 + h * float(lipschitz)) ** 3).all()


def test_the_gradient_flow_bound_refuses() -> None:
    for mu in (0.1, -1.1):
        with pytest.raises(ValueError, match=r"`one_sided` must be between −K = -1\.0 and 0 for a gradient flow"):
            gradient_flow_bound(0.1, 1.0, 2, one_sided=mu)
    with pytest.raises(ValueError, match="`steps` must be at least 1, got 0"):
        gradient_flow_bound(0.1, 1.0, 0)
