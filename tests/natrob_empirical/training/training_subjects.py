"""What the tests train: a network with all that a run's state must hold, and a method that draws."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import AbstractTrainingMethod, StepOutcome, TrainingResult, TrainingSpecification, train


@dataclass(frozen=True, kw_only=True)
class NoisyTraining(AbstractTrainingMethod):
    """Cross-entropy of images with noise, drawn from the method's stream."""

    name: ClassVar[str] = "noisy"
    noise: float = 0.1

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        logits = model(images + self.noise * torch.randn(images.shape, generator=generator))
        loss = nn.functional.cross_entropy(logits, labels)
        loss.backward()
        return StepOutcome(loss=loss.detach(), correct=(logits.detach().argmax(dim=1) == labels).sum())


def small_network(seed: int = 0) -> nn.Sequential:
    """Batch norm keeps running statistics, dropout draws from torch's own stream."""
    with initialised_with(RandomStreams(seed).generator("init")):
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(64, 10),
        )


def demanding(**changes: Any) -> TrainingSpecification:
    """Three epochs of three steps that use every stream and momentum."""
    settings = {
        "method": NoisyTraining(),
        "epochs": 3,
        "batch_size": 32,
        "optimiser": "sgd",
        "learning_rate": 0.05,
        "weight_decay": 1e-3,
        "augmentation": "crop_flip",
    }
    return TrainingSpecification(**(settings | changes))


def trained(
    model: nn.Module, dataset: Dataset, specification: TrainingSpecification, *, seed: int = 0, **options: Any
) -> TrainingResult:
    """`train` with the stream of the seed."""
    return train(model, dataset, specification, generator=RandomStreams(seed).generator("train"), **options)


def everything_of(model: nn.Module) -> dict[str, Tensor]:
    """Copies of weights and buffers."""
    return {name: tensor.detach().clone() for name, tensor in (*model.named_parameters(), *model.named_buffers())}


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    """Whether all tensors agree in every bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
