"""RevNet: the reversible coupling as a network."""

import warnings
from collections.abc import Sequence
from typing import Literal, TypeAlias, final, get_args

import torch
from torch import Tensor, nn

from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet, as_module
from natrob_theory.networks.passage import Passage, stored_passage
from natrob_theory.networks.reversible_passage import reversible_passage
from natrob_theory.numbers.argument_checks import require_choice, require_state
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import CoupledField, RevNetStepper

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
        memory: "stored" keeps every step's values for backward. "reversible" keeps y_0, y_N and four numbers a step
            and sample, so that training memory hardly grows with the depth, and goes back by the inverse: two more
            evaluations of each field. States that come back off by more than 100 spacings of the dtype (strong
            coupling, float32) are computed anew from y_0, and then kept, one a step; so are those of random layers,
            which draw the same again. Fields that do not repeat themselves are refused in backward. Second
            derivatives take the stored passage.
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

        Rounding grows on the way home as perturbations do. So the way is taken out and home once more: where y_N or
        y_0 does not come back to within the root of the dtype's spacing, relative to its size, a RuntimeWarning says
        by how much.

        Raises:
            ValueError: an odd first state axis.
        """
        end = require_state("yN", yN)
        start = self._way_home(end)
        with torch.no_grad():
            again = self(start.detach())
            worst = max(_distance(again, end.detach()), _distance(self._way_home(again), start.detach()))
        if not worst <= torch.finfo(end.dtype).eps ** 0.5:
            warnings.warn(
                f"`inverse` does not come back: out and home again the states are off by {worst:.2g} of their size, as "
                f"rounding grows on the way (or a field does not repeat itself); use float64, or weaker coupling",
                RuntimeWarning,
                stacklevel=2,
            )
        return start

    def _way_home(self, state: Tensor) -> Tensor:
        stepper = RevNetStepper()
        for field, time, step_size, _ in reversed(self.plan_for(state)):
            state = stepper.inverse_step(field, time, state, step_size)
        return state


def _distance(one: Tensor, other: Tensor) -> float:
    """The largest ‖difference‖₂ of a sample, relative to ‖other‖₂."""
    size = torch.linalg.vector_norm(other.flatten(1), dim=1).clamp_min(torch.finfo(other.dtype).tiny)
    return float((torch.linalg.vector_norm((one - other).flatten(1), dim=1) / size).max())


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
