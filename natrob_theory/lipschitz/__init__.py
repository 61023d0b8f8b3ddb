"""Lipschitz constants: lower bounds by search, upper bounds layer by layer."""

from natrob_theory.lipschitz import structured_rules as _structured_rules  # noqa: F401 (registers its rules)
from natrob_theory.lipschitz.layer_rules import LayerRefusedError as LayerRefusedError
from natrob_theory.lipschitz.layer_rules import layer_lipschitz as layer_lipschitz
from natrob_theory.lipschitz.local_bound import local_lipschitz_upper_bound as local_lipschitz_upper_bound
from natrob_theory.lipschitz.lower_bound import lipschitz_lower_bound as lipschitz_lower_bound
from natrob_theory.lipschitz.upper_bound import lipschitz_upper_bound as lipschitz_upper_bound

__all__ = [
    "LayerRefusedError",
    "layer_lipschitz",
    "lipschitz_lower_bound",
    "lipschitz_upper_bound",
    "local_lipschitz_upper_bound",
]
