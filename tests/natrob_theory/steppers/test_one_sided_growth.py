"""Growth from the one-sided constant μ: theory, section 1, last column, and section 3."""

import math
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_theory import (
    RK4,
    BackwardEulerStepper,
    EulerStepper,
    FractalNetStepper,
    LinearField,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)
from natrob_theory.steppers import AbstractStepper
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes

ROTATION = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)


@given(step_sizes(1e-6, 10.0), st.floats(0.01, 3.0))
def test_euler_is_tight_for_skew_fields(step_size: float, lipschitz: float) -> None:
    state = torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    grown = EulerStepper().step(LinearField(lipschitz * ROTATION), 0.0, state, step_size).norm().item()
    factor = EulerStepper().growth_factor(step_size=step_size, lipschitz=lipschitz, one_sided=0.0)
    assert factor == pytest.approx(math.hypot(1.0, step_size * lipschitz), rel=1e-13)
    assert factor == pytest.approx(grown, rel=1e-12)
    assert factor * 0.99 < grown


@given(step_sizes(1e-6, 10.0), st.floats(-1.0, 1.0), st.floats(0.01, 3.0))
def test_euler_is_tight_for_rotating_decay(step_size: float, cosine: float, lipschitz: float) -> None:
    """A = K(c I + s J) has ‖A‖ = K and μ = cK; I + hA stretches every vector by √(1 + 2hμ + h²K²)."""
    sine = math.sqrt(1.0 - cosine**2)
    matrix = lipschitz * (cosine * torch.eye(2, dtype=torch.float64) + sine * ROTATION)
    state = torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    grown = EulerStepper().step(LinearField(matrix), 0.0, state, step_size).norm().item()
    factor = EulerStepper().growth_factor(
        step_size=step_size, lipschitz=lipschitz, one_sided=max(cosine * lipschitz, -lipschitz)
    )
    # Near h = −1/μ the factor tends to 0, and both sides lose digits to cancellation: hence the absolute part,
    # √(rounding of the square) · (1 + x).
    x = step_size * lipschitz
    assert factor == pytest.approx(grown, rel=1e-12, abs=1e-7 * (1 + x))
    assert factor >= grown - 1e-15 * (1 + x)


@given(fields(dimension=3), step_sizes(1e-6, 10.0), perturbations((4, 3), smallest=1e-3), st.integers(0, 2**32 - 1))
def test_euler_never_exceeds_it(known: KnownField, step_size: float, perturbation: torch.Tensor, seed: int) -> None:
    y = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    factor = EulerStepper().growth_factor(
        step_size=step_size, lipschitz=known.lipschitz, one_sided=max(known.one_sided, -known.lipschitz)
    )
    one, other = (EulerStepper().step(known.field, 0.3, state, step_size) for state in (y, y + perturbation))
    grown = (other - one).norm(dim=1)
    # Rounding: both states and slopes are of size at most (1 + x)(‖y‖ + ‖ε‖ + 5).
    size = (1 + step_size * known.lipschitz) * (y.norm(dim=1) + perturbation.norm(dim=1) + 5.0)
    start = (y + perturbation - y).norm(dim=1)
    assert (grown <= factor * start + 1e-14 * size).all()


@given(fields(dimension=3), step_sizes(1e-6, 0.3), perturbations((4, 3), smallest=1e-3), st.integers(0, 2**32 - 1))
def test_backward_euler_never_exceeds_it(
    known: KnownField, step_size: float, perturbation: torch.Tensor, seed: int
) -> None:
    y = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    stepper = BackwardEulerStepper()
    factor = stepper.growth_factor(
        step_size=step_size, lipschitz=known.lipschitz, one_sided=max(known.one_sided, -known.lipschitz)
    )
    one, other = (stepper.step(known.field, 0.3, state, step_size).detach() for state in (y, y + perturbation))
    start = (y + perturbation - y).norm(dim=1)
    # The solver's tolerance, 100 · 2u relative to the states on either side, over 1 − 0.9.
    allowance = 1e-12 * (one.norm(dim=1) + other.norm(dim=1) + 1.0)
    assert ((other - one).norm(dim=1) <= factor * start + allowance).all()


@pytest.mark.parametrize("lipschitz", [1.0, 10.0, 1e3])
def test_backward_euler_is_tight_for_decay_at_any_constant(lipschitz: float) -> None:
    """f = −Ky: μ = −K, the factor is 1/(1 + hK), far beyond hK = 1."""
    state = torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    grown = BackwardEulerStepper().step(lambda _t, y: -lipschitz * y, 0.0, state, 0.5).norm().item()
    factor = BackwardEulerStepper().growth_factor(step_size=0.5, lipschitz=lipschitz, one_sided=-lipschitz)
    assert factor == pytest.approx(1 / (1 + 0.5 * lipschitz), rel=1e-13)
    assert factor == pytest.approx(grown, rel=1e-11)


def test_backward_euler_never_expands_when_mu_is_at_most_zero() -> None:
    for step_size in (1e-10, 1.0, 1e10):
        factor = BackwardEulerStepper().growth_factor(step_size=step_size, lipschitz=1e6, one_sided=0.0)
        assert factor == pytest.approx(1.0, abs=1e-14)


def test_a_contractive_field_expands_under_euler_beyond_the_critical_step() -> None:
    """μ < 0: Euler contracts iff h < −2μ/K²."""
    lipschitz, one_sided = 2.0, -1.0
    critical = -2 * one_sided / lipschitz**2
    below, above = (
        EulerStepper().growth_factor(step_size=factor * critical, lipschitz=lipschitz, one_sided=one_sided)
        for factor in (0.99, 1.01)
    )
    assert below < 1 < above


@given(step_sizes(), st.floats(0.0, 3.0))
def test_the_one_sided_factor_is_never_the_worse_one(step_size: float, lipschitz: float) -> None:
    plain = EulerStepper().growth_factor(step_size=step_size, lipschitz=lipschitz)
    with_constant = EulerStepper().growth_factor(step_size=step_size, lipschitz=lipschitz, one_sided=lipschitz)
    assert with_constant == pytest.approx(plain, rel=1e-13)
    # μ above K says nothing that K does not.
    assert with_constant == EulerStepper().growth_factor(
        step_size=step_size, lipschitz=lipschitz, one_sided=lipschitz + 1.0
    )


def test_overflow_is_infinite_growth_or_full_contraction() -> None:
    assert EulerStepper().growth_factor(step_size=1.0, lipschitz=1e200, one_sided=0.0) == math.inf
    factor = BackwardEulerStepper().growth_factor(step_size=1e200, lipschitz=1e200, one_sided=-1e200)
    assert 0.0 <= factor <= 2 / sys.float_info.max


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"`one_sided` must be at least −K = -1\.0, got -1\.5"):
        EulerStepper().growth_factor(step_size=0.1, lipschitz=1.0, one_sided=-1.5)
    with pytest.raises(ValueError, match="`one_sided` must be finite, got nan"):
        EulerStepper().growth_factor(step_size=0.1, lipschitz=1.0, one_sided=math.nan)
    with pytest.raises(ValueError, match=r"only for hμ < 1, got `step_size` = 2\.0 and `one_sided` = 0\.5, hμ = 1"):
        BackwardEulerStepper().growth_factor(step_size=2.0, lipschitz=3.0, one_sided=0.5)


@pytest.mark.parametrize(
    "stepper",
    [RungeKuttaStepper(RK4), PolyNetStepper(), FractalNetStepper(), RevNetStepper()],
    ids=lambda stepper: stepper.name,
)
def test_methods_without_a_formula_say_so(stepper: AbstractStepper) -> None:
    with pytest.raises(ValueError, match=f"{stepper.name} has no growth factor from a one-sided constant"):
        stepper.growth_factor(step_size=0.1, lipschitz=1.0, one_sided=0.0)
