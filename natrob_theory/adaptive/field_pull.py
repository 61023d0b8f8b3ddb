"""Evaluations of a field whose graphs are kept, to pull cotangents back to the state and to what the field uses."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.fields.outer_tensors import Substituted, leaves_behind
from natrob_theory.numbers.tensor_types import Field


@final
class Evaluation:
    """f(t, y) with its graph.

    Attributes:
        leaf: y, where the graph begins.
        slope: f(t, y).
        cotangent: what is to be pulled back to the field's tensors; None: nothing.
    """

    def __init__(self, leaf: Tensor, slope: Tensor) -> None:
        self.leaf, self.slope = leaf, slope
        self.cotangent: Tensor | None = None

    def pull(self, cotangent: Tensor) -> Tensor:
        """(∂f/∂y)ᵀ cotangent."""
        if not self.slope.requires_grad:
            return torch.zeros_like(cotangent)
        (pulled,) = torch.autograd.grad(self.slope, self.leaf, cotangent, allow_unused=True, retain_graph=True)
        return torch.zeros_like(cotangent) if pulled is None else pulled

    def add(self, cotangent: Tensor) -> None:
        """Add to `cotangent`."""
        self.cotangent = cotangent if self.cotangent is None else self.cotangent + cotangent


@final
class FieldPull:
    """A field with the tensors whose gradients are wanted, and the gradients' sums.

    Tensors that are results of other computations are replaced by leaves of their own while the field runs: their
    gradient ends there, and autograd takes it further once.

    Args:
        tensors: whose gradients are wanted.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = tensors
        self._computed = [tensor for tensor in tensors if tensor.grad_fn is not None]
        leaves = {id(tensor): tensor.detach().requires_grad_() for tensor in self._computed}
        self._leaves = [leaves.get(id(tensor), tensor) for tensor in tensors]
        self._known = {id(leaf) for leaf in self._leaves}
        self.sums = [torch.zeros_like(tensor) for tensor in tensors]

    def evaluate(self, field: Field, time: Tensor, state: Tensor) -> Evaluation:
        """f(t, y) with its graph."""
        with torch.enable_grad():
            leaf = state.detach().requires_grad_()
            if not self._computed:
                return Evaluation(leaf, evaluate_field(field, time, leaf))
            inner = [one for one, tensor in zip(self._leaves, self.tensors, strict=True) if one is not tensor]
            with Substituted(self._computed, inner):
                return Evaluation(leaf, evaluate_field(field, time, leaf))

    def require_known(self, evaluation: Evaluation) -> None:
        """Raise ValueError if the evaluation used a tensor whose gradient nobody asked for."""
        if not evaluation.slope.requires_grad:
            return
        for leaf in leaves_behind(evaluation.slope, ()):
            if leaf is not evaluation.leaf and id(leaf) not in self._known:
                raise ValueError(
                    f"the field uses a tensor of shape {tuple(leaf.shape)} at some times that it did not use at the "
                    f'start, so `gradients` = "adjoint" would lose its gradient; make it a parameter of the field, an '
                    f'nn.Module, or use `gradients` = "direct"'
                )

    def settle(self, evaluations: Sequence[Evaluation]) -> None:
        """Pull the evaluations' cotangents back into the sums, in one pass."""
        due = [one for one in evaluations if one.cotangent is not None and one.slope.requires_grad]
        if not due or not self._leaves:
            return
        pulled = torch.autograd.grad(
            [one.slope for one in due],
            self._leaves,
            [one.cotangent for one in due],
            allow_unused=True,
            retain_graph=True,
        )
        for one in due:
            one.cotangent = None
        for total, part in zip(self.sums, pulled, strict=True):
            if part is not None:
                total.add_(part)
