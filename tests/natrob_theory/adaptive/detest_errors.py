"""Solvers measured on DETEST: the error at t = 20 against SciPy's DOP853 at tolerance 10⁻¹²."""

from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np
import torch
from detest_problems import END_TIME, PROBLEMS, DetestProblem, Field
from scipy.integrate import solve_ivp
from torch import Tensor

from natrob_theory import NeuralODE

Solve = Callable[[Field, Tensor, float, float, float], Tensor]
"""solve(field, y0, end_time, rtol, atol) -> y(end_time), shapes (batch, d)."""


def with_neural_ode(solver: Literal["natrob", "torchdiffeq"]) -> Solve:
    """The library's Dormand–Prince network with one of its solvers."""

    def solve(field: Field, y0: Tensor, end_time: float, rtol: float, atol: float) -> Tensor:
        return NeuralODE(field, end_time=end_time, rtol=rtol, atol=atol, solver=solver)(y0)

    return solve


def with_scipy(method: str) -> Solve:
    """`scipy.integrate.solve_ivp` on one sample at a time."""

    def solve(field: Field, y0: Tensor, end_time: float, rtol: float, atol: float) -> Tensor:
        def rates(time: float, state: np.ndarray) -> np.ndarray:
            return field(torch.tensor(time, dtype=torch.float64), torch.from_numpy(state)[None])[0].numpy()

        ends = []
        for sample in y0:
            solution = solve_ivp(rates, (0.0, end_time), sample.numpy(), method=method, rtol=rtol, atol=atol)
            if not solution.success:
                raise RuntimeError(f"SciPy's {method} stopped: {solution.message}")
            ends.append(torch.from_numpy(solution.y[:, -1]))
        return torch.stack(ends)

    return solve


PEER: Solve = with_scipy("RK45")
"""SciPy's own Dormand–Prince 5(4), with another step size control."""

SOLVERS: dict[str, Solve] = {
    "torchdiffeq": with_neural_ode("torchdiffeq"),
    "natrob": with_neural_ode("natrob"),
}
"""The library's solvers, by their names in `NeuralODE`."""

TOLERANCES = (1e-3, 1e-6, 1e-9)


@cache
def reference(problem: DetestProblem) -> Tensor:
    """y(20), (1, d)."""
    return with_scipy("DOP853")(problem.field, problem.state(), END_TIME, 1e-12, 1e-12)


@cache
def error_over_tolerance(solve: Solve, problem: DetestProblem, tolerance: float) -> float:
    """max |yᵢ − refᵢ|/(tol + tol·|refᵢ|) at t = 20."""
    exact = reference(problem)
    error = (solve(problem.field, problem.state(), END_TIME, tolerance, tolerance) - exact).abs()
    return float((error / (tolerance + tolerance * exact.abs())).max())


def table() -> str:
    """Every solver, tolerance and problem, as Markdown."""
    solvers = {**SOLVERS, "SciPy RK45": PEER}
    header = [f"{name} {tolerance:.0e}" for name in solvers for tolerance in TOLERANCES]
    lines = [f"| problem | {' | '.join(header)} |", f"|---|{'---|' * len(header)}"]
    for problem in PROBLEMS:
        errors = [
            error_over_tolerance(solve, problem, tolerance) for solve in solvers.values() for tolerance in TOLERANCES
        ]
        lines.append(f"| {problem.name} {problem.title} | {' | '.join(f'{error:.3g}' for error in errors)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
