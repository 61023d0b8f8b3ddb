"""A search for pairs beyond the affine bound: `python -m benchmarks.affine_bound_search --norm L2 --pairs 1000000`.

Populations of adversarial fields with their pairs evolve, each under settings drawn anew: method, largest step, time
span, tolerance, controller. What is raised is the share of the error terms that a pair uses up,
(‖Φ(z_0) − Φ(y_0)‖ − e^{μT}‖ε‖)/(E_clean + E_any): a violation is a share above 1, whatever ‖ε‖ is. Where the exact flow
is known, ‖Φ(y_0) − φ_T(y_0)‖ is compared with E_clean and with E_any too.
"""

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from benchmarks.adversarial_fields import FAMILIES, Population, attaining_genes
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    ButcherTableau,
    IntegrationError,
    NeuralODE,
    PIController,
)
from natrob_theory.bounds.adaptive import affine_bound_from, recorded_solve
from natrob_theory.checks import ZigzagField
from natrob_theory.checks.solve_allowance import solve_allowance
from natrob_theory.numbers.norms import NORMS, Norm, per_sample_norm

METHODS: tuple[ButcherTableau, ...] = (HEUN_EULER, BOGACKI_SHAMPINE, FEHLBERG45, DOPRI5)
POPULATION = 2000
GENERATIONS = 10
FIELD_ERROR_FACTOR = 16.0
RESOLVED = 0.01
"""A share counts where the allowance for rounding is at most this part of the error terms."""


@dataclass
class Findings:
    """What the search of one method on one family has found so far.

    Attributes:
        pairs: tried, both solves at the end time.
        worst_share: of the error terms, the largest used up by a pair.
        worst_clean, worst_any: the largest distance from the exact flow over E_clean, and over E_any.
        worst_ratio: the largest distance/bound.
        violations: pairs beyond bound and allowance.
    """

    pairs: int = 0
    worst_share: float = 0.0
    worst_clean: float = 0.0
    worst_any: float = 0.0
    worst_ratio: float = 0.0
    violations: int = 0

    def add(self, found: "Outcome") -> None:
        """Count a population in."""
        self.pairs += len(found.share)
        self.violations += int(found.beyond.sum())
        self._raise(found.share, found.clean, found.any_grid, found.ratio)

    def join(self, other: "Findings") -> None:
        """Count another's findings in."""
        self.pairs += other.pairs
        self.violations += other.violations
        others = (other.worst_share, other.worst_clean, other.worst_any, other.worst_ratio)
        self._raise(*(torch.tensor([value], dtype=torch.float64) for value in others))

    def _raise(self, share: Tensor, clean: Tensor, any_grid: Tensor, ratio: Tensor) -> None:
        self.worst_share = max(self.worst_share, float(share.max()))
        self.worst_clean = max(self.worst_clean, float(clean.max()))
        self.worst_any = max(self.worst_any, float(any_grid.max()))
        self.worst_ratio = max(self.worst_ratio, float(ratio.max()))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Share of the error terms, error/E_clean, error/E_any, distance/bound of every pair, and whether one is beyond.

    What rounding does not let see is 0.
    """

    share: Tensor
    clean: Tensor
    any_grid: Tensor
    ratio: Tensor
    beyond: Tensor


def drawn_network(tableau: ButcherTableau, largest_step: float, generator: torch.Generator) -> dict[str, object]:
    """Arguments of a network whose tolerance, span and controller are drawn."""
    draw = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
    tolerance = 1e3 if draw[0] > 0.6 else 10.0 ** (1.0 - 10.0 * draw[0])  # loose: every step is H
    return {
        "end_time": largest_step * math.ceil(1.0 + (10.0 ** (1.5 * draw[1]) - 1.0)),
        "tableau": tableau,
        "max_step_size": largest_step,
        "rtol": tolerance,
        "atol": tolerance,
        "controller": PIController(
            safety=0.5 + 0.45 * draw[2], beta=0.2 * draw[3], smallest_factor=0.05 + 0.9 * draw[4],
            largest_factor=1.01 + 20.0 * draw[5],
        ),
        "max_num_steps": 400,
    }  # fmt: skip


def outcome(population: Population, arguments: dict[str, object], norm: Norm = "L2") -> Outcome:
    """Solve every pair, each solve on its own grid, and compare with the bound in a norm."""
    net = NeuralODE(population.field, **arguments)  # type: ignore[arg-type]
    tableau, start = net.tableau, population.start
    other = recorded_solve(net, start + population.perturbation, norm=norm)
    clean, constants = recorded_solve(net, start, norm=norm), population.constants_in(norm)
    bound = affine_bound_from(net, clean, constants, kind="upper", norm=norm)
    distance = per_sample_norm(clean.states[0] - other.states[0], norm)
    measured = per_sample_norm(clean.states[-1] - other.states[-1], norm)
    longer = math.sqrt(start.shape[1]) if norm == "L1" else 1.0  # ‖v‖₁ ≤ √d‖v‖₂; ‖v‖_∞ ≤ ‖v‖₂
    rounding = [longer * solve_allowance(tableau, solve, constants, FIELD_ERROR_FACTOR) for solve in (clean, other)]
    allowance = rounding[0] + rounding[1]
    limit = torch.as_tensor(bound.at(distance).value)
    flow = torch.as_tensor(bound.flow_growth) * distance
    assert bound.any_error is not None
    terms = (torch.as_tensor(bound.clean_error), torch.as_tensor(bound.any_error.constant))
    error = torch.zeros_like(measured)
    if population.flow is not None:
        error = per_sample_norm(clean.states[-1] - population.flow(start, net.end_time - net.start_time), norm)
    return Outcome(
        share=_share(measured - flow, limit - flow, allowance),
        clean=_share(error, terms[0], rounding[0]),
        any_grid=_share(error, terms[1], rounding[0]),
        ratio=_share(measured, limit, allowance),
        beyond=(measured > limit + allowance) | (error > terms[0] + rounding[0]) | (error > terms[1] + rounding[0]),
    )


def _share(value: Tensor, term: Tensor, allowance: Tensor) -> Tensor:
    """value/term where rounding does not blur it, else 0."""
    return torch.where(allowance <= RESOLVED * term, value / term, 0.0)


def across_jumps(population: Population, arguments: dict[str, object], *, halvings: int = 24) -> Population:
    """The pairs made smaller by bisection, as long as the two solves have different grids."""
    net = NeuralODE(population.field, **arguments)  # type: ignore[arg-type]
    one, other = population.start, population.start + population.perturbation
    grid = _grid(net, one)
    for _ in range(halvings):
        middle = 0.5 * (one + other)
        same = (_grid(net, middle) == grid)[:, None]
        one, other = torch.where(same, middle, one), torch.where(same, other, middle)
    return replace(population, start=one, perturbation=other - one)


def _grid(net: NeuralODE, start: Tensor) -> Tensor:
    """A number for each sample that changes where a step is accepted or rejected otherwise."""
    with torch.no_grad():
        net(start)
    record = net.last_solve
    assert record is not None
    return record.accepted * (net.max_num_steps + 1) + record.rejected


def evolve(
    family: str,
    tableau: ButcherTableau,
    generator: torch.Generator,
    *,
    population: int,
    generations: int,
    jumps: bool = False,
    norm: Norm = "L2",
) -> Findings:
    """One population under drawn settings: mutants replace their parents where they use up more of the error terms.

    With `jumps` every pair is drawn together first, down to the distance of neighbours whose grids still differ.
    """
    make, count = FAMILIES[family]
    largest_step = float(10.0 ** (-3.0 * torch.rand((), generator=generator, dtype=torch.float64)))
    arguments = drawn_network(tableau, largest_step, generator)
    genes = torch.randn(population, count, generator=generator, dtype=torch.float64)
    if "zigzag" in family:
        genes = attaining_genes(*pattern(tableau), genes * torch.rand(population, 1, generator=generator).double())
    findings, best = Findings(), torch.full((population,), -torch.inf, dtype=torch.float64)
    parents, scale = genes, 0.0
    for generation in range(generations):
        genes = parents + scale * torch.randn(genes.shape, generator=generator, dtype=torch.float64)
        try:
            tried = make(genes, largest_step)
            found = outcome(across_jumps(tried, arguments) if jumps else tried, arguments, norm)
        except IntegrationError:  # a solve did not reach the end, and the bound says nothing of it
            return findings
        findings.add(found)
        fitness = torch.maximum(found.share, found.clean)
        better = fitness > best
        best = torch.where(better, fitness, best)
        parents = torch.where(better[:, None], genes, parents)
        scale = 0.5 * 0.7**generation
    return findings


def pattern(tableau: ButcherTableau) -> tuple[list[float], list[float]]:
    """Signs and lengths of the zigzag that attains κ_b."""
    field = ZigzagField(tableau, 1.0, 1.0)
    return field.slopes.tolist(), field.lengths.tolist()


def search(
    pairs: int, *, seed: int, norm: Norm = "L2", population: int = POPULATION, generations: int = GENERATIONS
) -> dict[tuple[str, str], Findings]:
    """Findings of every method on every family, at least `pairs` pairs in all."""
    generator = torch.Generator().manual_seed(seed)
    grow = partial(evolve, generator=generator, norm=norm)
    found = {(tableau.name, family): Findings() for tableau in METHODS for family in FAMILIES}
    while sum(entry.pairs for entry in found.values()) < pairs:
        for tableau in METHODS:
            for family in FAMILIES:
                plain = grow(family, tableau, population=population, generations=generations)
                close = grow(family, tableau, population=population // 4, generations=1, jumps=True)
                found[tableau.name, family].join(plain)
                found[tableau.name, family].join(close)
    return found


def table(found: dict[tuple[str, str], Findings]) -> str:
    """One row a method and family, as Markdown, and a line that sums up."""
    rows = [
        "| method | fields | pairs | share of both errors | error/E_clean | error/E_any | distance/bound | beyond |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (method, family), entry in found.items():
        worst = (entry.worst_share, entry.worst_clean, entry.worst_any, entry.worst_ratio)
        numbers = " | ".join(f"{value:.4f}" for value in worst)
        rows.append(f"| {method} | {family} | {entry.pairs} | {numbers} | {entry.violations} |")
    total, beyond = (sum(getattr(entry, name) for entry in found.values()) for name in ("pairs", "violations"))
    largest = []
    for tableau in METHODS:
        entries = [entry for (method, _), entry in found.items() if method == tableau.name]
        worst = max(max(entry.worst_share, entry.worst_clean, entry.worst_any) for entry in entries)
        largest.append(f"{tableau.name} {worst:.4f}")
    return "\n".join(
        [*rows, "", f"{total} pairs, {beyond} beyond a bound; largest share of an error term: {', '.join(largest)}"]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Search, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.affine_bound_search", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="at least so many pairs (default 1,000,000)")
    parser.add_argument("--norm", choices=NORMS, default="L2", help="of all distances and constants (default L2)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    began = time.perf_counter()
    found = search(chosen.pairs, seed=chosen.seed, norm=chosen.norm)
    print(table(found), flush=True)
    print(f"{chosen.norm}, seed {chosen.seed}, {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
