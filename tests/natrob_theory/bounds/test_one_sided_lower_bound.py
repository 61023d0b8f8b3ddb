"""The lower bound of μ: never above it, close to it where it can be, negative where it must be."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    LinearField,
    convolutional_field,
    dense_field,
    one_sided_lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.spectra.lanczos import top_direction
from natrob_theory.strategies import KnownField, fields, step_sizes

QUICK = {"samples": 3, "ascent_steps": 4, "lanczos_steps": 3}


def points(batch: int = 4, size: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(batch, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lower(field: Any, at: Tensor, *, seed: int = 0, **settings: Any) -> float:
    bound = one_sided_lipschitz_lower_bound(field, at, generator=torch.Generator().manual_seed(seed), **settings)
    assert bound.kind == "lower"
    return float(bound)


@given(fields(dimension=3), step_sizes(1e-4, 1e3), st.integers(0, 2**32 - 1))
def test_never_above_the_true_constant(known: KnownField, radius: float, seed: int) -> None:
    assert lower(known.field, points(seed=seed), seed=seed, radius=radius, **QUICK) <= known.one_sided


@given(st.integers(0, 2**32 - 1))
def test_at_most_the_upper_bound(seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        field = dense_field(3, 6).double()
    upper = float(one_sided_lipschitz_upper_bound(field, input_shape=(3,)))
    assert lower(field, points(seed=seed), seed=seed, **QUICK) <= upper


@pytest.mark.parametrize("radius", [0.01, 0.1, 1.0])
def test_the_search_stays_in_the_ball_that_it_names(radius: float) -> None:
    """y³ is steepest on the ball's border: 3(1 + r)²; a secant within the ball is less steep."""
    found = lower(lambda _t, y: y**3, torch.ones(2, 1, dtype=torch.float64), radius=radius)
    assert 0.9 * 3.0 * (1.0 + radius) ** 2 <= found <= 3.0 * (1.0 + radius) ** 2


@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
@settings(max_examples=10)
def test_linear_fields_are_found_exactly(seed: int, size: int) -> None:
    matrix = torch.randn(size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    exact = float(torch.linalg.eigvalsh((matrix + matrix.T) / 2)[-1])
    found = lower(LinearField(matrix), points(3, size, seed), seed=seed)
    assert exact - 1e-9 <= found <= exact


def test_the_top_direction_among_many_is_found_by_lanczos() -> None:
    rates = torch.cat([torch.tensor([-0.1]), torch.linspace(-3.0, -1.0, 59)]).double()
    rotation = torch.linalg.qr(points(60, 60)).Q
    found = lower(
        LinearField(rotation @ torch.diag(rates) @ rotation.T),
        points(1, 60),
        samples=1,
        ascent_steps=1,
        lanczos_steps=20,
    )
    assert -0.1001 <= found <= -0.1


def test_contractive_fields_have_negative_bounds() -> None:
    assert lower(lambda _t, y: -2.0 * y, points()) == pytest.approx(-2.0, abs=1e-9)
    assert lower(lambda _t, y: -2.0 * y, points()) <= -2.0


def test_a_region_where_the_field_expands_is_climbed_to() -> None:
    """−y + 5 tanh(y − 2) contracts at 0 and has slope 4 at 2."""
    found = lower(lambda _t, y: -y + 5.0 * torch.tanh(y - 2.0), torch.zeros(2, 1, dtype=torch.float64), radius=3.0)
    assert 0.99 * 4.0 <= found <= 4.0


def vanishing(_time: Tensor, state: Tensor) -> Tensor:
    """y − relu(y) + relu(−y) ≡ 0, but autograd says the slope at 0 is 1."""
    return state - torch.relu(state) + torch.relu(-state)


def test_the_kink_where_autograd_lies() -> None:
    at_kink = torch.zeros(3, 2, dtype=torch.float64)
    assert lower(vanishing, at_kink) <= 0.0
    contracting = lower(lambda t, y: vanishing(t, y) - 0.5 * y, at_kink)
    assert -0.501 <= contracting <= -0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("distance", [1e2, 1e5, 1e8])
def test_cancellation_far_from_the_origin_does_not_exceed_the_constant(dtype: torch.dtype, distance: float) -> None:
    """f = −⟨v, y⟩v − y with y ⟂ v far away and a small radius: the computed quotients are mostly rounding."""
    for seed in range(5):
        direction = points(1, 6, seed)[0]
        direction = direction / direction.norm()
        matrix = (-torch.outer(direction, direction) - torch.eye(6, dtype=torch.float64)).to(dtype)
        exact = float(torch.linalg.eigvalsh((matrix + matrix.T).double() / 2)[-1])
        at = distance * points(4, 6, seed + 100)
        at = at - (at @ direction)[:, None] * direction
        assert lower(LinearField(matrix), at.to(dtype), seed=seed, radius=1e-3) <= exact


def test_images_single_precision_and_time() -> None:
    field = convolutional_field(2, 3)
    images = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    upper = float(one_sided_lipschitz_upper_bound(field, input_shape=(2, 5, 5)))
    assert 0.0 < lower(field, images) <= upper
    growing = one_sided_lipschitz_lower_bound(lambda t, y: -t * y, points(), generator=torch.Generator(), time=7.0)
    assert float(growing) == pytest.approx(-7.0, rel=1e-9)
    assert "t = 7" in growing.assumptions[0]


def test_the_same_generator_gives_the_same_number_and_nothing_global_is_touched() -> None:
    field = dense_field(3, 6).double()
    before = torch.random.get_rng_state()
    assert lower(field, points(), seed=1, **QUICK) == lower(field, points(), seed=1, **QUICK)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(parameter.grad is None for parameter in field.parameters())


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_lanczos_in_full_dimension_is_exact(seed: int, size: int) -> None:
    matrices = torch.randn(3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    symmetric = (matrices + matrices.mT) / 2
    start = points(3, size, seed + 1)
    found = top_direction(lambda v: torch.einsum("bij,bj->bi", symmetric, v), start, size)
    values = torch.einsum("bi,bij,bj->b", found, symmetric, found)
    torch.testing.assert_close(values, torch.linalg.eigvalsh(symmetric)[:, -1], rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3, dtype=torch.float64))


def test_lanczos_whose_krylov_space_ends_early_stays_in_it() -> None:
    """−I: one product says all; the missing vectors, with value 0, must not pass for the top direction."""
    start = points(2, 5)
    found = top_direction(lambda v: -v, start, 5)
    torch.testing.assert_close(found, start / start.norm(dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"radius": 0.0}, ValueError, r"`radius` must be greater than 0, got 0\.0"),
        ({"time": float("inf")}, ValueError, "`time` must be finite, got inf"),
        ({"samples": 0}, ValueError, "`samples` must be at least 1, got 0"),
        ({"ascent_steps": -1}, ValueError, "`ascent_steps` must be at least 1, got -1"),
        ({"lanczos_steps": 1.5}, TypeError, r"`lanczos_steps` must be an integer, got 1\.5"),
        ({"generator": None}, TypeError, r"`generator` must be a torch\.Generator .* got NoneType"),
        ({"points": torch.full((2, 2), torch.nan)}, ValueError, "`points` must be finite"),
    ],
)
def test_bad_arguments(settings: dict[str, Any], error: type[Exception], message: str, unchecked: None) -> None:
    arguments = {"field": lambda _t, y: y, "points": points(), "generator": torch.Generator(), **settings}
    with pytest.raises(error, match=message):
        one_sided_lipschitz_lower_bound(arguments.pop("field"), arguments.pop("points"), **arguments)


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    matrix = torch.diag(torch.tensor([-1.0, -2.0], dtype=torch.float64)).cuda()
    generator = torch.Generator("cuda").manual_seed(0)
    found = one_sided_lipschitz_lower_bound(LinearField(matrix), points(3, 2).cuda(), generator=generator)
    assert -1.001 <= float(found) <= -1.0
