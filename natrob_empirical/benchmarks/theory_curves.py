"""Growth along the network as curves: measured and bounded."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from natrob_empirical.records import Curve
from natrob_theory import BoundCheck
from natrob_theory.numbers.bound import BoundKind

if TYPE_CHECKING:
    from natrob_empirical.benchmarks.classifier_theory import TrunkMeasurement


def common_times(check: BoundCheck) -> Tensor:
    """The grid of all pairs; where each has its own, as many equal steps as the longest of them has."""
    if check.times.dim() == 1:
        return check.times
    start, end = float(check.times.min()), float(check.times.max())
    return torch.linspace(start, end, len(check.times), dtype=torch.float64)


def growth_curves(measurement: "TrunkMeasurement") -> Sequence[Curve]:
    """Growth relative to the perturbation at the trunk's entrance: measured, and by each of the bounds."""
    paired, times = measurement.paired, measurement.times
    growth = _at_times(paired.distance / paired.distance[0], paired, times)
    pairs = growth.shape[1]

    def curve(label: str, kind: BoundKind | Literal["measured"], n: int | None, values: Tensor) -> Curve:
        return Curve(label=label, kind=kind, n=n, times=times.tolist(), values=values.tolist())

    def largest_bound(check: BoundCheck) -> Tensor:
        return _at_times(check.bound / check.distance[0], check, times).amax(dim=1)

    curves = [
        curve("measured growth, median", "measured", pairs, growth.median(dim=1).values),
        curve("measured growth, largest", "measured", pairs, growth.amax(dim=1)),
        curve("bound from the pair's secants, largest", "upper", pairs, largest_bound(paired)),
    ]
    if measurement.from_upper is not None:
        from_upper = largest_bound(measurement.from_upper)
        curves.append(curve("bound from upper K", "upper", None, from_upper))
        structural = None if measurement.from_structure is None else largest_bound(measurement.from_structure)
        if structural is not None and float(structural[-1]) < float(from_upper[-1]):
            curves.append(curve("bound from the field's structure", "upper", None, structural))
    kind = measurement.exponential.kind
    curves.append(curve("e^{tK} of the exact flow, upper K", kind, None, measurement.exponential_upper))
    curves.append(curve("e^{tK} of the exact flow, lower K", "estimate", None, measurement.exponential_lower))
    return curves


def _at_times(values: Tensor, check: BoundCheck, times: Tensor) -> Tensor:
    """Values on each pair's own grid, (points, pairs), at these times: those of its last grid point until then."""
    if check.times.dim() == 1:
        return values
    own = check.times.T.contiguous()
    index = torch.searchsorted(own, times.expand(len(own), -1).contiguous(), right=True) - 1
    return values.gather(0, index.clamp(0, len(values) - 1).T)
