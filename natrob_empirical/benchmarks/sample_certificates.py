"""The certificates and the margins of a trained model, image by image, as its theory record holds them."""

import math
import time
from collections.abc import Sequence
from typing import Final, Literal

import torch
from torch import Tensor

from natrob_empirical.benchmarks.classifier_theory import SOLVE_FAILURES
from natrob_empirical.benchmarks.presets import Budget
from natrob_empirical.benchmarks.theory_pairs import ImageFeatures
from natrob_empirical.certification import (
    CONSTANT_METHODS,
    AdaptiveBounds,
    CertificateConstants,
    CertificateMethod,
    CertificateRefusedError,
    certificate_constants,
    certified_with,
)
from natrob_empirical.models import AbstractClassifier
from natrob_empirical.records import CertifiedPoint, Number, SampleCertificates, SampleMargins, packed, share_certified
from natrob_theory.numbers.norms import l2_norm

Norm = Literal["Linf", "L2"]
NORMS: Final[tuple[Norm, ...]] = ("L2", "Linf")

SOURCES: Final[dict[str, str]] = {
    "global": "min margin/(L‖w_y − w_j‖), L on all inputs",
    "tube": "the same, with the growth in the tube around each trajectory",
    "local": "min margin/C_j, C_j of the logit gaps on a ball around each image",
    "intervals": "intervals forward, then gaps bounded backward once through lines over them",
    "linear_relaxation": "gaps bounded backward through lines below and above every activation",
    "branch_and_bound": "the same on parts of each ball",
    "best": "the largest radius of all methods",
}

NATIVE_SOURCE: Final = "min margin/C_j with constants in L∞ on all inputs"

AFFINE_SOURCE: Final = "margins against slope·r + constant of what adaptive solves with capped steps can return"
"""Instead, where a solver takes its own steps for every image."""


def sample_certificates(
    classifier: AbstractClassifier,
    images: Tensor,
    labels: Tensor,
    known: ImageFeatures,
    budgets: Sequence[Budget],
    counts: dict[CertificateMethod, int],
) -> list[SampleCertificates]:
    """The radii of every method in L2 and in L∞, or its refusal with the reason.

    The certificate is for the network with its weights in exact arithmetic, as `certified_accuracy` gives it by
    default. The attacked network rounds in float32, which may decide otherwise within some 10⁻⁶ of a radius only. The
    worst case of that rounding that can be proved would cost a dense network on MNIST 0.12 of every L2 radius.

    Args:
        classifier: in eval mode, as it is attacked.
        images, labels: all test images.
        known: those that can be run; the others get radius 0.
        budgets: radii that are of interest.
        counts: method → how many of the first images; methods without images are left out. Intervals look at the
            radii of interest alone, and so only in norms that have some.
    """
    wanted: dict[CertificateMethod, int] = {method: min(n, len(labels)) for method, n in counts.items() if n > 0}
    try:
        constants = certificate_constants(classifier, (images.shape[1], images.shape[2], images.shape[3]))
    except CertificateRefusedError as refusal:
        return [_refused(method, norm, count, str(refusal)) for method, count in wanted.items() for norm in NORMS]
    return [
        _of_method(constants, images[:count], labels[:count], known, budgets, method, norm)
        for method, count in wanted.items()
        for norm in NORMS
        if method != "intervals" or any(budget.norm == norm for budget in budgets)
    ]


def _of_method(
    constants: CertificateConstants,
    images: Tensor,
    labels: Tensor,
    known: ImageFeatures,
    budgets: Sequence[Budget],
    method: CertificateMethod,
    norm: Norm,
) -> SampleCertificates:
    """One method in one norm on these first images."""
    positions = known.positions[known.positions < len(labels)]
    largest = 1.0 if norm == "Linf" else math.sqrt(images[0].numel())
    asked = [budget.epsilon for budget in budgets if budget.norm == norm and budget.epsilon <= largest]
    started = time.perf_counter()
    try:
        found = certified_with(constants, images[positions], labels[positions], asked, norm=norm, method=method)
    except (CertificateRefusedError, *SOLVE_FAILURES) as refusal:
        return _refused(method, norm, len(labels), str(refusal))
    radii = torch.zeros(len(labels), dtype=torch.float64)
    radii[positions.cpu()] = found.radii.double().cpu()
    return SampleCertificates(
        method=method,
        norm=norm,
        images=len(labels),
        radii=packed(radii.tolist()),
        source=_source(constants, method, norm),
        arithmetic=found.arithmetic,
        seconds=time.perf_counter() - started,
    )


def _source(constants: CertificateConstants, method: CertificateMethod, norm: Norm) -> str:
    """The bound in words, with what L∞ makes of it."""
    if isinstance(constants.bounds, AdaptiveBounds):
        return AFFINE_SOURCE if norm == "L2" else f"{AFFINE_SOURCE}, over √d"
    if norm == "L2" or method not in CONSTANT_METHODS:
        return SOURCES[method]
    return f"{SOURCES[method]}, over √d, or {NATIVE_SOURCE} if that is more"


def _refused(method: CertificateMethod, norm: Norm, images: int, reason: str) -> SampleCertificates:
    return SampleCertificates(method=method, norm=norm, images=images, refusal=reason)


def certified_points(
    certificates: Sequence[SampleCertificates], budgets: Sequence[Budget], feature_source: str
) -> tuple[list[CertifiedPoint], str]:
    """The global certificate's share of all images at every budget, or why there is none."""
    by_norm = {each.norm: each for each in certificates if each.method == "global"}
    refusals = dict.fromkeys(each.refusal for each in by_norm.values() if each.refusal)
    if refusals:
        return [], "; ".join(refusals)
    points = []
    for budget in budgets:
        radii = by_norm[budget.norm].radius_values
        share = share_certified(radii, budget.epsilon)
        source = by_norm[budget.norm].source
        if not source.startswith(AFFINE_SOURCE):
            source = f"{source}: {feature_source}"
        number = Number(value=share, kind="lower", n=len(radii), source=source)
        points.append(CertifiedPoint(norm=budget.norm, epsilon=budget.epsilon, accuracy=number))
    return points, ""


def sample_margins(model: AbstractClassifier, known: ImageFeatures, labels: Tensor) -> SampleMargins:
    """min_j (s_y − s_j) and min_j (s_y − s_j)/‖w_y − w_j‖₂ of every test image; −∞ for one that cannot be run."""
    own = labels[known.positions]
    with torch.no_grad():
        logits = model.head(known.features)
    weights = model.head.weight.detach()
    gaps = (logits.gather(1, own[:, None]) - logits).double()
    distances = l2_norm(weights[own][:, None, :] - weights[None], dim=2)
    others = torch.nn.functional.one_hot(own, logits.shape[1]) == 0
    least = torch.where(others, gaps, torch.inf).amin(dim=1)
    apart = distances > 0  # equal rows: the gap is the same for all features, so no change of them can close it
    ratios = torch.where(
        apart, gaps / torch.where(apart, distances, 1.0), torch.where(gaps == 0, 0.0, gaps * torch.inf)
    )
    normalised = torch.where(others, ratios, torch.inf).amin(dim=1)
    return SampleMargins(
        logits=_at_positions(least, known, len(labels)), normalised=_at_positions(normalised, known, len(labels))
    )


def _at_positions(values: Tensor, known: ImageFeatures, count: int) -> str:
    """One value for each of `count` images, −∞ for those that cannot be run."""
    found = torch.full((count,), -math.inf, dtype=torch.float64)
    found[known.positions.cpu()] = values.double().cpu()
    return packed(found.tolist())
