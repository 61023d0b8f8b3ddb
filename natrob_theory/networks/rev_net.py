"""RevNet: the reversible coupling as a network."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, final, get_args

from torch import Tensor, nn

from natrob_theory.argument_checks import require_choice, require_state
from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet, as_module
from natrob_theory.networks.passage import Passage, stored_passage
from natrob_theory.networks.reversible_passage import reversible_passage
from natrob_theory.steppers import CoupledField, RevNetStepper
from natrob_theory.tensor_types import Field

FieldPair: TypeAlias = tuple[Field, Field]
Memory: TypeAlias = Literal["stored", "reversible"]

PASSAGES: dict[Memory, Passage] = {"stored": stored_passage, "reversible": reversible_passage}


@final
class RevNet(AbstractFixedStepNet):
    """a_{n+1} = a_n + h f₁(t_n, b_n), b_{n+1} = b_n + h f₂(t_n, a_{n+1}), the paper's (21).

    (a, b) are the halves of the state's first axis after the batch axis, so that axis must be even; each field maps
    states of half that length.

    Args:
        field_pairs: one tuple (f₁, f₂), or a sequence of such pairs, one per step.
        step_size, num_steps, start_time: as for `EulerNet`.
        memory: "stored" keeps every step's values for backward. "reversible" keeps y_N alone, so that training
            memory does not grow with the depth, and goes back by `inverse`: two more evaluations of each field, and
            gradients off by the roundings of the way back. It needs fields that repeat themselves (no dropout, no
            batch normalisation in training mode), gives gradients to y_0 and the fields' parameters only, and no
            second derivatives.
    """

    def __init__(
        self,
        field_pairs: FieldPair | Sequence[FieldPair],
        step_size: float,
        num_steps: int | None = None,
        *,
        start_time: float = 0.0,
        memory: Memory = "stored",
    ) -> None:
        super().__init__(
            _coupled_fields(field_pairs),
            RevNetStepper(),
            step_size=step_size,
            num_steps=num_steps,
            start_time=start_time,
            passage=PASSAGES[require_choice("memory", memory, get_args(Memory))],
        )

    def inverse(self, yN: Tensor) -> Tensor:  # noqa: N803
        """y_0 from y_N, both of shape (batch, *state): exact algebra, so off by rounding alone.

        Raises:
            ValueError: an odd first state axis.
        """
        state = require_state("yN", yN)
        stepper = RevNetStepper()
        for field, time, step_size, _ in reversed(self.plan_for(state)):
            state = stepper.inverse_step(field, time, state, step_size)
        return state

    def growth_source(self) -> tuple[str, tuple[str, ...]]:
        """The norm of the product of the coupling matrices."""
        return "RevNet coupling: ‖Π [[1, hK₁], [hK₂, 1 + h²K₁K₂]]‖₂", ()


def _coupled_fields(field_pairs: object) -> nn.Module | list[nn.Module]:
    """The coupled field of one pair, or those of a sequence of pairs. Raises TypeError or ValueError."""
    if not isinstance(field_pairs, (list, tuple)) or len(field_pairs) == 0:
        raise TypeError(f"`field_pairs` must be a pair (f₁, f₂) or a sequence of pairs, got {field_pairs!r}")
    if isinstance(field_pairs[0], (list, tuple)):
        return [_coupled_field(pair) for pair in field_pairs]
    return _coupled_field(field_pairs)


def _coupled_field(pair: object) -> nn.Module:
    """The coupled field of one pair."""
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        raise ValueError(f"`field_pairs` must hold pairs of two fields, got {pair!r}")
    return CoupledField(*(as_module(field, argument="field_pairs") for field in pair))
