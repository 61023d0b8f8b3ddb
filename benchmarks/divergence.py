"""Measured divergence of a pair, with all its secant constants, beside the two plain forward passes it replaces."""

from collections.abc import Callable

import torch

from benchmarks.fixed_steps import STEP_SIZE, STEPS
from benchmarks.measurement import Row, interleaved_medians
from benchmarks.states import SEED, Problem, problems
from natrob_theory import AbstractIntegratorNet, EulerNet, RungeKuttaNet, measure_divergence

SECTION = "divergence"
TARGET = 1.15
PERTURBATION = 1e-2
PROFILE = (
    "beyond the field the profile shows the float64 distances of every evaluation, and fresh memory for the "
    "evaluations held until they are measured"
)


def rows(*, quick: bool = False) -> list[Row]:
    """Two lines per problem, Euler's method and RK4."""
    return [row for problem in problems() for row in _case(problem, quick=quick)]


@torch.no_grad()
def _case(problem: Problem, *, quick: bool) -> list[Row]:
    nets: list[AbstractIntegratorNet] = [
        EulerNet(problem.field, STEP_SIZE, STEPS),
        RungeKuttaNet(problem.field, STEP_SIZE, STEPS),
    ]
    return [_row(problem, net, repeats=problem.turns(quick=quick)) for net in nets]


def _row(problem: Problem, net: AbstractIntegratorNet, *, repeats: int) -> Row:
    y0 = problem.y0
    epsilon = PERTURBATION * torch.randn(y0.shape, generator=torch.Generator().manual_seed(SEED))
    contestants: dict[str, Callable[[], object]] = {
        "divergence": lambda: measure_divergence(net, y0, epsilon),
        "passes": lambda: (net(y0), net(y0 + epsilon)),
    }
    seconds = interleaved_medians(contestants, repeats=max(3, repeats // 2), warmup=1)
    ratio = seconds["divergence"] / seconds["passes"]
    times = f"{1e3 * seconds['divergence']:.2f} ms / {1e3 * seconds['passes']:.2f} ms"
    return Row(
        section=SECTION,
        case=problem.name,
        subject=f"measure_divergence, {type(net).__name__}, {net.stepper.name}, {STEPS} steps",
        peer="net(y0) and net(y0 + ε)",
        quantity="time / peer's",
        value=ratio,
        target=TARGET,
        remark=times if ratio <= TARGET else f"{times}; {PROFILE}",
    )
