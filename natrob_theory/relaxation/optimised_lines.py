"""Slopes and multipliers chosen: first by the least area, then by ascent of the bound itself (α-CROWN, β-CROWN)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.relaxation.backward_pass import AllLines, Lines, Multipliers, Reached, lower_bounds
from natrob_theory.relaxation.enclosure import Enclosure
from natrob_theory.relaxation.graph import Graph


@final
@dataclass(frozen=True, kw_only=True)
class Ascent:
    """How the bounds are optimised.

    Attributes:
        steps: of Adam; 0 for none.
        rate: of slopes, as a part of the range that they may take.
        multiplier_rate: of β.
        decay: of both rates, a step.
    """

    steps: int = 20
    rate: float = 0.25
    multiplier_rate: float = 0.1
    decay: float = 0.95


class Conditions(NamedTuple):
    """1 where an end of a node's interval is a condition on the inputs, else 0; and where the multipliers begin.

    All are (batch, 1, entries).
    """

    lower: Tensor
    upper: Tensor
    begun: Multipliers

    def of(self, rows: Tensor) -> "Conditions":
        """Those of some samples, begun at 0."""
        lower, upper = self.lower[rows], self.upper[rows]
        return Conditions(lower, upper, Multipliers(torch.zeros_like(lower), torch.zeros_like(upper)))


def fixed_lines(graph: Graph, enclosure: Enclosure, start: int) -> dict[int, Lines]:
    """The lines of least area, the same for every row."""
    lines = {}
    for index in graph.activations_before(start):
        below, above = enclosure.samples[index].best_slopes()
        lines[index] = Lines(below[:, None], above[:, None])
    return lines


def ascended(
    graph: Graph,
    enclosure: Enclosure,
    start: int,
    rows: Float[Tensor, "batch rows entries"],
    lines: AllLines,
    ascent: Ascent,
    *,
    conditions: Mapping[int, Conditions] | None = None,
    enough: Callable[[Tensor], bool] | None = None,
) -> tuple[Reached, dict[int, Lines], dict[int, Multipliers]]:
    """The best bounds of each row that the ascent met, and the lines and multipliers that it ended with.

    Args:
        graph, enclosure, start, rows: as for `lower_bounds`.
        lines: where the ascent begins.
        ascent: its steps.
        conditions: the ends of intervals that are conditions, by node; none for none.
        enough: whether bounds as good as these need no more steps.
    """
    variables = _Variables(enclosure, rows, lines, conditions or {})
    best: Tensor | None = None
    reached: Reached | None = None
    for step in range(ascent.steps + 1):
        with torch.enable_grad():
            now = lower_bounds(graph, enclosure, start, rows, variables.lines(), variables.multipliers())
            total = torch.where(now.bound.isfinite(), now.bound, 0.0).sum()
        best = now.bound.detach() if best is None else torch.maximum(best, now.bound.detach())
        reached = now
        if step == ascent.steps or not variables.all or (enough is not None and enough(best)):
            break
        variables.move(torch.autograd.grad(total, variables.all, allow_unused=True), ascent, step)
    assert best is not None
    assert reached is not None
    found = Reached(best, {index: value.detach() for index, value in reached.coefficients.items()})
    return found, variables.lines(detached=True), variables.multipliers(detached=True)


class _Variables:
    """The slopes as places t in [0, 1] of their ranges, and the multipliers, with Adam's moments."""

    def __init__(
        self,
        enclosure: Enclosure,
        rows: Tensor,
        lines: AllLines,
        conditions: Mapping[int, Conditions],
    ) -> None:
        self.all: list[Tensor] = []
        self._of_lines: list[bool] = []
        self._free: list[Tensor] = []
        self._ranges: dict[int, tuple[Tensor, Tensor]] = {}
        self._places: dict[int, tuple[Tensor, Tensor]] = {}
        self._multipliers: dict[int, tuple[Tensor, Tensor]] = {}
        self._conditions = conditions
        count = rows.shape[:2]
        for index, chosen in lines.items():
            samples = enclosure.samples[index]
            low = samples.slope_low[:, None]
            width = (samples.slope_high - samples.slope_low)[:, None]
            self._ranges[index] = low, width
            places = [((slope - low) / width.clamp_min(1e-12)).clamp(0.0, 1.0) for slope in chosen]
            free = samples.bent()[:, None] & ~torch.stack(samples.chords())[:, :, None]
            self._places[index] = (
                self._new(places[0], count, free[0], of_line=True),
                self._new(places[1], count, free[1], of_line=True),
            )
        for index, used in conditions.items():
            start = used.begun
            self._multipliers[index] = (
                self._new(start.lower, count, used.lower > 0, of_line=False),
                self._new(start.upper, count, used.upper > 0, of_line=False),
            )
        self._first = [torch.zeros_like(variable) for variable in self.all]
        self._second = [torch.zeros_like(variable) for variable in self.all]

    def _new(self, start: Tensor, count: torch.Size, free: Tensor, *, of_line: bool) -> Tensor:
        """The start itself where nothing of it is free."""
        if not bool(free.any()):
            return start.detach()
        variable = start.detach().expand(*count, start.shape[2]).clone().requires_grad_(True)
        self.all.append(variable)
        self._of_lines.append(of_line)
        self._free.append(free)
        return variable

    def lines(self, *, detached: bool = False) -> dict[int, Lines]:
        """The slopes, clamped to their ranges."""
        found = {}
        for index, places in self._places.items():
            low, width = self._ranges[index]
            slopes = [torch.minimum(low + place * width, low + width) for place in places]
            found[index] = Lines(*(slope.detach() if detached else slope for slope in slopes))
        return found

    def multipliers(self, *, detached: bool = False) -> dict[int, Multipliers]:
        """β, 0 where the interval is no condition."""
        found = {}
        for index, pair in self._multipliers.items():
            used = self._conditions[index]
            lower, upper = (value.detach() if detached else value for value in pair)
            found[index] = Multipliers(lower * used.lower, upper * used.upper)
        return found

    @torch.no_grad()
    def move(self, slopes: tuple[Tensor | None, ...], ascent: Ascent, step: int) -> None:
        """One step of Adam, upward."""
        for place, (variable, slope) in enumerate(zip(self.all, slopes, strict=True)):
            if slope is None:
                continue
            upward = slope * self._free[place]
            rate = (ascent.rate if self._of_lines[place] else ascent.multiplier_rate) * ascent.decay**step
            first, second = self._first[place], self._second[place]
            first.mul_(0.9).add_(upward, alpha=0.1)
            second.mul_(0.999).addcmul_(upward, upward, value=0.001)
            size = (second / (1.0 - 0.999 ** (step + 1))).sqrt_().add_(1e-12)
            variable.add_(first / (1.0 - 0.9 ** (step + 1)) / size, alpha=rate)
            variable.clamp_(0.0, 1.0) if self._of_lines[place] else variable.clamp_min_(0.0)
