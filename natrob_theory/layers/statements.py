"""The values of the answers that a layer or field gives of itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.numbers.balls import Ball, BallMatrix

Shape: TypeAlias = tuple[int, ...]
"""One sample, without the batch axis."""

BallField: TypeAlias = Callable[[Ball, BallMatrix], BallMatrix]
"""The time and the state (d, samples) -> dy/dt of the same shape, or a layer's output (d', samples)."""

Affine: TypeAlias = Float[Tensor, "2"]
"""(a, b): a‖x‖ + b, both at least 0, float64."""


class Evaluated(NamedTuple):
    """A value that was computed: ‖exact value‖ ≤ norm and ‖computed − exact‖ ≤ error."""

    norm: Affine
    error: Affine


class Slopes(NamedTuple):
    """Bounds of every secant slope (σ(b) − σ(a))/(b − a) on an interval; float64, of the interval's shape."""

    low: Tensor
    high: Tensor


class OneSidedConstant(NamedTuple):
    """An upper bound of μ, and what it comes from in words."""

    value: float
    source: str


class CentredConstants(NamedTuple):
    """f(z) − f(y) = −γe + j + d with e = z − y, ⟨j, e⟩ = 0, ‖j‖ ≤ s‖e‖ and ‖d‖ ≤ r‖e‖, for all states y, z.

    Attributes:
        centre: γ, of any sign.
        skew: s ≥ 0, the constant of the skew-symmetric part.
        radius: r ≥ 0, the constant of the remainder.
    """

    centre: float
    skew: float
    radius: float


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A statement on J = ∂f/∂y at every state.

    Attributes:
        symmetric: J = Jᵀ.
        skew_symmetric: J = −Jᵀ.
        one_sided: ⟨v, Jv⟩ ≤ one_sided·‖v‖² for all v; None where nothing is stated.
    """

    symmetric: bool = False
    skew_symmetric: bool = False
    one_sided: float | None = None


@dataclass(frozen=True, kw_only=True)
class AffineMap:
    """x -> Wx + b on flat vectors, in float64.

    Attributes:
        matrix: W as computed.
        bias: b as computed.
        entry_error: every entry of the exact W is within this, relatively, of the computed one.
        bias_error: absolute, per entry of b.
    """

    matrix: Float[Tensor, "outputs inputs"]
    bias: Float[Tensor, " outputs"]
    entry_error: float
    bias_error: Float[Tensor, " outputs"]


class Activation(NamedTuple):
    """An elementwise function whose slopes `activation_slopes` knows."""

    module: nn.Module


class Opaque(NamedTuple):
    """A layer of which only an upper Lipschitz constant is used.

    Attributes:
        lipschitz: the constant.
        module: the layer.
        input_shape: of one sample that it takes.
    """

    lipschitz: float
    module: nn.Module
    input_shape: Shape


Piece: TypeAlias = AffineMap | Activation | Opaque


class Term(NamedTuple):
    """c·chain(y); the empty chain is y itself."""

    factor: float
    chain: list[Piece]
