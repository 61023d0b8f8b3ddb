"""Parts of a region, each with a row that is bounded on it: what branch and bound keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Table = dict[int, Float[Tensor, "domains entries"]]
"""A row of entries for each domain, by node."""

TABLES = ("lower", "upper", "from_below", "from_above", "below", "above", "scores")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Domains:
    """Domains, one a row of each tensor.

    Attributes:
        row: v.
        threshold: what ⟨v, output⟩ is to exceed.
        bound: of ⟨v, output⟩ less the threshold.
        newest: the node that was cut last; −1 for none.
        lower, upper: of every node that an activation takes.
        from_below, from_above: multipliers of these ends where they are conditions, NaN where they are none.
        below, above: slopes of the lines by which the bound was found, by activation; empty before the first bound.
        scores: how much of the bound the lines at an entry may have cost, by node.
    """

    row: Float[Tensor, "domains outputs"]
    threshold: Float[Tensor, " domains"]
    bound: Float[Tensor, " domains"]
    newest: Int64[Tensor, " domains"]
    lower: Table
    upper: Table
    from_below: Table
    from_above: Table
    below: Table
    above: Table
    scores: Table

    def __len__(self) -> int:
        return len(self.row)

    def of(self, rows: Tensor) -> "Domains":
        """Some of them, copied."""
        tables = {name: {node: value[rows] for node, value in getattr(self, name).items()} for name in TABLES}
        return Domains(
            row=self.row[rows],
            threshold=self.threshold[rows],
            bound=self.bound[rows],
            newest=self.newest[rows],
            **tables,
        )

    def cut(self, node: int, entry: Int64[Tensor, " domains"], at: Float[Tensor, " domains"]) -> "Domains":
        """Both halves of every domain: below the cut, then above it."""
        every = torch.arange(len(self))
        under, over = self.of(every), self.of(every)
        under.upper[node][every, entry], under.from_above[node][every, entry] = at, 0.0
        over.lower[node][every, entry], over.from_below[node][every, entry] = at, 0.0
        newest = torch.full_like(self.newest, node)
        return joined([replace(under, newest=newest), replace(over, newest=newest)])


def joined(parts: Sequence[Domains]) -> Domains:
    """All of them together."""
    first = parts[0]
    tables = {
        name: {node: torch.cat([getattr(part, name)[node] for part in parts]) for node in getattr(first, name)}
        for name in TABLES
    }
    return Domains(
        row=torch.cat([part.row for part in parts]),
        threshold=torch.cat([part.threshold for part in parts]),
        bound=torch.cat([part.bound for part in parts]),
        newest=torch.cat([part.newest for part in parts]),
        **tables,
    )
