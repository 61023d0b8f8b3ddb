"""nn.Sequential: constants multiply, pieces follow one another."""

from torch import Tensor, nn

from natrob_theory.layers.answers import AbstractLayer, answers_of, describes
from natrob_theory.layers.batch_norm import BatchNormAnswers
from natrob_theory.layers.questions import ball_field, evaluated, lipschitz_of_layer, output_shape, pieces_after, reach
from natrob_theory.layers.refusal import ActivationRefusedError
from natrob_theory.layers.statements import Affine, BallField, Evaluated, OneSidedConstant, Piece, Shape, Structure
from natrob_theory.layers.two_layer import one_sided_from_slopes, slopes_everywhere, two_layers
from natrob_theory.layers.two_layer_rows import DensePair, largest_row_sum, pair_of_chain, slopes_on_the_line
from natrob_theory.numbers.balls import Ball, BallMatrix
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import product_up


@describes(nn.Sequential)
class SequentialAnswers(AbstractLayer[nn.Sequential]):
    """Layers one after the other.

    Proof: proofs/coq/lipschitz_composition.v, proofs/symbolic/lipschitz_composition.py; of μ
        proofs/coq/two_layer_one_sided.v, proofs/symbolic/two_layer_one_sided.py.
    """

    def lipschitz(self, input_shape: Shape) -> float:
        """The product over the chain, (12) of the paper; a batch norm is folded into the layer it directly follows."""
        constant = 1.0
        parts = list(self.module)
        while parts:
            part = parts.pop(0)
            following = answers_of(parts[0]) if parts else None
            factor = following.folded_into(part, input_shape) if isinstance(following, BatchNormAnswers) else None
            if factor is None:
                factor = lipschitz_of_layer(part, input_shape)
            else:
                parts.pop(0)
            constant = product_up(constant, factor)
            input_shape = output_shape(part, input_shape)
        return constant

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """Through the layers, in L1 from the last to the first: never above the product of their constants."""
        entered = []
        for part in self.module:
            entered.append((part, input_shape))
            input_shape = output_shape(part, input_shape)
        for part, shape in entered if norm == "Linf" else reversed(entered):
            sizes = reach(part, norm, sizes, shape)
        return sizes

    def pieces_after(self, before: list[Piece], input_shape: Shape) -> list[Piece]:
        """Those of the layers, in order."""
        for part in self.module:
            before = pieces_after(part, before, input_shape)
            input_shape = output_shape(part, input_shape)
        return before

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """Those of the layers, in order."""
        return self.pieces_after([], input_shape)

    def evaluated(self, input_shape: Shape, before: Evaluated, unit: float) -> Evaluated:
        """Through the layers, in order."""
        for part in self.module:
            before = evaluated(part, input_shape, before, unit)
            input_shape = output_shape(part, input_shape)
        return before

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Every layer's error, through the layers after it."""
        return self.evaluated(input_shape, Evaluated(norm, 0.0 * norm), unit).error

    def in_balls(self) -> BallField:
        """One layer after the other."""
        parts = [ball_field(part) for part in self.module]

        def chain(time: Ball, state: BallMatrix) -> BallMatrix:
            for part in parts:
                state = part(time, state)
            return state

        return chain

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """Two dense layers by the interval of their Jacobians; any other chain has μ ≤ K."""
        constant = lipschitz_of_layer(self.module, input_shape)
        by_norms = OneSidedConstant(constant, "μ ≤ K, product of layer norms")
        parts = two_layers(self.module)
        if parts is None:
            return by_norms
        try:
            slopes = slopes_everywhere(parts)
        except ActivationRefusedError as refusal:
            return OneSidedConstant(constant, f"μ ≤ K, product of layer norms ({refusal})")
        by_slopes = float(one_sided_from_slopes(parts, slopes).max())
        return min(OneSidedConstant(by_slopes, "interval of the Jacobians W₂DW₁ of two dense layers"), by_norms)

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """Two dense or two plain convolutional layers by rows or columns of their Jacobians; any other chain μ ≤ K."""
        by_norms = super().one_sided_in(norm, input_shape)
        known = None if norm == "L2" else pair_of_chain(self.module)
        if known is None or (isinstance(known[0], DensePair) and len(input_shape) != 1):
            return by_norms
        try:
            slopes = slopes_on_the_line(known[1])
        except ActivationRefusedError as refusal:
            return OneSidedConstant(by_norms.value, f"{by_norms.source} ({refusal})")
        value = largest_row_sum(known[0], slopes, norm, input_shape)
        return min(OneSidedConstant(value, "rows or columns of the Jacobians W₂DW₁ of two layers"), by_norms)

    def structure(self, input_shape: Shape) -> Structure:
        """Nothing: the constants come from the weights, whatever these are."""
        return Structure()
