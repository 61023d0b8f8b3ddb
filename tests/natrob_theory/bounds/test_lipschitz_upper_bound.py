"""Layer rules against the dense matrix of each layer: never below its norm, equal to it where the method is exact."""

import math
import re
from collections import OrderedDict
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    AutonomousField,
    LayerRefusedError,
    LinearField,
    convolutional_field,
    dense_field,
    layer_lipschitz,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
)
from natrob_theory.spectra.singular_values import matrix_norm_upper, spectral_norm_upper
from natrob_theory.spectra.torus_convolution import dilated, round_to_multiple


def fill(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in float64 and eval mode with fixed Gaussian weights."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.double().parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module.eval()


def dense_norm(module: nn.Module, shape: tuple[int, ...]) -> float:
    """The norm of the linear part, from its full matrix: one unit vector a column."""
    size = math.prod(shape)
    with torch.no_grad():
        basis = torch.eye(size, dtype=torch.float64).view(size, *shape)
        columns = module(basis) - module(torch.zeros(1, *shape, dtype=torch.float64))
    return float(torch.linalg.matrix_norm(columns.flatten(1), ord=2))


def upper(module: nn.Module, shape: tuple[int, ...]) -> float:
    bound = lipschitz_upper_bound(module, input_shape=shape)
    assert bound.kind == "upper"
    assert bound.norm == "L2"
    return float(bound)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_linear_layers_are_exact(inputs: int, outputs: int, seed: int) -> None:
    layer = fill(nn.Linear(inputs, outputs), seed)
    exact = dense_norm(layer, (inputs,))
    value = upper(layer, (inputs,))
    assert exact * (1 - 1e-15) <= value <= exact * (1 + 1e-12)
    assert 0.99 * value < exact


def test_outward_rounding_of_matrices_with_known_norm() -> None:
    for matrix, norm in (
        (torch.diag(torch.tensor([3.0, -7.0, 2.0], dtype=torch.float64)), 7.0),
        (torch.ones(3, 12, dtype=torch.float64), 6.0),
        (torch.zeros(2, 2, dtype=torch.float64), 0.0),
    ):
        assert norm <= matrix_norm_upper(matrix) <= norm * (1 + 1e-12)
    stack = torch.stack([torch.eye(2), 3 * torch.eye(2), 2 * torch.eye(2)]).to(torch.complex64)
    assert 3.0 <= spectral_norm_upper(stack) <= 3.0 * (1 + 1e-12)
    # input_error is relative to the largest Frobenius norm, 3√2 here.
    assert spectral_norm_upper(stack, input_error=0.1) == pytest.approx(3.0 + 0.3 * math.sqrt(2.0), rel=1e-12)


CIRCULAR = [
    (nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular"), (2, 7)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 5, 6)),
    (nn.Conv2d(2, 2, (3, 5), padding=(1, 2), padding_mode="circular"), (2, 5, 7)),
    (nn.Conv2d(4, 2, 3, padding="same", padding_mode="circular", groups=2), (4, 5, 5)),
    (nn.Conv2d(2, 3, 3, padding=2, dilation=2, padding_mode="circular"), (2, 7, 6)),
    (nn.Conv3d(1, 2, 3, padding=1, padding_mode="circular"), (1, 3, 4, 3)),
]
STRIDED_CIRCULAR = [
    (nn.Conv1d(2, 3, 3, padding=1, stride=3, padding_mode="circular"), (2, 9)),
    (nn.Conv2d(2, 3, 3, padding=1, stride=2, padding_mode="circular"), (2, 6, 8)),
    (nn.Conv2d(2, 2, 3, padding=1, stride=(1, 2), padding_mode="circular"), (2, 5, 6)),
]
OTHERS = [
    (nn.Conv1d(2, 3, 3), (2, 7)),
    (nn.Conv1d(2, 3, 4, padding=2, stride=3), (2, 8)),
    (nn.Conv2d(2, 3, 3, padding=1), (2, 5, 6)),
    (nn.Conv2d(2, 3, 3, padding="same"), (2, 5, 4)),
    (nn.Conv2d(2, 3, 3, padding="valid"), (2, 5, 4)),
    (nn.Conv2d(2, 3, 2, stride=2), (2, 6, 5)),
    (nn.Conv2d(2, 3, 3, padding=1, stride=2), (2, 7, 6)),
    (nn.Conv2d(2, 3, 3, padding=1, stride=3), (2, 7, 8)),
    (nn.Conv2d(2, 3, 3, padding=2, dilation=2), (2, 6, 7)),
    (nn.Conv2d(4, 6, 3, padding=1, groups=2), (4, 5, 5)),
    (nn.Conv2d(4, 4, 3, padding=1, stride=2, dilation=2, groups=4), (4, 7, 7)),
    (nn.Conv2d(2, 2, (1, 5), padding=(0, 2)), (2, 4, 6)),
    (nn.Conv2d(2, 2, 5, padding=4), (2, 3, 3)),
    (nn.Conv2d(2, 3, 3, padding=1, stride=2, padding_mode="circular"), (2, 5, 7)),
    (nn.Conv2d(2, 3, 3, padding=0, padding_mode="circular"), (2, 5, 7)),
    (nn.Conv3d(1, 2, 3, padding=1, stride=2), (1, 4, 3, 5)),
    (nn.AvgPool1d(3), (2, 9)),
    (nn.AvgPool2d(2), (2, 4, 6)),
    (nn.AvgPool2d(3, stride=1), (1, 5, 6)),
    (nn.AvgPool2d(3, stride=2, padding=1), (1, 5, 6)),
    (nn.AvgPool2d((2, 3), stride=(1, 2)), (1, 5, 6)),
    (nn.AvgPool3d(2), (1, 4, 2, 4)),
    (nn.AdaptiveAvgPool1d(2), (3, 8)),
    (nn.AdaptiveAvgPool2d((2, None)), (2, 4, 5)),
    (nn.AdaptiveAvgPool2d(1), (2, 4, 5)),
]


def named(cases: list[tuple[nn.Module, tuple[int, ...]]]) -> Any:
    return pytest.mark.parametrize(("layer", "shape"), cases, ids=[f"{layer} {shape}" for layer, shape in cases])


@named(CIRCULAR + STRIDED_CIRCULAR)
@pytest.mark.parametrize("seed", [0, 1])
def test_circular_convolutions_are_exact(layer: nn.Module, shape: tuple[int, ...], seed: int) -> None:
    exact, value = dense_norm(fill(layer, seed), shape), upper(layer, shape)
    assert exact * (1 - 1e-14) <= value <= exact * (1 + 1e-9)


@named(OTHERS)
@pytest.mark.parametrize("seed", [0, 1])
def test_linear_layers_are_never_below_their_norm(layer: nn.Module, shape: tuple[int, ...], seed: int) -> None:
    exact, value = dense_norm(fill(layer, seed), shape), upper(layer, shape)
    # The dense norm itself is rounded.
    assert exact * (1 - 1e-14) <= value
    # And not uselessly far above: the zero-padded operator is a compression of the circular one.
    assert value <= 2.0 * exact


@given(
    inputs=st.integers(1, 3), outputs=st.integers(1, 3), taps=st.integers(1, 3), stride=st.integers(1, 3),
    dilation=st.integers(1, 2), padding=st.integers(0, 2), high=st.integers(3, 7), wide=st.integers(3, 7),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_zero_padded_convolutions_of_any_geometry(
    *, inputs: int, outputs: int, taps: int, stride: int, dilation: int, padding: int, high: int, wide: int, seed: int
) -> None:
    if (taps - 1) * dilation + 1 > min(high, wide) + 2 * padding:
        return  # the layer itself has no output
    layer = fill(nn.Conv2d(inputs, outputs, taps, stride=stride, dilation=dilation, padding=padding), seed)
    assert dense_norm(layer, (inputs, high, wide)) * (1 - 1e-14) <= upper(layer, (inputs, high, wide))


def test_a_box_filter_has_the_norm_of_its_twisted_torus() -> None:
    """It has norm 3 on an infinite line, and 1 + 2cos(π/61) on 60 points: that of 61 points with a change of sign."""
    layer = nn.Conv1d(1, 1, 3, padding=1, bias=False).double()
    nn.init.ones_(layer.weight)
    value = upper(layer, (1, 60))
    assert dense_norm(layer, (1, 60)) <= value == pytest.approx(1.0 + 2.0 * math.cos(math.pi / 61), rel=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape", "exact"),
    [
        (nn.AvgPool2d(2), (1, 4, 4), 0.5),
        (nn.AdaptiveAvgPool2d(1), (2, 4, 4), 0.25),
        (nn.AdaptiveAvgPool1d(2), (1, 8), 0.5),
        (nn.MaxPool2d(2), (1, 4, 4), 1.0),
        (nn.MaxPool2d(3, stride=1), (1, 5, 5), 3.0),
        (nn.MaxPool2d(3, stride=2), (1, 5, 5), 2.0),
        (nn.MaxPool1d(3, stride=1), (1, 5), math.sqrt(3.0)),
        (nn.Identity(), (3,), 1.0),
        (nn.Sigmoid(), (3,), 0.25),
        (nn.LeakyReLU(0.2), (3,), 1.0),
        (nn.LeakyReLU(-3.0), (3,), 3.0),
        (nn.ELU(2.0), (3,), 2.0),
        (nn.Flatten(), (2, 3), 1.0),
        (nn.Dropout(0.5).eval(), (3,), 1.0),
    ],
)
def test_constants_in_closed_form(layer: nn.Module, shape: tuple[int, ...], exact: float) -> None:
    assert exact <= upper(layer, shape) <= exact * (1 + 1e-12)


def test_max_pooling_reaches_its_bound_where_windows_share_a_pixel() -> None:
    """One pixel raised in the middle is the maximum of all nine windows that hold it."""
    one, other = torch.zeros(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    other[0, 0, 2, 2] = 1.0
    pool = nn.MaxPool2d(3, stride=1)
    assert float((pool(other) - pool(one)).norm()) == pytest.approx(upper(pool, (1, 5, 5)), rel=1e-6)


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_in_eval_mode(affine: bool) -> None:
    layer = fill(nn.BatchNorm2d(3, affine=affine))
    assert isinstance(layer.running_var, Tensor)
    layer.running_var.copy_(torch.tensor([0.5, 2.0, 1e-4]))
    exact = dense_norm(layer, (3, 2, 2))
    assert exact * (1 - 1e-14) <= upper(layer, (3, 2, 2)) <= exact * (1 + 1e-12)
    assert upper(fill(nn.BatchNorm1d(4)), (4,)) > 0


def test_chains_multiply() -> None:
    field = fill(dense_field(3, 5))
    assert isinstance(field, AutonomousField)
    first, _, second = field.module.children()
    product = dense_norm(first, (3,)) * dense_norm(second, (5,))
    assert upper(field, (3,)) == pytest.approx(product, rel=1e-12)
    assert upper(nn.Sequential(), (3,)) == 1.0
    image = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    value = upper(fill(image), (1, 5, 5))
    assert value == pytest.approx(upper(image[0], (1, 5, 5)) * dense_norm(image[3], (8,)), rel=1e-12)
    linear = LinearField(torch.diag(torch.tensor([1.0, -4.0])))
    assert upper(linear, (2,)) == pytest.approx(4.0, rel=1e-6)
    assert upper(nn.Sequential(AutonomousField(nn.Linear(2, 2, bias=False))), (2,)) > 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4]))
def test_networks_never_exceed_the_product(seed: int, convolutions: int) -> None:
    field = fill(convolutional_field(2, 3, convolutions=convolutions), seed)
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(4, 2, 4, 5, generator=generator, dtype=torch.float64)
    lower = lipschitz_lower_bound(
        field, points, radius=1.0, generator=generator, samples=2, ascent_steps=3, power_iterations=3
    )
    assert 0 < float(lower) <= upper(field, (2, 4, 5))


@pytest.mark.parametrize("convolutions", [3, 5])
def test_a_deeper_field_is_the_product_of_its_convolutions(convolutions: int) -> None:
    field = fill(convolutional_field(2, 3, convolutions=convolutions))
    norms = [upper(module, (module.in_channels, 4, 5)) for module in field.modules() if isinstance(module, nn.Conv2d)]
    assert len(norms) == convolutions
    assert upper(field, (2, 4, 5)) == pytest.approx(math.prod(norms), rel=1e-9)


class Doubled(nn.Sequential):
    """A residual block as people write them: a Sequential with a forward of its own."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return input + super().forward(input)


class Unknown(nn.Module):
    def forward(self, state: Tensor) -> Tensor:
        return state**2


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (nn.LocalResponseNorm(2), "LocalResponseNorm"),
        (nn.GroupNorm(2, 4, eps=0.0), "GroupNorm with eps=0.0"),
        (nn.InstanceNorm2d(4, track_running_stats=True), "InstanceNorm2d with running statistics"),
        (nn.Softmax(dim=0), "Softmax with dim=0, which is no axis of one sample"),
        (nn.Softmax(dim=-4), "Softmax with dim=-4, which is no axis of one sample"),
        (nn.Softmax(dim=None), "Softmax with dim=None"),
        (nn.Softplus(beta=-1.0), "Softplus with beta=-1.0"),
        (nn.MultiheadAttention(4, 2), "MultiheadAttention"),
        (Unknown(), "Unknown"),
        (Doubled(nn.Linear(4, 4)), "Doubled"),
        (nn.Sequential(nn.Linear(4, 4), Unknown()), "Unknown"),
        (nn.Sequential(OrderedDict(inner=nn.Sequential(nn.LocalResponseNorm(2)))), "LocalResponseNorm"),
        (AutonomousField(Doubled(nn.Linear(4, 4))), "Doubled"),
        (nn.GELU(approximate="tanh"), "GELU with the tanh approximation"),
        (nn.AvgPool2d(2, ceil_mode=True), "AvgPool2d with ceil_mode"),
        (nn.AvgPool2d(3, padding=1, count_include_pad=False), "AvgPool2d with ceil_mode or count_include_pad=False"),
        (nn.AvgPool2d(2, divisor_override=1), "AvgPool2d with divisor_override"),
        (nn.AdaptiveAvgPool2d(3), "AdaptiveAvgPool2d with an output size (3, 3) that does not divide"),
        (nn.MaxPool2d(2, return_indices=True), "MaxPool2d with return_indices=True"),
        (nn.BatchNorm2d(4, track_running_stats=False).eval(), "BatchNorm2d with no running statistics"),
        (nn.Conv2d(4, 4, 3, padding=3, padding_mode="circular"), "Conv2d with circular padding that wraps"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_bounded_is_refused_by_name(layer: nn.Module, name: str) -> None:
    with pytest.raises(LayerRefusedError, match=re.escape(f"no Lipschitz upper bound is known for layer {name}")):
        lipschitz_upper_bound(layer, input_shape=(4, 4, 4))


def test_a_module_of_layers_with_a_forward_of_its_own_is_told_the_chain() -> None:
    class Own(Unknown):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

    with pytest.raises(LayerRefusedError, match=r"layer Own .* write it as an nn\.Sequential of layers that have one"):
        lipschitz_upper_bound(Own(), input_shape=(4,))
    with pytest.raises(LayerRefusedError) as alone:
        lipschitz_upper_bound(Unknown(), input_shape=(4,))
    assert "nn.Sequential" not in str(alone.value)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(4), nn.Dropout(), nn.Dropout2d()], ids=str)
def test_training_mode_is_refused(layer: nn.Module) -> None:
    message = f"layer {type(layer).__name__} is in training mode, .* call .eval\\(\\)"
    with pytest.raises(ValueError, match=message):
        lipschitz_upper_bound(nn.Sequential(layer), input_shape=(4,))
    assert upper(layer.eval(), (4,)) > 0


def test_users_can_register_their_own_layers() -> None:
    class Tripled(nn.Module):
        def forward(self, state: Tensor) -> Tensor:
            return 3 * state

    @layer_lipschitz.register
    def _(layer: Tripled, input_shape: tuple[int, ...]) -> float:
        return 3.0

    assert upper(nn.Sequential(Tripled(), Tripled()), (2,)) == pytest.approx(9.0, rel=1e-14)
    assert upper(Tripled(), (2,)) == 3.0


def test_bad_arguments(unchecked: None) -> None:
    with pytest.raises(TypeError, match=r"`module` must be an nn\.Module, got function"):
        lipschitz_upper_bound(fill, input_shape=(3,))  # type: ignore[arg-type]
    for shape in ((), (0,), (3, -1)):
        with pytest.raises(ValueError, match="`input_shape` must hold positive sizes without the batch axis, got"):
            lipschitz_upper_bound(nn.ReLU(), input_shape=shape)
    with pytest.raises(ValueError, match=re.escape("`input_shape` must be (2, *sizes) for layer Conv2d, got (2,)")):
        lipschitz_upper_bound(nn.Conv2d(2, 3, 3), input_shape=(2,))
    with pytest.raises(ValueError, match=re.escape("for layer Conv2d, got (5, 4, 4)")):
        lipschitz_upper_bound(nn.Conv2d(2, 3, 3), input_shape=(5, 4, 4))


def test_dilation_writes_out_the_zeros() -> None:
    kernel = torch.tensor([[[1.0, 2.0, 3.0]]])
    assert dilated(kernel, (2,)).tolist() == [[[1.0, 0.0, 2.0, 0.0, 3.0]]]
    assert dilated(kernel, (1,)) is kernel
    assert [round_to_multiple(size, 3) for size in (1, 3, 4)] == [3, 3, 6]


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_convolution_of_one_tap_has_the_norm_of_its_matrix(stride: int) -> None:
    layer = fill(nn.Conv2d(3, 5, 1, stride=stride), 4)
    assert isinstance(layer, nn.Conv2d)
    exact = float(torch.linalg.matrix_norm(layer.weight.detach()[:, :, 0, 0], ord=2))
    assert exact <= float(lipschitz_upper_bound(layer, input_shape=(3, 7, 6))) <= exact * (1 + 1e-12)
    mixed = fill(nn.Conv2d(2, 3, (1, 3), stride=(2, 1), padding=(1, 1)), 5)
    assert dense_norm(mixed, (2, 6, 5)) <= float(lipschitz_upper_bound(mixed, input_shape=(2, 6, 5)))
