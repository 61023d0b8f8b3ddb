"""nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d: adjoints of zero-padded convolutions.

T = Cᵀ for the convolution C with the same stored weight, stride, padding, dilation and groups that takes images of
T's output size, as far as C's outputs are T's inputs. So ‖T‖ ≤ ‖C‖, with equality but for outputs that C has beyond.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from natrob_theory.layers.affine import matrix_error
from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.convolution import groups_norm_upper, matrix_of_windows, spread_groups, zero_padded_tori
from natrob_theory.layers.entry_sums import absolute, reach_through
from natrob_theory.layers.matrices import DENSE_LIMIT, exact_map
from natrob_theory.layers.operators import Operation, TransposedConvolutionOperator, Windows
from natrob_theory.layers.padding import padded_numbers
from natrob_theory.layers.questions import output_shape
from natrob_theory.layers.statements import Affine, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.torus_convolution import dilated

AnyTransposed: TypeAlias = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d


@describes(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
class TransposedConvolutionAnswers(AbstractLayer[AnyTransposed]):
    """The adjoint of a convolution, called without an output size, as a chain calls it.

    Proof: proofs/symbolic/strided_adjoints.py, proofs/symbolic/torus_convolution.py.
    """

    def output_shape(self, input_shape: Shape) -> Shape:
        """(size − 1)·stride − 2·padding + dilation·(taps − 1) + output_padding + 1 along each axis."""
        layer = self.module
        if len(input_shape) != layer.weight.dim() - 1 or input_shape[0] != layer.in_channels:
            raise ValueError(
                f"`input_shape` must be ({layer.in_channels}, *sizes) for layer {type(layer).__name__}, "
                f"got {input_shape}"
            )
        settings = zip(
            input_shape[1:],
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.kernel_size,
            layer.output_padding,
            strict=True,
        )
        sizes = ((n - 1) * s - 2 * int(p) + d * (k - 1) + more + 1 for n, s, p, d, k, more in settings)
        return (layer.out_channels, *sizes)

    def lipschitz(self, input_shape: Shape) -> float:
        """‖C‖ by the torus method."""
        return self._norm_upper(input_shape, self.module.weight.detach().double())

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The transposed convolution by |kernel|, or its adjoint."""
        layer = self.module
        self.output_shape(input_shape)
        weight = absolute(layer.weight)
        transposed = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)

        def sums(some: Tensor) -> Tensor:
            settings = (layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation)
            return transposed[len(input_shape) - 2](some.to(weight), weight, None, *settings)  # type: ignore[arg-type]

        terms = max(layer.weight.shape[:2]) * layer.groups * math.prod(layer.kernel_size)
        return reach_through(sums, norm, sizes, input_shape, terms=terms)

    def scaled_lipschitz(self, input_shape: Shape, scale: Callable[[], Tensor]) -> float | None:
        """‖diag(s)T‖ = ‖C·diag(s)‖: the scales act on C's inputs."""
        layer = self.module
        by_group = scale().view(layer.groups, -1).repeat_interleave(layer.in_channels // layer.groups, dim=0)
        kernel = layer.weight.detach().double() * by_group.view(*by_group.shape, *[1] * len(layer.kernel_size))
        error = 8 * EPSILON * math.sqrt(math.prod(layer.kernel_size)) * float(kernel.norm())
        return self._norm_upper(input_shape, kernel) + error

    def _norm_upper(self, input_shape: Shape, weight: Tensor) -> float:
        layer = self.module
        kernel = dilated(weight, layer.dilation)
        padding = tuple(int(pad) for pad in layer.padding)
        sizes, channels = self.output_shape(input_shape)[1:], max(kernel.shape[:2])
        tori = zero_padded_tori(sizes, kernel.shape[2:], layer.stride, padding, channels=channels)
        return groups_norm_upper(kernel.chunk(layer.groups), tori, layer.stride)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """The matrix of a two-dimensional one, where it fits: every entry is one weight."""
        layer = self.module
        matrix = self._matrix(layer, input_shape) if isinstance(layer, nn.ConvTranspose2d) else None
        if matrix is None:
            return super().pieces(input_shape)
        pixels = len(matrix) // layer.out_channels
        return [exact_map(matrix, None if layer.bias is None else layer.bias.repeat_interleave(pixels))]

    def operations(self, input_shape: Shape) -> list[Operation]:
        """Cᵀ by C's windows."""
        layer = self.module
        windows = Windows(
            stride=layer.stride,
            padding=tuple(int(pad) for pad in layer.padding),
            dilation=layer.dilation,
            groups=layer.groups,
            larger=self.output_shape(input_shape),
            smaller=input_shape,
        )
        return [TransposedConvolutionOperator(windows, layer.weight, layer.bias)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """As a convolution's: a tap meets an input at most once per output channel."""
        layer = self.module
        weight = layer.weight if layer.groups == 1 else spread_groups(layer.weight, layer.groups)
        copies = math.prod(output_shape(layer, input_shape)[1:])
        return matrix_error(weight.transpose(0, 1), layer.bias, norm, unit, copies=copies)

    def _matrix(self, layer: nn.ConvTranspose2d, input_shape: Shape) -> Tensor | None:
        """Cᵀ, from C's windows on the padded image of pixel numbers; those beyond T's inputs are left out."""
        sizes = self.output_shape(input_shape)[1:]
        vertical, horizontal = (int(pad) for pad in layer.padding)
        padded = padded_numbers(sizes, (horizontal, horizontal, vertical, vertical), "constant")
        unfolded = torch.nn.functional.unfold(padded, layer.kernel_size, dilation=layer.dilation, stride=layer.stride)
        steps = zip(padded.shape[2:], layer.kernel_size, layer.dilation, layer.stride, strict=True)
        rows, columns = ((size - step * (tap - 1) - 1) // stride + 1 for size, tap, step, stride in steps)
        windows = unfolded[0].long().view(-1, rows, columns)[:, : input_shape[1], : input_shape[2]].flatten(1)
        matrix = matrix_of_windows(
            layer.weight, windows, groups=layer.groups, pixels=math.prod(sizes), limit=DENSE_LIMIT
        )
        return None if matrix is None else matrix.T.contiguous()
