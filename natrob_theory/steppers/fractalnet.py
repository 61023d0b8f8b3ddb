"""FractalNet's expansion, the paper's (19)."""

from typing import Any, final

from natrob_theory.numbers.argument_checks import require_count
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.arithmetic import AbstractArithmetic
from natrob_theory.steppers.coefficient import HALF, ZERO
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper


@final
class FractalNetStepper(AbstractExplicitStepper[Field]):
    """y_{n+1} = f_C(y_n) with f_1 = hf(t_n, ·) and f_{C+1} = ½ f_C∘f_C + ½ f_1.

    L_1 = x, L_{C+1} = ½L_C² + ½L_1 (theory, section 1). There is no identity anywhere: with two columns this is
    ½hf(hf(y)) + ½hf(y) where Heun's method has y + ½hf(y) + ½hf(y + hf(y)). It is therefore no consistent
    discretisation of dy/dt = f, and as h → 0 the state goes to 0, not to a trajectory. One step of C columns
    costs 2^C − 1 evaluations.

    Proof: proofs/coq/fractalnet.v, proofs/symbolic/fractalnet_growth.py, proofs/symbolic/fractalnet_is_not_heun.py.
    """

    def __init__(self, columns: int = 2) -> None:
        self.columns = require_count("columns", columns)

    @property
    def name(self) -> str:
        """FractalNet with its number of columns."""
        return f"FractalNet of {self.columns} columns"

    @property
    def growth_formula(self) -> str:
        """The recursion of the columns."""
        return f"{self.name}: Π L_C(x_n), L_1 = x, L_(C+1) = ½L_C² + ½L_1"

    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        """The columns, from the last to the first."""

        def expand(columns: int, point: Any) -> Any:
            own = arithmetic.slope(ZERO, point)
            if columns == 1:
                return own
            return arithmetic.mix(None, (HALF, expand(columns - 1, expand(columns - 1, point))), (HALF, own))

        return expand(self.columns, state)
