"""Branch and bound on what activations take: an interval is cut at a kink, or at its middle, and each half is bounded.

Where the cut is at a kink of a function that is linear beside it, the half has no relaxation left at that entry. The
cut itself is a condition on the inputs of the half. It enters the bound by a multiplier (β-CROWN). Where that is not
enough, the intervals of the later activations are bounded anew, with multipliers of their own: in a network whose steps
share their fields, a condition on an entry says much of the same entry a step later. A half on which some interval is
empty has no inputs at all.

Source: Bunel et al., JMLR 2020 (branch and bound); Wang et al., NeurIPS 2021 (β-CROWN).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.relaxation.backward_pass import Lines, Multipliers
from natrob_theory.relaxation.branching_scores import branching_scores
from natrob_theory.relaxation.domains import Domains, Table, joined
from natrob_theory.relaxation.enclosure import Enclosure, rounding_at
from natrob_theory.relaxation.graph import Graph
from natrob_theory.relaxation.optimised_lines import Ascent, Conditions, ascended, fixed_lines
from natrob_theory.relaxation.sampled_activation import cut_of, sampled

AT_ONCE = 128
"""So many domains are cut together."""

CUT_ASCENT = Ascent(steps=3, rate=0.3, multiplier_rate=0.2, decay=0.9)
"""How each half is optimised."""

LAST_ASCENT = Ascent(steps=200, rate=0.1, multiplier_rate=0.2, decay=0.98)
"""How a domain is optimised at which nothing is left to cut."""

INTERVAL_ASCENT = Ascent(steps=4, rate=0.25, multiplier_rate=0.3)
"""How the intervals behind a cut are."""


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
        intervals_ascent: of the intervals behind a cut.
    """

    def __init__(
        self,
        graph: Graph,
        enclosure: Enclosure,
        ascent: Ascent = CUT_ASCENT,
        intervals_ascent: Ascent = INTERVAL_ASCENT,
    ) -> None:
        self._graph, self._root, self._ascent = graph, enclosure, ascent
        self._intervals_ascent = intervals_ascent
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
        """Those that are not above their threshold, with bounds and scores: intervals are bounded anew for few."""
        left = self._reached(domains, self._enclosure(domains), ascent)
        if len(left) == 0 or bool((left.newest < 0).all()):
            return left
        left, enclosure = self._refined(left)
        return self._reached(left, enclosure, ascent) if len(left) else left

    def _reached(self, domains: Domains, enclosure: Enclosure, ascent: Ascent) -> Domains:
        """As `_bounded`, on these intervals."""
        conditions = self._conditions(domains)
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
            scores=branching_scores(self._graph, enclosure, lines, reached.coefficients),
        )
        return found.of((~(reached.bound[:, 0] > domains.threshold)).nonzero()[:, 0])

    def _conditions(self, domains: Domains) -> dict[int, Conditions]:
        """Those of the nodes at which some domain was cut."""
        conditions = {node: _conditions(domains, node) for node in self._nodes}
        return {node: used for node, used in conditions.items() if bool((used.lower + used.upper).any())}

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
        conditions = self._conditions(domains)
        for node in self._nodes:
            rows = ((domains.newest >= 0) & (domains.newest < node)).nonzero()[:, 0]
            if len(rows):
                self._tighten(enclosure, node, rows, conditions)
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
        return kept, self._enclosure(kept)

    def _enclosure(self, domains: Domains) -> Enclosure:
        """The root's, with the domains' intervals; of maps and sums the root's rounding holds for smaller ones too."""
        root = self._root
        enclosure = Enclosure(
            region=root.region,
            lower={**root.lower, **domains.lower},
            upper={**root.upper, **domains.upper},
            rounding=dict(root.rounding),
            level=root.level,
        )
        for node in self._nodes:
            self._sample(enclosure, node)
        return enclosure

    def _sample(self, enclosure: Enclosure, node: int) -> None:
        lower, upper = enclosure.lower[node], enclosure.upper[node]
        for index, module in self._graph.activations_on(node):
            enclosure.samples[index] = sampled(module, lower, torch.maximum(lower, upper))
            enclosure.rounding[index] = rounding_at(self._graph, enclosure, index)

    def _tighten(self, enclosure: Enclosure, node: int, rows: Tensor, conditions: dict[int, Conditions]) -> None:
        """Backward bounds of some domains' bent entries, as many of each domain as the most bent one has."""
        lower, upper = enclosure.lower[node][rows], enclosure.upper[node][rows]
        bent = self._graph.bent(node, lower, upper)
        most = int(bent.sum(dim=1).max())
        if most == 0:
            return
        entries = bent.int().argsort(dim=1, descending=True, stable=True)[:, :most]
        unit = torch.zeros((len(rows), most, lower.shape[1]), dtype=torch.float64)
        unit.scatter_(2, entries[:, :, None], 1.0)
        some = self._some(enclosure, node, rows)
        found = ascended(
            self._graph,
            some,
            node,
            torch.cat([unit, -unit], dim=1),
            fixed_lines(self._graph, some, node),
            self._intervals_ascent,
            conditions={index: used.of(rows) for index, used in conditions.items() if index <= node},
        )[0].bound
        least, negative = found.split(most, dim=1)
        lower = lower.scatter(1, entries, torch.maximum(lower.gather(1, entries), least))
        upper = upper.scatter(1, entries, torch.minimum(upper.gather(1, entries), -negative))
        enclosure.lower[node] = enclosure.lower[node].index_copy(0, rows, lower)
        enclosure.upper[node] = enclosure.upper[node].index_copy(0, rows, upper)

    def _some(self, enclosure: Enclosure, node: int, rows: Tensor) -> Enclosure:
        """Keeps some domains of all that a backward pass from the node needs; tables of one row are the root's."""
        count = len(enclosure.lower[node])

        def of(table: Table) -> Table:
            return {index: value[rows] if len(value) == count else value for index, value in table.items()}

        return Enclosure(
            region=enclosure.region,
            lower=of(enclosure.lower),
            upper=of(enclosure.upper),
            samples={index: enclosure.samples[index].of(rows) for index in self._graph.activations_before(node)},
            rounding=of(enclosure.rounding),
            level=enclosure.level,
        )

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
