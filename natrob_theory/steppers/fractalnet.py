"""FractalNet's expansion, the paper's (19)."""

from typing import final

from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.argument_checks import require_count
from natrob_theory.numbers.rounding import round_up
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.abstract_stepper import (
    AbstractStepper,
    Evaluation,
    no_one_sided_formula,
    recorded_step,
    running_product,
)


@final
class FractalNetStepper(AbstractStepper[Field]):
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

    def step(self, field: Field, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_{n+1} from y_n."""

        def expand(columns: int, point: Tensor) -> Tensor:
            base = step_size * evaluate_field(field, time, point)
            if columns == 1:
                return base
            return 0.5 * expand(columns - 1, expand(columns - 1, point)) + 0.5 * base

        return expand(self.columns, state)

    def step_with_evaluations(
        self, field: Field, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and f at every node of the fractal."""
        return recorded_step(self, field, time, state, step_size)

    def growth(self, x: Tensor) -> Tensor:
        """L_C from L_1 = x; every column doubles the relative error and adds at most three roundings."""
        value = x
        for _ in range(self.columns - 1):
            value = 0.5 * value**2 + 0.5 * x
        return round_up(value, 4 * 2**self.columns)

    def one_sided_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """No formula from (μ, K) is known here."""
        raise no_one_sided_formula(self.name)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π G(h_i K_i)."""
        return running_product(self.growth(x[:, 0]))
