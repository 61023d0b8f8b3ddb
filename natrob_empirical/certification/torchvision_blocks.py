"""torchvision's residual blocks: σ(shortcut + branch), σ the block's ReLU.

Importing this module registers them, as `layer_rules` does for the blocks of this package; it is imported when
torchvision's models have been.
"""

from typing import Any

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.questions import evaluated, lipschitz_of_layer, output_shape, reach
from natrob_theory.layers.runs import require_input_kept
from natrob_theory.layers.statements import Affine, Evaluated, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, product_up, round_up


class AbstractBlockAnswers(AbstractLayer[Any]):
    """The branch is a chain of convolutions with batch norms, which are folded.

    Proof: proofs/symbolic/lipschitz_composition.py.
    """

    convolutions: int

    def branch(self) -> nn.Sequential:
        """Convolution, batch norm and σ in turn, without the last σ."""
        block, parts = self.module, []
        for number in range(1, self.convolutions + 1):
            parts += [getattr(block, f"conv{number}"), getattr(block, f"bn{number}"), block.relu]
        return nn.Sequential(*parts[:-1])

    def shortcut(self) -> nn.Module:
        """`downsample`, or the state itself."""
        return nn.Identity() if self.module.downsample is None else self.module.downsample

    def lipschitz(self, input_shape: Shape) -> float:
        """L_σ(L_shortcut + L_branch). Raises LayerRefusedError where the branch changes the shortcut's input."""
        both = lipschitz_of_layer(self.branch(), input_shape) + lipschitz_of_layer(self.shortcut(), input_shape)
        require_input_kept(self.branch(), input_shape)
        return product_up(lipschitz_of_layer(self.module.relu, self.output_shape(input_shape)), both * (1.0 + EPSILON))

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """Both ways' reaches, and that of σ behind them."""
        behind = self.output_shape(input_shape)
        if norm == "L1":
            sizes = reach(self.module.relu, norm, sizes, behind)
        branch = reach(self.branch(), norm, sizes, input_shape)
        both = round_up(branch + reach(self.shortcut(), norm, sizes, input_shape).to(branch.device), 1)
        require_input_kept(self.branch(), input_shape)
        return both if norm == "L1" else reach(self.module.relu, norm, both, behind)

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Both ways' errors and that of the sum, all through σ, and σ's own."""
        exact = Evaluated(norm, 0.0 * norm)
        ways = [evaluated(way, input_shape, exact, unit) for way in (self.branch(), self.shortcut())]
        total, error = ways[0].norm + ways[1].norm, ways[0].error + ways[1].error
        rounded = Evaluated(total, error + 4 * unit * (total + error))
        return evaluated(self.module.relu, self.output_shape(input_shape), rounded, unit).error

    def output_shape(self, input_shape: Shape) -> Shape:
        """That of the branch."""
        return output_shape(self.branch(), input_shape)


@describes(BasicBlock)
class BasicBlockAnswers(AbstractBlockAnswers):
    """Two convolutions."""

    convolutions = 2


@describes(Bottleneck)
class BottleneckAnswers(AbstractBlockAnswers):
    """Three convolutions."""

    convolutions = 3
