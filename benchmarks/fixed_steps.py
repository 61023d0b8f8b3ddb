"""Fixed steps: the same method with the same steps, beside torchdiffeq's."""

from collections.abc import Callable

import torch
import torchdiffeq

from benchmarks.measurement import Row, interleaved_medians, versioned
from benchmarks.states import Problem, problems
from natrob_theory import THREE_EIGHTHS, AbstractIntegratorNet, EulerNet, RungeKuttaNet

SECTION = "fixed steps"
STEPS = 20
STEP_SIZE = 0.25
SMALL_TARGET = 0.75
TARGET = 1.0


def rows(*, quick: bool = False) -> list[Row]:
    """Two lines per problem, the 3/8 rule (torchdiffeq calls it rk4) and Euler's method."""
    return [row for problem in problems() for row in _case(problem, quick=quick)]


@torch.no_grad()
def _case(problem: Problem, *, quick: bool) -> list[Row]:
    nets: dict[str, AbstractIntegratorNet] = {
        "rk4": RungeKuttaNet(problem.field, STEP_SIZE, STEPS, tableau=THREE_EIGHTHS),
        "euler": EulerNet(problem.field, STEP_SIZE, STEPS),
    }
    return [_row(problem, method, net, repeats=problem.turns(quick=quick)) for method, net in nets.items()]


def _row(problem: Problem, method: str, net: AbstractIntegratorNet, *, repeats: int) -> Row:
    times = torch.tensor([0.0, STEPS * STEP_SIZE])
    options = {"step_size": STEP_SIZE}
    contestants: dict[str, Callable[[], object]] = {
        "natrob": lambda: net(problem.y0),
        "torchdiffeq": lambda: torchdiffeq.odeint(problem.field, problem.y0, times, method=method, options=options),
    }
    seconds = interleaved_medians(contestants, repeats=max(3, repeats // 2), warmup=1)
    ratio, target = seconds["natrob"] / seconds["torchdiffeq"], SMALL_TARGET if problem.is_small else TARGET
    times_of_both = f"{1e3 * seconds['natrob']:.2f} ms / {1e3 * seconds['torchdiffeq']:.2f} ms, no gradients"
    return Row(
        section=SECTION,
        case=problem.name,
        subject=f"{type(net).__name__}, {net.stepper.name}, {STEPS} steps",
        peer=f"{versioned('torchdiffeq')} {method}, {STEPS} steps",
        quantity="forward time / peer's",
        value=ratio,
        target=target,
        remark=times_of_both if ratio <= target else f"{times_of_both}; the field is most of both",
    )
