"""Growth factors from K alone: exact arithmetic as the closed form, f = Ky as the tight case."""

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    MIDPOINT,
    RK4,
    THREE_EIGHTHS,
    BackwardEulerStepper,
    ButcherTableau,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)
from natrob_theory.steppers import AbstractStepper
from natrob_theory.strategies import step_sizes, tableaus

# Relative errors are bounded away from underflow only, which is where the outward rounding promises anything.
constants = st.just(0.0) | st.floats(1e-50, 10.0)


def polynomial(coefficients: list[Fraction]) -> Callable[[Fraction], Fraction]:
    return lambda x: sum((c * x**k for k, c in enumerate(coefficients)), Fraction(0))


def fractal(columns: int) -> Callable[[Fraction], Fraction]:
    def growth(x: Fraction) -> Fraction:
        value = x
        for _ in range(columns - 1):
            value = value * value / 2 + x / 2
        return value

    return growth


taylor = [Fraction(1, math.factorial(k)) for k in range(5)]
dopri5 = [Fraction(t) for t in ("1", "5579/3392", "391473/23744", "1466443/267120", "81/100", "1/18", "1/600")]

# (stepper, its growth factor as theory, section 1, prints it)
PRINTED = [
    (EulerStepper(), polynomial(taylor[:2])),
    (RungeKuttaStepper(EULER), polynomial(taylor[:2])),
    (RungeKuttaStepper(HEUN), polynomial(taylor[:3])),
    (RungeKuttaStepper(MIDPOINT), polynomial(taylor[:3])),
    (RungeKuttaStepper(BOGACKI_SHAMPINE), polynomial(taylor[:4])),
    (RungeKuttaStepper(RK4), polynomial(taylor)),
    (RungeKuttaStepper(DOPRI5), polynomial(dopri5)),
    (RungeKuttaStepper(THREE_EIGHTHS), polynomial(list(THREE_EIGHTHS.growth_polynomial()))),
    (RungeKuttaStepper(FEHLBERG45), polynomial(list(FEHLBERG45.growth_polynomial()))),
    (PolyNetStepper(1), polynomial([Fraction(1)] * 2)),
    (PolyNetStepper(2), polynomial([Fraction(1)] * 3)),
    (PolyNetStepper(5), polynomial([Fraction(1)] * 6)),
    (FractalNetStepper(1), fractal(1)),
    (FractalNetStepper(2), fractal(2)),
    (FractalNetStepper(4), fractal(4)),
]
IDS = [stepper.name for stepper, _ in PRINTED]


@pytest.mark.parametrize(("stepper", "printed"), PRINTED, ids=IDS)
@given(step_size=step_sizes(), lipschitz=constants)
def test_growth_is_the_printed_one_rounded_outward(
    stepper: AbstractStepper, printed: Callable[[Fraction], Fraction], step_size: float, lipschitz: float
) -> None:
    """Never below the exact value, above it by at most 1e-12: a factor 1 % too small would be seen."""
    exact = printed(Fraction(step_size) * Fraction(lipschitz))
    value = Fraction(stepper.growth_factor(step_size=step_size, lipschitz=lipschitz))
    assert exact <= value <= exact * (1 + Fraction(1e-12))
    assert value * Fraction(99, 100) < exact or exact == 0


@given(tableaus(), step_sizes(), constants)
def test_growth_of_any_tableau(tableau: ButcherTableau, step_size: float, lipschitz: float) -> None:
    exact = polynomial(list(tableau.growth_polynomial()))(Fraction(step_size) * Fraction(lipschitz))
    value = Fraction(RungeKuttaStepper(tableau).growth_factor(step_size=step_size, lipschitz=lipschitz))
    assert exact <= value <= exact * (1 + Fraction(1e-12))


@given(step_sizes(), st.floats(0.0, 0.999))
def test_backward_euler_growth(step_size: float, x: float) -> None:
    lipschitz = x / step_size
    exact = 1 / (1 - Fraction(step_size) * Fraction(lipschitz))
    value = Fraction(BackwardEulerStepper().growth_factor(step_size=step_size, lipschitz=lipschitz))
    # Outward by a few u/(1 − x), and 1 − x ≥ 1e-3.
    assert exact <= value <= exact * (1 + Fraction(3e-12))


@pytest.mark.parametrize("lipschitz", [1.0, 1.0 + 1e-15, 2.0, 1e300])
def test_backward_euler_has_no_bound_from_large_constants(lipschitz: float) -> None:
    with pytest.raises(
        ValueError, match=r"backward Euler has a growth bound from K alone only for hK < 1: `step_size`"
    ):
        BackwardEulerStepper().growth_factor(step_size=1.0, lipschitz=lipschitz)
    assert BackwardEulerStepper().growth(torch.tensor([lipschitz], dtype=torch.float64)).tolist() == [math.inf]


@pytest.mark.parametrize(
    ("stepper", "ratio"),
    [
        (EulerStepper(), 1 + 0.7),
        (RungeKuttaStepper(HEUN), 1 + 0.7 + 0.7**2 / 2),
        (RungeKuttaStepper(MIDPOINT), 1 + 0.7 + 0.7**2 / 2),
        (RungeKuttaStepper(RK4), 1 + 0.7 + 0.7**2 / 2 + 0.7**3 / 6 + 0.7**4 / 24),
        (BackwardEulerStepper(), 1 / 0.3),
        (PolyNetStepper(), 1 + 0.7 + 0.7**2),
        (FractalNetStepper(), 0.7**2 / 2 + 0.7 / 2),
    ],
    ids=lambda value: value.name if isinstance(value, AbstractStepper) else "",
)
def test_the_field_that_multiplies_by_the_constant_reaches_the_growth(stepper: AbstractStepper, ratio: float) -> None:
    step_size, lipschitz = 0.35, 2.0
    state = torch.tensor([[3.0, -4.0]], dtype=torch.float64)
    with torch.no_grad():
        grown = stepper.step(lambda _time, y: lipschitz * y, 0.0, state, step_size)
    factor = stepper.growth_factor(step_size=step_size, lipschitz=lipschitz)
    assert float(grown.norm()) / 5.0 == pytest.approx(ratio, rel=1e-12)
    assert float(grown.norm()) / 5.0 == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("stepper", [stepper for stepper, _ in PRINTED] + [RevNetStepper()], ids=[*IDS, "revnet"])
def test_overflow_gives_infinity(stepper: AbstractStepper) -> None:
    growth = stepper.growth_factor(step_size=1e200, lipschitz=1e200)
    assert growth == math.inf
    x = torch.tensor([0.0, math.inf, 1.0], dtype=torch.float64)[:, None, None].expand(3, stepper.couplings, 2)
    assert stepper.cumulative_growth(x)[2:].eq(math.inf).all()


@pytest.mark.parametrize(
    "stepper",
    [*(stepper for stepper, _ in PRINTED), RevNetStepper(), BackwardEulerStepper()],
    ids=[*IDS, "revnet", "backward Euler"],
)
@given(x=st.floats(0.0, 0.9), gap=st.floats(0.0, 0.05))
def test_growth_does_not_fall_with_the_constant_and_steps_multiply(
    stepper: AbstractStepper, x: float, gap: float
) -> None:
    pair = torch.tensor([x, x + gap], dtype=torch.float64)
    smaller, larger = stepper.growth(pair).tolist()
    assert smaller <= larger
    cumulative = stepper.cumulative_growth(pair[:, None].expand(2, stepper.couplings))
    assert float(cumulative[0]) == pytest.approx(1.0, abs=1e-13)
    assert float(cumulative[1]) == pytest.approx(smaller, rel=1e-13)
    if not isinstance(stepper, RevNetStepper):  # its norms are below the product: test_revnet_stepper.py
        assert float(cumulative[2]) == pytest.approx(smaller * larger, rel=1e-13)


@pytest.mark.parametrize("stepper", [EulerStepper(), RungeKuttaStepper(RK4), RevNetStepper(), BackwardEulerStepper()])
@pytest.mark.parametrize(
    ("step_size", "lipschitz", "message"),
    [
        (0.0, 1.0, r"`step_size` must be greater than 0, got 0\.0"),
        (-0.5, 1.0, r"`step_size` must be greater than 0, got -0\.5"),
        (math.inf, 1.0, "`step_size` must be finite, got inf"),
        (0.1, -1.0, r"`lipschitz` must be at least 0, got -1\.0"),
        (0.1, math.nan, "`lipschitz` must be finite, got nan"),
    ],
)
def test_bad_arguments(stepper: AbstractStepper, step_size: float, lipschitz: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stepper.growth_factor(step_size=step_size, lipschitz=lipschitz)


def test_bad_settings(unchecked: None) -> None:
    with pytest.raises(TypeError, match="`tableau` must be a ButcherTableau, got str"):
        RungeKuttaStepper("rk4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`columns` must be at least 1, got 0"):
        FractalNetStepper(0)
    with pytest.raises(ValueError, match="`order` must be at least 1, got 0"):
        PolyNetStepper(0)
    with pytest.raises(ValueError, match='`on_failure` must be "raise" or "warn", got \'ignore\''):
        BackwardEulerStepper(on_failure="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stepper", "evaluations"),
    [
        (EulerStepper(), 1),
        (RungeKuttaStepper(RK4), 4),
        (RungeKuttaStepper(DOPRI5), 6),  # the seventh stage serves error control only
        (RungeKuttaStepper(BOGACKI_SHAMPINE), 3),
        (PolyNetStepper(3), 3),
        (FractalNetStepper(3), 7),  # 2³ − 1
        (BackwardEulerStepper(), 1),
    ],
    ids=lambda value: value.name if isinstance(value, AbstractStepper) else "",
)
def test_evaluations_are_those_of_the_step(stepper: AbstractStepper, evaluations: int) -> None:
    start = torch.ones(2, 3, dtype=torch.float64)

    def field(time: Tensor, state: Tensor) -> Tensor:
        return torch.sin(state) + time

    after, notes = stepper.step_with_evaluations(field, 0.5, start, 0.1)
    assert torch.equal(after, stepper.step(field, 0.5, start, 0.1))
    assert len(notes) == evaluations
    for point, value in notes:
        # The value is that of the field at the point, at one of the times inside the step.
        shift = (value - torch.sin(point)).flatten()
        assert torch.allclose(shift, shift[0].expand(6))
        assert 0.5 - 1e-12 <= float(shift[0]) <= 0.6 + 1e-12
