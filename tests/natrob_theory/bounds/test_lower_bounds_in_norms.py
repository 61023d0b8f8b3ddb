"""Lower bounds of K and μ in L∞ and L1: exact for linear fields, below the upper bounds, inside the ball."""

from typing import Any

import pytest
import torch
from costly_examples import examples
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    AutonomousField,
    Bound,
    DissipativeField,
    GradientFlowField,
    LinearField,
    dense_field,
    diagonally_dominant_field,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.numbers.norms import Norm, per_sample_norm

OTHERS: tuple[Norm, ...] = ("Linf", "L1")
LIGHT: dict[str, Any] = {"samples": 4, "ascent_steps": 8}


def lower(field: Any, points: Tensor, norm: Norm, *, one_sided: bool = False, radius: float = 1.0) -> Bound:
    search = one_sided_lipschitz_lower_bound if one_sided else lipschitz_lower_bound
    found = search(field, points, radius=radius, generator=torch.Generator().manual_seed(0), norm=norm, **LIGHT)
    assert (found.norm, found.kind) == (norm, "lower")
    return found


@examples(5)
@given(st.integers(0, 2**31), st.integers(1, 12), st.sampled_from(OTHERS))
def test_linear_fields_are_found_to_a_thousandth(seed: int, size: int, norm: Norm) -> None:
    torch.manual_seed(seed)
    matrix = torch.randn(size, size, dtype=torch.float64)
    field, points = LinearField(matrix), torch.randn(4, size, dtype=torch.float64)
    largest = float(lipschitz_upper_bound(field, input_shape=(size,), norm=norm))
    mu = float(one_sided_lipschitz_upper_bound(field, input_shape=(size,), norm=norm))
    assert float(lower(field, points, norm)) <= largest
    assert float(lower(field, points, norm, one_sided=True)) <= mu + 1e-12 * largest
    # the largest row or column is not always found, but one that is nearly as large is
    sums = matrix.abs().sum(dim=1 if norm == "Linf" else 0)
    assert float(lower(field, points, norm)) >= 0.999 * float(sums.median())


@pytest.mark.parametrize("norm", OTHERS)
def test_the_largest_row_or_column_is_found_where_it_stands_out(norm: Norm) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(30, 30, dtype=torch.float64)
    matrix[7] *= 4.0
    matrix[:, 11] *= 4.0
    matrix[7, 7] = matrix[11, 11] = 5.0
    field, points = LinearField(matrix), torch.randn(4, 30, dtype=torch.float64)
    for one_sided, upper in ((False, lipschitz_upper_bound), (True, one_sided_lipschitz_upper_bound)):
        most = float(upper(field, input_shape=(30,), norm=norm))
        assert 0.999 * most <= float(lower(field, points, norm, one_sided=one_sided)) <= most


@examples(4)
@given(st.integers(0, 2**31), st.sampled_from(OTHERS))
def test_at_most_the_upper_bounds(seed: int, norm: Norm) -> None:
    torch.manual_seed(seed)
    fields: tuple[nn.Module, ...] = (
        dense_field(4, 6, activation=nn.Tanh).double(),
        DissipativeField(GradientFlowField.dense(4, 5), 0.5).double(),
        diagonally_dominant_field(4, 5, margin=0.3).double(),
    )
    for field in fields:
        points = torch.randn(4, 4, dtype=torch.float64)
        assert float(lower(field, points, norm)) <= float(lipschitz_upper_bound(field, input_shape=(4,), norm=norm))
        mu = one_sided_lipschitz_upper_bound(field, input_shape=(4,), norm=norm)
        assert float(lower(field, points, norm, one_sided=True)) <= float(mu)


class InTheBall(nn.Module):
    """−2y inside the ball that may be searched; a call outside is an error."""

    def __init__(self, center: Tensor, radius: float, norm: Norm) -> None:
        super().__init__()
        self.center, self.radius = center, radius
        self.norm: Norm = norm

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        reach = per_sample_norm(state - self.center, self.norm)
        assert bool((reach <= self.radius * (1.0 + 1e-12)).all())
        return -2.0 * state


@pytest.mark.parametrize("norm", OTHERS)
@pytest.mark.parametrize("radius", [0.1, 3.0])
def test_the_search_stays_in_the_ball_that_it_names(norm: Norm, radius: float) -> None:
    point = torch.randn(1, 5, dtype=torch.float64)
    field = InTheBall(point, radius, norm)
    assert float(lower(field, point, norm, radius=radius)) == pytest.approx(2.0, rel=1e-6)
    assert float(lower(field, point, norm, radius=radius, one_sided=True)) == pytest.approx(-2.0, rel=1e-6)


@pytest.mark.parametrize("norm", OTHERS)
def test_cancellation_in_single_precision_does_not_exceed_the_constants(norm: Norm) -> None:
    layer = nn.Linear(6, 6)
    field = AutonomousField(layer)
    points = 100.0 + torch.randn(4, 6)
    most = float(lipschitz_upper_bound(field, input_shape=(6,), norm=norm))
    assert float(lower(field, points, norm, radius=0.01)) <= most
    mu = float(one_sided_lipschitz_upper_bound(field, input_shape=(6,), norm=norm))
    assert float(lower(field, points, norm, radius=0.01, one_sided=True)) <= mu
