"""The certificates and the margins of a trained model, image by image, as its theory record holds them."""

import math
import time
from typing import Final, Literal

import torch
from torch import Tensor

from natrob_empirical.benchmarks.theory_pairs import ImageFeatures
from natrob_empirical.certification import CertificateRefusedError, certificates_from, require_certifiable
from natrob_empirical.models import AbstractClassifier
from natrob_empirical.records import SampleCertificates, SampleMargins, packed
from natrob_theory import Bound
from natrob_theory.rounding import EPSILON

Norm = Literal["Linf", "L2"]
NORMS: Final[tuple[Norm, ...]] = ("L2", "Linf")
GLOBAL_ARITHMETIC: Final = "float64, constants rounded outward, radii shrunk by 1e-9 against the rounding of the logits"


def global_certificates(
    model: AbstractClassifier, known: ImageFeatures, labels: Tensor, bound: Bound
) -> list[SampleCertificates]:
    """The radii from one constant for all images, in L2 and in L∞, or the refusal in both.

    Args:
        model: in float64.
        known: the images that can be run; the others get radius 0.
        labels: of all test images.
        bound: upper constant from images to features, L2.
    """
    started = time.perf_counter()
    try:
        require_certifiable(model)
    except CertificateRefusedError as refusal:
        return [
            SampleCertificates(method="global", norm=norm, images=len(labels), refusal=str(refusal)) for norm in NORMS
        ]
    result = certificates_from(model.head, known.features, labels[known.positions], (), features_bound=bound)
    in_l2 = at_positions(result.radii, known, len(labels), missing=0.0)
    # ‖δ‖₂ ≤ √d‖δ‖∞, rounded towards 0
    in_linf = in_l2 / math.sqrt(known.image_entries) * (1.0 - 8 * EPSILON)
    radii: dict[Norm, Tensor] = {"L2": in_l2, "Linf": in_linf}
    return [
        SampleCertificates(
            method="global",
            norm=norm,
            images=len(labels),
            radii=packed(radii[norm].tolist()),
            source=f"min margin/(L‖w_y − w_j‖){'' if norm == 'L2' else ' over √d'}, L: {bound.source}",
            arithmetic=GLOBAL_ARITHMETIC,
            seconds=time.perf_counter() - started,
        )
        for norm in NORMS
    ]


def sample_margins(model: AbstractClassifier, known: ImageFeatures, labels: Tensor) -> SampleMargins:
    """min_j (s_y − s_j) and min_j (s_y − s_j)/‖w_y − w_j‖₂ of every test image; −∞ for one that cannot be run."""
    own = labels[known.positions]
    with torch.no_grad():
        logits = model.head(known.features)
    weights = model.head.weight.detach()
    gaps = logits.gather(1, own[:, None]) - logits
    distances = torch.linalg.vector_norm(weights[own][:, None, :] - weights[None], dim=2)
    others = torch.nn.functional.one_hot(own, logits.shape[1]) == 0
    least = torch.where(others, gaps, torch.inf).amin(dim=1)
    normalised = torch.where(others, gaps / distances.clamp_min(1e-300), torch.inf).amin(dim=1)
    count = len(labels)
    return SampleMargins(
        logits=packed(at_positions(least, known, count, missing=-math.inf).tolist()),
        normalised=packed(at_positions(normalised, known, count, missing=-math.inf).tolist()),
    )


def at_positions(values: Tensor, known: ImageFeatures, count: int, *, missing: float) -> Tensor:
    """One value for each of `count` images: those given at their positions, `missing` elsewhere."""
    found = torch.full((count,), missing, dtype=torch.float64)
    found[known.positions.cpu()] = values.double().cpu()
    return found
