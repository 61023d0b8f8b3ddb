"""nn.Softmax, nn.Softmin and nn.Softmax2d."""

import math

from torch import nn

from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.refusal import refuse
from natrob_theory.layers.statements import Affine, Shape
from natrob_theory.numbers.norms import Norm


@describes(nn.Softmax, nn.Softmin, nn.Softmax2d)
class SoftmaxAnswers(AbstractLayer[nn.Softmax | nn.Softmin | nn.Softmax2d]):
    """p = eˣ/Σeˣ along one axis: J = diag(p) − ppᵀ, or its negative. Proof: proofs/symbolic/softmax_norm.py."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Entry for entry."""
        return input_shape

    def lipschitz(self, input_shape: Shape) -> float:
        """½: the rows of |J| sum to 2p(1 − p) ≤ ½, which p = (½, ½) attains; 0 along an axis of one entry."""
        return 0.5 if self.entries(input_shape) > 1 else 0.0

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """½ in every norm: J is symmetric, and its rows sum to at most ½."""
        return lipschitz_of_layer(self.module, input_shape)

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """At most u(64‖x‖ + (2n + 16)√slices), n the entries of a slice.

        With m = max x and exponentials that err relatively by 4u, |δp_i| ≤ p_i·u(|x_i − m| + Σ p_j|x_j − m| + n + 8)
        to first order; |x_i − m| ≤ √2‖x‖ and ‖p‖ ≤ 1. Beyond first order two such vectors are at most √2 apart.
        """
        entries = self.entries(input_shape)
        slices = math.prod(input_shape) / entries
        return unit * (64.0 * norm + only_constant((2 * entries + 16) * math.sqrt(slices))) * RELATIVE

    def entries(self, input_shape: Shape) -> int:
        """How many entries sum to 1. Raises LayerRefusedError unless `dim` names an axis of the sample."""
        dim = -3 if isinstance(self.module, nn.Softmax2d) else self.module.dim
        axes = len(input_shape)
        if dim is None:
            return refuse(self.module, input_shape, "dim=None, which torch reads off the input")
        if not (1 <= dim <= axes or -axes <= dim <= -1):
            return refuse(self.module, input_shape, f"dim={dim}, which is no axis of one sample")
        return input_shape[dim - 1 if dim > 0 else dim]
