"""A search for pairs beyond the bounds of L∞ and L1: `python -m benchmarks.norm_bound_search --pairs 1000000`.

Pairs of states evolve against K, against μ, and, under drawn step sizes and numbers of steps, against the growth of
networks. What is raised is measured/bound: a violation is a ratio above 1.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from natrob_theory import (
    RK4,
    AbstractIntegratorNet,
    DissipativeField,
    EulerNet,
    FractalNet,
    GradientFlowField,
    HeunNet,
    LinearField,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    SkewSymmetricField,
    SumField,
    convolutional_field,
    dense_field,
    diagonally_dominant_convolutional_field,
    diagonally_dominant_field,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.numbers.norms import Norm, per_sample_norm

NORMS: Final[tuple[Norm, ...]] = ("Linf", "L1")
POPULATION: Final = 500
GENERATIONS: Final = 5
NETWORKS: Final = 4
"""Networks drawn of a field in a round."""
ROUNDING: Final = 1e-8
"""Differences of states of sizes around 1, at least 10⁻⁴ apart, are right to so much of themselves."""

Bounded = Callable[[Tensor, Tensor], Tensor]
"""Pairs y_0, z_0 → measured over its bound, one number each."""


@dataclass
class Findings:
    """What the search against one bound has found.

    Attributes:
        pairs: tried.
        worst: the largest measured/bound.
        violations: pairs above 1 by more than rounding.
    """

    pairs: int = 0
    worst: float = 0.0
    violations: int = 0

    def add(self, ratios: Tensor) -> None:
        """Count a population in."""
        self.pairs += len(ratios)
        self.worst = max(self.worst, float(ratios.max()))
        self.violations += int((ratios > 1.0 + ROUNDING).sum())

    def join(self, other: "Findings") -> None:
        """Count another's findings in."""
        self.pairs, self.violations = self.pairs + other.pairs, self.violations + other.violations
        self.worst = max(self.worst, other.worst)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A field with the shape of its states."""

    name: str
    field: nn.Module
    shape: tuple[int, ...]


def subjects(seed: int) -> tuple[Subject, ...]:
    """Fields of every kind with a native bound, their weights drawn."""
    torch.manual_seed(seed)
    flat, image = (6,), (2, 4, 4)
    fields: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "positive linear": (LinearField(torch.rand(6, 6)), flat),
        "linear": (LinearField(torch.randn(6, 6)), flat),
        "dense, ReLU": (dense_field(6, 9, activation=nn.ReLU), flat),
        "dense, tanh": (dense_field(6, 9, activation=nn.Tanh), flat),
        "gradient flow": (GradientFlowField.dense(6, 9), flat),
        "damped gradient flow": (DissipativeField(GradientFlowField.dense(6, 9), 0.5), flat),
        "skew + gradient flow": (SumField([SkewSymmetricField.dense(6), GradientFlowField.dense(6, 9)]), flat),
        "diagonally dominant": (diagonally_dominant_field(6, 9, margin=0.3), flat),
        "convolutional": (convolutional_field(2, 3), image),
        "diagonally dominant, convolutional": (diagonally_dominant_convolutional_field(2, 3, margin=0.3), image),
    }
    return tuple(Subject(name=name, field=field.double(), shape=shape) for name, (field, shape) in fields.items())


def lipschitz_ratio(subject: Subject, norm: Norm) -> Bounded:
    """‖f(z) − f(y)‖/(K‖z − y‖)."""
    bound = float(lipschitz_upper_bound(subject.field, input_shape=subject.shape, norm=norm))

    def ratio(one: Tensor, other: Tensor) -> Tensor:
        rise = _field(subject, other) - _field(subject, one)
        return per_sample_norm(rise, norm) / (bound * per_sample_norm(other - one, norm))

    return ratio


def one_sided_ratio(subject: Subject, norm: Norm) -> Bounded:
    """(K + the rate at which ‖z − y‖ grows)/(K + μ), which is above 1 where the rate is above μ."""
    bound = float(one_sided_lipschitz_upper_bound(subject.field, input_shape=subject.shape, norm=norm))
    lipschitz = float(lipschitz_upper_bound(subject.field, input_shape=subject.shape, norm=norm))

    def ratio(one: Tensor, other: Tensor) -> Tensor:
        rise = (_field(subject, other) - _field(subject, one)).flatten(1)
        return (lipschitz + rate_of(rise, (other - one).flatten(1), norm)) / (lipschitz + bound)

    return ratio


def rate_of(rise: Tensor, offset: Tensor, norm: Norm) -> Tensor:
    """d‖e + s·Δf‖/ds at s = 0⁺, over ‖e‖: at most μ for Δf of a field.

    In L∞ the largest sign(e_i)Δf_i of the entries with |e_i| = ‖e‖; in L1 Σ sign(e_i)Δf_i, and |Δf_i| where e_i = 0.
    """
    along = torch.where(offset == 0, rise.abs(), offset.sign() * rise)
    size = per_sample_norm(offset, norm)
    if norm == "L1":
        return along.sum(dim=1) / size
    return torch.where(offset.abs() == size[:, None], along, -torch.inf).amax(dim=1) / size


def growth_ratio(net: AbstractIntegratorNet, subject: Subject, norm: Norm) -> Bounded:
    """‖z_N − y_N‖/(G‖z_0 − y_0‖), G from K and, where the method has a factor from it, μ.

    Pairs of halves are as large as the larger half in L∞ and as their sum in L1: the norms of both halves together.
    """
    lipschitz = lipschitz_upper_bound(subject.field, input_shape=subject.shape, norm=norm)
    one_sided = one_sided_lipschitz_upper_bound(subject.field, input_shape=subject.shape, norm=norm)
    growth = float(net.growth_bound(lipschitz, one_sided=one_sided, norm=norm))

    def ratio(one: Tensor, other: Tensor) -> Tensor:
        with torch.no_grad():
            apart = net(other) - net(one)
        return per_sample_norm(apart, norm) / (growth * per_sample_norm(other - one, norm))

    return ratio


def drawn_network(subject: Subject, generator: torch.Generator) -> AbstractIntegratorNet:
    """A network of the field, of a method, step size and number of steps that are drawn."""
    draw = torch.rand(3, generator=generator, dtype=torch.float64).tolist()
    steps: Any = {"step_size": 10.0 ** (0.5 - 2.5 * draw[0]), "num_steps": 1 + int(5 * draw[1])}
    if draw[2] < 0.2:
        return RevNet((subject.field, subject.field), **steps)
    kinds = (EulerNet, HeunNet, partial(RungeKuttaNet, tableau=RK4), PolyNet, FractalNet)
    return kinds[int(len(kinds) * (draw[2] - 0.2) / 0.8)](subject.field, **steps)


def evolve(
    ratio: Bounded, shape: tuple[int, ...], norm: Norm, generator: torch.Generator, *, population: int, generations: int
) -> Findings:
    """One population of pairs: mutants replace their parents where they come closer to the bound."""
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    findings, best = Findings(), torch.full((population,), -torch.inf, dtype=torch.float64)
    states, offsets, scale = draw(population, *shape), _extreme(draw(population, *shape), norm), 1.0
    kept_states, kept_offsets = states, offsets
    for _ in range(generations):
        sizes = 10.0 ** -(4.0 * torch.rand(population, generator=generator, dtype=torch.float64))
        pair = states, states + offsets * sizes.reshape(-1, *[1] * len(shape))
        found = ratio(*pair)
        findings.add(found)
        better = (found > best).reshape(-1, *[1] * len(shape))
        best = torch.maximum(best, found)
        kept_states, kept_offsets = (
            torch.where(better, new, old) for new, old in ((states, kept_states), (offsets, kept_offsets))
        )
        states = kept_states + scale * draw(population, *shape)
        offsets = _turned(kept_offsets, draw(population, *shape), norm)
        scale *= 0.7
    return findings


def _extreme(drawn: Tensor, norm: Norm) -> Tensor:
    """Corners of the unit ball, which attain the norms of matrices, for half of the drawn; the others scaled to 1."""
    flat = drawn.flatten(1)
    place = flat.abs().argmax(dim=1, keepdim=True)
    corner = flat.sign() if norm == "Linf" else torch.zeros_like(flat).scatter(1, place, flat.gather(1, place).sign())
    scaled = flat / per_sample_norm(flat, norm)[:, None]
    first_half = torch.arange(len(flat))[:, None] < len(flat) // 2
    return torch.where(first_half, corner, scaled).view_as(drawn)


def _turned(offsets: Tensor, drawn: Tensor, norm: Norm) -> Tensor:
    """Some signs turned in L∞, and another entry in L1; of the offsets that are no corners a little of all entries."""
    corners = _extreme(drawn, norm)
    flips = offsets.new_ones(()).where(drawn.abs() < 1.5, -1.0)
    turned = offsets * flips if norm == "Linf" else torch.where(drawn[:, :1].abs() < 1.5, offsets, corners)
    moved = offsets + 0.2 * drawn / drawn[0].numel()
    moved = moved / per_sample_norm(moved, norm).reshape(-1, *[1] * (moved.dim() - 1))
    first_half = (torch.arange(len(offsets)) < len(offsets) // 2).reshape(-1, *[1] * (offsets.dim() - 1))
    return torch.where(first_half, turned, moved)


def search(
    pairs: int, *, seed: int, population: int = POPULATION, generations: int = GENERATIONS
) -> dict[tuple[Norm, str, str], Findings]:
    """(norm, field, bound) → findings, at least `pairs` pairs in all."""
    generator, found, round_ = torch.Generator().manual_seed(seed), {}, 0
    while sum(entry.pairs for entry in found.values()) < pairs:
        for subject in subjects(seed + round_):
            for norm in NORMS:
                for what, ratio, shape in _bounds(subject, norm, generator):
                    entry = found.setdefault((norm, subject.name, what), Findings())
                    entry.join(evolve(ratio, shape, norm, generator, population=population, generations=generations))
        round_ += 1
    return found


def _bounds(subject: Subject, norm: Norm, generator: torch.Generator) -> Iterator[tuple[str, Bounded, tuple[int, ...]]]:
    """What is searched against: K, μ and the growth of drawn networks, with the shape of states."""
    yield "K", lipschitz_ratio(subject, norm), subject.shape
    yield "μ", one_sided_ratio(subject, norm), subject.shape
    for _ in range(NETWORKS):
        net = drawn_network(subject, generator)
        halves = 2 if isinstance(net, RevNet) else 1
        yield "growth", growth_ratio(net, subject, norm), (halves * subject.shape[0], *subject.shape[1:])


def table(found: dict[tuple[Norm, str, str], Findings]) -> str:
    """One row a norm, field and bound, as Markdown, and a line that sums up."""
    rows = ["| norm | field | bound | pairs | largest measured/bound | beyond |", "|---|---|---|---:|---:|---:|"]
    rows += [
        f"| {norm} | {field} | {what} | {entry.pairs} | {entry.worst:.6f} | {entry.violations} |"
        for (norm, field, what), entry in found.items()
    ]
    total, beyond = (sum(getattr(entry, name) for entry in found.values()) for name in ("pairs", "violations"))
    return "\n".join([*rows, "", f"{total} pairs, {beyond} beyond a bound"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Search, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.norm_bound_search", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="at least so many pairs (default 1,000,000)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    began = time.perf_counter()
    print(table(search(chosen.pairs, seed=chosen.seed)), flush=True)
    print(f"seed {chosen.seed}, {time.perf_counter() - began:.0f} s")


def _field(subject: Subject, states: Tensor) -> Tensor:
    with torch.no_grad():
        return subject.field(torch.zeros((), dtype=torch.float64), states)


if __name__ == "__main__":
    main()
