"""The local error of one step: attained by a zigzag, by linear fields; sound on fields with known flows."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    RK4,
    TABLEAUS,
    THREE_EIGHTHS,
    ButcherTableau,
    DissipativeField,
    GradientFlowField,
    LinearField,
    RungeKuttaStepper,
    SkewSymmetricField,
    SumField,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive import AffineRemainder, FlowConstants, affine_remainder, error_rate, local_error
from natrob_theory.checks import ZigzagField

named = pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda tableau: tableau.name)


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def constants(lipschitz: float, one_sided: float, *, affine: tuple[float, float] | None = None) -> FlowConstants:
    known = None if affine is None else AffineRemainder(linear=number(affine[0]), remainder=number(affine[1]))
    return FlowConstants(lipschitz=number(lipschitz), one_sided=number(one_sided), affine=known)


def miss_of_zigzag(tableau: ButcherTableau, x: float) -> float:
    """‖Ψ_h(0) − φ_h(0)‖ for h = 1 and K = x."""
    field = ZigzagField(tableau, 1.0, x)
    start = torch.zeros(1, 2, dtype=torch.float64)
    return float((RungeKuttaStepper(tableau).step(field, 0.0, start, 1.0) - field.flow(start, 1.0)).norm())


@named
def test_the_zigzag_misses_by_exactly_its_constant(tableau: ButcherTableau) -> None:
    kappa = float(tableau.local_error_constants().weights)
    assert miss_of_zigzag(tableau, 0.01) == pytest.approx(0.01 * kappa, rel=1e-12)


@named
@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
def test_the_constant_is_sharp_and_one_percent_less_is_caught(
    tableau: ButcherTableau, factor: float, exceeded: bool
) -> None:
    x = 1e-4
    bound = factor * float(local_error(tableau, number(1.0), constants(x, x)))
    assert (miss_of_zigzag(tableau, x) > bound) is exceeded


@pytest.mark.parametrize(
    ("tableau", "x", "ratio"),
    [(HEUN, 0.01, 0.98), (BOGACKI_SHAMPINE, 0.01, 0.98), (RK4, 0.01, 0.98), (DOPRI5, 0.01, 0.9), (HEUN, 0.1, 0.86)],
    ids=lambda value: value.name if isinstance(value, ButcherTableau) else str(value),
)
def test_the_zigzag_comes_near_the_bound_at_ordinary_steps(tableau: ButcherTableau, x: float, ratio: float) -> None:
    found = miss_of_zigzag(tableau, x) / float(local_error(tableau, number(1.0), constants(x, 0.5 * x)))
    assert ratio < found < 1.0


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
@pytest.mark.parametrize("tableau", [EULER, HEUN, RK4, BOGACKI_SHAMPINE], ids=lambda tableau: tableau.name)
def test_the_linear_part_is_tight_on_growth(tableau: ButcherTableau, factor: float, exceeded: bool) -> None:
    """y′ = y: all terms of e^h − R(h) have one sign. A remainder of 0 leaves the linear part alone."""
    h, known = 0.5, constants(1.0, 1.0, affine=(1.0, 0.0))
    step = RungeKuttaStepper(tableau).step(lambda _t, y: y, 0.0, torch.ones(1, 1, dtype=torch.float64), h)
    bound = factor * float(local_error(tableau, number(h), known))
    assert (math.exp(h) - float(step) > bound * (1 + 1e-9)) is exceeded
    assert math.exp(h) - float(step) > 0.98 * bound


def test_gradient_flows_halve_the_bound_for_order_two_and_more() -> None:
    """The factors at x = 0.001, 0.02 and 0.1: by kernels less than half where stages are many."""
    x = torch.tensor([0.001, 0.02, 0.1], dtype=torch.float64)
    whole, halves = constants(1.0, 0.0), constants(1.0, 0.0, affine=(0.5, 0.5))
    for tableau, factors in (
        (HEUN, (0.50, 0.51, 0.53)),
        (BOGACKI_SHAMPINE, (0.50, 0.50, 0.51)),
        (DOPRI5, (0.50, 0.463, 0.387)),
        (EULER, (1.0, 1.0, 1.0)),
    ):
        found = local_error(tableau, x, halves) / local_error(tableau, x, whole)
        torch.testing.assert_close(found, torch.tensor(factors, dtype=torch.float64), rtol=0.0, atol=6e-3)


def test_a_small_remainder_leaves_little_of_the_bound() -> None:
    """K_ρ = K/50, a = x: the factors at x = 0.02 and 0.1 as derived apart from this code."""
    x = torch.tensor([0.02, 0.1], dtype=torch.float64)
    whole, little = constants(1.0, 0.0), constants(1.0, 0.0, affine=(1.0, 0.02))
    for tableau, factors in (
        (HEUN, (0.033, 0.083)),
        (BOGACKI_SHAMPINE, (0.020, 0.024)),
        (RK4, (0.020, 0.021)),
        (DOPRI5, (0.017, 0.011)),
    ):
        found = local_error(tableau, x, little) / local_error(tableau, x, whole)
        torch.testing.assert_close(found, torch.tensor(factors, dtype=torch.float64), rtol=0.0, atol=6e-4)


def random_field(kind: str, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    flow = GradientFlowField.dense(3, 6).double()
    skew = SkewSymmetricField.dense(3).double()
    fields = {
        "gradient flow": flow,
        "linear": LinearField(torch.randn(3, 3, dtype=torch.float64)),
        "skew": skew,
        "skew and gradient flow": SumField([skew, flow]),
        "damped": DissipativeField(SumField([skew, flow]), 0.3),
    }
    return fields[kind]


@pytest.mark.parametrize("kind", ["gradient flow", "linear", "skew", "skew and gradient flow", "damped"])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**31), scale=st.floats(0.01, 1.0), place=st.integers(0, len(TABLEAUS) - 1))
def test_one_step_misses_the_flow_by_at_most_the_bound(kind: str, seed: int, scale: float, place: int) -> None:
    """The flow by 100 steps of RK4, whose own error at a kink is 10⁻⁴ of the bound."""
    field, tableau = random_field(kind, seed), TABLEAUS[place]
    constant = float(lipschitz_upper_bound(field, input_shape=(3,)))
    mu = float(one_sided_lipschitz_upper_bound(field, input_shape=(3,)))
    h = scale / constant
    known = constants(constant, min(mu, constant))
    refined = FlowConstants(lipschitz=known.lipschitz, one_sided=known.one_sided, affine=affine_remainder(field, (3,)))
    y = 2.0 * torch.randn(8, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        speed = field(number(0.0), y).norm(dim=1)
        missed = (RungeKuttaStepper(tableau).step(field, 0.0, y, h) - fine(field, y, h)).norm(dim=1)
    for used in (known, refined):
        bound = speed * float(local_error(tableau, number(h), used))
        assert (missed <= 1.001 * bound + 1e-13).all()


def fine(field: torch.nn.Module, y: Tensor, duration: float, steps: int = 100) -> Tensor:
    for _ in range(steps):
        y = RungeKuttaStepper(RK4).step(field, 0.0, y, duration / steps)
    return y


def test_linear_parts_of_structured_fields() -> None:
    flow, skew = GradientFlowField.dense(3, 6).double(), SkewSymmetricField.dense(3).double()
    largest, rotation = (float(lipschitz_upper_bound(field, input_shape=(3,))) for field in (flow, skew))
    for field, linear, remainder in (
        (flow, 0.5 * largest, 0.5 * largest),
        (skew, rotation, 0.0),
        (SumField([skew, flow]), math.hypot(0.5 * largest, rotation), 0.5 * largest),
        (DissipativeField(flow, 1.0), 0.5 * (largest + 2.0), 0.5 * largest),
    ):
        found = affine_remainder(field, (3,))
        assert found is not None
        assert float(found.linear) == pytest.approx(linear, rel=1e-12)
        assert float(found.remainder) == pytest.approx(remainder, rel=1e-12, abs=1e-12)
    assert affine_remainder(torch.nn.Linear(3, 3).double(), (3,)) is None
    assert affine_remainder(torch.nn.Softmax(dim=1), (3,)) is None


@given(st.floats(1e-3, 1.0), st.floats(-1.0, 1.0), st.sampled_from(TABLEAUS))
def test_the_rate_covers_every_smaller_step(largest: float, share: float, tableau: ButcherTableau) -> None:
    """e^{−μh}ℓ(h)/h ≤ λ(H) for h ≤ H, with and without a linear part."""
    h = largest * torch.linspace(1e-3, 1.0, 50, dtype=torch.float64)
    for affine in (None, (1.0, 1.0)):
        known = constants(2.0, 2.0 * share, affine=affine)
        weighted = torch.exp(-2.0 * share * h) * local_error(tableau, h, known) / h
        assert (weighted <= float(error_rate(tableau, largest, known)) * (1 + 1e-12)).all()


def test_nodes_beyond_the_step_follow_the_flow_farther() -> None:
    fractions = FEHLBERG45.c  # any Fractions
    one, zero = type(fractions[0])(1), type(fractions[0])(0)
    ahead = ButcherTableau(
        name="looks ahead", a=((zero, zero), (2 * one, zero)), b=(one * 3 / 4, one / 4), c=(zero, 2 * one),
        order=2, source="this test",
    )  # fmt: skip
    h = number(0.1)
    at_rest, growing = constants(1.0, 0.0), constants(1.0, 1.0)
    found = float(local_error(ahead, h, growing) / local_error(ahead, h, at_rest))
    assert found == pytest.approx(math.exp(0.2), rel=1e-12)
    assert float(error_rate(ahead, 0.1, growing) / error_rate(ahead, 0.1, at_rest)) == pytest.approx(math.exp(0.1))


def test_extreme_sizes_stay_bounds() -> None:
    huge, tiny, still = constants(1e200, 0.0, affine=(1e200, 1e200)), constants(1e-200, 0.0), constants(0.0, 0.0)
    assert float(local_error(HEUN, number(1.0), huge)) == math.inf
    assert float(local_error(HEUN, number(1e-200), tiny)) > 0.0
    assert float(local_error(THREE_EIGHTHS, number(1.0), still)) == 0.0
    assert float(local_error(THREE_EIGHTHS, number(0.0), huge)) == 0.0
    assert float(error_rate(HEUN, 1.0, still)) == 0.0
