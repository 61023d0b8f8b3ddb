"""Neural ODE classifiers of the bundled digits whose solver can be swapped, and the solvers that take part."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torchdiffeq
from torch import Tensor, nn

from benchmarks.measurement import versioned
from benchmarks.states import SEED, TimelessField
from natrob_empirical.datasets import load_dataset
from natrob_empirical.models import ModelSpecification, build_classifier
from natrob_theory import NeuralODE
from natrob_theory.networks.neural_ode import Gradients

END_TIME, TOLERANCE = 1.0, 1e-3
LEARNING_RATE, MOMENTUM = 1e-3, 0.9

Solve: TypeAlias = Callable[[Tensor], Tensor]
"""y_0 ↦ y(T)."""


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """head(y(T)) with y(t₀) = stem(x) and dy/dt = f(t, y).

    Attributes:
        name: what the table calls it.
        stem, head: before and after the solve.
        field: f.
        x, y: one batch, images (batch, 1, 8, 8) in [0, 1] and labels.
        repeats: how many timed turns are affordable.
    """

    name: str
    stem: nn.Module
    field: nn.Module
    head: nn.Module
    x: Tensor
    y: Tensor
    repeats: int

    def parameters(self) -> list[nn.Parameter]:
        """All of them."""
        return [*self.stem.parameters(), *self.field.parameters(), *self.head.parameters()]


@dataclass(frozen=True, kw_only=True)
class OdeSolver:
    """A way to solve and to differentiate: what the table calls it, and `prepare(field)`, outside the clock."""

    label: str
    prepare: Callable[[nn.Module], Solve]


def solvers(gradients: Gradients) -> dict[str, OdeSolver]:
    """natrob's and the peer's for one kind of gradient, both at rtol = atol = 10⁻³ over T = 1."""
    odeint: Any = torchdiffeq.odeint
    odeint_adjoint: Any = torchdiffeq.odeint_adjoint
    times = torch.tensor([0.0, END_TIME])
    settings: dict[str, Any] = {"rtol": TOLERANCE, "atol": TOLERANCE, "method": "dopri5"}
    # The seminorm (Kidger et al., ICML 2021) leaves the parameters' gradients out of the backward solve's error norm.
    adjoint_settings = settings | {"adjoint_options": {"norm": "seminorm"}}

    def natrob(field: nn.Module) -> Solve:
        return NeuralODE(field, END_TIME, rtol=TOLERANCE, atol=TOLERANCE, gradients=gradients)

    def peer(field: nn.Module) -> Solve:
        if gradients == "adjoint":
            return lambda y0: odeint_adjoint(field, y0, times, **adjoint_settings)[-1]
        return lambda y0: odeint(field, y0, times, **settings)[-1]

    function = "odeint_adjoint, seminorm" if gradients == "adjoint" else "odeint"
    return {
        "natrob": OdeSolver(label=f'NeuralODE, gradients="{gradients}", rtol = atol = {TOLERANCE:g}', prepare=natrob),
        "peer": OdeSolver(label=f"{versioned('torchdiffeq')} {function}, dopri5", prepare=peer),
    }


def training_step(classifier: Classifier, solver: OdeSolver) -> Callable[[], object]:
    """Forward, backward and SGD step on a copy of the classifier's own."""
    own = copy.deepcopy(classifier)
    solve, optimiser = solver.prepare(own.field), torch.optim.SGD(own.parameters(), LEARNING_RATE, momentum=MOMENTUM)

    def step() -> None:
        optimiser.zero_grad()
        nn.functional.cross_entropy(own.head(solve(own.stem(own.x))), own.y).backward()
        optimiser.step()

    return step


def input_gradient(classifier: Classifier, solver: OdeSolver) -> Callable[[], object]:
    """The gradient of the loss in the image alone, as PGD takes it."""
    own = copy.deepcopy(classifier)
    for parameter in own.parameters():
        parameter.requires_grad_(False)
    solve, image = solver.prepare(own.field), own.x.clone().requires_grad_()

    def gradient() -> object:
        loss = nn.functional.cross_entropy(own.head(solve(own.stem(image))), own.y)
        return torch.autograd.grad(loss, image)

    return gradient


def classifiers() -> list[Classifier]:
    """Two with small vector states, and the digits classifier of the presets."""
    digits = load_dataset("digits")
    images, labels = digits.to_images(digits.train_x), digits.train_y
    found = [
        _dense(features, hidden, images[:batch], labels[:batch]) for features, hidden, batch in _DENSE_SIZES
    ]  # fmt: skip
    specification = ModelSpecification(label="Neural ODE", network="neural_ode", tolerance=TOLERANCE)
    model: Any = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(SEED)
    )
    convolutional = Classifier(
        name="digits, two 3×3 convolutions, state 8×8×8, batch 64",
        stem=model.stem,
        field=model.trunk.field,
        head=nn.Sequential(model.pool, nn.Flatten(), model.head),
        x=images[:64],
        y=labels[:64],
        repeats=25,
    )
    return [*found, convolutional]


_DENSE_SIZES = ((16, 64, 64), (32, 64, 32), (64, 64, 128))


def _dense(features: int, hidden: int, x: Tensor, y: Tensor) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        network = nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Linear(hidden, features))
        return Classifier(
            name=f"digits, MLP {features}→{hidden}→{features}, batch {len(x)}",
            stem=nn.Sequential(nn.Flatten(), nn.Linear(64, features)),
            field=TimelessField(network),
            head=nn.Linear(features, 10),
            x=x,
            y=y,
            repeats=60,
        )
