"""The public way to a constrained weight."""

from typing import Literal, TypeAlias, TypeVar, get_args

from torch import nn
from torch.nn.utils import parametrize

from natrob_theory.fields.linear_map import require_linear_map
from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.norm_constraints.matrix_norms import MatrixNorm, exact_norm, gram_norm
from natrob_theory.norm_constraints.orthogonal import OrthonormalRows
from natrob_theory.norm_constraints.rescaled import RescaledRows
from natrob_theory.norm_constraints.row_sums import DividedBySums
from natrob_theory.norm_constraints.spectral import DividedByMatrixNorm, DividedByTorusNorm
from natrob_theory.numbers.argument_checks import require_choice, require_count
from natrob_theory.numbers.norms import NORMS, Norm

NormConstraint: TypeAlias = Literal["exact", "gram", "rescaled", "orthogonal"]

MapT = TypeVar("MapT", nn.Linear, nn.Conv2d)


def constrain_norm(
    linear_map: MapT, *, method: NormConstraint, state_sides: tuple[int, int] | None = None, norm: Norm = "L2"
) -> MapT:
    """Returns the module itself, whose weight now has ‖W‖ ≤ 1 whatever its parameters are; the bias stays free.

    The weight becomes a differentiable function of a raw parameter of the same shape, which starts at the weight
    (`torch.nn.utils.parametrize`); the module computes what it did, with that weight. The norm is at most 1 up to the
    roundings of the working precision, 1 + 10⁻⁶ in float32 and 1 + 10⁻¹² in float64, for parameters of every
    size: they are scaled by powers of two before anything is squared. Where all of them are below the smallest normal
    number over the spacing at 1 (10⁻³¹ in float32, 10⁻²⁹² in float64), the norm is less than 1, so that gradients stay
    finite; zeros stay zeros. Parameters that are NaN or infinite are refused when the weight is computed. What
    certificates rest on is `lipschitz_upper_bound`, which computes the norm again, rounded outward, from the weight
    that is there. `materialised` gives a copy with plain weights.

    Args:
        linear_map: an nn.Linear, or an nn.Conv2d that `require_linear_map` allows: stride 1, an odd kernel and zero
            padding that keeps the image's size.
        method: "exact" divides by the largest singular value, by decomposition, the slowest. "gram" divides by an upper
            bound from Gram iteration, at most 5 % above. "rescaled" divides row by row and needs no norm; the product
            may be far below 1. "orthogonal", for dense maps and convolutions with one tap, makes rows or columns
            orthonormal.
        state_sides: (height, width) of the images that a convolution is applied to, for "exact" and "gram" with more
            than one tap. On larger images the norm may exceed 1. In L2 only.
        norm: "L2", "Linf" or "L1". In L∞ "rescaled" divides every row whose absolute values sum to more than 1 by that
            sum, and "exact" all rows by the largest sum; in L1 the columns. No rounding makes the norm exceed 1 there.

    Raises:
        TypeError, ValueError: naming the argument.

    Source: theory, section 5; Delattre et al., ICML 2023; Prach and Lampert, ECCV 2022; Araujo et al., ICLR 2023;
        Hu et al., ICLR 2024.
    """
    require_linear_map("linear_map", linear_map)
    require_choice("method", method, get_args(NormConstraint))
    require_choice("norm", norm, NORMS)
    if parametrize.is_parametrized(linear_map, "weight"):
        raise ValueError(f"`linear_map` must have a plain weight, got one that is parametrized already: {linear_map}")
    constraint = _sums(method, state_sides, norm) if norm != "L2" else _constraint(linear_map, method, state_sides)
    constraint = constraint.to(linear_map.weight.device, linear_map.weight.dtype)
    # Safe: shape and dtype are the raw parameter's. Checking it would cost a first evaluation.
    parametrize.register_parametrization(linear_map, "weight", constraint, unsafe=True)
    return linear_map


def _sums(method: NormConstraint, state_sides: tuple[int, int] | None, norm: Norm) -> AbstractNormConstraint:
    """Rows or columns divided by their sums."""
    if method not in ("exact", "rescaled"):
        raise ValueError(f'`method` must be "exact" or "rescaled" for `norm` = "{norm}", got "{method}"')
    if state_sides is not None:
        raise ValueError(f'`state_sides` is for `norm` = "L2", got {state_sides} for `norm` = "{norm}"')
    return DividedBySums(norm, each=method == "rescaled")


def _constraint(
    linear_map: nn.Linear | nn.Conv2d, method: NormConstraint, state_sides: tuple[int, int] | None
) -> AbstractNormConstraint:
    one_tap = isinstance(linear_map, nn.Linear) or linear_map.kernel_size == (1, 1)
    if isinstance(linear_map, nn.Linear) and state_sides is not None:
        raise ValueError(f"`state_sides` is for convolutions, got {state_sides} for {linear_map}")
    if method == "rescaled":
        return RescaledRows(linear_map.weight.shape[0])
    if method == "orthogonal":
        if not one_tap:
            raise ValueError(
                f'`method` = "orthogonal" is for dense maps and convolutions with one tap, got {linear_map}; '
                f'take "gram" or "rescaled"'
            )
        return OrthonormalRows()
    norm = MATRIX_NORMS[method]
    if one_tap:
        return DividedByMatrixNorm(norm)
    if state_sides is None or len(state_sides) != 2:
        raise ValueError(f'`state_sides` must be (height, width) for `method` = "{method}", got {state_sides}')
    height, width = (require_count("state_sides", side) for side in state_sides)
    return DividedByTorusNorm(norm, (height, width))


MATRIX_NORMS: dict[str, MatrixNorm] = {"exact": exact_norm, "gram": gram_norm}
