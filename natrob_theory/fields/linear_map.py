"""The linear maps W inside structured fields, dense or convolutional, and their transposes.

A structured field uses W and Wᵀ with the same weights, and its bounds hold only if the second is the exact adjoint
of the first. For a matrix that is the transposed matrix. For a zero-padded convolution with stride 1 and an odd
kernel that keeps the image's size it is the transposed convolution with the same padding.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias, no_type_check

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils import parametrize

from natrob_theory.layers.operators import Windows
from natrob_theory.layers.refusal import BallRefusedError
from natrob_theory.layers.statements import Shape
from natrob_theory.numbers.argument_checks import require_count
from natrob_theory.numbers.balls import BallMatrix, exact_matrix

LinearMap: TypeAlias = nn.Linear | nn.Conv2d


def dense_map(inputs: int, outputs: int, *, bias: bool) -> nn.Linear:
    """W y + b on states of shape (batch, inputs)."""
    require_count("features", inputs)
    require_count("hidden", outputs)
    return nn.Linear(inputs, outputs, bias=bias)


def convolutional_map(inputs: int, outputs: int, *, kernel_size: int, bias: bool) -> nn.Conv2d:
    """A zero-padded convolution that keeps the image's size. Raises ValueError for an even kernel."""
    require_count("channels", inputs)
    require_count("hidden", outputs)
    if require_count("kernel_size", kernel_size) % 2 == 0:
        raise ValueError(f"`kernel_size` must be odd, got {kernel_size}")
    return nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2, bias=bias)


def require_linear_map(name: str, value: object) -> LinearMap:
    """Return `value` if its exact transpose is known here.

    Raises:
        TypeError: neither an nn.Linear nor an nn.Conv2d.
        ValueError: a convolution with other settings than stride 1, dilation 1, one group and zero padding that keeps
            the image's size.
    """
    if isinstance(value, nn.Linear):
        return value
    if not isinstance(value, nn.Conv2d):
        raise TypeError(f"`{name}` must be an nn.Linear or an nn.Conv2d, got {type(value).__name__}")
    keeps_size = all(size % 2 == 1 for size in value.kernel_size) and value.padding == tuple(
        size // 2 for size in value.kernel_size
    )
    plain = value.stride == (1, 1) and value.dilation == (1, 1) and value.groups == 1 and value.padding_mode == "zeros"
    if not (keeps_size and plain):
        raise ValueError(
            f"`{name}` must be a convolution with an odd kernel, zero padding of half its size, stride 1, dilation 1 "
            f"and one group, got {value}"
        )
    return value


def same_size_windows(linear_map: nn.Conv2d, input_shape: Shape) -> Windows:
    """How the kernel of an allowed convolution meets states of this shape."""
    return Windows(
        stride=(1, 1),
        padding=tuple(size // 2 for size in linear_map.kernel_size),
        dilation=(1, 1),
        groups=1,
        larger=input_shape,
        smaller=(linear_map.out_channels, *input_shape[1:]),
    )


def constant_weight(linear_map: LinearMap) -> AbstractContextManager[object]:
    """Within it a parametrized weight, used for W and for Wᵀ, is computed once; for one evaluation at most."""
    return parametrize.cached() if parametrize.is_parametrized(linear_map, "weight") else nullcontext()


@no_type_check  # symbols pass through while a field is traced for the compiled loop
def apply_transpose(linear_map: LinearMap, image: Tensor) -> Tensor:
    """Wᵀ u for u of the shape that W returns; the bias of W plays no part."""
    if isinstance(linear_map, nn.Linear):
        return F.linear(image, linear_map.weight.t())
    return F.conv_transpose2d(image, linear_map.weight, padding=linear_map.padding)  # type: ignore[arg-type]


def ball_matrix(field: nn.Module, linear_map: LinearMap) -> BallMatrix:
    """The matrix of an nn.Linear in balls, exact. Raises BallRefusedError for a convolution."""
    if not isinstance(linear_map, nn.Linear):
        raise BallRefusedError(
            f"no enclosure in balls is known for {type(field).__name__} with {type(linear_map).__name__}: ball "
            f"arithmetic takes dense fields"
        )
    return exact_matrix(linear_map.weight)
