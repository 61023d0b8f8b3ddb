"""The strategies' promises: the constants they claim are true, and what they draw is valid."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from torch import Tensor

import natrob_theory.strategies
from natrob_theory import BackwardEulerNet, ButcherTableau, EulerNet, check_bound
from natrob_theory.strategies import KnownField, fields, perturbations, step_sizes, tableaus
from natrob_theory.tableaus.rooted_trees import order_of


def quotients(known: KnownField, seed: int, length: float) -> tuple[Tensor, Tensor, Tensor]:
    """Secants, one-sided quotients and the rounding of both, at 64 random pairs."""
    generator = torch.Generator().manual_seed(seed)
    y = 2 * torch.randn(64, known.dimension, generator=generator, dtype=torch.float64)
    step = torch.randn(64, known.dimension, generator=generator, dtype=torch.float64)
    z = y + length * step / step.norm(dim=1, keepdim=True)
    time = torch.rand((), generator=generator, dtype=torch.float64)
    with torch.no_grad():
        rise, run = known.field(time, z) - known.field(time, y), z - y
        size = known.field(time, z).norm(dim=1) + known.lipschitz * (z.norm(dim=1) + 1)
    square = run.square().sum(dim=1)
    return rise.norm(dim=1) / square.sqrt(), (rise * run).sum(dim=1) / square, 1e-14 * size / square.sqrt()


@given(fields(dimension=3), st.integers(0, 2**32 - 1), step_sizes(1e-4, 10.0))
@settings(max_examples=100)
def test_claimed_constants_are_true(known: KnownField, seed: int, length: float) -> None:
    secants, one_sided, rounding = quotients(known, seed, length)
    assert (secants <= known.lipschitz + rounding).all()
    assert (one_sided <= known.one_sided + rounding).all()
    assert -known.lipschitz <= known.one_sided <= known.lipschitz
    assert known.lipschitz <= 3.0 * (1 + 1e-12)
    assert known.dimension == 3


@pytest.mark.parametrize(
    "family", ["·y", "Ay", "(A − Aᵀ)y", "sin y", "W₂ relu", "W₂ tanh", "Wᵀ ReLU", "(Wy + b) − ", "cos("]
)
def test_every_family_is_drawn_and_named_in_failure_reports(family: str) -> None:
    known = find(
        fields(dimension=2, largest_lipschitz=1.5),
        lambda drawn: family in drawn.description and drawn.lipschitz > 0.5,
        settings=settings(
            max_examples=2000,
            deadline=None,
            suppress_health_check=[HealthCheck.filter_too_much],
            database=None,
            phases=[Phase.generate],
        ),
    )
    assert f"{family}" in repr(known)
    assert f"K={known.lipschitz:.6g}" in repr(known)
    assert known.lipschitz <= 1.5 * (1 + 1e-12)


@given(step_sizes())
def test_default_step_sizes(step_size: float) -> None:
    assert 1e-10 <= step_size <= 10.0


@given(step_sizes(0.25, 0.5))
def test_step_sizes_keep_to_their_range(step_size: float) -> None:
    assert 0.25 <= step_size <= 0.5


def test_both_ends_can_be_drawn() -> None:
    quiet = settings(max_examples=500, deadline=None, database=None, phases=[Phase.generate])
    assert find(step_sizes(0.25, 0.5), lambda h: h == 0.5, settings=quiet) == 0.5
    assert find(step_sizes(), lambda h: h < 1e-8, settings=quiet) < 1e-8
    assert find(step_sizes(), lambda h: h > 5, settings=quiet) > 5


@given(perturbations((3, 2, 2)))
def test_perturbations_have_the_stated_sizes(perturbation: Tensor) -> None:
    assert perturbation.shape == (3, 2, 2)
    assert perturbation.dtype == torch.float64
    norms = perturbation.flatten(1).norm(dim=1)
    assert (norms >= 1e-12 * (1 - 1e-12)).all()
    assert (norms <= 1e3 * (1 + 1e-12)).all()


@given(perturbations((2, 2), smallest=0.5, largest=0.5))
def test_perturbations_of_one_size(perturbation: Tensor) -> None:
    assert perturbation.norm(dim=1).tolist() == pytest.approx([0.5, 0.5], rel=1e-12)


@given(tableaus())
def test_tableaus_are_valid(tableau: ButcherTableau) -> None:
    """The constructor proves a tableau; built again from its parts it must be accepted again."""
    again = ButcherTableau(
        name="again", a=tableau.a, b=tableau.b, c=tableau.c, order=order_of(tableau.a, tableau.b), source="a test"
    )
    assert sum(again.b) == 1
    assert [sum(row, Fraction(0)) for row in again.a] == list(again.c)


def test_tableaus_have_negative_entries_and_several_stages_too() -> None:
    quiet = settings(max_examples=500, deadline=None, database=None, phases=[Phase.generate])
    drawn = find(tableaus(), lambda t: t.name == "random" and t.stages >= 3 and any(e < 0 for e in t.b), settings=quiet)
    assert drawn.growth_polynomial() != drawn.stability_polynomial()


@given(fields(dimension=3), step_sizes(1e-3, 1.0), perturbations((4, 3)))
def test_the_example_of_the_docstring(known: KnownField, step_size: float, perturbation: Tensor) -> None:
    net = EulerNet(known.field, step_size, 5)
    y0 = torch.ones(4, 3, dtype=torch.float64)
    assert check_bound(net, y0, perturbation, lipschitz=known.lipschitz).all_hold


def test_the_docstring_can_be_pasted_and_run() -> None:
    text = natrob_theory.strategies.__doc__
    assert text is not None
    lines = text.split("Paste into a test file:\n")[1].split("\nImporting this module")[0].splitlines()
    namespace: dict[str, object] = {}
    exec("\n".join(line.removeprefix("    ") for line in lines), namespace)
    test = namespace["test_perturbations_stay_below_the_bound"]
    assert callable(test)
    test()


def test_a_bound_one_percent_too_small_is_found_by_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property of the docstring is sharp enough: with 0.99K it finds a counterexample."""

    @given(fields(dimension=3), step_sizes(1e-3, 1.0), perturbations((4, 3)))
    @settings(max_examples=400, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    def too_small(known: KnownField, step_size: float, perturbation: Tensor) -> None:
        y0 = torch.zeros(4, 3, dtype=torch.float64)
        net = EulerNet(known.field, step_size, 5)
        assert check_bound(net, y0, perturbation, lipschitz=0.99 * known.lipschitz).all_hold

    with pytest.raises(AssertionError):
        too_small()


def test_strategies_refuse_bad_ranges() -> None:
    with pytest.raises(ValueError, match=r"`smallest` must be greater than 0, got 0\.0"):
        step_sizes(0.0, 1.0)
    with pytest.raises(ValueError, match="`largest` must be finite, got inf"):
        step_sizes(1.0, math.inf)
    with pytest.raises(ValueError, match="`dimension` must be at least 1, got 0"):
        fields(dimension=0)
    with pytest.raises(ValueError, match=r"`largest_lipschitz` must be greater than 0, got -1\.0"):
        fields(largest_lipschitz=-1.0)
    with pytest.raises(InvalidArgument):
        step_sizes(2.0, 1.0).validate()


@given(fields(dimension=2), st.integers(0, 2**32 - 1))
def test_fields_suit_implicit_networks(known: KnownField, seed: int) -> None:
    y0 = torch.randn(2, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with torch.no_grad():
        assert BackwardEulerNet(known.field, 0.3, 1)(y0).isfinite().all()
