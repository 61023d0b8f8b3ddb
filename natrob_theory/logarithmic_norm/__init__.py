"""One-sided Lipschitz constants (logarithmic norms): lower bounds by search, upper bounds from structure."""

from natrob_theory.logarithmic_norm.field_rules import OneSidedConstant as OneSidedConstant
from natrob_theory.logarithmic_norm.field_rules import one_sided_lipschitz as one_sided_lipschitz
from natrob_theory.logarithmic_norm.lower_bound import (
    one_sided_lipschitz_lower_bound as one_sided_lipschitz_lower_bound,
)
from natrob_theory.logarithmic_norm.upper_bound import (
    one_sided_lipschitz_upper_bound as one_sided_lipschitz_upper_bound,
)

__all__ = [
    "OneSidedConstant",
    "one_sided_lipschitz",
    "one_sided_lipschitz_lower_bound",
    "one_sided_lipschitz_upper_bound",
]
