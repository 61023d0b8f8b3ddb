"""Upper Lipschitz constants of the layers that the classifiers are made of; each a class of answers.

Importing this module registers them, so `natrob_theory.lipschitz_upper_bound` takes these layers wherever they stand.
torchvision's own blocks are registered once torchvision's models have been imported.
"""

from torch import Tensor, nn

from natrob_empirical.models.isometric_layers import PaddedChannels
from natrob_empirical.models.residual_block import PaddedSubsampling, ResidualBlock, ScaledBy
from natrob_theory import LayerRefusedError
from natrob_theory.checks.residual_chains import residual_growth
from natrob_theory.layers.altered_layers import hooks_of
from natrob_theory.layers.answers import AbstractLayer, described_by, describes
from natrob_theory.layers.questions import evaluated, lipschitz_of_layer, output_shape, reach
from natrob_theory.layers.runs import require_input_kept
from natrob_theory.layers.selection import AbstractSelection
from natrob_theory.layers.statements import Affine, Evaluated, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up, times_up

described_by("torchvision.models.resnet", "natrob_empirical.certification.torchvision_blocks")


@describes(PaddedSubsampling, PaddedChannels)
class PaddedAnswers(AbstractSelection[nn.Module]):
    """Dropping entries makes no vector longer, and appended zeros change no length."""


@describes(ScaledBy)
class ScaledByAnswers(AbstractLayer[ScaledBy]):
    """hy."""

    def lipschitz(self, input_shape: Shape) -> float:
        """|h|."""
        return abs(self.module.factor)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """|h| times the sizes."""
        return times_up(sizes, abs(self.module.factor))

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """One product, and the rounding of the factor."""
        return 4 * unit * abs(self.module.factor) * norm


@describes(ResidualBlock)
class ResidualBlockAnswers(AbstractLayer[ResidualBlock]):
    """σ(S y + hF(y)). Proof: proofs/symbolic/lipschitz_composition.py."""

    def lipschitz(self, input_shape: Shape) -> float:
        """L_σ(L_S + |h|K)."""
        block = self.module
        branch, shortcut = branch_lipschitz(block.branch, input_shape), lipschitz_of_layer(block.shortcut, input_shape)
        require_inputs_kept(block, input_shape)  # behind the constants: training mode is refused before anything is run
        return float(
            residual_growth(
                block.step_size,
                branch=branch,
                shortcut=shortcut,
                activation=lipschitz_of_layer(block.activation, output_shape(block.shortcut, input_shape)),
            )
        )

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """Both ways' reaches, the branch's times |h|, and that of σ behind them."""
        block, behind = self.module, output_shape(self.module.shortcut, input_shape)
        if type(block.branch) is not nn.Sequential or hooks_of(block.branch):
            raise LayerRefusedError(
                f"a residual branch must be a plain nn.Sequential, got {type(block.branch).__name__}"
            )
        if norm == "L1":
            sizes = reach(block.activation, norm, sizes, behind)
        branch = reach(block.branch, norm, sizes, input_shape)
        shortcut = reach(block.shortcut, norm, sizes, input_shape)
        require_inputs_kept(block, input_shape)
        both = round_up(times_up(branch, abs(block.step_size)) + shortcut.to(branch.device), 2)
        return both if norm == "L1" else reach(block.activation, norm, both, behind)

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Both ways' errors and those of h·F and the sum, all through σ, and σ's own."""
        block, exact = self.module, Evaluated(norm, 0.0 * norm)
        branch = evaluated(block.branch, input_shape, exact, unit)
        shortcut = evaluated(block.shortcut, input_shape, exact, unit)
        h = abs(block.step_size)
        total = shortcut.norm + h * branch.norm
        error = shortcut.error + h * branch.error
        rounded = error + 4 * unit * (total + error)
        shape = output_shape(block.shortcut, input_shape)
        return evaluated(block.activation, shape, Evaluated(total, rounded), unit).error


def require_inputs_kept(block: ResidualBlock, input_shape: Shape) -> None:
    """Refuse a block whose branch or shortcut changes the state that the other one is given."""
    for part in (block.branch, block.shortcut):
        require_input_kept(part, input_shape)


def branch_lipschitz(branch: nn.Sequential, input_shape: Shape) -> float:
    """K of a branch, with a step size that sits inside it taken out in front.

    Constants multiply, so the factors may be counted apart; and a batch norm with scale γ/σ over h·Wx has the linear
    part h·diag(γ/σ)W, so the batch norm is folded into the convolution before the step size all the same.

    Raises:
        LayerRefusedError: a layer without a rule, or an altered one.
    """
    if type(branch) is not nn.Sequential or hooks_of(branch):
        raise LayerRefusedError(f"a residual branch must be a plain nn.Sequential, got {type(branch).__name__}")
    scales = [layer for layer in branch if isinstance(layer, ScaledBy)]
    constant = lipschitz_of_layer(nn.Sequential(*(layer for layer in branch if layer not in scales)), input_shape)
    for scale in scales:
        constant *= lipschitz_of_layer(scale, input_shape) * (1.0 + 2 * EPSILON)
    return constant
