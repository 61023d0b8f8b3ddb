"""Against the closed form, against other solvers, and against every other point of the box on the hyperplane."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from torch import Tensor

from natrob_empirical.attacks.hyperplane_step import step_to_hyperplane

each_norm = pytest.mark.parametrize("p", [2.0, math.inf])


def problems(count: int, pixels: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Images with pixels at their bounds and normals with zeros; many hyperplanes miss the box."""
    source = torch.Generator().manual_seed(seed)

    def uniform() -> Tensor:
        return torch.rand(count, pixels, generator=source, dtype=torch.float64)

    x, kind = uniform(), uniform()
    x = torch.where(kind < 0.2, 0.0, torch.where(kind > 0.9, 1.0, x))
    normal = torch.where(uniform() < 0.2, 0.0, 4 * uniform() - 2)
    return x, normal, pixels**0.5 * (uniform()[:, 0] - 0.5)


def reach(x: Tensor, normal: Tensor, gap: Tensor) -> Tensor:
    """The most that ⟨w, d⟩ can grow in the box in the direction of the gap."""
    return torch.where(normal * gap[:, None] > 0, (1 - x) * normal.abs(), x * normal.abs()).sum(dim=1)


@each_norm
def test_without_pixel_bounds_it_is_the_closed_form(p: float) -> None:
    _, normal, gap = problems(50, 7)
    normal[normal.abs().sum(dim=1) == 0, 0] = 1.0
    x, gap = torch.full_like(normal, 0.5), 0.01 * gap
    step, reachable = step_to_hyperplane(x, normal, gap, p=p)
    dual = torch.linalg.vector_norm(normal, ord=2 if p == 2 else 1, dim=1)
    ascent = normal / dual[:, None] if p == 2 else normal.sign()
    assert bool(reachable.all())
    assert torch.allclose(step, ascent * (gap / dual)[:, None], rtol=0, atol=1e-14)


@each_norm
@pytest.mark.parametrize("pixels", [1, 2, 5, 30, 300])
def test_it_ends_on_the_hyperplane_or_in_the_nearest_corner(p: float, pixels: int) -> None:
    x, normal, gap = problems(200, pixels)
    step, reachable = step_to_hyperplane(x, normal, gap, p=p)
    most = reach(x, normal, gap)
    assert torch.equal(reachable, most >= gap.abs())
    grown = (normal * step).sum(dim=1)
    assert torch.allclose(grown, torch.where(reachable, gap, most * gap.sign()), rtol=0, atol=1e-12)
    assert float((x + step).min()) >= 0
    assert float((x + step).max()) <= 1


@pytest.mark.parametrize("pixels", [2, 5, 20])
def test_no_linear_programme_finds_a_nearer_point_in_the_maximum_norm(pixels: int) -> None:
    x, normal, gap = problems(30, pixels, seed=1)
    step, reachable = step_to_hyperplane(x, normal, gap, p=math.inf)
    largest = np.eye(pixels + 1)[-1]
    no_larger = np.vstack([np.eye(pixels, pixels + 1) - largest, -np.eye(pixels, pixels + 1) - largest])
    for row in range(len(x)):
        solved = optimize.linprog(
            largest,
            A_ub=no_larger,
            b_ub=np.zeros(2 * pixels),
            A_eq=np.append(normal[row].numpy(), 0.0)[None],
            b_eq=[float(gap[row])],
            bounds=[*zip((-x[row]).tolist(), (1 - x[row]).tolist(), strict=True), (0, None)],
        )
        assert (solved.status == 0) == bool(reachable[row])
        if solved.status == 0:
            assert float(step[row].abs().max()) == pytest.approx(solved.fun, abs=1e-9)


@pytest.mark.parametrize("pixels", [2, 5, 20])
def test_bisection_on_the_multiplier_finds_the_same_point_in_the_euclidean_norm(pixels: int) -> None:
    """The nearest point of a box on a hyperplane is `clip(x + λw)` for some λ: the Karush–Kuhn–Tucker conditions."""
    x, normal, gap = problems(30, pixels, seed=2)
    step, reachable = step_to_hyperplane(x, normal, gap, p=2.0)
    for row in reachable.nonzero().flatten().tolist():
        image, w = x[row].numpy(), normal[row].numpy()

        def excess(multiplier: float, image: np.ndarray = image, w: np.ndarray = w, row: int = row) -> float:
            return float(w @ (np.clip(image + multiplier * w, 0, 1) - image)) - float(gap[row])

        root = optimize.brentq(excess, -1e6, 1e6, xtol=1e-15, maxiter=500)
        assert np.allclose(step[row].numpy(), np.clip(image + root * w, 0, 1) - image, rtol=0, atol=1e-9)


@st.composite
def small_problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One problem of up to four pixels, and another point of the box."""
    pixels = draw(st.integers(1, 4))
    unit = st.floats(0, 1, width=32)
    x, other = (torch.tensor([draw(st.lists(unit, min_size=pixels, max_size=pixels))]).double() for _ in range(2))
    weights = st.floats(-2, 2, width=32).map(lambda weight: weight if abs(weight) > 1e-3 else 0.0)
    normal = torch.tensor([draw(st.lists(weights, min_size=pixels, max_size=pixels))]).double()
    return x, normal, torch.tensor([draw(st.floats(-2, 2))], dtype=torch.float64), other


@each_norm
@given(problem=small_problems())
def test_no_other_point_of_the_box_on_the_hyperplane_is_nearer(
    p: float, problem: tuple[Tensor, Tensor, Tensor, Tensor]
) -> None:
    x, normal, gap, other = problem
    step, reachable = step_to_hyperplane(x, normal, gap, p=p)
    point = x + step
    assert float(point.min()) >= 0
    assert float(point.max()) <= 1
    most = reach(x, normal, gap)
    assert bool(reachable) or float(gap.abs()) >= float(most) - 1e-12
    assert float((normal * step).sum() - torch.where(reachable, gap, most * gap.sign())) == pytest.approx(0, abs=1e-9)
    # another point of the hyperplane: the given one, moved onto it by a projection in the other norm
    shift, on_plane = step_to_hyperplane(
        other, normal, gap - (normal * (other - x)).sum(dim=1), p=2.0 if p > 2 else math.inf
    )
    if bool(reachable & on_plane):
        nearest, rival = (torch.linalg.vector_norm(d, ord=p) for d in (step, other + shift - x))
        assert float(nearest) <= float(rival) + 1e-9


@each_norm
def test_a_zero_normal_or_gap_moves_nothing(p: float) -> None:
    x = torch.rand(4, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    normal = torch.ones_like(x)
    normal[:2] = 0
    step, reachable = step_to_hyperplane(x, normal, torch.tensor([1.0, 0.0, 0.0, 1.0]), p=p)
    assert bool((step[:3] == 0).all())
    assert reachable.tolist() == [False, True, True, True]
    assert float(step[3].min()) > 0


@each_norm
def test_tiny_gradients_lead_where_large_ones_do(p: float) -> None:
    """Squares of 1e-30 are zero in float32."""
    x, normal, gap = (tensor.float() for tensor in problems(20, 9))
    plain, _ = step_to_hyperplane(x, normal, gap, p=p)
    tiny, _ = step_to_hyperplane(x, normal * 1e-30, gap * 1e-30, p=p)
    assert torch.allclose(tiny, plain, rtol=0, atol=1e-5)


@each_norm
def test_rows_do_not_influence_each_other(p: float) -> None:
    x, normal, gap = problems(40, 64)
    together, _ = step_to_hyperplane(x, normal, gap, p=p)
    alone = torch.cat([step_to_hyperplane(x[i : i + 1], normal[i : i + 1], gap[i : i + 1], p=p)[0] for i in range(40)])
    assert torch.allclose(together, alone, rtol=0, atol=1e-15)


@each_norm
def test_single_precision_stays_in_the_box(p: float) -> None:
    x, normal, gap = (tensor.float() for tensor in problems(300, 50, seed=4))
    step, _ = step_to_hyperplane(x, normal, 3 * gap, p=p)
    assert float((x + step).min()) >= 0
    assert float((x + step).max()) <= 1


def test_another_norm_is_refused() -> None:
    x, normal, gap = problems(2, 3)
    with pytest.raises(ValueError, match=r"`p` must be 2 or math.inf, got 1.0"):
        step_to_hyperplane(x, normal, gap, p=1.0)
