"""The affine bound of two adaptive solves, and why no multiple of ‖ε‖ can stand in its place."""

import math
import re
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.adaptive_bounds import pairs_across_a_jump, wave
from natrob_theory import (
    Bound,
    IntegrationError,
    IntegrationWarning,
    LinearField,
    NeuralODE,
    SolveRecord,
    check_affine_bound,
    check_bound,
)
from natrob_theory.checks import adaptive_bounds
from natrob_theory.checks.adaptive_bounds import accumulated_error

seeds = st.integers(0, 2**32 - 1)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numbers(bound: Bound) -> Tensor:
    assert isinstance(bound.value, Tensor)
    return bound.value


def test_two_grids_break_every_multiple_of_the_perturbation_but_not_the_affine_bound() -> None:
    net = NeuralODE(wave, 2.0, rtol=1e-4, atol=1e-4)
    y0, perturbation = pairs_across_a_jump(net)
    assert len(y0) > 10
    affine = check_affine_bound(net, y0, perturbation, lipschitz=3.0)
    same_grid = check_bound(net, y0, perturbation, lipschitz=3.0)
    assert (affine.clean.rejected != affine.perturbed.rejected).all()
    assert same_grid.all_hold
    assert same_grid.kind == "upper"
    exceeded = affine.measured / same_grid.bound[-1]  # the product bound, on two grids
    assert (exceeded > 2.0).sum() > 10
    assert exceeded.max() > 100.0
    assert affine.measured.max() > 1e9 * perturbation.max()
    assert affine.covered.all()
    assert affine.kind == affine.bound.kind == affine.error_terms.kind == "estimate"


def test_the_distance_does_not_fall_with_the_perturbation() -> None:
    """A thousandth of the perturbation across the same jump: the same distance."""
    net = NeuralODE(wave, 2.0, rtol=1e-4, atol=1e-4)
    y0, tiny = pairs_across_a_jump(net)
    wide = 1e3 * tiny
    near, far = (check_affine_bound(net, y0, eps, lipschitz=3.0) for eps in (tiny, wide))
    clear = near.measured > 1e-6
    assert clear.sum() > 10
    torch.testing.assert_close(near.measured[clear], far.measured[clear], rtol=0.05, atol=0.0)


def test_an_embedded_estimate_can_fail_and_the_check_says_so() -> None:
    """With steps of hK = 6 the embedded estimates are too small, so the estimate is exceeded: it is no bound."""
    net = NeuralODE(wave, 2.0, rtol=1e-2, atol=1e-2)
    check = check_affine_bound(net, *pairs_across_a_jump(net), lipschitz=3.0)
    assert not check.covered.all()
    assert check.kind == "estimate"


def test_closed_form_of_every_part() -> None:
    net = NeuralODE(lambda _t, y: -2.0 * y, 1.5, rtol=1e-3, atol=1e-3, start_time=0.5)
    y0 = torch.tensor([[1.0, 2.0], [30.0, 0.5]], dtype=torch.float64)
    perturbation = torch.tensor([[3.0, 4.0], [0.0, -1.0]], dtype=torch.float64)
    check = check_affine_bound(net, y0, perturbation, lipschitz=2.0, one_sided=-2.0)
    exact = math.exp(-2.0) * torch.tensor([5.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(numbers(check.exact_flow), exact, rtol=1e-14, atol=0.0)
    assert (numbers(check.exact_flow) >= exact).all()
    assert check.exact_flow.kind == "upper"
    expected = torch.zeros(2, dtype=torch.float64)
    for record in (check.clean, check.perturbed):
        assert record.error_estimates is not None
        for sample in range(2):
            for j in range(int(record.accepted[sample])):
                weight = math.exp(-2.0 * (1.5 - float(record.times[j + 1, sample])))
                expected[sample] += weight * float(record.error_estimates[j, sample])
    torch.testing.assert_close(numbers(check.error_terms), expected, rtol=1e-13, atol=0.0)
    torch.testing.assert_close(numbers(check.bound), numbers(check.exact_flow) + expected)
    torch.testing.assert_close(check.ratio, check.measured / numbers(check.bound))


def true_local_errors(net: NeuralODE, matrix: Tensor, start: Tensor) -> SolveRecord:
    """The record of a solve of y′ = Ay with the true local errors in the place of the estimates."""
    with torch.no_grad():
        run = net.trajectory(start)
    record = net.last_solve
    assert record is not None
    steps = record.times.diff(dim=0)
    flows = torch.linalg.matrix_exp(steps[:, :, None, None] * matrix)
    exact = (flows @ run.states[:-1, :, :, None])[..., 0]
    return replace(record, error_estimates=torch.linalg.vector_norm(exact - run.states[1:], dim=2))


@given(seeds, st.floats(-3.0, 1.0), st.sampled_from([1e-1, 1e-3, 1e-6]))
def test_with_true_local_errors_it_is_a_theorem(seed: int, magnitude: float, tolerance: float) -> None:
    """Linear fields, whose flow and one-sided constant are known: the inequality of section 4 itself."""
    matrix = normal(3, 3, seed=seed)
    y0, perturbation = normal(4, 3, seed=seed + 1), 10.0**magnitude * normal(4, 3, seed=seed + 2)
    mu = float(torch.linalg.eigvalsh((matrix + matrix.T) / 2).max())
    constant = float(torch.linalg.matrix_norm(matrix, ord=2))
    net = NeuralODE(LinearField(matrix), 2.0, rtol=tolerance, atol=tolerance)
    for one_sided, rate in ((None, constant), (mu, mu)):
        check = check_affine_bound(net, y0, perturbation, lipschitz=constant, one_sided=one_sided)
        errors = [accumulated_error(true_local_errors(net, matrix, start), rate) for start in (y0, y0 + perturbation)]
        bound = numbers(check.exact_flow) + errors[0] + errors[1]
        assert (check.measured <= bound * (1 + 1e-9) + 1e-12 * y0.norm()).all()


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
def test_the_error_terms_are_tight(factor: float, exceeded: bool) -> None:
    """y′ = y: all local errors have one sign, and E is the error of the solve exactly; 1 % less is caught."""
    matrix = torch.eye(1, dtype=torch.float64)
    net = NeuralODE(LinearField(matrix), 2.0, rtol=1e-2, atol=1e-2)
    y0 = torch.tensor([[1.0], [5.0]], dtype=torch.float64)
    bound = factor * accumulated_error(true_local_errors(net, matrix, y0), 1.0)
    error = (math.exp(2.0) * y0 - net(y0).detach()).norm(dim=1)
    assert bool((error > bound * (1 + 1e-9)).all()) is exceeded
    if not exceeded:
        torch.testing.assert_close(error, bound, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("rate", [-2.0, 1.0])
def test_the_exact_flow_is_tight_and_one_percent_less_is_caught(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    net = NeuralODE(lambda _t, y: rate * y, 1.0, rtol=1e-10, atol=1e-10)
    arguments: dict[str, Any] = {"lipschitz": abs(rate), "one_sided": rate}
    check = check_affine_bound(net, normal(3, 2), normal(3, 2, seed=1), **arguments)
    assert check.covered.all()
    assert check.ratio.min() > 1 - 1e-6
    true_growth = adaptive_bounds.exponential_bound

    def smaller(*args: Any, **kwargs: Any) -> Bound:
        bound = true_growth(*args, **kwargs)
        return replace(bound, value=0.99 * float(bound))

    monkeypatch.setattr(adaptive_bounds, "exponential_bound", smaller)
    assert not check_affine_bound(net, normal(3, 2), normal(3, 2, seed=1), **arguments).covered.any()


@given(seeds, st.floats(-300.0, 0.0))
def test_the_exact_flow_is_rounded_outward(seed: int, magnitude: float) -> None:
    """A growth of exactly 1 leaves the norm of ε, whose squares may underflow; compared in fractions."""
    net = NeuralODE(lambda _t, y: 0.0 * y, 1.0)
    perturbation = 10.0**magnitude * normal(8, 5, seed=seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptive_bounds, "exponential_bound", lambda *_, **__: Bound(value=1.0, kind="upper"))
        check = check_affine_bound(net, torch.zeros(8, 5, dtype=torch.float64), perturbation, lipschitz=0.0)
    for row, bound in zip(perturbation.tolist(), numbers(check.exact_flow).tolist(), strict=True):
        exact = sum(entry**2 for entry in map(Fraction, row))
        assert exact <= Fraction(bound) ** 2 <= exact * Fraction(1 + 1e-13)


def test_no_perturbation_is_no_distance_and_samples_do_not_mix() -> None:
    net = NeuralODE(wave, 2.0)
    y0, perturbation = normal(3, 2), torch.zeros(3, 2, dtype=torch.float64)
    perturbation[1] = 1e-3
    check = check_affine_bound(net, y0, perturbation, lipschitz=3.0)
    assert check.measured[[0, 2]].tolist() == check.ratio[[0, 2]].tolist() == [0.0, 0.0]
    assert numbers(check.exact_flow)[[0, 2]].tolist() == [0.0, 0.0]
    alone = check_affine_bound(net, y0[1:2], perturbation[1:2], lipschitz=3.0)
    torch.testing.assert_close(check.measured[1:2], alone.measured)
    torch.testing.assert_close(numbers(check.bound)[1:2], numbers(alone.bound))


def test_every_record_is_that_of_its_own_solve_and_the_last_is_the_clean_one() -> None:
    net = NeuralODE(wave, 2.0)
    y0, perturbation = normal(3, 2), normal(3, 2, seed=1)
    check = check_affine_bound(net, y0, perturbation, lipschitz=3.0)
    assert net.last_solve is check.clean
    assert net.growth_bound(3.0).kind == "upper"
    assert not torch.equal(check.clean.times[1], check.perturbed.times[1])
    for record, start in ((check.perturbed, y0 + perturbation), (check.clean, y0)):
        net(start)
        assert net.last_solve is not None
        assert torch.equal(net.last_solve.times, record.times)


def test_constants_that_are_no_upper_bounds_make_the_exact_flow_an_estimate() -> None:
    net, y0 = NeuralODE(wave, 0.5), normal(2, 2)
    lower = Bound(value=2.9, kind="lower", source="a search")
    check = check_affine_bound(net, y0, y0, lipschitz=lower)
    assert check.exact_flow.kind == "estimate"
    assert any("a lower bound from: a search" in text for text in check.bound.assumptions)
    assert any("embedded estimates" in text for text in check.error_terms.assumptions)


def test_an_overflowing_growth_is_a_useless_estimate_not_nan() -> None:
    net = NeuralODE(lambda _t, y: 0.0 * y, 1.0)
    y0 = torch.ones(2, 1, dtype=torch.float64)
    check = check_affine_bound(net, y0, torch.tensor([[1.0], [0.0]], dtype=torch.float64), lipschitz=1e6)
    assert numbers(check.bound).tolist() == [math.inf, 0.0]
    assert check.ratio.tolist() == [0.0, 0.0]


def blowing_up(_time: Tensor, state: Tensor) -> Tensor:
    return state**2


@pytest.mark.parametrize("start", [(0.1, 5.0), (5.0, 0.1)])
def test_a_failed_sample_is_no_distance(start: tuple[float, float]) -> None:
    """y′ = y² with a pole before T for one of the two solutions."""
    y0, perturbation = torch.tensor([[start[0]]]).double(), torch.tensor([[start[1] - start[0]]]).double()
    net = NeuralODE(blowing_up, 1.0, on_failure="warn")
    with (
        pytest.warns(IntegrationWarning),
        pytest.raises(IntegrationError, match="needs both solutions at the end time: 1 of 1 samples"),
    ):
        check_affine_bound(net, y0, perturbation, lipschitz=1.0)
    with pytest.raises(IntegrationError, match="1 of 1 samples stopped"):
        check_affine_bound(NeuralODE(blowing_up, 1.0), y0, perturbation, lipschitz=1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lipschitz": -1.0}, "`lipschitz` must be at least 0, got -1.0"),
        ({"lipschitz": math.nan}, "`lipschitz` must be finite, got nan"),
        ({"lipschitz": 1.0, "one_sided": -2.0}, "`one_sided` must be at least −K = -1.0, got -2.0"),
        ({"lipschitz": 1.0, "one_sided": math.inf}, "`one_sided` must be finite, got inf"),
    ],
)
def test_bad_constants(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_affine_bound(NeuralODE(wave), normal(2, 2), normal(2, 2), **arguments)


def test_bad_states_and_solvers() -> None:
    with pytest.raises(ValueError, match="`perturbation` must have the shape and dtype of `y0`"):
        check_affine_bound(NeuralODE(wave), normal(2, 2), normal(2, 3), lipschitz=3.0)
    with pytest.raises(ValueError, match=r"`net` must have `solver` = \"natrob\", .* got 'torchdiffeq'"):
        check_affine_bound(NeuralODE(wave, solver="torchdiffeq"), normal(2, 2), normal(2, 2), lipschitz=3.0)
    net = NeuralODE(wave, solver="torchdiffeq")
    net(normal(2, 2))
    assert net.last_solve is not None
    with pytest.raises(ValueError, match="`record` must hold error estimates, got none"):
        accumulated_error(net.last_solve, 1.0)
