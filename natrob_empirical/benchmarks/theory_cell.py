"""The theory side of one trained classifier: constants, bounds, trajectories, vacuity, certificates."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from natrob_empirical.benchmarks import integrator_theory, residual_theory  # noqa: F401 - they register themselves
from natrob_empirical.benchmarks.classifier_theory import (
    SOLVE_FAILURES,
    AbstractClassifierTheory,
    TheoryRefusedError,
    TrunkMeasurement,
    theory_of,
)
from natrob_empirical.benchmarks.presets import Budget
from natrob_empirical.benchmarks.record_numbers import measured, number_of
from natrob_empirical.benchmarks.sample_certificates import certified_points, sample_certificates, sample_margins
from natrob_empirical.benchmarks.theory_curves import growth_curves
from natrob_empirical.benchmarks.theory_pairs import ImagePairs, features_of, image_pairs, pairs_that_run
from natrob_empirical.benchmarks.trunk_search import trunk_lower_bound
from natrob_empirical.certification import CertificateMethod
from natrob_empirical.models import AbstractClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import (
    BlockConstants,
    BoundCheckSummary,
    Number,
    SampleAmplification,
    TheoryRefusal,
    TheoryResult,
    VacuityPoint,
)
from natrob_theory import BoundCheck, LayerRefusedError

STRUCTURAL_CHECK: Final = "structural bound of the trunk"
"""The `constant` of the check of the record's growth bound itself, step by step."""

DIAMETER_IMAGES = 2000
"""The largest distance between features is looked for among so many images at most."""


@dataclass(frozen=True, kw_only=True)
class TrainedClassifier:
    """A classifier with what its training left to report."""

    classifier: AbstractClassifier
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
    own_certificates: dict[CertificateMethod, int] | None = None,
) -> TheoryResult | TheoryRefusal:
    """Everything of `TheoryResult`, computed in float64 on a copy of the classifier.

    What only suggests where to measure, the attack on the pairs and the ascent on the trunk, runs in the classifier's
    own precision: what it finds is measured in float64.

    Pairs whose solve fails or overflows are left out and named. Where none is left, or a layer cannot be bounded, the
    result is the refusal with its reason.

    Args:
        trained: the classifier.
        images, labels: all test images.
        pairs: how many pairs of images are measured.
        budgets: of the attacks.
        streams: of the run.
        own_certificates: method → on how many of the first images certificates are computed image by image.
    """
    try:
        return _measured(trained, images, labels, pairs=pairs, budgets=budgets, streams=streams,
                         own_certificates=own_certificates)  # fmt: skip
    except (TheoryRefusedError, LayerRefusedError, *SOLVE_FAILURES) as reason:
        return TheoryRefusal(
            parameters=_parameters(trained.classifier),
            train_accuracy=trained.train_accuracy,
            clean_accuracy=trained.clean_accuracy,
            training_seconds=trained.training_seconds,
            reason=str(reason),
        )


def _measured(
    trained: TrainedClassifier,
    images: Tensor,
    labels: Tensor,
    *,
    pairs: int,
    budgets: Sequence[Budget],
    streams: RandomStreams,
    own_certificates: dict[CertificateMethod, int] | None = None,
) -> TheoryResult:
    """The result, or one of the errors that `measure_theory` makes a refusal of."""
    model = copy.deepcopy(trained.classifier).double().eval()
    shape = (images.shape[1], images.shape[2], images.shape[3])
    theory, suggesting = theory_of(model, shape), theory_of(trained.classifier, shape)
    clean = images.double()
    known = features_of(model, clean)
    chosen = image_pairs(
        model, clean, labels, known, searched=(trained.classifier, model), pairs=pairs, streams=streams
    )
    try:
        measurement = _along_the_trunk(theory, chosen, streams)
    except SOLVE_FAILURES:
        chosen = pairs_that_run(theory, chosen)
        measurement = _along_the_trunk(theory, chosen, streams)
    amplification = _amplification(chosen, measurement)
    growth = torch.tensor(amplification.trunk_values, dtype=torch.float64)
    notes = [known.left_out, chosen.left_out]
    try:
        evaluations = theory.evaluations(trained.classifier, images[chosen.positions])
    except SOLVE_FAILURES as failure:
        evaluations = theory.evaluations(model, chosen.clean)
        notes.append(f"evaluations are those in float64, in its own precision the classifier cannot be run: {failure}")
    bounds = measurement.bounds
    some = known.features[:DIAMETER_IMAGES]
    diameter = float(torch.cdist(some, some).max())
    counts: dict[CertificateMethod, int] = {"global": len(labels), **(own_certificates or {})}
    certificates = sample_certificates(trained.classifier, images, labels, known, budgets, counts)
    certified, refusal = certified_points(certificates, budgets, bounds.features.source)
    checks = [
        ("secant constants of each pair", measurement.paired),
        ("upper K of the field", measurement.from_upper),
        (STRUCTURAL_CHECK, measurement.from_structure),
    ]
    times = measurement.paired.times
    return TheoryResult(
        parameters=_parameters(trained.classifier),
        step_size=measurement.step_size,
        num_steps=len(times) - 1,
        total_time=float(times.max()) - float(times.min()),
        evaluations=round(evaluations.median),
        train_accuracy=trained.train_accuracy,
        clean_accuracy=trained.clean_accuracy,
        training_seconds=trained.training_seconds,
        field_lipschitz_upper=number_of(bounds.field),
        field_lipschitz_lower=number_of(measurement.lower, n=measurement.searched),
        stem_lipschitz_upper=number_of(bounds.stem),
        growth_bound=number_of(bounds.trunk),
        exponential_bound=number_of(measurement.exponential),
        feature_lipschitz_upper=number_of(bounds.features),
        measured_growth_median=measured(float(growth.median()), len(chosen), "median ‖e_N‖/‖e_0‖"),
        measured_growth_largest=measured(float(growth.max()), len(chosen), "largest ‖e_N‖/‖e_0‖"),
        feature_diameter=Number(
            value=diameter, kind="lower", n=len(some), source="largest distance between clean feature vectors"
        ),
        bound_checks=[_summary(constant, check) for constant, check in checks if check is not None],
        curves=list(growth_curves(measurement)),
        vacuity=_vacuity(float(bounds.features), diameter, budgets, images[0].numel()),
        certified=certified,
        certificate_refusal=refusal,
        amplification=amplification,
        evaluations_per_sample=evaluations,
        grid=measurement.grid,
        blocks=_blocks(measurement),
        left_out="; ".join(note for note in notes if note),
        certificates=certificates,
        margins=sample_margins(model, known, labels),
        trunk_lipschitz_lower=_trunk_lower(theory, suggesting, images.dtype, chosen),
    )


def _parameters(model: AbstractClassifier) -> int:
    return sum(p.numel() for p in model.parameters())


def _along_the_trunk(theory: AbstractClassifierTheory, pairs: ImagePairs, streams: RandomStreams) -> TrunkMeasurement:
    state = theory.entrance(pairs.clean)
    return theory.measure(state, theory.entrance(pairs.perturbed) - state, streams)


def _trunk_lower(
    theory: AbstractClassifierTheory, suggesting: AbstractClassifierTheory, dtype: torch.dtype, pairs: ImagePairs
) -> Number | None:
    """The trunk's lower constant from a search that starts at the pairs, in this precision if it runs there."""
    state = theory.entrance(pairs.clean)
    trunks = (lambda some: suggesting.trunk(some.to(dtype)), theory.trunk)
    found = trunk_lower_bound(theory, state, theory.entrance(pairs.perturbed) - state, suggesting=trunks)
    return None if found is None else number_of(found[0], n=found[1])


def _amplification(pairs: ImagePairs, measurement: TrunkMeasurement) -> SampleAmplification:
    """How far trunk and features carried every pair apart."""
    distances = (pairs.perturbed - pairs.clean).flatten(1).norm(dim=1)
    measured = measurement.paired.distance
    return SampleAmplification(
        positions=" ".join(map(str, pairs.positions.tolist())),
        perturbations="".join("rf"[found] for found in pairs.found.tolist()),
        distances=_packed(distances),
        trunk=_packed(measured[-1] / measured[0]),
        features=_packed(pairs.feature_distances / distances),
    )


def _packed(values: Tensor) -> str:
    return " ".join(map(repr, values.tolist()))


def _blocks(measurement: TrunkMeasurement) -> list[BlockConstants]:
    """The constants of every residual block."""
    searched = measurement.searched // max(1, len(measurement.block_lowers))
    return [
        BlockConstants(
            step_size=block.step_size,
            branch_upper=number_of(block.branch),
            branch_lower=number_of(lower, n=searched),
            shortcut_upper=number_of(block.shortcut),
            activation_upper=number_of(block.activation),
            growth=number_of(block.growth),
        )
        for block, lower in zip(measurement.bounds.blocks, measurement.block_lowers, strict=True)
    ]


def _vacuity(features: float, diameter: float, budgets: Sequence[Budget], dimension: int) -> list[VacuityPoint]:
    """Per budget, whether the bound lets features move as far as the features of two clean images."""
    points = []
    for budget in budgets:
        reach = features * budget.l2_radius(dimension)
        points.append(
            VacuityPoint(norm=budget.norm, epsilon=budget.epsilon, displacement_bound=reach, vacuous=reach >= diameter)
        )
    return points


def _summary(constant: str, check: BoundCheck) -> BoundCheckSummary:
    """A check over all pairs and all steps after the start."""
    holds = check.holds[1:]
    return BoundCheckSummary(
        constant=constant,
        kind="upper" if check.kind == "upper" else "estimate",
        pairs=holds.shape[1],
        comparisons=holds.numel(),
        violations=int(check.violated[1:].sum()),
        worst_ratio=check.worst_ratio,
        rounding=check.rounding,
    )
