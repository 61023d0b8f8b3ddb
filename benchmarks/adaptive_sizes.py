"""One small problem for adaptive solvers in five sizes: base, batch, end time and state ×10, and tolerance 1e-8."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from benchmarks.adaptive_contestants import END_TIME, TOLERANCE, contestants
from benchmarks.states import BATCH, SEED, TimelessField

FEATURES, HIDDEN = 16, 64


@dataclass(frozen=True, kw_only=True)
class Size:
    """How one problem differs from the base.

    Attributes:
        name: what the table calls it.
        batch, features: of y_0.
        solve: keywords of `contestants`.
        dtype: of states and weights.
    """

    name: str
    batch: int = BATCH
    features: int = FEATURES
    solve: dict[str, float] = field(default_factory=dict)
    dtype: torch.dtype = torch.float32


SIZES = {
    "base": Size(name=f"batch {BATCH}, T = {END_TIME:g}, tolerance {TOLERANCE:g}"),
    "batch": Size(name="batch ×10", batch=10 * BATCH),
    "end_time": Size(name="T ×10", solve={"end_time": 10 * END_TIME}),
    "tolerance": Size(name="tolerance 1e-8 in float64", solve={"tolerance": 1e-8}, dtype=torch.float64),
    "state": Size(name="state ×10", features=10 * FEATURES),
}
PASSES = ("forward", "forward + backward")


def sized_solve(contestant: str, passes: str, size: str, *, batch: int | None = None) -> Callable[[], object]:
    """One contestant's solve at a size of `SIZES`, ready to run; `batch` replaces the size's.

    Args:
        contestant: a name of `contestants()`.
        passes: one of `PASSES`.
    """
    chosen = SIZES[size]
    system, y0 = _problem(chosen, chosen.batch if batch is None else batch)
    one = contestants(**chosen.solve)[contestant]
    return torch.no_grad()(one.prepare(system, y0)) if passes == "forward" else one.training(system, y0)


def _problem(size: Size, batch: int) -> tuple[TimelessField, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = nn.Sequential(nn.Linear(size.features, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, size.features))
        y0 = torch.randn(batch, size.features)
    return TimelessField(network).to(size.dtype), y0.to(size.dtype)
