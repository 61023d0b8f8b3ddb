"""The sections of the table, in its order."""

from collections.abc import Callable

from benchmarks import (
    adaptive_growth,
    adaptive_solvers,
    attacks,
    auto_attack,
    boundary_attack,
    certification,
    convolution_norms,
    divergence,
    fixed_steps,
    growth_with_size,
    local_bounds,
    neural_ode_training,
    tightness,
    training_epoch,
    training_on_gpu,
)
from benchmarks.measurement import Row

SECTIONS: dict[str, Callable[..., list[Row]]] = {
    "adaptive_solvers": adaptive_solvers.rows,
    "adaptive_growth": adaptive_growth.rows,
    "neural_ode_training": neural_ode_training.rows,
    "fixed_steps": fixed_steps.rows,
    "divergence": divergence.rows,
    "growth_with_size": growth_with_size.rows,
    "convolution_norms": convolution_norms.rows,
    "certification": certification.rows,
    "local_bounds": local_bounds.rows,
    "tightness": tightness.rows,
    "attacks": attacks.rows,
    "boundary_attack": boundary_attack.rows,
    "auto_attack": auto_attack.rows,
    "training_epoch": training_epoch.rows,
    "training_on_gpu": training_on_gpu.rows,
}
"""Name on the command line, and the function `rows(*, quick)` of the section."""
