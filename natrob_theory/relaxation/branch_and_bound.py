"""Branch and bound on what activations take: an interval is cut at a kink, or at its middle, and each half is bounded.

Where the cut is at a kink of a function that is linear beside it, the half has no relaxation left at that entry. The
cut itself is a condition on the inputs of the half. It enters the bound by a multiplier (β-CROWN), and the intervals of
the later activations are bounded anew. A half on which some interval is empty has no inputs at all.

Source: Bunel et al., JMLR 2020 (branch and bound); Wang et al., NeurIPS 2021 (β-CROWN).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.relaxation.backward_pass import Lines, Multipliers, lower_bounds
from natrob_theory.relaxation.domains import Domains, Table, joined
from natrob_theory.relaxation.enclosure import Enclosure, rounding_at
from natrob_theory.relaxation.graph import Graph
from natrob_theory.relaxation.optimised_lines import Ascent, Conditions, ascended, fixed_lines
from natrob_theory.relaxation.sampled_activation import cut_of, sampled

AT_ONCE = 256
"""So many domains are cut together."""

CUT_ASCENT = Ascent(steps=3, rate=0.3, multiplier_rate=0.2, decay=0.9)
"""How each half is optimised."""

LAST_ASCENT = Ascent(steps=200, rate=0.1, multiplier_rate=0.2, decay=0.98)
"""How a domain is optimised at which nothing is left to cut."""

EARLIER = 2.0
"""An entry's score counts so much more a layer of activations earlier: a cut there sharpens all later intervals."""


@final
@dataclass(frozen=True, kw_only=True)
class BranchOutcome:
    """How far the search came.

    Attributes:
        bound: at most min ⟨v, output⟩ less its threshold, over all rows and inputs; 0 where all are above.
        settled: whether every domain was bounded above its threshold.
        domains: how many were bounded.
    """

    bound: float
    settled: bool
    domains: int


@final
class BranchAndBound:
    """Bounds rows of one network on one region.

    Args:
        graph: of the network.
        enclosure: of one sample.
        ascent: of each domain.
    """

    def __init__(self, graph: Graph, enclosure: Enclosure, ascent: Ascent = CUT_ASCENT) -> None:
        self._graph, self._root, self._ascent = graph, enclosure, ascent
        self._nodes = graph.activated

    @torch.no_grad()
    def search(
        self,
        rows: Float[Tensor, "rows outputs"],
        thresholds: Float[Tensor, " rows"],
        *,
        go_on: Callable[[], bool],
    ) -> BranchOutcome:
        """Cuts domains, the worst first, until every row exceeds its threshold everywhere or `go_on` says no."""
        pending = self._bounded(self._start(rows, thresholds), self._ascent)
        count = len(rows)
        while len(pending):
            order = pending.bound.argsort()
            chosen, rest = pending.of(order[:AT_ONCE]), pending.of(order[AT_ONCE:])
            if not go_on():
                return BranchOutcome(bound=float(chosen.bound[0]), settled=False, domains=count)
            whole, halves = self._halves(chosen)
            if whole is not None and len(whole := self._bounded(whole, LAST_ASCENT)):
                return BranchOutcome(bound=float(whole.bound.min()), settled=False, domains=count)
            if halves is not None:
                count += len(halves)
                rest = joined([rest, self._bounded(halves, self._ascent)])
            pending = rest
        return BranchOutcome(bound=0.0, settled=True, domains=count)

    def _start(self, rows: Tensor, thresholds: Tensor) -> Domains:
        count, root = len(rows), self._root
        none = {node: torch.full((count, root.lower[node].shape[1]), torch.nan).double() for node in self._nodes}
        sizes = {index: self._graph.nodes[index].size for index in self._graph.activations}
        zeros = {index: torch.zeros((count, size), dtype=torch.float64) for index, size in sizes.items()}
        return Domains(
            row=rows,
            threshold=thresholds,
            bound=torch.full((count,), -torch.inf, dtype=torch.float64),
            newest=torch.full((count,), -1, dtype=torch.int64),
            lower={node: root.lower[node].expand(count, -1) for node in self._nodes},
            upper={node: root.upper[node].expand(count, -1) for node in self._nodes},
            from_below=none,
            from_above={node: value.clone() for node, value in none.items()},
            below=zeros,
            above={index: value.clone() for index, value in zeros.items()},
            scores={node: torch.zeros_like(value) for node, value in none.items()},
        )

    def _bounded(self, domains: Domains, ascent: Ascent) -> Domains:
        """Those that are not above their threshold, with bounds and scores."""
        domains, enclosure = self._refined(domains)
        if len(domains) == 0:
            return domains
        conditions = {node: _conditions(domains, node) for node in self._nodes}
        conditions = {node: used for node, used in conditions.items() if bool((used.lower + used.upper).any())}
        thresholds = domains.threshold[:, None]
        reached, lines, multipliers = ascended(
            self._graph,
            enclosure,
            self._graph.output,
            domains.row[:, None],
            self._first_lines(domains, enclosure),
            ascent,
            conditions=conditions,
            enough=lambda best: bool((best > thresholds).all()),
        )
        lower, upper = _kept(conditions, multipliers)
        found = replace(
            domains,
            bound=reached.bound[:, 0] - domains.threshold,
            below={index: pair.below[:, 0] for index, pair in lines.items()},
            above={index: pair.above[:, 0] for index, pair in lines.items()},
            from_below={**domains.from_below, **lower},
            from_above={**domains.from_above, **upper},
            scores=self._scores(reached.coefficients, lines, enclosure),
        )
        return found.of((~(reached.bound[:, 0] > domains.threshold)).nonzero()[:, 0])

    def _first_lines(self, domains: Domains, enclosure: Enclosure) -> dict[int, Lines]:
        """Those of the domain that was cut; of least area where nothing was."""
        fixed = fixed_lines(self._graph, enclosure, self._graph.output)
        fresh = (domains.newest < 0)[:, None, None]
        chords = {index: [one[:, None] for one in enclosure.samples[index].chords()] for index in fixed}
        return {
            index: Lines(
                torch.where(fresh | chords[index][0], pair.below, domains.below[index][:, None]),
                torch.where(fresh | chords[index][1], pair.above, domains.above[index][:, None]),
            )
            for index, pair in fixed.items()
        }

    def _refined(self, domains: Domains) -> tuple[Domains, Enclosure]:
        """Intervals behind the newest cut bounded anew, without the domains that have no inputs."""
        enclosure = self._enclosure(domains)
        for node in self._nodes:
            rows = ((domains.newest >= 0) & (domains.newest < node)).nonzero()[:, 0]
            if len(rows):
                self._tighten(enclosure, node, rows)
            self._sample(enclosure, node)
        empty = torch.zeros(len(domains), dtype=torch.bool)
        for node in self._nodes:
            empty |= (enclosure.lower[node] > enclosure.upper[node]).any(dim=1)
        kept = replace(
            domains,
            lower={node: enclosure.lower[node] for node in self._nodes},
            upper={node: enclosure.upper[node] for node in self._nodes},
        ).of((~empty).nonzero()[:, 0])
        if not bool(empty.any()):
            return kept, enclosure
        enclosure = self._enclosure(kept)
        for node in self._nodes:
            self._sample(enclosure, node)
        return kept, enclosure

    def _enclosure(self, domains: Domains) -> Enclosure:
        """The root's, with the domains' intervals; of maps and sums the root's rounding holds for smaller ones too."""
        root = self._root
        return Enclosure(
            region=root.region,
            lower={**root.lower, **domains.lower},
            upper={**root.upper, **domains.upper},
            rounding=dict(root.rounding),
            level=root.level,
        )

    def _sample(self, enclosure: Enclosure, node: int) -> None:
        lower, upper = enclosure.lower[node], enclosure.upper[node]
        for index, module in self._graph.activations_on(node):
            enclosure.samples[index] = sampled(module, lower, torch.maximum(lower, upper))
            enclosure.rounding[index] = rounding_at(self._graph, enclosure, index)

    def _tighten(self, enclosure: Enclosure, node: int, rows: Tensor) -> None:
        """Backward bounds of some domains' entries that are bent in one of them, with lines of least area."""
        own = enclosure.lower[node][rows], enclosure.upper[node][rows]
        bent = self._graph.bent(node, *own)
        if len(bent) == 0:
            return
        some = Enclosure(
            region=enclosure.region,
            lower=enclosure.lower,
            upper=enclosure.upper,
            samples={index: enclosure.samples[index].of(rows) for index in self._graph.activations_before(node)},
            rounding={
                index: value[rows] if len(value) == len(enclosure.lower[node]) else value
                for index, value in enclosure.rounding.items()
            },
            level=enclosure.level,
        )
        unit = torch.zeros((len(bent), own[0].shape[1]), dtype=torch.float64)
        unit[torch.arange(len(bent)), bent] = 1.0
        both = torch.cat([unit, -unit]).expand(len(rows), -1, -1)
        found = lower_bounds(self._graph, some, node, both, fixed_lines(self._graph, some, node)).bound
        least, negative = found.split(len(bent), dim=1)
        lower, upper = enclosure.lower[node].clone(), enclosure.upper[node].clone()
        places = rows[:, None], bent[None]
        lower[places] = torch.maximum(lower[places], least)
        upper[places] = torch.minimum(upper[places], -negative)
        enclosure.lower[node], enclosure.upper[node] = lower, upper

    def _scores(
        self, coefficients: dict[int, Tensor], lines: dict[int, Lines], enclosure: Enclosure
    ) -> dict[int, Tensor]:
        """The sum over the activations that take a node, more for earlier ones."""
        scores = {}
        for place, node in enumerate(self._nodes):
            costs = [
                _cost(coefficients[index][:, 0], lines[index], enclosure, index)
                for index, _ in self._graph.activations_on(node)
                if index in coefficients
            ]
            weight = EARLIER ** (len(self._nodes) - place)
            scores[node] = weight * sum(costs, torch.zeros_like(enclosure.lower[node]))
        return scores

    def _halves(self, domains: Domains) -> tuple[Domains | None, Domains | None]:
        """Domains at which nothing is left to cut, and both halves of the others, cut where the score is largest."""
        scores = torch.cat([domains.scores[node] for node in self._nodes], dim=1)
        best, place = scores.max(dim=1)
        whole = (~(best > 0)).nonzero()[:, 0]
        halves, start = [], 0
        for node in self._nodes:
            width = domains.scores[node].shape[1]
            here = ((best > 0) & (place >= start) & (place < start + width)).nonzero()[:, 0]
            entry, start = place[here] - start, start + width
            if len(here):
                some = domains.of(here)
                every = torch.arange(len(here))
                module = self._graph.activations_on(node)[0][1]
                at = cut_of(module, some.lower[node][every, entry], some.upper[node][every, entry])
                halves.append(some.cut(node, entry, at))
        return domains.of(whole) if len(whole) else None, joined(halves) if halves else None


def _conditions(domains: Domains, node: int) -> Conditions:
    lower, upper = domains.from_below[node][:, None], domains.from_above[node][:, None]
    begun = Multipliers(lower.nan_to_num(nan=0.0), upper.nan_to_num(nan=0.0))
    return Conditions((~lower.isnan()).double(), (~upper.isnan()).double(), begun)


def _kept(conditions: dict[int, Conditions], multipliers: dict[int, Multipliers]) -> tuple[Table, Table]:
    """The multipliers of the lower and of the upper ends, NaN where they are no conditions."""
    lower, upper = {}, {}
    for node, used in conditions.items():
        lower[node] = torch.where(used.lower > 0, multipliers[node].lower, torch.nan)[:, 0]
        upper[node] = torch.where(used.upper > 0, multipliers[node].upper, torch.nan)[:, 0]
    return lower, upper


def _cost(v: Tensor, lines: Lines, enclosure: Enclosure, index: int) -> Tensor:
    """|v_i| times the largest distance between line and function at a sample; 0 where the function is linear."""
    samples = enclosure.samples[index]
    below = samples.lower_intercept(lines.below)[:, 0, :, None] + lines.below[:, 0, :, None] * samples.points
    above = samples.upper_intercept(lines.above)[:, 0, :, None] + lines.above[:, 0, :, None] * samples.points
    gap_below, gap_above = (samples.high - below).amax(dim=2), (above - samples.low).amax(dim=2)
    cost = v.clamp_min(0.0) * gap_below - v.clamp_max(0.0) * gap_above
    return torch.where(samples.bent(), cost, 0.0)
