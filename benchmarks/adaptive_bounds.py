"""Adaptive solves against their bounds: `python -m benchmarks.adaptive_bounds --output reports/adaptive/bounds.md`."""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from natrob_empirical.benchmarks.environment import current_environment
from natrob_theory import (
    DOPRI5,
    NeuralODE,
    check_affine_bound,
    check_bound,
    increment_witnesses,
    one_step_witness,
)

STEPS = (1, 4, 16, 64, 256, 1024)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-6)
LIPSCHITZ = 3.0
END_TIME = 2.0


def wave(_time: Tensor, state: Tensor) -> Tensor:
    """cos(3y), K = 3."""
    return torch.cos(LIPSCHITZ * state)


def pairs_across_a_jump(net: NeuralODE) -> tuple[Tensor, Tensor]:
    """Starts about 5e-15 apart that differ in the number of rejected steps: neighbours on a grid, bisected."""
    starts = torch.linspace(-1, 1, 401, dtype=torch.float64)[:, None]
    count = _rejected(net, starts)
    jumps = (count[1:] != count[:-1]).nonzero()[:, 0]
    one, other = starts[jumps], starts[jumps + 1]
    for _ in range(40):
        middle = (one + other) / 2
        same = (_rejected(net, middle) == count[jumps])[:, None]
        one, other = torch.where(same, middle, one), torch.where(same, other, middle)
    return one, other - one


def _rejected(net: NeuralODE, y0: Tensor) -> Tensor:
    net(y0)
    record = net.last_solve
    assert record is not None
    return record.rejected


def ordinary_pairs() -> tuple[Tensor, Tensor]:
    """401 starts on a line, each with a perturbation of 0.01."""
    starts = torch.linspace(-1, 1, 401, dtype=torch.float64)[:, None]
    return starts, torch.full_like(starts, 1e-2)


def page() -> str:
    """The whole page, as Markdown."""
    return "\n\n".join(["# Adaptive solvers and their bounds", _where(), _witnesses(), _grids()]) + "\n"


def _where() -> str:
    here = current_environment(torch.device("cpu"))
    return (
        f"Hardware: {here.hardware}. natrob {here.natrob}, torch {here.torch}, Python {here.python}; "
        f"commit {here.commit}, {here.created}. Nothing here is drawn at random."
    )


def _witnesses() -> str:
    """Theorem 3.2's constant for dopri5: both witnesses of theory, section 2."""
    one = one_step_witness(DOPRI5)
    rows = [
        f"| {row.num_steps} | {row.step_size:.4g} | {row.measured:.6g} | {row.exponent:.5f} | {row.exact_flow:.6g} |"
        for row in increment_witnesses(DOPRI5, steps=STEPS)
    ]
    limit = increment_witnesses(DOPRI5, steps=(1,))[0].limit
    return "\n".join(
        [
            "## Theorem 3.2's constant for dopri5",
            "",
            f"y′ = y, one step with h = 1: the growth is exactly {one.growth} = {float(one.growth):.6f}, and in exact "
            f"fractions {'more' if one.exceeds_exponential else 'not more'} than e.",
            "",
            "Fields K s(t) y with K = T = 1 and |s| ≤ 1 whose sign follows the weights of dopri5 through its stages "
            "(one field for each h). By Theorem 3.2 with K in the exponent, ln(growth)/(KT) would be at most 1; its "
            f"bound with the increment function's constant is ‖b‖₁ = {limit:.5f}.",
            "",
            "| steps | h | growth, measured | ln(growth)/(KT) | growth of the exact flow |",
            "|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )


def _grids() -> str:
    """One grid for both solutions, and a grid for each."""
    lines = []
    for name, across in (("ordinary", False), ("across a jump", True)):
        for tolerance in TOLERANCES:
            net = NeuralODE(wave, END_TIME, rtol=tolerance, atol=tolerance)
            lines.append(_grid_row(name, net, *(pairs_across_a_jump(net) if across else ordinary_pairs())))
    return "\n".join(
        [
            "## One grid, and a grid for each solution",
            "",
            f"y′ = cos(3y), K = {LIPSCHITZ:g}, T = {END_TIME:g}, dopri5 with a PI controller, float64. Ordinary pairs "
            "start 0.01 apart; pairs across a jump start about 5·10⁻¹⁵ apart, so that one of them rejects a step that "
            "the other accepts. The product bound Π G(h_n K)‖ε‖ is an **upper** bound for two solutions on one grid. "
            "e^{μT}‖ε‖ + E_y + E_z with μ = K, each solution on its own grid, is an **estimate**: E sums embedded "
            "error estimates, which bound nothing.",
            "",
            "| pairs | rtol = atol | n | one grid: largest distance/bound (upper) | two grids: largest distance "
            "| of n, beyond the product bound | largest distance/estimate | of n, covered by the estimate |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *lines,
        ]
    )


def _grid_row(name: str, net: NeuralODE, y0: Tensor, perturbation: Tensor) -> str:
    affine = check_affine_bound(net, y0, perturbation, lipschitz=LIPSCHITZ)
    one_grid = check_bound(net, y0, perturbation, lipschitz=LIPSCHITZ)
    assert one_grid.all_hold, "the product bound is a theorem on one grid"
    beyond = int((affine.measured > one_grid.bound[-1]).sum())
    on_one_grid = f"{one_grid.worst_ratio:.3g}" if bool(one_grid.resolved[-1].any()) else "rounding only; holds"
    return (
        f"| {name} | {net.rtol:.0e} | {len(y0)} | {on_one_grid} | {float(affine.measured.max()):.3g} | {beyond} "
        f"| {float(affine.ratio.max()):.3g} | {int(affine.covered.sum())} |"
    )


def main() -> None:
    """Print the page, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adaptive_bounds", description=__doc__)
    parser.add_argument("--output", type=Path, help="also write the page here")
    chosen = parser.parse_args()
    text = page()
    print(text)
    if chosen.output is not None:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
