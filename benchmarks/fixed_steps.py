"""Fixed steps: the same method with the same steps, beside torchdiffeq's, a hand-written loop and jax's scan."""

from collections.abc import Callable

import torch
import torchdiffeq
from torch import Tensor, nn

from benchmarks.jax_contestants import scanned_steps
from benchmarks.measurement import Row, interleaved_medians, versioned
from benchmarks.states import Problem, problems
from natrob_theory import THREE_EIGHTHS, AbstractIntegratorNet, EulerNet, HeunNet, RungeKuttaNet

SECTION = "fixed steps"
STEPS = 20
STEP_SIZE = 0.25
SMALL_TARGET = 0.75
TARGET = 1.0
MANY_STEPS, SHORT_STEP = 100, 0.05
METHODS: dict[str, Callable[[nn.Module, float, int], AbstractIntegratorNet]] = {
    "Euler": EulerNet,
    "Heun": HeunNet,
    "RK4": RungeKuttaNet,
}


def rows(*, quick: bool = False) -> list[Row]:
    """Two lines per problem, the 3/8 rule (torchdiffeq's rk4) and Euler's method; many steps of the small problem."""
    found = [row for problem in problems() for row in _case(problem, quick=quick)]
    small = next(problem for problem in problems() if problem.is_small)
    return found + [row for method in METHODS for row in _many_steps(small, method, quick=quick)]


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


@torch.no_grad()
def _many_steps(problem: Problem, method: str, *, quick: bool) -> list[Row]:
    """A hundred steps beside the loop that a user would write by hand, and beside the loop that jax compiles."""
    net = METHODS[method](problem.field, SHORT_STEP, MANY_STEPS)
    peers = {
        "loop": "hand-written loop",
        "scan": f"{versioned('jax')} lax.scan, jit, one thread",
    }
    contestants: dict[str, Callable[[], Tensor]] = {
        "natrob": lambda: net(problem.y0),
        "loop": lambda: written_loop(problem.field, problem.y0, method),
        "scan": scanned_steps(problem.field.network, problem.y0, method=method, step_size=SHORT_STEP, steps=MANY_STEPS),
    }
    result = contestants["natrob"]()
    apart = {name: float((contestants[name]() - result).abs().max()) for name in peers}
    seconds = interleaved_medians(contestants, repeats=3 if quick else 30, warmup=3)
    return [
        Row(
            section=SECTION,
            case=problem.name,
            subject=f"{type(net).__name__}, {net.stepper.name}, {MANY_STEPS} steps",
            peer=label,
            quantity="forward time / peer's",
            value=seconds["natrob"] / seconds[name],
            remark=f"{1e3 * seconds['natrob']:.2f} ms / {1e3 * seconds[name]:.2f} ms; results within {apart[name]:.0e}",
        )
        for name, label in peers.items()
    ]


def written_loop(field: nn.Module, y: Tensor, method: str) -> Tensor:
    """y_N by the loop that a user would write."""
    h, time = SHORT_STEP, torch.zeros(())
    for _ in range(MANY_STEPS):
        first = field(time, y)
        if method == "Euler":
            y = y + h * first
        elif method == "Heun":
            y = y + h / 2 * (first + field(time, y + h * first))
        else:
            second = field(time, y + h / 2 * first)
            third = field(time, y + h / 2 * second)
            y = y + h / 6 * (first + 2 * second + 2 * third + field(time, y + h * third))
    return y
