import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import LinearField, RevNet, RevNetStepper
from natrob_theory.fields import FunctionField, split_halves
from natrob_theory.steppers import CoupledField
from natrob_theory.steppers.coupled_growth import spectral_norm_2x2

sizes = st.floats(0.0, 5.0)


def coupling(alpha: float, beta: float) -> Tensor:
    return torch.tensor([[1.0, alpha], [beta, 1.0 + alpha * beta]], dtype=torch.float64)


def cumulative(alphas: list[float], betas: list[float]) -> list[float]:
    x = torch.tensor([alphas, betas], dtype=torch.float64).T
    return RevNetStepper().cumulative_growth(x).tolist()


@given(sizes, sizes)
def test_one_step_is_the_norm_of_the_coupling_matrix(alpha: float, beta: float) -> None:
    exact = float(torch.linalg.matrix_norm(coupling(alpha, beta), ord=2))
    value = cumulative([alpha], [beta])[1]
    assert value == pytest.approx(exact, rel=1e-13)
    assert value * 0.99 < exact


@given(st.lists(st.tuples(sizes, sizes), min_size=1, max_size=6))
def test_n_steps_are_the_norm_of_the_product_not_the_product_of_norms(pairs: list[tuple[float, float]]) -> None:
    values = cumulative([a for a, _ in pairs], [b for _, b in pairs])
    product, norms = torch.eye(2, dtype=torch.float64), 1.0
    for n, (alpha, beta) in enumerate(pairs, start=1):
        product = coupling(alpha, beta) @ product
        norms *= float(torch.linalg.matrix_norm(coupling(alpha, beta), ord=2))
        assert values[n] == pytest.approx(float(torch.linalg.matrix_norm(product, ord=2)), rel=1e-12)
        assert values[n] <= norms * (1 + 1e-12)


def test_the_product_is_strictly_below_the_product_of_norms() -> None:
    values = cumulative([1.0] * 10, [0.1] * 10)
    assert values[10] < 0.25 * values[1] ** 10


@given(st.floats(0.05, 2.0), st.floats(0.05, 2.0))
def test_the_growth_per_step_tends_to_the_spectral_radius(alpha: float, beta: float) -> None:
    """ρ(M) = exp(2 asinh(√(ab)/2)) ≤ exp(√(ab)): the ratio of successive norms tends to it."""
    radius = math.exp(2 * math.asinh(math.sqrt(alpha * beta) / 2))
    assert radius == pytest.approx(float(torch.linalg.eigvals(coupling(alpha, beta)).abs().max()), rel=1e-12)
    assert radius <= math.exp(math.sqrt(alpha * beta))
    values = cumulative([alpha] * 300, [beta] * 300)
    # The other eigenvalue is 1/ρ, so the ratio is off by O(ρ^{−2n}); √(ab) ≥ 0.05 makes that e^{−0.05·600}.
    assert values[300] / values[299] == pytest.approx(radius, rel=1e-10)


@pytest.mark.parametrize("steps", [1, 2, 7])
@given(first=st.floats(0.01, 3.0), second=st.floats(0.01, 3.0), step_size=st.floats(0.01, 1.0))
def test_nonnegative_linear_couplings_are_tight(steps: int, first: float, second: float, step_size: float) -> None:
    """The top right singular vector of Mⁿ grows by exactly ‖Mⁿ‖₂."""
    fields = tuple(LinearField(torch.tensor([[k]], dtype=torch.float64)) for k in (first, second))
    net = RevNet((fields[0], fields[1]), step_size, steps)
    power = torch.linalg.matrix_power(coupling(step_size * first, step_size * second), steps)
    direction = torch.linalg.svd(power).Vh[:1]
    grown = net(direction).norm().item()
    bound = float(net.growth_bound((first, second)))
    assert grown == pytest.approx(bound, rel=1e-12)
    assert 0.99 * bound < grown


@given(st.lists(st.floats(0.0, 1e3), min_size=4, max_size=4).filter(any))
def test_two_by_two_norm_against_svd(entries: list[float]) -> None:
    matrix = torch.tensor(entries, dtype=torch.float64)
    value = float(spectral_norm_2x2(*matrix))
    exact = float(torch.linalg.matrix_norm(matrix.view(2, 2), ord=2))
    assert value == pytest.approx(exact, rel=1e-13)


def test_two_by_two_norm_does_not_overflow_early() -> None:
    huge = torch.tensor(1e200, dtype=torch.float64)
    assert float(spectral_norm_2x2(huge, huge, huge, huge)) == pytest.approx(2e200, rel=1e-14)
    assert float(spectral_norm_2x2(huge * huge, huge, huge, huge)) == math.inf


def test_the_second_half_sees_the_new_first_half() -> None:
    """(21) is the symplectic Euler method: by hand with f₁ = 2b, f₂ = 3a, h = ½."""
    pair = CoupledField(FunctionField(lambda _t, b: 2 * b), FunctionField(lambda _t, a: 3 * a))
    state = torch.tensor([[1.0, 10.0]])
    moved = RevNetStepper().step(pair, 0.0, state, 0.5)
    assert moved.tolist() == [[11.0, 10.0 + 1.5 * 11.0]]
    assert RevNetStepper().inverse_step(pair, 0.0, moved, 0.5).tolist() == state.tolist()
    after, ((b, slope_b), (a, slope_a)) = RevNetStepper().step_with_evaluations(pair, 0.0, state, 0.5)
    assert torch.equal(after, moved)
    assert [b.item(), slope_b.item(), a.item(), slope_a.item()] == [10.0, 20.0, 11.0, 33.0]


def test_halves() -> None:
    first, second = split_halves(torch.arange(12.0).view(1, 4, 3))
    assert first.shape == second.shape == (1, 2, 3)
    with pytest.raises(ValueError, match=r"its length must be even, got 3 in shape \(2, 3\)"):
        split_halves(torch.ones(2, 3))
