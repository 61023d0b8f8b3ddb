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
from natrob_empirical.certification.classifier_bounds import classifier_bounds
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier
from natrob_theory import Bound, LayerRefusedError, NeuralODE
from natrob_theory.argument_checks import require_nonnegative

ROUNDING_SHRINK = 1.0 - 1e-9
"""Certified radii are shrunk by this against the rounding of the float64 logits and norms."""

IMAGES_AT_ONCE = 256
"""So many go through the network together: a few gigabytes of float64 activations at most for the networks here."""


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


def certified_accuracy(
    model: AbstractClassifier,
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
            bound holds for pairs on one grid only (theory, section 4); a layer, or a class of classifier, that
            cannot be bounded.
    """
    require_certifiable(model)
    require_images_and_labels(x, y)
    require_labels_in_range(y, model.head.out_features)
    model = copy.deepcopy(model).double().eval()
    try:
        bounds = classifier_bounds(model, (x.shape[1], x.shape[2], x.shape[3]))
    except LayerRefusedError as refusal:
        raise CertificateRefusedError(f"no certificate: {refusal}") from refusal
    with torch.no_grad():
        images = x.to(model.head.weight)
        features = torch.cat([model.features(some) for some in images.split(IMAGES_AT_ONCE)])
    return certificates_from(model.head, features, y, epsilons, features_bound=bounds.features)


def require_certifiable(model: AbstractClassifier) -> None:
    """Raise CertificateRefusedError for a model that is no function of one image with an upper constant."""
    if isinstance(model, IntegratorClassifier) and isinstance(model.trunk, NeuralODE):
        raise CertificateRefusedError(
            "a Neural ODE with an adaptive solver has no certificate: its growth bound holds for two solutions on one "
            "grid, and the solver may choose another grid for a perturbed image"
        )


def certificates_from(
    head: torch.nn.Linear,
    features: Float[Tensor, "samples features"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
    *,
    features_bound: Bound,
) -> CertifiedAccuracy:
    """The certificates from the feature vectors of the images, float64, and the upper constant of the features."""
    radii_wanted = tuple(require_nonnegative("epsilons", epsilon) for epsilon in epsilons)
    constant = float(features_bound)
    with torch.no_grad():
        logits = head(features).double()
    weights = head.weight.detach().double()
    gaps = logits.gather(1, y[:, None]) - logits
    distances = torch.linalg.vector_norm(weights[y][:, None, :] - weights[None], dim=2)
    others = torch.nn.functional.one_hot(y, logits.shape[1]) == 0
    ratios = torch.where(others, gaps / (constant * distances.clamp_min(1e-300)), torch.inf).amin(dim=1)
    radii = torch.where(logits.argmax(dim=1) == y, ratios * ROUNDING_SHRINK, 0.0).clamp_min(0.0)
    return CertifiedAccuracy(
        epsilons=radii_wanted,
        accuracies=tuple(float(((radii > 0) & (radii >= e)).double().mean()) for e in radii_wanted),
        radii=radii,
        feature_lipschitz=features_bound,
    )
