"""`AffineBound`: a bound slope·‖ε‖ + constant, for maps that no multiple of ‖ε‖ bounds."""

import math
from dataclasses import dataclass, field
from typing import TypeAlias, get_args

import torch
from torch import Tensor

from natrob_theory.numbers.bound import Bound, BoundKind
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up

Value: TypeAlias = float | Tensor
"""One number for all samples, or one per sample, (batch,)."""


@dataclass(frozen=True, kw_only=True)
class AffineBound:
    """‖Φ(z_0) − Φ(y_0)‖ ≤ slope·‖z_0 − y_0‖ + constant, for every z_0.

    An adaptive solver accepts or rejects steps, so Φ jumps, and the constant cannot be 0.

    Attributes:
        slope, constant: at least 0, ∞ where they overflow; tensors (batch,) where every sample has its own.
        kind: "upper", or "estimate" where a constant that it rests on is no upper bound.
        norm: the norm of both distances, such as "L2".
        assumptions: what must hold for the kind to be true, in words.
        source: the theorem that the numbers come from.
        flow_growth: e^{μT}, the part of the slope that is the exact flow's own.
        clean_error: the part of the constant that bounds the clean solve's distance from the exact flow.
        any_error: the bound of any other solve's distance from the exact flow, itself affine in ‖ε‖.
        The parts add up: slope = flow_growth + any_error.slope, constant = clean_error + any_error.constant.
        None: a bound without parts.
    """

    slope: Value
    constant: Value
    kind: BoundKind
    norm: Norm = "L2"
    assumptions: tuple[str, ...] = field(default=())
    source: str = ""
    flow_growth: Value | None = None
    clean_error: Value | None = None
    any_error: "AffineBound | None" = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(BoundKind):
            raise ValueError(f'`kind` must be "lower", "upper" or "estimate", got {self.kind!r}')
        for name, value in (("slope", self.slope), ("constant", self.constant)):
            if not bool((torch.as_tensor(value) >= 0).all()):
                raise ValueError(f"`{name}` must be at least 0 and not NaN, got {value}")

    def at(self, distance: Value) -> Bound:
        """The bound for perturbations of at most this norm, rounded outward; one number per sample where any is.

        Raises:
            ValueError: a distance is negative or NaN.

        Proof: proofs/coq/affine_bound.v.
        """
        radius = torch.as_tensor(distance, dtype=torch.float64)
        if not bool((radius >= 0).all()):
            raise ValueError(f"`distance` must be at least 0 and not NaN, got {distance}")
        slope, constant = self._tensors(radius.device)
        grown = torch.where(radius > 0, slope * radius, 0.0)  # an infinite slope times no distance is no distance
        value = round_up(grown + constant, 2)
        value = torch.where((radius > 0) & (slope > 0), value.clamp_min(torch.finfo(torch.float64).tiny), value)
        return Bound(
            value=value if value.dim() else float(value),
            kind=self.kind,
            norm=self.norm,
            assumptions=self.assumptions,
            source=self.source,
        )

    def distance_within(self, limit: Value) -> Value:
        """The largest ‖ε‖ with slope·‖ε‖ + constant < limit, rounded inward: 0 where the constant exceeds the limit.

        No perturbation that is smaller moves the result by `limit` or more; none at all moves nothing.

        Raises:
            ValueError: a limit is NaN.
        """
        room = torch.as_tensor(limit, dtype=torch.float64)
        if bool(room.isnan().any()):
            raise ValueError(f"`limit` must not be NaN, got {limit}")
        slope, constant = self._tensors(room.device)
        left = torch.where(torch.isinf(constant), -math.inf, room - constant)
        left = left - 2 * EPSILON * left.abs()
        distance = torch.where(left > 0, left / slope * (1.0 - 4 * EPSILON), 0.0)
        return distance if distance.dim() else float(distance)

    def _tensors(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Slope and constant in float64 on one device."""
        slope, constant = (
            value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64, device=device)
            for value in (self.slope, self.constant)
        )
        return slope.double(), constant.double()
