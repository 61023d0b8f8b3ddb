"""Theorem 3.2's constant: fields that outgrow e^{KT} under a tableau with negative weights, proved in fractions."""

import math
import re
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    RK4,
    TABLEAUS,
    ButcherTableau,
    RungeKuttaNet,
    SignFollowingField,
    check_bound,
    increment_constant,
    increment_witnesses,
    one_step_witness,
)
from natrob_theory.checks.increment_witnesses import mean_sign, stage_signs, witness_polynomial
from natrob_theory.strategies import tableaus

STEPS = (1, 4, 16, 64, 256)


def test_one_dopri5_step_grows_by_more_than_e() -> None:
    witness = one_step_witness(DOPRI5)
    assert witness.growth == Fraction(1631, 600)  # Σ_{k≤5} 1/k! + 1/600 = 2.718333…
    low, high = witness.exponential
    assert low < high < witness.growth
    assert float(low) == float(high) == math.e
    assert witness.exceeds_exponential


@pytest.mark.parametrize("tableau", [entry for entry in TABLEAUS if entry != DOPRI5], ids=lambda entry: entry.name)
def test_the_other_methods_stay_below_e_on_that_field(tableau: ButcherTableau) -> None:
    witness = one_step_witness(tableau)
    assert witness.growth < witness.exponential[0]
    assert not witness.exceeds_exponential


def test_the_constant_of_dopri5_is_that_of_theory() -> None:
    assert increment_constant(DOPRI5) == Fraction(5579, 3392) == DOPRI5.growth_polynomial()[1]
    assert witness_polynomial(DOPRI5)[:3] == (1, Fraction(5579, 3392), Fraction(3883, 3392))
    assert stage_signs(DOPRI5) == (1, 1, 1, 1, -1, 1, 1)
    assert mean_sign(DOPRI5) == Fraction(4, 5)


def test_growth_of_dopri5_over_a_fixed_time_tends_to_the_larger_exponent() -> None:
    rows = increment_witnesses(DOPRI5, steps=STEPS)
    assert [row.num_steps for row in rows] == list(STEPS)
    for row in rows:
        assert row.measured == pytest.approx(row.exact, rel=1e-12)
        assert row.exceeds_exponential
        assert (row.exact_flow, row.exponential) == pytest.approx((math.exp(0.8), math.e))
        assert row.exact_flow < row.exponential < row.exact
        assert row.exponent < row.limit == pytest.approx(5579 / 3392)
    defects = [row.limit - row.exponent for row in rows]
    ratios = [math.log(one / other, 4) for one, other in pairwise(defects)]
    assert ratios[1:] == pytest.approx([1.0] * 3, abs=0.1)  # the limit is approached like h
    assert math.isclose(rows[-1].measured, math.exp(rows[-1].limit), rel_tol=2e-3)


def test_an_exponent_one_percent_too_small_is_refuted() -> None:
    """0.99‖b‖₁ in the place of ‖b‖₁ (and so K itself) is no exponent for small h; ‖b‖₁ is one at every h."""
    for scale, time in ((1.0, 1.0), (0.5, 4.0), (3.0, 0.75)):
        row = increment_witnesses(DOPRI5, steps=[256], lipschitz=scale, total_time=time)[0]
        assert row.exact > math.exp(0.99 * row.limit * scale * time)
        assert row.exact < math.exp(row.limit * scale * time)


@pytest.mark.parametrize("tableau", [DOPRI5, RK4, BOGACKI_SHAMPINE, EULER], ids=lambda entry: entry.name)
def test_the_growth_bound_of_the_method_is_kept_and_becomes_tight(tableau: ButcherTableau) -> None:
    """Π G(hK) is the bound that does hold: reached to 1 % in the exponent at hK = 1/1024, and a K 1.5 % less fails."""
    field = SignFollowingField(tableau=tableau, step_size=1 / 1024)
    net = RungeKuttaNet(field, 1 / 1024, 128, tableau=tableau)
    y0, perturbation = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64)
    check = check_bound(net, y0, perturbation, lipschitz=1.0)
    assert check.all_hold
    assert math.log(float(check.distance[-1])) > 0.99 * math.log(float(check.bound[-1]))
    assert not check_bound(net, y0, perturbation, lipschitz=0.985).all_hold


def test_the_exact_flow_of_the_same_field_obeys_the_exponential() -> None:
    """What it is not: a statement on the flow. With steps of h/512 the field for h grows by e^{0.8KT} < e^{KT}."""
    field = SignFollowingField(tableau=DOPRI5, step_size=0.25)
    y0 = torch.ones(1, 1, dtype=torch.float64)
    growth = {n: float(RungeKuttaNet(field, 1 / n, n, tableau=DOPRI5)(y0)) for n in (4, 2048)}
    assert growth[2048] == pytest.approx(math.exp(0.8), rel=1e-4)
    assert growth[4] > math.exp(1.5)


@given(tableaus(), st.floats(1e-3, 10.0), st.floats(0.1, 3.0), st.integers(0, 2**32 - 1))
def test_every_field_is_lipschitz_and_grows_as_its_polynomial_says(
    tableau: ButcherTableau, step_size: float, lipschitz: float, seed: int
) -> None:
    nodes = {(node % 1, weight > 0) for node, weight in zip(tableau.c, tableau.b, strict=True) if weight != 0}
    if len(nodes) > len({node for node, _ in nodes}):
        with pytest.raises(ValueError, match="weights of opposite sign at one time"):
            SignFollowingField(tableau=tableau, step_size=step_size, lipschitz=lipschitz)
        return
    field = SignFollowingField(tableau=tableau, step_size=step_size, lipschitz=lipschitz)
    times = 5 * step_size * torch.rand(200, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert field.sign(times).abs().max() <= 1.0
    for node, weight in zip(tableau.c, tableau.b, strict=True):
        if weight != 0:
            at_stage = field.sign(step_size * (3 + torch.tensor(float(node), dtype=torch.float64)))
            assert float(at_stage) == pytest.approx(math.copysign(1.0, weight), abs=1e-9)
    x = Fraction(lipschitz) * Fraction(step_size)
    exact = sum((entry * x**power for power, entry in enumerate(witness_polynomial(tableau))), Fraction(0))
    bound = sum((entry * x**power for power, entry in enumerate(tableau.growth_polynomial())), Fraction(0))
    assert abs(exact) <= bound
    assume(bound < 1e6)
    net = RungeKuttaNet(field, step_size, 2, tableau=tableau)
    grown = float(net(torch.ones(1, 1, dtype=torch.float64)))
    assert grown == pytest.approx(float(exact**2), abs=1e-9 * float(bound**2))


def test_the_mean_of_the_sign_is_its_integral() -> None:
    for tableau in (DOPRI5, RK4, BOGACKI_SHAMPINE):
        field = SignFollowingField(tableau=tableau, step_size=2.0)
        times = (torch.arange(90_000, dtype=torch.float64) + 0.5) / 45_000
        assert float(field.sign(times).mean()) == pytest.approx(float(mean_sign(tableau)), abs=1e-6)


def test_times_of_their_own_for_every_sample() -> None:
    field = SignFollowingField(tableau=DOPRI5, step_size=0.5, lipschitz=2.0)
    times = torch.tensor([0.0, 0.5 * 8 / 9, 0.5], dtype=torch.float64)
    state = torch.ones(3, 3, dtype=torch.float64)
    expected = torch.tensor([2.0, -2.0, 2.0], dtype=torch.float64)[:, None] * state
    torch.testing.assert_close(field(times, state), expected)


def test_conflicting_signs_are_refused() -> None:
    message = re.escape("`tableau` must not have weights of opposite sign at one time, but Fehlberg 4(5) has them at c")
    with pytest.raises(ValueError, match=message):
        SignFollowingField(tableau=FEHLBERG45, step_size=0.1)
    with pytest.raises(ValueError, match=message):
        increment_witnesses(FEHLBERG45, steps=[1])
    assert increment_constant(FEHLBERG45) == Fraction(7, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": [0]}, "`steps` must be at least 1, got 0"),
        ({"steps": [4], "lipschitz": 0.0}, "`lipschitz` must be greater than 0, got 0.0"),
        ({"steps": [4], "total_time": math.nan}, "`total_time` must be finite, got nan"),
        ({"steps": [4], "total_time": 101.0}, "`lipschitz` times `total_time` must be at most 100, got 101.0"),
    ],
)
def test_bad_arguments_of_the_table(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        increment_witnesses(DOPRI5, **arguments)


def test_bad_arguments_of_the_field() -> None:
    with pytest.raises(ValueError, match=re.escape("`step_size` must be greater than 0, got 0.0")):
        SignFollowingField(tableau=DOPRI5, step_size=0.0)
    with pytest.raises(ValueError, match=re.escape("`lipschitz` must be greater than 0, got -1.0")):
        SignFollowingField(tableau=DOPRI5, step_size=1.0, lipschitz=-1.0)


def test_the_one_sided_constant_is_lipschitz_too() -> None:
    """At stages of positive weight f = Ky, so ⟨Δf, Δy⟩ = K‖Δy‖²: e^{μT} is no repair here."""
    field = SignFollowingField(tableau=DOPRI5, step_size=1.0, lipschitz=3.0)
    state = torch.randn(4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def quotient(time: float) -> Tensor:
        slope = field(torch.tensor(time, dtype=torch.float64), state)
        return (slope * state).sum(dim=1) / state.square().sum(dim=1)

    torch.testing.assert_close(quotient(0.3), torch.full((4,), 3.0, dtype=torch.float64))
    torch.testing.assert_close(quotient(8 / 9), torch.full((4,), -3.0, dtype=torch.float64))
