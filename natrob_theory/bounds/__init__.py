"""Upper and lower bounds of Lipschitz and one-sided constants, of growth and of rounding."""

from natrob_theory.bounds.adaptive import adaptive_affine_bound as adaptive_affine_bound
from natrob_theory.bounds.evaluation_error.network_rules import evaluated_states as evaluated_states
from natrob_theory.bounds.evaluation_error.network_rules import solver_residual as solver_residual
from natrob_theory.bounds.evaluation_error.network_rules import step_error as step_error
from natrob_theory.bounds.growth import discrete_bound as discrete_bound
from natrob_theory.bounds.growth import exponential_bound as exponential_bound
from natrob_theory.bounds.growth import gradient_flow_bound as gradient_flow_bound
from natrob_theory.bounds.lipschitz_lower_bound import lipschitz_lower_bound as lipschitz_lower_bound
from natrob_theory.bounds.lipschitz_upper_bound import lipschitz_upper_bound as lipschitz_upper_bound
from natrob_theory.bounds.local.local_bound import local_lipschitz_upper_bound as local_lipschitz_upper_bound
from natrob_theory.bounds.local.local_map import LocalMap as LocalMap
from natrob_theory.bounds.local.local_map import local_map_lipschitz_upper_bound as local_map_lipschitz_upper_bound
from natrob_theory.bounds.network_growth import growth_upper_bound as growth_upper_bound
from natrob_theory.bounds.network_growth import step_structures as step_structures
from natrob_theory.bounds.one_sided_lower_bound import (
    one_sided_lipschitz_lower_bound as one_sided_lipschitz_lower_bound,
)
from natrob_theory.bounds.one_sided_upper_bound import (
    one_sided_lipschitz_upper_bound as one_sided_lipschitz_upper_bound,
)
from natrob_theory.bounds.tube.tube_bound import Tube as Tube
from natrob_theory.bounds.tube.tube_bound import tube_bound as tube_bound
from natrob_theory.layers.questions import evaluated as evaluated
from natrob_theory.layers.questions import layer_error as layer_error
from natrob_theory.layers.statements import Evaluated as Evaluated
