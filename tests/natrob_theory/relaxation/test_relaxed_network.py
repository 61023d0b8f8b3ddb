"""Bounds of whole networks: they hold at every sampled input, are exact for linear networks, and ascend."""

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
    convolutional_field,
    dense_field,
)
from natrob_theory.relaxation import AbstractRegion, Ascent, RelaxedNetwork, enclosure, region_around

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
    "pooling": (nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.MaxPool2d(2)), "MaxPool2d"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_has_no_relaxation_is_refused_by_name(name: str) -> None:
    module, named = REFUSED[name]
    with pytest.raises(LayerRefusedError, match=named):
        RelaxedNetwork((module.double().eval(),), SHAPE)


def test_convolutions_and_averages_are_unrolled() -> None:
    torch.manual_seed(0)
    stem = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU())
    parts = (stem, EulerNet(convolutional_field(2, 3), 0.3, 2), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    parts = tuple(part.double().eval().requires_grad_(False) for part in parts)
    network = RelaxedNetwork(parts, (1, 4, 4))
    center = torch.rand((2, 16), dtype=torch.float64)
    region = region_around(center, torch.full((2,), 0.05).double(), "Linf")
    found = network.enclosed(region)
    points = points_of(region, center, 0.05, "Linf", 0)
    output = run(parts, points.flatten(0, 1).view(-1, 1, 4, 4)).view(-1, 2, 2)
    last = network.graph.output
    assert bool((output >= found.lower[last]).all())
    assert bool((output <= found.upper[last]).all())
