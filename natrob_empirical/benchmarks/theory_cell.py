"""The theory side of one trained classifier: constants, bounds, trajectories, vacuity, certificates."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from natrob_empirical.attacks import PGD
from natrob_empirical.benchmarks.presets import Budget
from natrob_empirical.certification import (
    CertificateRefusedError,
    ClassifierBounds,
    certified_accuracy,
    classifier_bounds,
    trunk_fields,
)
from natrob_empirical.models import IntegratorClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import (
    BoundCheckSummary,
    CertifiedPoint,
    Curve,
    Number,
    TheoryResult,
    VacuityPoint,
)
from natrob_empirical.threat_models import L2Ball
from natrob_theory import Bound, BoundCheck, check_bound, exponential_bound, lipschitz_lower_bound
from natrob_theory.bound import BoundKind
from natrob_theory.networks import AbstractFixedStepNet

PAIR_RADIUS = 0.5
"""L2 norm of the image perturbations whose growth is measured."""


@dataclass(frozen=True, kw_only=True)
class TrainedClassifier:
    """A classifier with what its training left to report."""

    classifier: IntegratorClassifier
    train_accuracy: Number
    clean_accuracy: Number
    training_seconds: float


def measure_theory(
    trained: TrainedClassifier,
    images: Tensor,
    labels: Tensor,
    *,
    pairs: int,
    budgets: Sequence[Budget],
    streams: RandomStreams,
) -> TheoryResult:
    """Everything of `TheoryResult`, computed in float64 on a copy of the classifier.

    Half of the pairs are images with a random perturbation of L2 norm `PAIR_RADIUS`, half with one that PGD found:
    random directions alone would understate the growth.
    """
    model = copy.deepcopy(trained.classifier).double().eval()
    clean = images.double()
    pairs = min(pairs, len(clean))
    perturbed = _perturbed_images(model, clean[:pairs], labels[:pairs], streams)
    with torch.no_grad():
        state = model.stem(clean[:pairs])
        perturbation = model.stem(perturbed) - state
        features = model.features(clean)
    diameter = float(torch.cdist(features, features).max())
    paired = check_bound(model.trunk, state, perturbation)
    bounds = classifier_bounds(model, (images.shape[1], images.shape[2], images.shape[3]))
    from_upper = _check_with_upper_constant(model, state, perturbation, bounds)
    lower, searched = _field_lower_bound(model, state, streams)
    growth = paired.distance / paired.distance[0]
    certified, refusal = _certified_points(model, clean, labels, budgets)
    checks = [("secant constants of each pair", paired), ("upper K of the field", from_upper)]
    return TheoryResult(
        parameters=sum(p.numel() for p in trained.classifier.parameters()),
        step_size=model.trunk.step_size if isinstance(model.trunk, AbstractFixedStepNet) else None,
        num_steps=len(paired.times) - 1,
        total_time=_ends(paired.times)[1] - _ends(paired.times)[0],
        evaluations=_evaluations_per_pass(trained.classifier, images[:1]),
        train_accuracy=trained.train_accuracy,
        clean_accuracy=trained.clean_accuracy,
        training_seconds=trained.training_seconds,
        field_lipschitz_upper=_number(bounds.field),
        field_lipschitz_lower=_number(lower, n=searched),
        stem_lipschitz_upper=_number(bounds.stem),
        growth_bound=_number(bounds.trunk),
        exponential_bound=_number(exponential_bound(bounds.field, *_ends(paired.times))),
        feature_lipschitz_upper=_number(bounds.features),
        measured_growth_median=_measured(float(growth[-1].median()), pairs, "median ‖e_N‖/‖e_0‖"),
        measured_growth_largest=_measured(float(growth[-1].max()), pairs, "largest ‖e_N‖/‖e_0‖"),
        feature_diameter=Number(
            value=diameter, kind="lower", n=len(clean), source="largest distance between clean feature vectors"
        ),
        bound_checks=[_summary(constant, check) for constant, check in checks if check is not None],
        curves=_curves(paired, from_upper, bounds.field, lower),
        vacuity=_vacuity(float(bounds.features), diameter, budgets, images[0].numel()),
        certified=certified,
        certificate_refusal=refusal,
    )


def _ends(times: Tensor) -> tuple[float, float]:
    """The first and the last time."""
    return float(times.min()), float(times.max())


def _perturbed_images(model: IntegratorClassifier, clean: Tensor, labels: Tensor, streams: RandomStreams) -> Tensor:
    """The first half randomly perturbed, the rest by PGD, all with L2 norm at most `PAIR_RADIUS`."""
    half = len(clean) // 2
    noise = torch.randn(clean[:half].shape, generator=streams.generator("pairs"), dtype=torch.float64).to(clean)
    noise = noise * (PAIR_RADIUS / noise.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)
    attack = PGD(L2Ball(PAIR_RADIUS), steps=20)
    found = attack(model, clean[half:], labels[half:], generator=streams.generator("pair attack")).adversarial
    moved = (found - clean[half:]).flatten(1).norm(dim=1) > 0
    # An image misclassified from the start comes back unmoved; a shifted copy keeps its pair meaningful.
    shifted = clean[half:] + PAIR_RADIUS / math.sqrt(clean[0].numel())
    return torch.cat([clean[:half] + noise, torch.where(moved.view(-1, 1, 1, 1), found, shifted)])


def _field_lower_bound(model: IntegratorClassifier, start: Tensor, streams: RandomStreams) -> tuple[Bound, int]:
    """The largest secant constant of the trunk's field(s) around states of the trunk, and how many states."""
    with torch.no_grad():
        states = model.trunk.trajectory(start[:16]).states
    visited = states[:: max(1, len(states) // 4)].flatten(0, 1)
    found = []
    for field, shape in trunk_fields(model, tuple(states.shape[2:])):
        points = visited[:, : shape[0]] if shape[0] != states.shape[2] else visited
        radius = float(points.flatten(1).norm(dim=1).mean())
        found.append(
            lipschitz_lower_bound(field, points, radius=radius, generator=streams.generator("lipschitz search"))
        )
    return max(found, key=float), len(visited)


def _check_with_upper_constant(
    model: IntegratorClassifier, state: Tensor, perturbation: Tensor, bounds: ClassifierBounds
) -> BoundCheck | None:
    """The check against the bound from the upper K; None where the method has no bound from that K."""
    if math.isinf(float(bounds.trunk)) and bounds.trunk.source.startswith("none"):
        return None
    return check_bound(model.trunk, state, perturbation, lipschitz=bounds.field)


def _evaluations_per_pass(model: IntegratorClassifier, images: Tensor) -> int:
    """How often one forward pass of one image evaluates the trunk's field(s)."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    with torch.no_grad():
        shape = tuple(model.stem(images).shape[1:])
        handles = [field.register_forward_hook(note) for field, _ in trunk_fields(model, shape)]
        model(images)
    for handle in handles:
        handle.remove()
    return count


def _curves(paired: BoundCheck, from_upper: BoundCheck | None, upper: Bound, lower: Bound) -> list[Curve]:
    """Growth along the network, relative to the perturbation at the trunk's entrance: measured and bounded."""
    growth = paired.distance / paired.distance[0]
    pairs = growth.shape[1]
    times = _common_times(paired)
    elapsed = times - times[0]
    growth = _at_times(growth, paired, times)

    def curve(label: str, kind: BoundKind | Literal["measured"], n: int | None, values: Tensor) -> Curve:
        return Curve(label=label, kind=kind, n=n, times=times.tolist(), values=values.tolist())

    def largest_bound(check: BoundCheck) -> Tensor:
        return _at_times(check.bound / check.distance[0], check, times).amax(dim=1)

    curves = [
        curve("measured growth, median", "measured", pairs, growth.median(dim=1).values),
        curve("measured growth, largest", "measured", pairs, growth.amax(dim=1)),
        curve("bound from the pair's secants, largest", "upper", pairs, largest_bound(paired)),
    ]
    if from_upper is not None:
        curves.append(curve("bound from upper K", "upper", None, largest_bound(from_upper)))
    curves.append(curve("e^{tK} of the exact flow, upper K", "upper", None, _exponential(upper, elapsed)))
    curves.append(curve("e^{tK} of the exact flow, lower K", "estimate", None, _exponential(lower, elapsed)))
    return curves


def _common_times(check: BoundCheck) -> Tensor:
    """The grid of all pairs; where each has its own, as many equal steps as the longest of them has."""
    if check.times.dim() == 1:
        return check.times
    start, end = float(check.times.min()), float(check.times.max())
    return torch.linspace(start, end, len(check.times), dtype=torch.float64)


def _at_times(values: Tensor, check: BoundCheck, times: Tensor) -> Tensor:
    """Values on each pair's own grid, (points, pairs), at these times: those of its last grid point until then."""
    if check.times.dim() == 1:
        return values
    own = check.times.T.contiguous()
    index = torch.searchsorted(own, times.expand(len(own), -1).contiguous(), right=True) - 1
    return values.gather(0, index.clamp(0, len(values) - 1).T)


def _exponential(lipschitz: Bound, elapsed: Tensor) -> Tensor:
    """e^{tK} at each time, rounded outward."""
    return torch.tensor([float(exponential_bound(lipschitz, 0.0, time)) for time in elapsed.tolist()])


def _vacuity(features: float, diameter: float, budgets: Sequence[Budget], dimension: int) -> list[VacuityPoint]:
    """Per budget, whether the bound lets features move as far as the features of two clean images."""
    points = []
    for budget in budgets:
        reach = features * budget.l2_radius(dimension)
        points.append(
            VacuityPoint(norm=budget.norm, epsilon=budget.epsilon, displacement_bound=reach, vacuous=reach >= diameter)
        )
    return points


def _certified_points(
    model: IntegratorClassifier, images: Tensor, labels: Tensor, budgets: Sequence[Budget]
) -> tuple[list[CertifiedPoint], str]:
    """Certified accuracy at every budget of the attacks, or why there is none."""
    try:
        result = certified_accuracy(model, images, labels, [b.l2_radius(images[0].numel()) for b in budgets])
    except CertificateRefusedError as refusal:
        return [], str(refusal)
    source = "min margin/(L‖w_y − w_j‖), L: " + result.feature_lipschitz.source
    return [
        CertifiedPoint(
            norm=budget.norm,
            epsilon=budget.epsilon,
            accuracy=Number(value=value, kind="lower", n=len(images), source=source),
        )
        for budget, value in zip(budgets, result.accuracies, strict=True)
    ], ""


def _summary(constant: str, check: BoundCheck) -> BoundCheckSummary:
    """A check over all pairs and all steps after the start."""
    holds = check.holds[1:]
    return BoundCheckSummary(
        constant=constant,
        kind="upper" if check.kind == "upper" else "estimate",
        pairs=holds.shape[1],
        comparisons=holds.numel(),
        violations=int((~holds).sum()),
        worst_ratio=check.worst_ratio,
        rounding=check.rounding,
    )


def _number(bound: Bound, *, n: int | None = None) -> Number:
    return Number(value=float(bound), kind=bound.kind, n=n, source=bound.source)


def _measured(value: float, n: int, source: str) -> Number:
    return Number(value=value, kind="measured", n=n, source=source)
