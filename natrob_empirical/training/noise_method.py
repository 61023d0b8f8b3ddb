"""Training on images with Gaussian noise, for randomised smoothing."""

from dataclasses import dataclass, field
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_empirical.training.margin_method import MarginTraining
from natrob_empirical.training.standard_method import StandardTraining
from natrob_theory.numbers.argument_checks import require_positive


@final
@dataclass(frozen=True, kw_only=True)
class NoiseTraining(AbstractTrainingMethod):
    """`method` on images with noise N(0, σ²I), drawn anew for every batch and not clipped to the pixel range.

    A network that has never seen noise answers noisy images badly, and its smoothed classifier is weak. One forward and
    one backward pass. Source: Cohen, Rosenfeld and Kolter, ICML 2019, section 3.3.

    Attributes:
        sigma: standard deviation of the noise in every pixel, greater than 0; that of the smoothing as a rule.
        method: whose loss is minimised on the noisy images, standard or margin training.
    """

    name: ClassVar[str] = "noise"

    sigma: float = 0.25
    method: AbstractTrainingMethod = field(default_factory=StandardTraining)

    def __post_init__(self) -> None:
        require_positive("sigma", self.sigma)
        if not isinstance(self.method, (StandardTraining, MarginTraining)):
            raise TypeError(f"`method` must be StandardTraining or MarginTraining, got {self.method!r}")

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """Draws the noise on the CPU, so that every device trains on the same; what is correct is so under noise."""
        noise = torch.randn(images.shape, dtype=images.dtype, generator=generator).to(images.device)
        return self.method.backward(model, images + self.sigma * noise, labels, generator=generator)
