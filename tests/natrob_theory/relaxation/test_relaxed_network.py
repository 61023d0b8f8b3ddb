"""Bounds of whole networks: they hold at every sampled input, are exact for linear networks, and ascend."""

import importlib
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    RK4,
    BackwardEulerNet,
    DissipativeField,
    EulerNet,
    FractalNet,
    GradientFlowField,
    HeunNet,
    LayerRefusedError,
    LinearField,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    SkewSymmetricField,
    convolutional_field,
    dense_field,
)
from natrob_theory.layers.operators import AbstractKernelOperator, AbstractOperator, DenseOperator
from natrob_theory.relaxation import (
    AbstractRegion,
    Ascent,
    RelaxedNetwork,
    bounds_of_network,
    enclosure,
    region_around,
)
from natrob_theory.relaxation.graph import AffineNode

STATE = 4
SHAPE = (STATE,)

TRUNKS: dict[str, Callable[[], nn.Module]] = {
    "euler": lambda: EulerNet([dense_field(STATE, 6) for _ in range(3)], 0.4),
    "tanh": lambda: EulerNet([dense_field(STATE, 6, activation=nn.Tanh) for _ in range(2)], 0.5),
    "heun": lambda: HeunNet(dense_field(STATE, 6), 0.5, 2),
    "rk4": lambda: RungeKuttaNet(dense_field(STATE, 5), 0.5, 1, tableau=RK4),
    "polynet": lambda: PolyNet(dense_field(STATE, 6), 0.5, 1),
    "fractalnet": lambda: FractalNet(dense_field(STATE, 5, activation=nn.SiLU), 0.4, 1),
    "dissipative gradient flow": lambda: EulerNet([DissipativeField(GradientFlowField.dense(STATE, 6), 0.3)], 0.5),
}


def classifier(name: str, seed: int) -> tuple[nn.Module, ...]:
    torch.manual_seed(seed)
    parts = (nn.Sequential(nn.Linear(STATE, STATE), nn.ReLU()), TRUNKS[name](), nn.Linear(STATE, 3))
    return tuple(part.double().eval().requires_grad_(False) for part in parts)


def run(parts: tuple[nn.Module, ...], x: Tensor) -> Tensor:
    for part in parts:
        x = part(x)
    return x


def points_of(region: AbstractRegion, center: Tensor, radius: float, norm: str, seed: int) -> Tensor:
    """Corners and inner points of a ball within the pixel range, (points, batch, inputs)."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 3, (400, *center.shape), generator=generator).double() - 1.0
    if norm == "L2":
        signs = signs / signs.norm(dim=2, keepdim=True).clamp_min(1.0)
    elif norm == "L1":
        signs = signs / signs.abs().sum(dim=2, keepdim=True).clamp_min(1.0)
    sizes = torch.rand((400, 1, 1), generator=generator, dtype=torch.float64).sqrt() * radius
    return (center + sizes * signs).clamp(region.lower, region.upper)


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
@pytest.mark.parametrize("name", list(TRUNKS))
@given(seed=st.integers(0, 10**6), radius=st.floats(0.01, 0.8))
@settings(max_examples=4)
def test_no_input_of_the_ball_lies_outside_the_bounds(name: str, norm: str, seed: int, radius: float) -> None:
    parts = classifier(name, seed)
    network = RelaxedNetwork(parts, SHAPE)
    center = torch.rand((2, STATE), dtype=torch.float64)
    region = region_around(center, torch.full((2,), radius, dtype=torch.float64), norm)  # type: ignore[arg-type]
    rows = torch.randn((2, 4, 3), dtype=torch.float64)
    intervals, relaxed = network.intervals(region), network.enclosed(region)
    fixed = network.lower(relaxed, rows).bound
    ascended = network.lower(relaxed, rows, ascent=Ascent(steps=5)).bound
    output = run(parts, points_of(region, center, radius, norm, seed).flatten(0, 1)).view(-1, 2, 3)
    values = torch.einsum("pbo,bro->pbr", output, rows)
    last = network.graph.output
    for found in (intervals, relaxed):
        assert bool((output >= found.lower[last]).all())
        assert bool((output <= found.upper[last]).all())
    assert bool((ascended >= fixed - 1e-12).all())
    assert bool((values.amin(dim=0) >= ascended).all())


def linear_classifier() -> tuple[tuple[nn.Module, ...], Tensor]:
    """head (I + ½A)², and its matrix in fractions' reach: entries are multiples of 1/8."""
    torch.manual_seed(3)
    matrix = torch.randint(-8, 9, (STATE, STATE)).double() / 8
    head = nn.Linear(STATE, 2, bias=False).double()
    head.weight.data = torch.randint(-8, 9, (2, STATE)).double() / 8
    step = torch.eye(STATE, dtype=torch.float64) + 0.5 * matrix
    return (EulerNet(LinearField(matrix), 0.5, 2), head), head.weight.data @ step @ step


def exact_least(row: Tensor, lower: Tensor, upper: Tensor) -> Fraction:
    ends = zip(row.tolist(), lower.tolist(), upper.tolist(), strict=True)
    return sum((Fraction(v) * Fraction(low if v > 0 else high) for v, low, high in ends), Fraction(0))


def test_the_bounds_of_a_linear_network_are_exact_and_never_above() -> None:
    parts, matrix = linear_classifier()
    network = RelaxedNetwork(parts, SHAPE)
    center = torch.rand((5, STATE), dtype=torch.float64)
    region = region_around(center, torch.full((5,), 0.3, dtype=torch.float64), "Linf")
    rows = torch.eye(2, dtype=torch.float64).expand(5, -1, -1)
    bound = network.lower(network.enclosed(region), rows).bound
    for image in range(5):
        for row in range(2):
            exact = exact_least(matrix[row], region.lower[image], region.upper[image])
            assert 0 <= exact - Fraction(float(bound[image, row])) <= Fraction(1, 10**12)


@pytest.mark.parametrize(("norm", "dual"), [("L2", 2.0), ("L1", float("inf"))])
def test_a_linear_network_on_a_ball_has_the_dual_norm(norm: str, dual: float) -> None:
    parts, matrix = linear_classifier()
    network = RelaxedNetwork(parts, SHAPE)
    center = torch.full((1, STATE), 0.5, dtype=torch.float64)
    region = region_around(center, torch.tensor([0.2], dtype=torch.float64), norm)  # type: ignore[arg-type]
    rows = torch.eye(2, dtype=torch.float64)[None]
    bound = network.lower(network.enclosed(region), rows).bound[0]
    exact = (matrix @ center[0]) - 0.2 * torch.linalg.vector_norm(matrix, ord=dual, dim=1)
    assert bool((bound <= exact).all())
    assert torch.allclose(bound, exact, rtol=1e-12)


def test_a_bound_without_its_rounding_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that no float64 product gives exactly; the exact value is a fraction."""
    torch.manual_seed(0)
    head = nn.Linear(64, 20, bias=False).double()
    region = region_around(torch.rand((1, 64), dtype=torch.float64), torch.zeros(1, dtype=torch.float64), "Linf")
    rows = torch.eye(20, dtype=torch.float64)[None]
    exact = [exact_least(head.weight[row], region.lower[0], region.upper[0]) for row in range(20)]

    def sound() -> bool:
        network = RelaxedNetwork((head,), (64,))
        bound = network.lower(network.intervals(region), rows).bound[0]
        return all(Fraction(float(value)) <= least for value, least in zip(bound, exact, strict=True))

    assert sound()
    monkeypatch.setattr(enclosure, "rounding_at", lambda graph, found, index: 0.0 * found.magnitude(index))
    assert not sound()


@pytest.mark.parametrize("smaller", [1.0, 0.99])
def test_a_bound_of_relu_a_hundredth_too_small_is_caught(smaller: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """−relu(x) on [−1, 1] by the line above is at least −1; at x = 1 it is."""
    honest = enclosure.sampled

    def shrunk(*arguments: Tensor):
        found = honest(*arguments)  # type: ignore[arg-type]
        return type(found)(
            points=found.points, low=found.low, high=smaller * found.high,
            slope_low=found.slope_low, slope_high=found.slope_high,
        )  # fmt: skip

    monkeypatch.setattr(enclosure, "sampled", shrunk)
    network = RelaxedNetwork((nn.ReLU(),), (1,))
    region = region_around(torch.zeros((1, 1)).double(), torch.ones(1).double(), "Linf", pixel_range=None)
    bound = float(network.lower(network.enclosed(region), -torch.ones((1, 1, 1), dtype=torch.float64)).bound)
    assert (bound <= -1.0) == (smaller == 1.0)


def test_relaxation_sees_what_intervals_cannot() -> None:
    """x − x through two steps: intervals forget that both are the same."""
    parts = (EulerNet(LinearField(-torch.eye(STATE)), 1.0, 1),)
    network = RelaxedNetwork(tuple(part.double() for part in parts), SHAPE)
    region = region_around(torch.full((1, STATE), 0.5).double(), torch.tensor([0.3]).double(), "Linf")
    rows = torch.eye(STATE, dtype=torch.float64)[None]
    found = network.enclosed(region)
    assert float(found.lower[network.graph.output].max()) < -0.5
    assert float(network.lower(found, rows).bound.min()) > -1e-12


def test_a_permuted_batch_has_permuted_bounds() -> None:
    parts = classifier("euler", 1)
    network = RelaxedNetwork(parts, SHAPE)
    region = region_around(torch.rand((6, STATE)).double(), torch.full((6,), 0.2).double(), "Linf")
    rows = torch.randn((6, 2, 3)).double()
    whole = network.lower(network.enclosed(region), rows).bound
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    again = network.lower(network.enclosed(region.of(order)), rows[order]).bound
    assert torch.allclose(again, whole[order], rtol=1e-9)


REFUSED: dict[str, tuple[nn.Module, str]] = {
    "implicit": (BackwardEulerNet([dense_field(STATE, 4)], 0.1), "implicit|explicit"),
    "coupled": (RevNet((dense_field(2, 4), dense_field(2, 4)), 0.1, 1), "RevNet"),
    "unknown": (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.LPPool2d(2, 2)), "LPPool2d"),
    "neither affine nor elementwise": (nn.Softmax(dim=1), "Softmax"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_has_no_relaxation_is_refused_by_name(name: str) -> None:
    module, named = REFUSED[name]
    with pytest.raises(LayerRefusedError, match=named):
        RelaxedNetwork((module.double().eval(),), SHAPE)


def running(norm: nn.Module) -> nn.Module:
    """A batch norm that has seen data."""
    with torch.no_grad():
        for name, tensor in (*norm.named_buffers(), *norm.named_parameters()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + (0.2 if name != "bias" else -0.5))
    return norm


STEMS: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "padding": lambda: (nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), EulerNet(convolutional_field(2, 3), 0.3, 2)),
    "batch norm": lambda: (nn.Conv2d(1, 4, 3, padding=1, stride=2), running(nn.BatchNorm2d(4)), nn.ReLU()),
    "groups": lambda: (nn.Conv2d(1, 4, 2), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=2)),
    "repeated border": lambda: (nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), nn.Tanh()),
    "averages": lambda: (nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AvgPool2d(3, stride=1, padding=1)),
    "maxima": lambda: (nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()),
    "maxima of nine": lambda: (nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)),
    "gradient flow": lambda: (nn.Conv2d(1, 2, 1), EulerNet(GradientFlowField.convolutional(2, 3), 0.3, 2)),
    "skew field": lambda: (nn.Conv2d(1, 2, 1), EulerNet(SkewSymmetricField.convolutional(2), 0.3, 2), nn.ReLU()),
    "transposed": lambda: (nn.ConvTranspose2d(1, 2, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
}
IMAGE = (1, 5, 5)


def convolutional(name: str, seed: int) -> tuple[nn.Module, ...]:
    torch.manual_seed(seed)
    stem = nn.Sequential(*STEMS[name]()).eval()
    entries = stem(torch.zeros(1, *IMAGE)).numel()
    parts = (*stem, nn.Flatten(), nn.Linear(entries, 4), nn.ReLU(), nn.Linear(4, 2))
    return tuple(part.double().eval().requires_grad_(False) for part in parts)


WITH_MATRICES = ("convolution", "padding", "transposed_convolution", "batch_norm", "matrices")


@pytest.fixture
def no_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for images too large for matrices."""
    for name in WITH_MATRICES:
        monkeypatch.setattr(importlib.import_module(f"natrob_theory.layers.{name}"), "DENSE_LIMIT", 0)


@pytest.mark.usefixtures("no_matrices")
@pytest.mark.parametrize("name", list(STEMS))
@pytest.mark.parametrize("radius", [0.02, 0.3])
def test_no_image_of_the_ball_lies_outside_the_bounds_of_a_convolutional_network(name: str, radius: float) -> None:
    parts = convolutional(name, 0)
    network = RelaxedNetwork(parts, IMAGE)
    assert not any(isinstance(operator, DenseOperator) for operator in operators_of(network)[:-2])
    center = torch.rand((2, 25), dtype=torch.float64)
    region = region_around(center, torch.full((2,), radius).double(), "Linf")
    rows = torch.randn((2, 3, 2), dtype=torch.float64)
    relaxed = network.enclosed(region)
    ascended = network.lower(relaxed, rows, ascent=Ascent(steps=5)).bound
    points = torch.cat([points_of(region, center, radius, "Linf", 0), steepest(parts, region, rows)])
    output = run(parts, points.flatten(0, 1).view(-1, *IMAGE)).view(-1, 2, 2)
    last = network.graph.output
    for found in (network.intervals(region), relaxed):
        assert bool((output >= found.lower[last]).all())
        assert bool((output <= found.upper[last]).all())
    assert bool((torch.einsum("pbo,bro->pbr", output, rows).amin(dim=0) >= ascended).all())


def operators_of(network: RelaxedNetwork) -> list[AbstractOperator]:
    return [node.operator for node in network.graph.nodes if isinstance(node, AffineNode)]


def steepest(parts: tuple[nn.Module, ...], region: AbstractRegion, rows: Tensor) -> Tensor:
    """Points at which sign descent makes each row small, (rows, batch, inputs)."""
    points = (0.5 * region.lower + 0.5 * region.upper).expand(rows.shape[1], -1, -1).clone()
    for step in range(20):
        points.requires_grad_(True)
        output = run(parts, points.flatten(0, 1).view(-1, *IMAGE)).view(rows.shape[1], len(rows), -1)
        (slope,) = torch.autograd.grad((output * rows.transpose(0, 1)).sum(), points)
        moved = points.detach() - 0.5 * 0.8**step * (region.upper - region.lower) * slope.sign()
        points = torch.minimum(torch.maximum(moved, region.lower), region.upper)
    return points


@pytest.mark.parametrize("name", ["padding", "batch norm", "groups", "repeated border", "averages", "gradient flow"])
def test_bounds_do_not_depend_on_whether_matrices_are_written_out(name: str, request: pytest.FixtureRequest) -> None:
    parts = convolutional(name, 1)
    region = region_around(torch.rand((3, 25)).double(), torch.full((3,), 0.1).double(), "Linf")
    rows = torch.randn((3, 4, 2), dtype=torch.float64)
    found = []
    for limited in (False, True):
        if limited:
            request.getfixturevalue("no_matrices")
        network = RelaxedNetwork(parts, IMAGE)
        assert any(isinstance(one, AbstractKernelOperator) for one in operators_of(network)) == limited
        found.append(network.lower(network.enclosed(region), rows, ascent=Ascent(steps=3)).bound)
    assert torch.allclose(*found, rtol=1e-9, atol=1e-9)


def test_rows_in_parts_give_the_bounds_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = RelaxedNetwork(convolutional("maxima", 2), IMAGE)
    region = region_around(torch.rand((2, 25)).double(), torch.full((2,), 0.2).double(), "Linf")
    whole = network.enclosed(region, Ascent(steps=2))
    monkeypatch.setattr(bounds_of_network, "ENTRIES_AT_ONCE", 7 * 4 * network.widest)
    parts = network.enclosed(region, Ascent(steps=2))
    for node in network.graph.activated:
        assert torch.allclose(parts.lower[node], whole.lower[node], atol=1e-10)
        assert torch.allclose(parts.upper[node], whole.upper[node], atol=1e-10)


def test_the_largest_of_a_box_is_bounded_by_its_ends() -> None:
    """max over windows of equal intervals [l, u]: the interval is [l, u] itself, whatever the number of entries."""
    network = RelaxedNetwork((nn.MaxPool2d(3, stride=1, padding=1).double(),), IMAGE)
    region = region_around(torch.full((1, 25), 0.5).double(), torch.tensor([0.25]).double(), "Linf")
    found = network.enclosed(region)
    rows = torch.cat([torch.eye(25), -torch.eye(25)]).double()[None]
    below, above = network.lower(found, rows).bound.split(25, dim=1)
    last = network.graph.output
    assert torch.allclose(found.lower[last], torch.full((1, 25), 0.25).double(), atol=1e-12)
    assert torch.allclose(found.upper[last], torch.full((1, 25), 0.75).double(), atol=1e-12)
    assert torch.allclose(below, torch.full((1, 25), 0.25).double(), atol=1e-10)
    assert bool((-above >= 0.75).all())


def test_an_upper_end_of_a_maximum_that_is_a_hundredth_too_small_is_caught() -> None:
    parts = (nn.MaxPool1d(2).double(), nn.Flatten(), nn.Linear(1, 1, bias=False).double())
    parts[2].weight.data = torch.tensor([[-1.0]]).double()
    region = region_around(torch.full((1, 2), 0.5).double(), torch.tensor([0.5]).double(), "Linf")
    row = torch.ones((1, 1, 1), dtype=torch.float64)

    def least(factor: float) -> float:
        network = RelaxedNetwork(parts, (1, 2))
        found = network.enclosed(region)
        (place,) = found.level
        found.level[place] = torch.ones((1, 1), dtype=torch.bool)
        found.upper[place] = factor * found.upper[place]
        return float(network.lower(found, row).bound)

    assert -1.001 <= least(1.0) <= -1.0
    assert least(0.99) > -1.0


def test_an_interval_on_the_way_counts_where_it_is_tighter_than_lines() -> None:
    """relu on [−0.9, 1] is at least 0 by its interval, which is attained, and −0.9 by the line of least area."""
    first, last = nn.Linear(1, 1).double(), nn.Linear(1, 2).double()
    with torch.no_grad():
        first.weight.fill_(1.0)
        first.bias.zero_()
        last.bias.zero_()
        last.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    network = RelaxedNetwork((first, nn.ReLU(), last), (1,))
    ball = torch.tensor([[0.05]], dtype=torch.float64), torch.tensor([0.95], dtype=torch.float64)
    intervals = network.intervals(region_around(*ball, "Linf", pixel_range=None))
    bound = network.lower(intervals, torch.eye(2, dtype=torch.float64)[None]).bound[0]
    assert bound.tolist() == pytest.approx([0.0, -1.0], abs=1e-12)
    assert bool((bound <= torch.tensor([0.0, -1.0])).all())


@pytest.mark.parametrize("seed", [3, 9, 10])  # with 9 and 10 lines alone are looser than intervals on some trunks
@pytest.mark.parametrize("name", list(TRUNKS))
def test_no_bound_is_below_that_of_intervals_with_the_last_layer_joined_to_the_rows(name: str, seed: int) -> None:
    parts = classifier(name, seed)
    region = region_around(torch.full((2, STATE), 0.5).double(), torch.tensor([0.1, 0.4]).double(), "Linf")
    features = RelaxedNetwork(parts[:-1], SHAPE)
    enclosed = features.intervals(region)
    lower, upper = (ends[features.graph.output] for ends in (enclosed.lower, enclosed.upper))
    rows = torch.tensor([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]).double()
    joined, bias = rows @ parts[-1].weight, rows @ parts[-1].bias  # type: ignore[operator]
    by_intervals = lower @ joined.clamp_min(0.0).T + upper @ joined.clamp_max(0.0).T + bias
    network = RelaxedNetwork(parts, SHAPE)
    bound = network.lower(network.intervals(region), rows.expand(2, -1, -1)).bound
    assert bool((bound >= by_intervals - 1e-10).all())
