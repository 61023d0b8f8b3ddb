"""Constants in L∞ and L1: closed forms, tight cases, what is refused, and chains below products."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    AbstractField,
    Bound,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    LayerRefusedError,
    LinearField,
    RevNet,
    check_bound,
    convolutional_field,
    dense_field,
    discrete_bound,
    exponential_bound,
    growth_upper_bound,
    layer_lipschitz_in,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.layers.entry_sums import SMALLEST_FACTOR
from natrob_theory.layers.two_layer_rows import ConvolutionPair, DensePair, largest_row_sum
from natrob_theory.numbers.norms import NORMS, Norm, per_sample_norm

OTHERS: tuple[Norm, ...] = ("Linf", "L1")


def linear(rows: list[list[float]]) -> nn.Linear:
    weight = torch.tensor(rows, dtype=torch.float64)
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.weight.data = weight
    return layer


def constant(module: nn.Module, shape: tuple[int, ...], norm: Norm) -> float:
    bound = lipschitz_upper_bound(module, input_shape=shape, norm=norm)
    assert (bound.norm, bound.kind) == (norm, "upper")
    return float(bound)


def test_a_dense_layer_has_its_row_and_column_sums() -> None:
    layer = linear([[1.0, -2.0, 0.5], [-3.0, 0.25, 1.0]])
    assert constant(layer, (3,), "Linf") == pytest.approx(4.25, rel=1e-13)
    assert constant(layer, (3,), "L1") == pytest.approx(4.0, rel=1e-13)
    assert constant(layer, (3,), "Linf") >= 4.25


def test_a_hundredth_less_than_the_row_sum_is_exceeded_by_the_signs_of_the_row() -> None:
    layer = nn.Linear(30, 20).double()
    with torch.no_grad():
        row = int(layer.weight.abs().sum(dim=1).argmax())
        signs = layer.weight[row].sign()[None]
        reached = float((layer(signs) - layer(0 * signs)).abs().max())
        column = int(layer.weight.abs().sum(dim=0).argmax())
        single = torch.eye(30, dtype=torch.float64)[column][None]
        summed = float((layer(single) - layer(0 * single)).abs().sum())
    assert 0.99 * constant(layer, (30,), "Linf") < reached <= constant(layer, (30,), "Linf")
    assert 0.99 * constant(layer, (30,), "L1") < summed <= constant(layer, (30,), "L1")


@given(st.integers(0, 2**31), st.sampled_from(OTHERS), st.booleans())
def test_a_chain_is_at_most_the_product_of_its_layers(seed: int, norm: Norm, normalised: bool) -> None:
    torch.manual_seed(seed)
    first, second = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 2, 3, stride=2)
    parts: list[nn.Module] = [first, nn.Tanh(), second, nn.AvgPool2d(2)]
    if normalised:
        parts.insert(1, nn.BatchNorm2d(3).eval())
    shapes = [(2, 7, 7), *[(3, 7, 7)] * (len(parts) - 3), (3, 7, 7), (2, 3, 3)]
    product = math.prod(constant(part, shape, norm) for part, shape in zip(parts, shapes, strict=True))
    assert constant(nn.Sequential(*parts), (2, 7, 7), norm) <= product * (1.0 + 1e-12)


@pytest.mark.parametrize("norm", OTHERS)
def test_zeros_have_the_constant_zero_and_tiny_weights_a_positive_one(norm: Norm) -> None:
    zeros = linear([[0.0, 0.0], [0.0, 0.0]])
    assert constant(zeros, (2,), norm) == 0.0
    tiny = linear([[1e-200, 0.0], [0.0, 0.0]])
    chain = nn.Sequential(tiny, linear([[1e-200, 0.0], [0.0, 0.0]]))
    assert constant(tiny, (2,), norm) == pytest.approx(SMALLEST_FACTOR)
    assert 0.0 < constant(chain, (2,), norm) < 1e-270
    huge = nn.Sequential(*[linear([[1e200, 0.0], [0.0, 0.0]])] * 2)
    assert constant(huge, (2,), norm) == math.inf


def test_max_pooling_counts_the_windows_of_a_pixel_in_the_sum_norm() -> None:
    pool = nn.MaxPool2d(3, stride=1, padding=1)
    assert constant(pool, (1, 5, 5), "Linf") == 1.0
    assert constant(pool, (1, 5, 5), "L1") == 9.0
    image = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    image[0, 0, 2, 2] = 1.0
    assert float(pool(image).sum()) == 9.0


@pytest.mark.parametrize("norm", NORMS)
def test_the_growth_of_a_linear_field_is_that_of_its_matrix(norm: Norm) -> None:
    field = LinearField(torch.tensor([[-2.0, 0.5], [1.0, -3.0]], dtype=torch.float64))
    order = {"L2": 2, "Linf": math.inf, "L1": 1}[norm]
    matrix = field.matrix.detach()
    for step_size in (0.1, 0.3, 1.0):
        exact = float(torch.linalg.matrix_norm(torch.eye(2).double() + step_size * matrix, ord=order))
        bound = float(growth_upper_bound(EulerNet(field, step_size, 1), input_shape=(2,), norm=norm))
        assert exact <= bound
        if norm != "L2":
            mu = {"Linf": max(-1.5, -2.0), "L1": max(-1.0, -2.5)}[norm]
            largest = {"Linf": 4.0, "L1": 3.5}[norm]
            assert bound == pytest.approx(max(1 + step_size * mu, step_size * largest - 1), rel=1e-12)


def test_gradient_flows_have_their_rows_in_closed_form() -> None:
    field = GradientFlowField(linear([[3.0, 1.0, -1.0]]), nn.ReLU())
    # J = −d·wwᵀ with d in [0, 1]: rows −9 + 6, −1 + 4, −1 + 4
    for norm in OTHERS:
        mu = one_sided_lipschitz_upper_bound(field, input_shape=(3,), norm=norm)
        assert float(mu) == pytest.approx(3.0, rel=1e-12)
        assert mu.norm == norm
        assert constant(field, (3,), norm) == pytest.approx(15.0, rel=1e-12)
        damped = one_sided_lipschitz_upper_bound(DissipativeField(field, 4.0), input_shape=(3,), norm=norm)
        assert float(damped) == pytest.approx(-1.0, rel=1e-12)


@given(st.integers(0, 2**31), st.sampled_from(OTHERS))
def test_two_convolutions_have_the_rows_of_their_matrices(seed: int, norm: Norm) -> None:
    """The sums over taps against the same sums of the convolutions written out."""
    torch.manual_seed(seed)
    kernels = torch.randn(2, 4, 2, 3, 3, dtype=torch.float64)
    shape, pair = (2, 4, 5), ConvolutionPair(kernels[0], kernels[1])
    unit = torch.eye(math.prod(shape), dtype=torch.float64).view(-1, *shape)

    def matrix(kernel: Tensor) -> Tensor:
        return nn.functional.conv2d(unit, kernel, padding=1).flatten(1).t()

    dense = DensePair(matrix(kernels[0]), matrix(kernels[1]).t())
    slopes = (-0.3, 1.1)
    by_taps, by_matrix = (largest_row_sum(either, slopes, norm, shape) for either in (pair, dense))
    separable = _by_units(dense if norm == "Linf" else DensePair(dense.outer.t(), dense.inner.t()), slopes)
    assert by_taps == pytest.approx(separable, rel=1e-11)
    assert by_matrix <= by_taps * (1.0 + 1e-12)


def _by_units(pair: DensePair, slopes: tuple[float, float]) -> float:
    """The largest row, term by term in Python."""
    inner, outer = pair.inner.tolist(), pair.outer.tolist()
    rows = []
    for i, weights in enumerate(outer):
        total = 0.0
        for weight, row in zip(weights, inner, strict=True):
            own = weight * row[i]
            others = sum(abs(weight * entry) for j, entry in enumerate(row) if j != i)
            total += max(own * d + others * abs(d) for d in slopes)
        rows.append(total)
    return max(rows)


class NamelessField(AbstractField):
    """A field that states its constant in L2 alone."""

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.sin(state)

    def lipschitz(self, input_shape: tuple[int, ...]) -> float:
        return 1.0


@pytest.mark.parametrize("norm", OTHERS)
def test_what_says_nothing_in_a_norm_is_refused_by_name_with_the_way_out(norm: Norm) -> None:
    for ask in (lipschitz_upper_bound, one_sided_lipschitz_upper_bound):
        with pytest.raises(LayerRefusedError, match=f"in {norm} is known for layer NamelessField.*layer_lipschitz_in"):
            ask(NamelessField(), input_shape=(3,), norm=norm)

    class Declared(NamelessField):
        pass

    layer_lipschitz_in.register(Declared, lambda _field, _norm, _shape: 1.0)
    assert float(lipschitz_upper_bound(Declared(), input_shape=(3,), norm=norm)) == 1.0
    assert float(one_sided_lipschitz_upper_bound(Declared(), input_shape=(3,), norm=norm)) == 1.0


def test_a_constant_of_one_norm_is_refused_where_another_is_asked() -> None:
    net = EulerNet(dense_field(3, 4), 0.1, 2)
    largest = lipschitz_upper_bound(net.fields[0], input_shape=(3,), norm="Linf")
    assert net.growth_bound(largest, norm="Linf").norm == "Linf"
    with pytest.raises(ValueError, match="`lipschitz` must be a constant in L2, got a Bound in Linf"):
        net.growth_bound(largest)
    with pytest.raises(ValueError, match="`one_sided` must be a constant in L1, got a Bound in Linf"):
        net.growth_bound(2.0, one_sided=Bound(value=0.0, kind="upper", norm="Linf"), norm="L1")
    with pytest.raises(ValueError, match="must be a constant in L2"):
        check_bound(net, torch.zeros(1, 3), torch.ones(1, 3), lipschitz=largest)
    with pytest.raises(ValueError, match="`one_sided` must be a constant in L1"):
        exponential_bound(Bound(value=1.0, kind="upper", norm="L1"), 0.0, 1.0, one_sided=largest)
    with pytest.raises((ValueError, TypeError), match="'L3'"):
        lipschitz_upper_bound(net.fields[0], input_shape=(3,), norm="L3")  # type: ignore[arg-type]
    assert discrete_bound(0.1, largest, 3).norm == "Linf"
    assert exponential_bound(largest, 0.0, 1.0).norm == "Linf"


@pytest.mark.parametrize("norm", OTHERS)
def test_a_coupled_step_grows_by_rows_or_columns_of_its_matrix(norm: Norm) -> None:
    """f₁(b) = 2b and f₂(a) = 3a with h = ½: M = [[1, 1], [1.5, 2.5]], attained by ones or a unit vector."""
    pair = (LinearField(2.0 * torch.eye(1, dtype=torch.float64)), LinearField(3.0 * torch.eye(1, dtype=torch.float64)))
    net = RevNet(pair, 0.5, 1).requires_grad_(False)
    bound = growth_upper_bound(net, input_shape=(2,), norm=norm)
    assert float(bound) == pytest.approx({"Linf": 4.0, "L1": 3.5}[norm], rel=1e-12)
    error = torch.tensor([[1.0, 1.0]] if norm == "Linf" else [[0.0, 1.0]], dtype=torch.float64)
    assert float(per_sample_norm(net(error), norm) / per_sample_norm(error, norm)) == pytest.approx(float(bound))


@given(st.integers(0, 2**31), st.sampled_from(OTHERS), st.floats(0.05, 2.0))
def test_no_step_of_a_damped_field_exceeds_its_growth(seed: int, norm: Norm, step_size: float) -> None:
    torch.manual_seed(seed)
    field = DissipativeField(convolutional_field(1, 2), 1.5).double()
    net = EulerNet(field, step_size, 2).requires_grad_(False)
    bound = float(growth_upper_bound(net, input_shape=(1, 3, 4), norm=norm))
    start = torch.randn(16, 1, 3, 4, dtype=torch.float64)
    change = 0.1 * torch.randn(16, 1, 3, 4, dtype=torch.float64).sign()
    grown = per_sample_norm(net(start + change) - net(start), norm) / per_sample_norm(change, norm)
    assert float(grown.max()) <= bound * (1.0 + 1e-10)
