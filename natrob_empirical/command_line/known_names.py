"""The names that help texts list, as plain data: their registries import torch, and help must come at once.

tests/natrob_empirical/command_line/test_known_names.py compares each with its registry.
"""

from typing import Final

from natrob_empirical.attack_names import ATTACK_LABELS
from natrob_empirical.names.experiment_modules import EXPERIMENT_MODULES

ATTACKS: Final = tuple(ATTACK_LABELS)
INTEGRATORS: Final = (
    "euler",
    "heun",
    "runge_kutta",
    "backward_euler",
    "polynet",
    "fractalnet",
    "revnet",
    "neural_ode",
)
RESIDUAL_NETWORKS: Final = ("resnet", "resnet50", "preact_resnet18")
CONTRACTIVE_NETWORKS: Final = ("gradient_flow", "skew_gradient_flow", "dissipative")
ROW_BOUNDED_NETWORKS: Final = ("row_bounded_ode",)
NETWORKS: Final = (*INTEGRATORS, *RESIDUAL_NETWORKS, *CONTRACTIVE_NETWORKS, *ROW_BOUNDED_NETWORKS)
"""Those that `natrob train` can train."""
TRAINING_METHODS: Final = (
    "standard",
    "pgd",
    "trades",
    "yopo",
    "margin",
    "noise",
    "radius",
    "interval",
    "orthonormal",
    "lipschitz_penalty",
    "spectral_normalisation",
)
CHECKED_METHODS: Final = (
    "euler",
    "heun",
    "midpoint",
    "rk4",
    "three_eighths",
    "bogacki_shampine",
    "fehlberg45",
    "dopri5",
    "backward_euler",
    "polynet",
    "fractalnet",
    "revnet",
    "neural_ode",
)
"""Those of `natrob check`."""
EXPERIMENTS: Final = tuple(EXPERIMENT_MODULES)
OVERVIEW_PRESETS: Final = ("quick", "cpu")
EXPERIMENT_PRESETS: Final = ("smoke", "cpu", "gpu", "paper")
"""Those of figures and tables; not every one has all four."""
CERTIFICATE_METHODS: Final = ("global", "tube", "local", "intervals", "linear_relaxation", "branch_and_bound", "best")
PRECISIONS: Final = ("exact", "float64", "float32")
LEVELS: Final = ("quick", "full")
"""The levels of `natrob diagnose`."""
