"""The paper's two bounds as numbers: (10) and (11)."""

import torch

from natrob_theory.argument_checks import require_count, require_finite, require_positive
from natrob_theory.bound import Bound, describe_lipschitz, kind_from_lipschitz, lipschitz_value
from natrob_theory.rounding import EPSILON, round_up


def discrete_bound(step_size: float, lipschitz: Bound | float, steps: int) -> Bound:
    """(1 + hK)^n: the growth of a perturbation over n Euler steps, the paper's (10).

    Holds for every h > 0 and every K-Lipschitz f; neither h → 0 nor continuity in t is needed.

    Args:
        step_size: h > 0.
        lipschitz: K ≥ 0, a number taken as a true upper bound, or a `Bound`.
        steps: n ≥ 1.

    Returns:
        An upper bound rounded outward (an estimate if K is not an upper bound); ∞ where it overflows.
    """
    step_size = require_positive("step_size", step_size)
    constant = lipschitz_value(lipschitz)
    steps = require_count("steps", steps)
    base = round_up(torch.tensor(1.0 + step_size * constant, dtype=torch.float64), 2)
    return Bound(
        value=float(round_up(base**steps, 2 * steps)),
        kind=kind_from_lipschitz(lipschitz),
        assumptions=(describe_lipschitz(lipschitz),),
        source="(10): (1 + hK)^n",
    )


def exponential_bound(lipschitz: Bound | float, start_time: float, end_time: float) -> Bound:
    """e^{(b − t0)K}: the growth over the exact flow, and over Euler steps of any size, the paper's (11).

    Args:
        lipschitz: K ≥ 0, a number taken as a true upper bound, or a `Bound`.
        start_time: t0.
        end_time: b ≥ t0.

    Returns:
        An upper bound rounded outward (an estimate if K is not an upper bound); ∞ where it overflows.
    """
    constant = lipschitz_value(lipschitz)
    start_time = require_finite("start_time", start_time)
    end_time = require_finite("end_time", end_time)
    if end_time < start_time:
        raise ValueError(f"`end_time` must be at least `start_time` = {start_time}, got {end_time}")
    exponent = torch.tensor((end_time - start_time) * constant * (1.0 + 4 * EPSILON), dtype=torch.float64)
    return Bound(
        value=float(round_up(torch.exp(exponent), 2)),
        kind=kind_from_lipschitz(lipschitz),
        assumptions=(describe_lipschitz(lipschitz),),
        source="(11): e^{(b − t0)K}, for the exact flow and for Euler steps of any size",
    )
