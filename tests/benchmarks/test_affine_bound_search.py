"""A slice of the search for pairs beyond the affine bound, and that it would find one."""

from typing import Any

import pytest
import torch

from benchmarks import affine_bound_search
from benchmarks.adversarial_fields import FAMILIES, attaining_genes, turned_zigzag, zigzag
from benchmarks.affine_bound_search import (
    METHODS,
    Findings,
    across_jumps,
    drawn_network,
    evolve,
    outcome,
    pattern,
    search,
    table,
)
from benchmarks.norm_bound_search import rate_of
from natrob_theory import BOGACKI_SHAMPINE, HEUN_EULER, AffineBound, ButcherTableau
from natrob_theory.numbers.norms import NORMS, Norm, per_sample_l2, per_sample_norm


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def loose(tableau: Any, largest_step: float, steps: int) -> dict[str, object]:
    """Settings under which every step is H."""
    drawn = drawn_network(tableau, largest_step, generator())
    return drawn | {"rtol": 1e3, "atol": 1e3, "end_time": steps * largest_step}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("tableau", METHODS, ids=lambda tableau: tableau.name)
def test_a_slice_of_the_search_finds_nothing_beyond_the_bounds(tableau: ButcherTableau, norm: Norm) -> None:
    draws, found = generator(3), Findings()
    for family in FAMILIES:
        found.join(evolve(family, tableau, draws, population=16, generations=2, norm=norm))
    assert found.pairs >= 64
    assert found.violations == 0


@pytest.mark.long
def test_a_longer_search_finds_nothing_beyond_the_bounds() -> None:
    found = search(20_000, seed=3, population=200, generations=5)
    pairs = sum(entry.pairs for entry in found.values())
    assert not any(entry.violations for entry in found.values())
    assert max(entry.worst_clean for entry in found.values()) > 0.9
    assert f"{pairs} pairs, 0 beyond a bound" in table(found)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("factor", "beyond"), [(1.0, False), (0.99, True)])
def test_a_bound_that_is_one_per_cent_too_small_is_found(
    factor: float, beyond: bool, norm: Norm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attaining zigzag at H = 2⁻¹⁰ for 4 steps uses up E_clean and E_any but for half a per cent."""
    genes = torch.zeros(3, FAMILIES["zigzag"][1], dtype=torch.float64)
    population = zigzag(attaining_genes(*pattern(HEUN_EULER), genes), 2.0**-10)
    original = affine_bound_search.affine_bound_from

    def smaller(*arguments: Any, **keywords: Any) -> AffineBound:
        bound = original(*arguments, **keywords)
        assert bound.any_error is not None
        return AffineBound(
            slope=bound.slope, constant=bound.constant, kind="upper", flow_growth=bound.flow_growth,
            clean_error=factor * torch.as_tensor(bound.clean_error), any_error=bound.any_error, norm=norm,
        )  # fmt: skip

    monkeypatch.setattr(affine_bound_search, "affine_bound_from", smaller)
    found = outcome(population, loose(HEUN_EULER, 2.0**-10, 4), norm)
    assert bool(found.beyond.any()) is beyond
    assert float(found.clean.max()) > 0.99


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_families_keep_their_constants(family: str, norm: Norm) -> None:
    """Secants of pairs at three scales: K and μ as stated."""
    make, count = FAMILIES[family]
    population = make(torch.randn(400, count, generator=generator(1), dtype=torch.float64), 0.1)
    constants, time = population.constants_in(norm), torch.zeros(400, dtype=torch.float64)
    for scale in (1e-4, 1e-2, 1.0):
        start = population.start + scale * torch.randn(400, 2, generator=generator(2), dtype=torch.float64)
        step = scale * torch.randn(400, 2, generator=generator(3), dtype=torch.float64)
        rise = population.field(time, start + step) - population.field(time, start)
        length = per_sample_norm(step, norm)
        assert (per_sample_norm(rise, norm) <= constants.lipschitz * length * (1 + 1e-9)).all()
        rate = (rise * step).sum(dim=1) / length**2 if norm == "L2" else rate_of(rise, step, norm)
        assert (rate <= constants.one_sided + 1e-9 / length).all()


def test_the_known_flow_of_a_zigzag_is_its_flow() -> None:
    population = zigzag(torch.randn(50, FAMILIES["zigzag"][1], generator=generator(), dtype=torch.float64), 0.1)
    assert population.flow is not None
    there = population.flow(population.start, 0.05)
    both = population.flow(there, 0.07)
    torch.testing.assert_close(both, population.flow(population.start, 0.12), rtol=0.0, atol=1e-13)
    small = 1e-6
    rate = (population.flow(population.start, small) - population.start) / small
    time = torch.zeros(50, dtype=torch.float64)
    torch.testing.assert_close(rate, population.field(time, population.start), rtol=0.0, atol=1e-5)


def test_pairs_across_a_jump_are_close_and_keep_different_grids() -> None:
    genes = torch.randn(30, FAMILIES["turned zigzag"][1], generator=generator(5), dtype=torch.float64)
    population = turned_zigzag(genes, 0.5)
    arguments = loose(BOGACKI_SHAMPINE, 0.5, 6) | {"rtol": 1e-3, "atol": 1e-3}
    close = across_jumps(population, arguments, halvings=8)
    before, after = (per_sample_l2(one.perturbation) for one in (population, close))
    torch.testing.assert_close(after, before * 2.0**-8, rtol=1e-3, atol=1e-13)
    assert not outcome(close, arguments).beyond.any()


def test_a_search_is_the_same_for_the_same_seed() -> None:
    first, second = (evolve("zigzag", METHODS[0], generator(9), population=10, generations=2) for _ in range(2))
    assert first == second
