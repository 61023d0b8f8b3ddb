"""A passage that keeps only its ends: backward finds the states between by the steps' inverse, and checks them."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

from natrob_theory.fields.generator_states import GeneratorStates, generators_kept
from natrob_theory.fields.outer_tensors import OuterTensors, Substituted, leaves_behind, restored_afterwards
from natrob_theory.networks.abstract_net import StepPlan
from natrob_theory.networks.passage import stored_passage
from natrob_theory.steppers import RevNetStepper

SPACINGS_OF_DRIFT: Final = 100.0
"""A state found by the inverse may be off by this many spacings of its dtype, relative to its size; at most 1 %."""

PROJECTIONS: Final = 4
"""Numbers that are kept of every state and sample, to know it again."""


class _Forward(NamedTuple):
    """Everything that a way out leaves behind.

    Attributes:
        prints: the projections of y_0 … y_N on fixed random signs, (batch, PROJECTIONS) each.
        states: y_0 … y_N where they are all kept; else nothing.
        generators: where torch's generators stood before each step; nothing where no step draws.
        written: tensors from outside that the fields write into.
    """

    prints: list[Tensor]
    states: list[Tensor]
    generators: list[GeneratorStates]
    written: list[Tensor]


def reversible_passage(stepper: RevNetStepper, steps: Sequence[StepPlan], y0: Tensor) -> Tensor:
    """y_N, for whose gradients y_0, y_N and four numbers a state and sample are kept (Gomez et al., NeurIPS 2017).

    Backward goes home from y_N: y_n = inverse of the step, then the step again from y_n with gradients. That costs
    one more evaluation of every field to go back and one to repeat. Where a state found so is off by more than
    `SPACINGS_OF_DRIFT`, as told by its projections, the states up to it are computed anew from y_0 and kept, one a
    step. Fields that draw from torch's generators have all states kept, and draw the same again. Second derivatives,
    torch.func and forward mode take the stored passage.

    Raises:
        ValueError: in backward, a field does not repeat itself, or uses a tensor that it did not use in forward.
    """
    if not torch.is_grad_enabled() or _is_transformed():
        return stored_passage(stepper, steps, y0)
    start = GeneratorStates.now(y0.device)
    outer = OuterTensors()
    with torch.no_grad():
        with outer:
            first = y0.detach()
            outer.take_as_made((first,))
            final, forward = _way_out(stepper, steps, first, keep=False)
        if not start.still():
            start.restore()
            with restored_afterwards(outer.written):
                final, forward = _way_out(stepper, steps, first, keep=True)
    forward = forward._replace(written=outer.written)
    owned = [parameter for step in steps for parameter in step.field.parameters()]
    found = (tensor for tensor in (*owned, *outer.used) if tensor.requires_grad)
    tensors = list({id(tensor): tensor for tensor in found}.values())
    return _ReversiblePassage.apply(stepper, steps, forward, final, y0, *tensors)


def _is_transformed() -> bool:
    """Whether torch.func or forward-mode differentiation is at work."""
    # torch has no public way to ask, and its stubs leave this one out.
    return forward_ad._current_level >= 0 or torch._C._functorch.peek_interpreter_stack() is not None  # type: ignore[attr-defined]


def _way_out(stepper: RevNetStepper, steps: Sequence[StepPlan], y0: Tensor, *, keep: bool) -> tuple[Tensor, _Forward]:
    """The plain loop; with `keep`, all states and where the generators stand before each step are kept."""
    signs = _signs(y0)
    state, prints, states, generators = y0, [_print(y0, signs)], [y0], []
    for field, time, step_size, _ in steps:
        if keep:
            generators.append(GeneratorStates.now(y0.device))
        state = stepper.step(field, time, state, step_size)
        prints.append(_print(state, signs))
        if keep:
            states.append(state)
    return state, _Forward(prints, states if keep else [], generators, [])


class _ReversiblePassage(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, stepper: RevNetStepper, steps: Sequence[StepPlan], forward: _Forward, final: Tensor, y0: Tensor,
        *tensors: Tensor,
    ) -> Tensor:  # fmt: skip
        ctx.stepper, ctx.steps, ctx.passage = stepper, steps, forward
        ctx.save_for_backward(y0, final, *tensors)  # torch counts what is written into them until backward
        return final.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:  # type: ignore[override] - torch's stub has one
        (gradient,) = gradients
        y0, final, *tensors = ctx.saved_tensors
        with generators_kept(y0.device), restored_afterwards(ctx.passage.written):
            if torch.is_grad_enabled():
                return (None, None, None, None, *_stored_gradients(ctx, gradient, y0, tensors))
            home = _WayHome(ctx.stepper, ctx.steps, ctx.passage, y0.detach(), final)
            return (None, None, None, None, *home.run(gradient, tensors))


class _WayHome:
    """From y_N to y_0, step by step."""

    def __init__(
        self, stepper: RevNetStepper, steps: Sequence[StepPlan], forward: _Forward, y0: Tensor, final: Tensor
    ) -> None:
        self.stepper, self.steps, self.forward, self.y0, self.state = stepper, steps, forward, y0, final
        self.states = forward.states
        self.signs = _signs(y0)

    def run(self, gradient: Tensor, tensors: Sequence[Tensor]) -> list[Tensor | None]:
        """The gradients in y_0 and in the tensors, from that in y_N."""
        computed = [tensor for tensor in tensors if tensor.grad_fn is not None]
        inner = {id(tensor): tensor.detach().requires_grad_() for tensor in computed}
        leaves = [inner.get(id(tensor), tensor) for tensor in tensors]
        known = {id(leaf) for leaf in leaves}
        sums = [torch.zeros_like(tensor) for tensor in tensors]
        for n in reversed(range(len(self.steps))):
            step, start = self.steps[n], self._state_before(n).requires_grad_()
            if self.forward.generators:
                self.forward.generators[n].restore()
            with torch.enable_grad(), Substituted(computed, list(inner.values())):
                after = self.stepper.step(step.field, step.time, start, step.step_size)
            self._require_known(after, n, known | {id(start)})
            gradient, *shares = torch.autograd.grad(
                after, (start, *leaves), gradient, allow_unused=True, retain_graph=True
            )
            for total, share in zip(sums, shares, strict=True):
                if share is not None:
                    total.add_(share)
        return [gradient, *sums]

    def _state_before(self, n: int) -> Tensor:
        """y_n."""
        if n < len(self.states):
            return self.states[n].detach()
        if n == 0:
            return self.y0
        step = self.steps[n]
        found = self.stepper.inverse_step(step.field, step.time, self.state, step.step_size)
        self.state = found.detach()
        if self._is(self.state, n):
            return self.state
        _, forward = _way_out(self.stepper, self.steps[:n], self.y0, keep=True)
        self.states = forward.states
        return self.states[n].detach()

    def _is(self, state: Tensor, n: int) -> bool:
        """Whether the state is y_n, as told by its projections."""
        tolerance = min(SPACINGS_OF_DRIFT * torch.finfo(state.dtype).eps, 0.01)
        size = torch.linalg.vector_norm(state.flatten(1), dim=1, keepdim=True)
        return bool(((_print(state, self.signs) - self.forward.prints[n]).abs() <= tolerance * size).all())

    def _require_known(self, after: Tensor, n: int, known: set[int]) -> None:
        """Raise ValueError unless step n ends where it did in forward and uses known tensors alone."""
        tolerance = torch.finfo(after.dtype).eps ** 0.5
        size = torch.linalg.vector_norm(after.detach().flatten(1), dim=1, keepdim=True)
        off = (_print(after.detach(), self.signs) - self.forward.prints[n + 1]).abs() > tolerance * size
        if bool(off.any()):
            raise ValueError(
                '`memory` = "reversible" takes every step again in backward, and a field gave other values there: it '
                "draws from a generator of its own, keeps a state, or was changed after forward; use `memory` = "
                '"stored"'
            )
        if after.requires_grad and any(id(leaf) not in known for leaf in leaves_behind(after, ())):
            raise ValueError(
                'a field uses a tensor whose gradient `memory` = "reversible" would lose; make it a parameter of the '
                'field, an nn.Module, or use `memory` = "stored"'
            )


def _stored_gradients(ctx: Any, gradient: Tensor, y0: Tensor, tensors: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradients through the stored passage, with a graph of their own that ends at views of y_0 and the tensors."""
    originals = [y0, *tensors]
    views = [tensor.view_as(tensor) for tensor in originals]
    if ctx.passage.generators:
        ctx.passage.generators[0].restore()
    with Substituted(originals, views):
        final = stored_passage(ctx.stepper, ctx.steps, views[0])
    wanted = [view for view in views if view.requires_grad]
    if leaves_behind(final, wanted):
        raise NotImplementedError(
            'second derivatives with `memory` = "reversible" need fields that hand their tensors to torch\'s own '
            'functions (no compiled field, no custom autograd function on them); use `memory` = "stored"'
        )
    found = iter(torch.autograd.grad(final, wanted, gradient, create_graph=True, allow_unused=True))
    return [next(found) if view.requires_grad else None for view in views]


def _signs(state: Tensor) -> Tensor:
    """Fixed signs, (entries, PROJECTIONS), scaled so that a projection is about the size of what it projects."""
    entries = state[0].numel()
    generator = torch.Generator().manual_seed(0)
    signs = 2.0 * torch.randint(0, 2, (entries, PROJECTIONS), generator=generator) - 1.0
    return signs.to(state)


def _print(state: Tensor, signs: Tensor) -> Tensor:
    return state.flatten(1) @ signs
