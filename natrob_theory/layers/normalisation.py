"""nn.GroupNorm, nn.LayerNorm, and instance norms without running statistics.

Over each group of n entries h(y) = w/√(‖w‖²/n + ε) with w = Py, P taking the mean away. J = (I − wwᵀ/(ns²))P/s with
s² = ‖w‖²/n + ε, so ‖J‖ ≤ 1/s ≤ 1/√ε. That is attained at w = 0, and large: 316 for ε = 10⁻⁵. On a ball of radius r
about c every ‖w‖ is at least m = max(0, ‖Pc‖ − r), so that ‖J‖ ≤ 1/√(m²/n + ε) there.

What is said of rounding assumes a variance from differences to the mean, in two passes or by Welford's update. Kernels
that take mean(y²) − mean(y)², as torch's does for GroupNorm on images in channels_last order, are outside it.
"""

import abc
import math
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.answers import AbstractLayer, Described, describes
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.refusal import refuse
from natrob_theory.layers.runs import value_at_zero
from natrob_theory.layers.statements import Evaluated, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, product_up

AnyInstanceNorm: TypeAlias = nn.InstanceNorm1d | nn.InstanceNorm2d | nn.InstanceNorm3d


class AbstractNormalisation(AbstractLayer[Described]):
    """Groups of entries, each centred and divided by its deviation, then scaled.

    Proof: proofs/symbolic/group_norm.py.
    """

    @abc.abstractmethod
    def groups(self, input_shape: Shape) -> int:
        """The number of groups of consecutive entries in a sample. Raises ValueError where the shape does not fit."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Entry for entry."""
        return input_shape

    def lipschitz(self, input_shape: Shape) -> float:
        """max|γ|/√ε."""
        if math.prod(input_shape) == self.groups(input_shape):
            return 0.0  # one entry a group: the output is the shift
        if not self._eps > 0:
            refuse(self.module, input_shape, f"eps={self._eps}")
        return self._largest_scale() / math.sqrt(self._eps) * (1.0 + 8 * EPSILON)

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """√n times that in L2, n the entries of a group: ‖J‖_∞ and ‖J‖₁ are at most √n‖J‖₂, group by group."""
        constant = lipschitz_of_layer(self.module, input_shape)
        if norm == "L2":
            return constant
        entries = math.prod(input_shape) / self.groups(input_shape)
        return product_up(constant, math.sqrt(entries) * (1.0 + 2 * EPSILON))

    def lipschitz_near(
        self, center: Float[Tensor, "batch *input"], radius: Float[Tensor, " batch"], input_shape: Shape
    ) -> Float[Tensor, " batch"]:
        """max|γ|/√(m²/n + ε) of the group with the least m = max(0, ‖Pc‖ − r)."""
        everywhere = lipschitz_of_layer(self.module, input_shape)
        if everywhere == 0.0:
            return torch.zeros_like(radius)
        groups = center.reshape(len(center), self.groups(input_shape), -1)
        entries = groups.shape[2]
        # The mean errs by at most γ_n times that of |c|, in all entries together by γ_n‖c‖; twice that holds the
        # roundings of the differences too.
        error = (entries + 4) * EPSILON * torch.linalg.vector_norm(groups, dim=2)
        size = torch.linalg.vector_norm(groups - groups.mean(dim=2, keepdim=True), dim=2)
        least = (size * (1.0 - (entries + 4) * EPSILON) - error - radius[:, None]).clamp_min(0.0)
        least = (least * (1.0 - 4 * EPSILON)).amin(dim=1)
        deviation = torch.hypot(least / math.sqrt(entries), torch.full_like(least, math.sqrt(self._eps)))
        near = self._largest_scale() / deviation * (1.0 + 8 * EPSILON)
        return torch.nan_to_num(near, nan=everywhere).clamp_max(everywhere)

    def evaluated(self, input_shape: Shape, before: Evaluated, unit: float) -> Evaluated:
        """A group's w/s is at most √n long, so the output is at most max|γ|√d + ‖shift‖, whatever comes in."""
        longest = self._largest_scale() * math.sqrt(math.prod(input_shape)) + value_at_zero(self.module, input_shape)
        error = super().evaluated(input_shape, before, unit).error
        return Evaluated(only_constant(longest * RELATIVE), error)

    @property
    def _eps(self) -> float:
        return float(self.module.eps)  # type: ignore[arg-type]

    def _largest_scale(self) -> float:
        weight = self.module.weight
        return 1.0 if weight is None else float(weight.detach().double().abs().max())  # type: ignore[operator]


@describes(nn.GroupNorm)
class GroupNormAnswers(AbstractNormalisation[nn.GroupNorm]):
    """Groups of channels."""

    def groups(self, input_shape: Shape) -> int:
        """As the layer says."""
        if input_shape[0] != self.module.num_channels:
            raise ValueError(
                f"`input_shape` must begin with {self.module.num_channels} for this GroupNorm layer, got {input_shape}"
            )
        return self.module.num_groups


@describes(nn.LayerNorm)
class LayerNormAnswers(AbstractNormalisation[nn.LayerNorm]):
    """The last axes together."""

    def groups(self, input_shape: Shape) -> int:
        """One for each place on the axes before."""
        last = tuple(self.module.normalized_shape)
        if input_shape[len(input_shape) - len(last) :] != last or len(last) > len(input_shape):
            raise ValueError(f"`input_shape` must end in {last} for this LayerNorm layer, got {input_shape}")
        return math.prod(input_shape[: len(input_shape) - len(last)])


@describes(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
class InstanceNormAnswers(AbstractNormalisation[AnyInstanceNorm]):
    """Each channel by itself; with running statistics it is refused."""

    def groups(self, input_shape: Shape) -> int:
        """One a channel. Raises LayerRefusedError with running statistics, which are another layer's."""
        if self.module.running_var is not None:
            refuse(self.module, input_shape, "running statistics; with track_running_stats=False it is known")
        kinds = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
        axes = next(axes for axes, kind in enumerate(kinds, start=1) if isinstance(self.module, kind))
        if len(input_shape) != axes + 1:
            name = type(self.module).__name__
            raise ValueError(f"`input_shape` must have a channel axis and {axes} more for {name}, got {input_shape}")
        return input_shape[0]
