"""Adversarial training: the loss of images that PGD has perturbed."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, final

import torch
from torch import Tensor, nn

from natrob_empirical.names.choices import require_choices
from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_empirical.training.adversarial.perturbation import allowed_box, sign_ascent, uniform_noise
from natrob_empirical.training.model_modes import evaluating, frozen
from natrob_theory.numbers.argument_checks import require_count, require_nonnegative, require_positive

AttackMode: TypeAlias = Literal["train", "eval"]


@final
@dataclass(frozen=True, kw_only=True)
class PGDAdversarialTraining(AbstractTrainingMethod):
    """`min_θ E max_{‖x′ − x‖∞ ≤ ε, x′ ∈ [0, 1]} CE(f(x′), y)`, the inner maximum sought by sign steps.

    x′ starts uniformly in the ball, is projected onto the ball and the pixel range at the start and after every step,
    and the loss is that of the last x′ alone. One step costs `steps` + 1 forward and backward passes.

    Batch normalisation: Madry et al. attack the network as it is trained (`attack_mode` "train": statistics of the
    batch, and each of the `steps` passes moves the running ones); the PGD-10 baseline of YOPO's authors attacks it in
    eval mode. The pass that is trained on is in training mode.

    Source: Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards deep learning models resistant to adversarial
    attacks", ICLR 2018 (arXiv 1706.06083), equation 2.1 and section 2.1, with the settings of their CIFAR-10 training.

    Attributes:
        epsilon: radius in L∞, at least 0.
        step_size: of the sign steps, greater than 0.
        steps: at least 1.
        attack_mode: the mode of the model while its images are perturbed.
    """

    name: ClassVar[str] = "pgd"

    epsilon: float = 8 / 255
    step_size: float = 2 / 255
    steps: int = 10
    attack_mode: AttackMode = "train"

    def __post_init__(self) -> None:
        require_nonnegative("epsilon", self.epsilon)
        require_positive("step_size", self.step_size)
        require_count("steps", self.steps)
        require_choices(self)

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """Perturb, then one forward and one backward pass; draws one uniform number per pixel."""
        perturbed = self.perturb(model, images, labels, generator=generator)
        logits = model(perturbed).to(images.dtype)
        return StepOutcome.of_backward(nn.functional.cross_entropy(logits, labels), logits, labels)

    def perturb(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> Tensor:
        """The images that the loss is taken of; changes no parameter and no parameter's `grad`."""
        box = allowed_box(images, self.epsilon)
        start = box.project(images + uniform_noise(images, self.epsilon, generator=generator))

        def summed_loss(x: Tensor) -> Tensor:
            return nn.functional.cross_entropy(model(x).to(x.dtype), labels, reduction="sum")

        with frozen(model), evaluating(model) if self.attack_mode == "eval" else nullcontext():
            return sign_ascent(start, box, summed_loss, step_size=self.step_size, steps=self.steps)
