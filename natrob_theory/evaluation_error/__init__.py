"""How far a computed value of a layer or network can be from the exact one, before anything is computed."""

from natrob_theory.evaluation_error.layer_rules import Evaluated as Evaluated
from natrob_theory.evaluation_error.layer_rules import evaluated as evaluated
from natrob_theory.evaluation_error.layer_rules import layer_error as layer_error
from natrob_theory.evaluation_error.network_rules import evaluated_states as evaluated_states
from natrob_theory.evaluation_error.network_rules import solver_residual as solver_residual
from natrob_theory.evaluation_error.network_rules import step_error as step_error

__all__ = [
    "Evaluated",
    "evaluated",
    "evaluated_states",
    "layer_error",
    "solver_residual",
    "step_error",
]
