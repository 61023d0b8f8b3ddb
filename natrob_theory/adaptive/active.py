"""The samples of an adaptive solve that are under way."""

from typing import NamedTuple

import torch
from torch import Tensor


class Active(NamedTuple):
    """The samples under way.

    Attributes:
        rows: where in the batch they are; None: they are all of it.
        time, step, state: t_n in float64, the |h| to try, y_n.
        slope: f(t_n, y_n), but for the rows that are stale.
        remembered: the error ratio of the step before.
        may_grow: False after a rejection; None: True for all.
        stale: whether `slope` is still that of the step before; None: for none.
        target: the number of the stop ahead; None: there is but one.
        sign: the event's last sign that was not 0; None: there is no event.
    """

    rows: Tensor | None
    time: Tensor
    step: Tensor
    state: Tensor
    slope: Tensor
    remembered: Tensor
    may_grow: Tensor | None = None
    stale: Tensor | None = None
    target: Tensor | None = None
    sign: Tensor | None = None

    def select(self, indices: Tensor) -> "Active":
        """Only these of them."""
        _, *others = self
        kept = [None if entry is None else entry.index_select(0, indices) for entry in others]
        return Active(self.rows_at(indices), *kept)  # type: ignore[arg-type] - None stays where it was

    def rows_at(self, indices: Tensor) -> Tensor:
        """Rows in the batch of the samples at these positions."""
        return indices if self.rows is None else self.rows[indices]

    def everybody(self) -> Tensor:
        """The rows in the batch of all of them."""
        return torch.arange(len(self.time), device=self.time.device) if self.rows is None else self.rows
