"""YOPO: adversarial training that perturbs the images through the first layer alone."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Protocol, final, runtime_checkable

import torch
from torch import Tensor, nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_empirical.training.adversarial.perturbation import allowed_box, sign_ascent, uniform_noise
from natrob_theory.numbers.argument_checks import require_count, require_nonnegative, require_positive


@runtime_checkable
class SplitClassifier(Protocol):
    """A classifier that can be cut after its first layer: `model(x) == after_first_layer(first_layer(x))`."""

    @property
    def first_layer(self) -> nn.Module:
        """The layer that the images meet first; affine or not."""
        ...

    def after_first_layer(self, z: Tensor) -> Tensor:
        """Logits of the first layer's output, which is not overwritten."""
        ...


@final
@dataclass(frozen=True, kw_only=True)
class YOPO(AbstractTrainingMethod):
    """YOPO-m-n: m full propagations, each followed by n steps of the perturbation with a frozen adjoint.

    With f = g ∘ f₀, f₀ the first layer, and η¹ uniform in the ball: for j = 1 … m

    * `p_j = ∂CE(g(z), y)/∂z` at `z = f₀(x + η_j)`, by one full forward and backward pass;
    * n times `η ← project(η + step_size · sign(∇_η ⟨p_j, f₀(x + η)⟩))`, which needs f₀ only; the last η is η_{j+1}.

    The gradients of all m propagations add up, and the optimiser steps once. For the parameters of g that is
    `Σ_j ∂CE(f(x + η_j), y)`. Those of f₀ get, besides theirs, the gradient of the Hamiltonian at the new perturbation,
    `Σ_j ∂⟨p_j, f₀(x + η_{j+1})⟩`: Pontryagin's principle asks for that one (the paper's Algorithm 1); the authors'
    program adds both, so the first layer's gradient is about twice as long (asked and confirmed in issue 4 of their
    repository), and so does this one. Its passes are shared: x + η_{j+1} meets f₀ in propagation j + 1 anyway.
    One step costs m full forward and backward passes, and m·n + 1 passes more of f₀.

    The paper's Hamiltonian subtracts a weight penalty; it does not depend on η, the authors' program sets it to 0, and
    weight decay is the optimiser's.

    With an affine f₀ the direction of all n steps is the same: they are then one step of n·step_size.

    Batch normalisation: everything is in training mode, so each propagation uses the statistics of its own batch and
    moves the running ones: m times a step. (The authors' program does so once more, to show an accuracy.) Their first
    propagation takes x + η¹ as it is; here it is projected onto the pixel range first, as it is after every step.

    Source: Zhang, Zhang, Lu, Zhu and Dong, "You only propagate once: accelerating adversarial training via maximal
    principle", NeurIPS 2019; the repository a1600012888/YOPO-You-Only-Propagate-Once, experiments/CIFAR10.

    Attributes:
        epsilon: radius in L∞, at least 0.
        step_size: of the sign steps, greater than 0.
        outer_steps: m, at least 1.
        inner_steps: n, at least 1.
    """

    name: ClassVar[str] = "yopo"

    epsilon: float = 8 / 255
    step_size: float = 2 / 255
    outer_steps: int = 5
    inner_steps: int = 3

    def __post_init__(self) -> None:
        require_nonnegative("epsilon", self.epsilon)
        require_positive("step_size", self.step_size)
        require_count("outer_steps", self.outer_steps)
        require_count("inner_steps", self.inner_steps)

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """The m propagations; draws one uniform number per pixel. What was seen is that of the last propagation.

        Args:
            model: a `SplitClassifier`.
            images, labels, generator: as for every method.

        Raises:
            TypeError: the model has no such first layer.
        """
        split = _require_split(model)
        box = allowed_box(images, self.epsilon)
        point = box.project(images + uniform_noise(images, self.epsilon, generator=generator))
        adjoint = images.new_zeros(())
        outcomes: list[StepOutcome] = []
        for _ in range(self.outer_steps):
            previous, first = adjoint, split.first_layer(point)
            outcome, adjoint = _propagate(split, first, labels)
            outcomes.append(outcome)
            _add_gradient(first, adjoint + previous)
            ascend = partial(_paired, split.first_layer, adjoint)
            point = sign_ascent(point, box, ascend, step_size=self.step_size, steps=self.inner_steps)
        _add_gradient(split.first_layer(point), adjoint)
        return outcomes[-1]


def _paired(first_layer: nn.Module, adjoint: Tensor, x: Tensor) -> Tensor:
    """⟨adjoint, first_layer(x)⟩."""
    return (first_layer(x) * adjoint).sum()


def _propagate(split: SplitClassifier, first: Tensor, labels: Tensor) -> tuple[StepOutcome, Tensor]:
    """Add the gradients of all but the first layer, whose output is `first`; returns the loss' gradient there too."""
    z = first.detach().requires_grad_()
    logits = split.after_first_layer(z).to(torch.promote_types(z.dtype, torch.float32))
    outcome = StepOutcome.of_backward(nn.functional.cross_entropy(logits, labels), logits, labels)
    if z.grad is None:
        raise ValueError("`model.after_first_layer(z)` must be differentiable with respect to z, got no gradient")
    return outcome, z.grad


def _add_gradient(output: Tensor, cotangent: Tensor) -> None:
    """Add cotangent · ∂output/∂parameters to the parameters' `grad`, where there are any to train."""
    if output.requires_grad:
        output.backward(cotangent)


def _require_split(model: nn.Module) -> SplitClassifier:
    """The model, as one that can be cut after its first layer; or raise TypeError."""
    if isinstance(model, SplitClassifier):
        return model
    raise TypeError(
        "`model` must have `first_layer`, a module, and `after_first_layer(z)` for YOPO, which perturbs images through "
        f"the first layer alone, got {type(model).__name__}; PGD and TRADES train it"
    )
