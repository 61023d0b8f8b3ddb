"""Certified accuracy from a growth bound: no attack of any kind changes these labels.

Proof of the radius: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.attacks.attack_inputs import require_images_and_labels, require_labels_in_range
from natrob_empirical.models import IntegratorClassifier
from natrob_theory import Bound, NeuralODE, lipschitz_upper_bound
from natrob_theory.argument_checks import require_nonnegative
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.steppers import CoupledField

ROUNDING_SHRINK = 1.0 - 1e-9
"""Certified radii are shrunk by this against the rounding of the float64 logits and norms."""


class CertificateRefusedError(ValueError):
    """No certificate exists for this model; the message says why."""


@dataclass(frozen=True, kw_only=True)
class CertifiedAccuracy:
    """Certified accuracy over budgets: a LOWER bound of the true robust accuracy on these images.

    Attributes:
        epsilons: L2 radii.
        accuracies: the share of images whose correct label is certified at each radius.
        radii: per image, 0 where the label is wrong.
        feature_lipschitz: the constant the radii rest on.
    """

    epsilons: tuple[float, ...]
    accuracies: tuple[float, ...]
    radii: Float[Tensor, " samples"]
    feature_lipschitz: Bound


@dataclass(frozen=True, kw_only=True)
class ClassifierBounds:
    """Upper Lipschitz constants of a classifier's parts, L2.

    Attributes:
        stem: of the stem.
        field: of the trunk's field, the larger one for a coupled pair.
        trunk: growth over all steps; value ∞ where the method has no bound from this K.
        features: ‖pool‖ · trunk · ‖stem‖.
    """

    stem: Bound
    field: Bound
    trunk: Bound
    features: Bound


def classifier_bounds(model: IntegratorClassifier, image_shape: tuple[int, int, int]) -> ClassifierBounds:
    """Upper constants of stem, field, trunk and features, layer by layer (theory, sections 1, 5 and 6).

    A Neural ODE must have been run: its growth bound is that of the grids on record.

    Raises:
        LayerRefusedError: a layer that cannot be bound.
    """
    stem = lipschitz_upper_bound(model.stem, input_shape=image_shape)
    with torch.no_grad():
        state_shape = tuple(model.stem(torch.zeros((1, *image_shape)).to(model.stem.weight)).shape[1:])
    field = field_bound(model, state_shape)
    pool = lipschitz_upper_bound(model.pool, input_shape=state_shape)
    try:
        trunk = model.trunk.growth_bound(field).over_samples()
    except ValueError as refusal:
        trunk = Bound(value=float("inf"), kind="upper", source=f"none: {refusal}")
    return ClassifierBounds(
        stem=stem,
        field=field,
        trunk=trunk,
        features=Bound(
            value=float(pool) * float(trunk) * float(stem) * (1.0 + 1e-15),
            kind="upper",
            assumptions=trunk.assumptions,
            source=f"‖pool‖ · growth · ‖stem‖, growth by {trunk.source}",
        ),
    )


def field_bound(model: IntegratorClassifier, state_shape: tuple[int, ...]) -> Bound:
    """K of the trunk's field(s), the largest over the steps and, for RevNet, over the two halves."""
    bounds = []
    for field, shape in trunk_fields(model, state_shape):
        bounds.append(lipschitz_upper_bound(field, input_shape=shape))
    return max(bounds, key=float)


def trunk_fields(
    model: IntegratorClassifier, state_shape: tuple[int, ...]
) -> list[tuple[torch.nn.Module, tuple[int, ...]]]:
    """The distinct fields of the trunk with the shape of the states each acts on."""
    half = (state_shape[0] // 2, *state_shape[1:])
    found: list[tuple[torch.nn.Module, tuple[int, ...]]] = []
    trunk = model.trunk
    modules = list(trunk.fields) if isinstance(trunk, AbstractFixedStepNet) else list(trunk.children())
    for module in modules:
        if isinstance(module, CoupledField):
            found += [(module.first, half), (module.second, half)]
        else:
            found.append((module, state_shape))
    return found


def certified_accuracy(
    model: IntegratorClassifier,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
) -> CertifiedAccuracy:
    """The share of images whose correct label no perturbation of L2 norm below epsilon can change.

    The radius of an image is min_j (s_y − s_j)/(L‖w_y − w_j‖₂), L the upper constant of the features
    (theory, section 6; Tsuzuku et al., NeurIPS 2018). For an L∞ budget ε use the L2 radius ε√d.

    Args:
        model: copied to float64 in eval mode: the certificate is that of the network in float64.
        x: images in [0, 1].
        y: labels.
        epsilons: L2 radii, at least 0.

    Raises:
        TypeError, ValueError: images or labels that are not as described.
        CertificateRefusedError: a Neural ODE: the solver chooses another grid for a perturbed image, so its
            bound holds for pairs on one grid only (theory, section 4).
    """
    if isinstance(model.trunk, NeuralODE):
        raise CertificateRefusedError(
            "a Neural ODE with an adaptive solver has no certificate: its growth bound holds for two solutions on one "
            "grid, and the solver may choose another grid for a perturbed image"
        )
    require_images_and_labels(x, y)
    require_labels_in_range(y, model.head.out_features)
    model = copy.deepcopy(model).double().eval()
    radii_wanted = tuple(require_nonnegative("epsilons", epsilon) for epsilon in epsilons)
    bounds = classifier_bounds(model, (x.shape[1], x.shape[2], x.shape[3]))
    constant = float(bounds.features)
    with torch.no_grad():
        logits = model(x.to(model.head.weight)).double()
    weights = model.head.weight.detach().double()
    gaps = logits.gather(1, y[:, None]) - logits
    distances = torch.linalg.vector_norm(weights[y][:, None, :] - weights[None], dim=2)
    others = torch.nn.functional.one_hot(y, logits.shape[1]) == 0
    ratios = torch.where(others, gaps / (constant * distances.clamp_min(1e-300)), torch.inf).amin(dim=1)
    radii = torch.where(logits.argmax(dim=1) == y, ratios * ROUNDING_SHRINK, 0.0).clamp_min(0.0)
    return CertifiedAccuracy(
        epsilons=radii_wanted,
        accuracies=tuple(float(((radii > 0) & (radii >= e)).double().mean()) for e in radii_wanted),
        radii=radii,
        feature_lipschitz=bounds.features,
    )
