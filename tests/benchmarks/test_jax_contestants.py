import pytest
import torch

from benchmarks.adaptive_sizes import sized_solve
from benchmarks.fixed_steps import MANY_STEPS, METHODS, SHORT_STEP
from benchmarks.jax_contestants import DiffraxSolve, scanned_steps
from benchmarks.states import Problem, problems
from natrob_theory import NeuralODE


def problem(place: int) -> Problem:
    return problems()[place]


@pytest.mark.parametrize("method", METHODS)
@torch.no_grad()
def test_the_compiled_loop_takes_the_steps_that_ours_takes(method: str) -> None:
    small = problem(0)
    run = scanned_steps(small.field.network, small.y0, method=method, step_size=SHORT_STEP, steps=MANY_STEPS)
    ours = METHODS[method](small.field, SHORT_STEP, MANY_STEPS)(small.y0)
    torch.testing.assert_close(run(), ours, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_diffrax_solves_the_problem_of_images_that_ours_solves() -> None:
    one = problem(1)
    found = DiffraxSolve(one.field.network, one.y0[:2], tolerance=1e-5, end_time=1.0).forward()
    torch.testing.assert_close(found, NeuralODE(one.field, 1.0, rtol=1e-5, atol=1e-5)(one.y0[:2]), rtol=0, atol=1e-4)


def test_every_adaptive_contestant_solves_the_tight_problem_in_double_precision() -> None:
    result = sized_solve("diffrax", "forward", "tolerance", batch=2)()
    assert isinstance(result, torch.Tensor)
    ours = sized_solve("natrob", "forward", "tolerance", batch=2)()
    torch.testing.assert_close(result, ours, rtol=0, atol=1e-6)
