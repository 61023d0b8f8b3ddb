"""Two small dense Euler networks, trained on scikit-learn's digits, that every verifier here can read."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from benchmarks.states import SEED
from natrob_empirical.datasets import load_dataset
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import EulerNet
from natrob_theory.fields import AutonomousField, GradientFlowField

PIXELS, CLASSES, WIDTH, STEPS = 64, 10, 64, 5
EPOCHS, BATCH, LEARNING_RATES = 30, 64, {"residual": 3e-3, "gradient flow": 1e-2}
OFFSET, TEMPERATURE = 0.3, 0.1
LONGEST_STEP = 2.0
"""Of h‖W‖²: up to it Euler's step on a gradient flow lets no distance grow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DenseNetwork:
    """logits = head(trunk(x)) on the 64 pixels of a digit, with test images.

    Attributes:
        name: what the table calls it.
        trunk: Euler's method, h = `step_size`, a field of its own at every step; float64.
        head: affine, float64.
        x, y: test images, (images, 64) in float64, and labels.
        accuracy: on these.
    """

    name: str
    step_size: float
    trunk: EulerNet
    head: nn.Linear
    x: Tensor
    y: Tensor
    accuracy: float

    @property
    def contractive(self) -> bool:
        """Whether the trunk was trained to let no distance grow."""
        return all(isinstance(field, GradientFlowField) for field in self.trunk.fields)

    def half_steps(self) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """(A, a, B, b) of each step y + h(B relu(Ay + a) + b): how any other library can write it."""
        return [_two_layers(field) for field in fields_of(self.trunk)]


def fields_of(trunk: EulerNet) -> list[GradientFlowField | AutonomousField]:
    """The fields, one per step."""
    return [field for field in trunk.fields if isinstance(field, GradientFlowField | AutonomousField)]


@cache
def dense_networks(images: int) -> tuple[DenseNetwork, DenseNetwork]:
    """A plain residual network by cross-entropy, and a contractive gradient flow by cross-entropy with an offset."""
    return _trained("residual", images), _trained("gradient flow", images)


def _trained(kind: str, images: int) -> DenseNetwork:
    digits = load_dataset("digits")
    contractive = kind == "gradient flow"
    trunk, head = _untrained(contractive)
    pixels = digits.to_images(digits.train_x).flatten(1)
    parameters = [*trunk.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATES[kind])
    order = RandomStreams(SEED).generator("train")
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(pixels), generator=order).split(BATCH):
            logits, labels = head(trunk(pixels[rows])), digits.train_y[rows]
            if contractive:
                logits = (logits - OFFSET * nn.functional.one_hot(labels, CLASSES)) / TEMPERATURE
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits, labels).backward()
            optimizer.step()
            if contractive:
                _project(trunk, head)
    trunk, head = trunk.double().requires_grad_(False), head.double().requires_grad_(False)
    x, y = digits.to_images(digits.test_x).flatten(1)[:images].double(), digits.test_y[:images]
    step_size = 1.0 if contractive else 1.0 / STEPS
    return DenseNetwork(
        name=f"{kind}, {STEPS} Euler steps, h = {step_size:g}, {PIXELS} pixels",
        step_size=step_size,
        trunk=trunk,
        head=head,
        x=x,
        y=y,
        accuracy=float((head(trunk(x)).argmax(dim=1) == y).double().mean()),
    )


def _untrained(contractive: bool) -> tuple[EulerNet, nn.Linear]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        if contractive:
            fields: list[nn.Module] = [GradientFlowField(nn.Linear(PIXELS, WIDTH), nn.ReLU()) for _ in range(STEPS)]
        else:
            fields = [
                AutonomousField(nn.Sequential(nn.Linear(PIXELS, WIDTH), nn.ReLU(), nn.Linear(WIDTH, PIXELS)))
                for _ in range(STEPS)
            ]
        head = nn.Linear(PIXELS, CLASSES)
    return EulerNet(fields, step_size=1.0 if contractive else 1.0 / STEPS, num_steps=STEPS), head


def _project(trunk: EulerNet, head: nn.Linear) -> None:
    """‖W‖² ≤ 2/h in every field, ‖head‖ ≤ 1."""
    flows = [field.linear_map.weight for field in fields_of(trunk) if isinstance(field, GradientFlowField)]
    with torch.no_grad():
        for weight, largest in [*((flow, LONGEST_STEP**0.5) for flow in flows), (head.weight, 1.0)]:
            norm = torch.linalg.matrix_norm(weight, ord=2)
            weight.mul_((largest / norm).clamp_max(1.0))


def _two_layers(field: GradientFlowField | AutonomousField) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if isinstance(field, GradientFlowField):
        weight, bias = field.linear_map.weight, field.linear_map.bias
        assert bias is not None
        return weight, bias, -weight.mT, torch.zeros(weight.shape[1], dtype=weight.dtype)
    first, second = (layer for layer in field.module.modules() if isinstance(layer, nn.Linear))
    return first.weight, first.bias, second.weight, second.bias
