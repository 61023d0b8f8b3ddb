"""Spectral normalisation as a projection: every layer's operator norm at most a bound, and a plain model at the end."""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Final, TypeAlias, final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from natrob_empirical.training.abstract_method import (
    AbstractConstrainedTraining,
    AbstractTrainingMethod,
    AbstractWeightConstraint,
    StepOutcome,
)
from natrob_empirical.training.local_constants import local_constants
from natrob_empirical.training.model_modes import evaluating
from natrob_empirical.training.standard_method import StandardTraining
from natrob_theory import lipschitz_upper_bound
from natrob_theory.numbers.argument_checks import require_count, require_positive

LinearLayer: TypeAlias = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
Shape: TypeAlias = tuple[int, ...]


@final
@dataclass(frozen=True, kw_only=True)
class SpectralNormalisation(AbstractConstrainedTraining):
    """`method`, with every linear layer and convolution kept at an operator norm of at most `bound`.

    After every step a layer whose norm ‖W‖₂ is found above the bound is scaled by bound/‖W‖₂; a smaller one is left
    alone. A convolution's norm is that of the operator on the images it gets, not of its reshaped kernel. During
    training ‖W‖₂ comes from Lanczos on WᵀW with `iterations` products, always from the same start, which finds a lower
    bound; so between steps a norm may lie a little above the bound. At the end `lipschitz_upper_bound` takes its place:
    the trained model's upper constant of each layer is at most `bound`, and its weights are ordinary weights. For a
    zero-padded convolution that constant exceeds the norm: for 3×3 kernels by 3 to 6 % on 8×8 images, 1 % on 14×14 and
    0.3 % on 28×28 (measured). This last step scales such a layer down by as much.

    The bound is that of one layer. A field of two convolutions then has K ≤ bound², and N Euler steps grow by at most
    (1 + h·bound²)^N: a small norm of each layer is no small norm of the network.

    Networks with normalisation layers are refused: a batch norm's scale γ/σ can undo any bound of the convolution
    before it, and to divide it out would be another method than this one.

    Source: Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks", ICLR
    2018 (they divide by the norm in the forward pass); as a projection Gouk, Frank, Pfahringer and Cree,
    "Regularisation of neural networks by enforcing Lipschitz continuity", Machine Learning 110 (2021), algorithm 1.

    Attributes:
        bound: of every layer, stem and head included; greater than 0.
        iterations: of Lanczos, at least 1.
        method: whose loss is minimised.
    """

    name: ClassVar[str] = "spectral_normalisation"

    bound: float = 1.0
    iterations: int = 8
    method: AbstractTrainingMethod = field(default_factory=StandardTraining)

    def __post_init__(self) -> None:
        require_positive("bound", self.bound)
        require_count("iterations", self.iterations)
        if not isinstance(self.method, AbstractTrainingMethod) or isinstance(self.method, AbstractConstrainedTraining):
            raise TypeError(f"`method` must be a training method without a constraint of its own, got {self.method!r}")

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """Takes the gradient of `method`."""
        return self.method.backward(model, images, labels, generator=generator)

    def constraint(self, model: nn.Module, image_shape: Shape) -> "NormConstraint":
        """The projection of the model's layers; each layer's input is found by a pass of a black image.

        Raises:
            ValueError: weights in another kind of layer, or weights that are computed from others.
        """
        return NormConstraint(_layers_with_shapes(model, image_shape), bound=self.bound, iterations=self.iterations)


@final
class NormConstraint(AbstractWeightConstraint):
    """The projection.

    Args:
        layers: each with the shapes of its inputs.
        bound, iterations: as in `SpectralNormalisation`.
    """

    def __init__(self, layers: list[tuple[LinearLayer, set[Shape]]], *, bound: float, iterations: int) -> None:
        self._layers: Final = layers
        self._bound, self._iterations = bound, iterations

    def after_step(self) -> None:
        """Scale layers down whose norm is found above the bound."""
        for layer, shapes in self._layers:
            for shape in shapes:
                norm = norm_found(layer, shape, iterations=self._iterations)
                # A norm beyond the type says nothing of the factor; `finish` takes such weights down.
                factor = torch.where(torch.isfinite(norm), (self._bound / norm).clamp(max=1.0), torch.ones_like(norm))
                layer.weight.data.mul_(factor)

    def finish(self) -> None:
        """Scale layers down by the upper bound of their norm, until rounding is below the bound too."""
        for layer, shapes in self._layers:
            for shape in shapes:
                upper = partial(lipschitz_upper_bound, layer, input_shape=shape)
                while (norm := float(upper())) > self._bound:
                    layer.weight.data.mul_(self._bound / norm * (1.0 - torch.finfo(layer.weight.dtype).eps))


def norm_found(layer: LinearLayer, input_shape: Shape, *, iterations: int) -> Tensor:
    """A lower bound of the layer's operator norm by Lanczos; the same number for the same weights."""
    origin = torch.zeros((1, *input_shape), dtype=layer.weight.dtype, device=layer.weight.device)
    found = local_constants(
        layer, origin, quantity="lipschitz", iterations=iterations, generator=torch.Generator().manual_seed(0)
    )
    return found.detach().clamp_min(torch.finfo(found.dtype).tiny)[0]


def _layers_with_shapes(model: nn.Module, image_shape: Shape) -> list[tuple[LinearLayer, set[Shape]]]:
    """All layers with weights, each with the shapes of the samples that it is given."""
    layers = [_require_linear_layer(name, part) for name, part in model.named_modules() if _own_parameters(part)]
    shapes: dict[LinearLayer, set[Shape]] = {layer: set() for layer in layers}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shapes[layer].add(tuple(inputs[0].shape[1:]))  # type: ignore[index]

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    weight = layers[0].weight
    try:
        with evaluating(model), torch.no_grad():
            model(torch.zeros((1, *image_shape), dtype=weight.dtype, device=weight.device))
    finally:
        for hook in hooks:
            hook.remove()
    unused = [type(layer).__name__ for layer, found in shapes.items() if not found]
    if unused:
        raise ValueError(f"`model` must use all of its layers, so that their norms are known, got unused {unused}")
    return list(shapes.items())


def _own_parameters(part: nn.Module) -> bool:
    """Whether the module has parameters besides those of its children."""
    return next(part.parameters(recurse=False), None) is not None or parametrize.is_parametrized(part)


def _require_linear_layer(name: str, layer: nn.Module) -> LinearLayer:
    """The layer, if its weight is an ordinary one whose norm is known; or raise ValueError."""
    if parametrize.is_parametrized(layer):
        raise ValueError(
            f"`model` must have ordinary weights for spectral normalisation, but those of {name} are computed from "
            "others: a network whose norms are bounded by construction needs no projection"
        )
    if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return layer
    raise ValueError(
        "`model` must have its weights in linear layers and convolutions for spectral normalisation, got "
        f"{type(layer).__name__} {name}, whose scale it would say nothing of"
    )
