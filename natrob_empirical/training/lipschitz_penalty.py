"""Training with a price on the local constant of the field: a control for networks that are bounded by construction."""

from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from natrob_empirical.names.choices import require_choices
from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_empirical.training.field_samples import field_sample
from natrob_empirical.training.local_constants import Quantity, local_constants
from natrob_empirical.training.model_modes import evaluating
from natrob_theory.numbers.argument_checks import require_count, require_finite, require_nonnegative


@final
@dataclass(frozen=True, kw_only=True)
class LipschitzPenalty(AbstractTrainingMethod):
    """`CE(f(x), y) + weight · mean max(0, k(y_n) − target)`, k the local constant of the field at clean states y_n.

    k(y) is found by a search of few steps (`local_constants`): it is a lower bound of the local K = ‖J(y)‖₂, or of the
    local μ = λ_max((J(y) + J(y)ᵀ)/2). So what is held down is a lower bound at the states that training visits; the
    global constants, and the bounds computed from them, follow only as far as they happen to. That is what makes it
    a control: a certificate needs an upper constant.

    The states are those of the first `points` images of the batch, at a step or block drawn anew for each batch
    (`field_sample`). Those passes are in eval mode: batch normalisation then scales by its running statistics, which
    are constants to the penalty and do not move. The step sizes of a solver and the states are constants too, so the
    gradient is that of k at fixed states. The cross-entropy's gradient is the model's own, whatever its trunk does.

    Source: theory, section 5; for penalties on Jacobians along a trajectory, Finlay, Jacobsen, Nurbekyan and Oberman,
    "How to train your neural ODE", ICML 2020 (there ‖Jᵀv‖² with a random v, the Frobenius norm).

    Attributes:
        weight: at least 0.
        quantity: "lipschitz" for K, "one_sided" for μ.
        target: where the price begins; in the units of K and μ, so 1 over time.
        points: images per batch, at least 1.
        iterations: of the search, at least 1.
    """

    name: ClassVar[str] = "lipschitz_penalty"

    weight: float = 0.3
    quantity: Quantity = "lipschitz"
    target: float = 0.0
    points: int = 16
    iterations: int = 4

    def __post_init__(self) -> None:
        require_nonnegative("weight", self.weight)
        require_choices(self)
        require_finite("target", self.target)
        require_count("points", self.points)
        require_count("iterations", self.iterations)

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """The penalty's gradient, then one forward and one backward pass for the cross-entropy.

        Args:
            model: an `IntegratorClassifier`, a `ResidualClassifier`, or what else `field_sample` has a rule for.
            images, labels, generator: as for every method.

        Raises:
            TypeError: the model's fields are not known, or "one_sided" is asked of a branch that changes the shape.
        """
        with evaluating(model):
            price = self.weight * self.penalty(model, images, generator=generator)
        if price.requires_grad:
            price.backward()
        logits = model(images)
        outcome = StepOutcome.of_backward(nn.functional.cross_entropy(logits, labels), logits, labels)
        return replace(outcome, loss=outcome.loss + price.detach())

    def penalty(self, model: nn.Module, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """The mean of max(0, k(y_n) − target) over the images' states; the model in eval mode."""
        sample = field_sample(model, images[: self.points], generator=generator)
        if self.quantity == "one_sided" and isinstance(sample.function, nn.Module):
            raise TypeError(
                '`quantity` "one_sided" is for integrator trunks; a residual branch may change the shape of its state '
                f'{tuple(sample.points.shape[1:])} and has no one-sided constant then; "lipschitz" penalises it'
            )
        found = local_constants(
            sample.function, sample.points, quantity=self.quantity, iterations=self.iterations, generator=generator
        )
        return (found - self.target).clamp_min(0).mean()
