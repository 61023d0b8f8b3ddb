"""TRADES: the loss of the clean images, and how far their neighbours' predictions are from theirs."""

from dataclasses import dataclass
from typing import ClassVar, Final, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_empirical.training.adversarial.perturbation import allowed_box, normal_noise, sign_ascent
from natrob_empirical.training.model_modes import evaluating, frozen
from natrob_theory.numbers.argument_checks import require_count, require_nonnegative, require_positive

_START_SCALE: Final = 0.001
"""The scale of the normal noise that the ascent starts with: at x′ = x itself the divergence has no gradient."""


def prediction_divergence(
    clean_logits: Float[Tensor, "batch classes"], perturbed_logits: Float[Tensor, "batch classes"]
) -> Float[Tensor, ""]:
    """`KL(p ‖ q) = Σ_k p_k log(p_k / q_k)` summed over the batch, p = softmax(clean), q = softmax(perturbed)."""
    return nn.functional.kl_div(
        perturbed_logits.log_softmax(dim=1), clean_logits.log_softmax(dim=1), reduction="sum", log_target=True
    )


@final
@dataclass(frozen=True, kw_only=True)
class TRADES(AbstractTrainingMethod):
    """`CE(f(x), y) + weight · max_{x′} KL(f(x) ‖ f(x′))`, both means over the batch.

    Which way round: the paper's regulariser for several classes is L(f(x), f(x′))/λ (its Algorithm 1) with the
    cross-entropy L, whose target is then the clean prediction p: L = −Σ p log q = KL(p ‖ q) + H(p). The authors'
    implementation takes KL(p ‖ q), clean prediction first, for the ascent and the loss; so does this one. The
    entropy H(p) does not depend on x′ but does on the weights. The gradient flows through both predictions.

    The ascent: `steps` sign steps from x + 0.001·normal, projected onto ball and pixel range after each; in eval mode,
    so that running statistics are used and not moved, and the clean prediction, which stays the same, is computed
    once. One step costs `steps` + 2 forward and backward passes and one more forward pass.

    Batch normalisation in the loss: the clean and the perturbed images pass in training mode one after the other, each
    with the statistics of its own batch, and each moves the running ones. (The authors pass the clean images a second
    time for the divergence; the same numbers come out, only the running statistics move once more.)

    Source: Zhang, Yu, Jiao, Xing, El Ghaoui and Jordan, "Theoretically principled trade-off between robustness and
    accuracy", ICML 2019; the repository yaodongyu/TRADES, trades.py.

    Attributes:
        epsilon: radius in L∞, at least 0.
        step_size: of the sign steps, greater than 0.
        steps: at least 1.
        weight: 1/λ, at least 0.
    """

    name: ClassVar[str] = "trades"

    epsilon: float = 8 / 255
    step_size: float = 2 / 255
    steps: int = 10
    weight: float = 6.0

    def __post_init__(self) -> None:
        require_nonnegative("epsilon", self.epsilon)
        require_positive("step_size", self.step_size)
        require_count("steps", self.steps)
        require_nonnegative("weight", self.weight)

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """Perturb, then two forward passes and their backward; draws one normal number per pixel."""
        perturbed = self.perturb(model, images, generator=generator)
        clean_logits = model(images).to(images.dtype)
        perturbed_logits = model(perturbed).to(images.dtype)
        divergence = prediction_divergence(clean_logits, perturbed_logits) / len(images)
        loss = nn.functional.cross_entropy(clean_logits, labels) + self.weight * divergence
        return StepOutcome.of_backward(loss, perturbed_logits, labels)

    def perturb(self, model: nn.Module, images: Tensor, *, generator: torch.Generator) -> Tensor:
        """The images x′ of the divergence; changes no parameter, no running statistic and no parameter's `grad`."""
        start = images + normal_noise(images, _START_SCALE, generator=generator)
        with frozen(model), evaluating(model):
            with torch.no_grad():
                clean_logits = model(images).to(images.dtype)

            def divergence(x: Tensor) -> Tensor:
                return prediction_divergence(clean_logits, model(x).to(x.dtype))

            box = allowed_box(images, self.epsilon)
            return sign_ascent(start, box, divergence, step_size=self.step_size, steps=self.steps)
