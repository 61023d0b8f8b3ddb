"""One attack on one trained model, as the record of a cell holds it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor

from natrob_empirical.attacks import (
    AbstractMinimumNormAttack,
    AttackEvaluation,
    AutoAttack,
    Classifier,
    MinimumNormResult,
    PartReport,
    attack_accuracy,
)
from natrob_empirical.benchmarks.cells import AttackAtBudget, majority_share
from natrob_empirical.benchmarks.outcome_letters import outcome_letters
from natrob_empirical.benchmarks.presets import AttackSpecification
from natrob_empirical.records import AttackPart, AttackResult, Number, PublishedNumber, packed

BATCH_SIZE = 256


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """How near the wrong images are that a search found, per image, and what it spent."""

    distance: Tensor
    queries: Tensor
    gradient_calls: Tensor
    one_at_a_time: bool

    @classmethod
    def joined(cls, parts: Sequence[MinimumNormResult]) -> "_Search":
        """Joins several batches; their images are let go."""
        return cls(
            distance=torch.cat([part.distance for part in parts]),
            queries=torch.cat([part.queries for part in parts]),
            gradient_calls=torch.cat([part.gradient_calls for part in parts]),
            one_at_a_time=any(part.one_at_a_time for part in parts),
        )


@final
class AttackedModel:
    """A trained model, the images that it is attacked on, and the searches for nearest images made so far.

    A search for the nearest wrong image does not depend on a radius: one serves all of its attack's cells.

    Args:
        classifier: in eval mode.
        images, labels: all test images in use, on the classifier's device.
    """

    def __init__(self, classifier: Classifier, images: Tensor, labels: Tensor) -> None:
        self.classifier = classifier
        self.images = images
        self.labels = labels
        self._searches: dict[AttackSpecification, tuple[_Search, float]] = {}

    def result(
        self,
        attack: AttackAtBudget,
        *,
        source: Classifier | None,
        generator: torch.Generator,
        spared: Tensor | None = None,
    ) -> AttackResult:
        """The outcome of the attack at its budget.

        Args:
            attack: which, and at which radius.
            source: the model that transferred images are made on; None for an attack on the model itself.
            generator: at the start of the attack's stream.
            spared: of the images attacked, those that a certificate spares an attack of several parts, the only one
                that costs enough: every other attack goes on to try all certificates. None spares no image.
        """
        specification = attack.specification
        count = min(specification.images or len(self.images), len(self.images))
        images, labels = self.images[:count], self.labels[:count]
        built = specification.build(attack.epsilon, source)
        parts: list[PartReport] = []
        if isinstance(built, AutoAttack):
            built = replace(built, on_part=parts.append)
        else:
            spared = None
        started = time.perf_counter()
        median = None
        if isinstance(built, AbstractMinimumNormAttack):
            found, seconds = self._nearest(built, specification, images, labels, generator)
            evaluation = _within(found, attack.epsilon)
            distance = found.distance
            median = _median_distance(found, specification.label)
        else:
            evaluation = attack_accuracy(
                built, self.classifier, images, labels, generator=generator, spared=spared, batch_size=BATCH_SIZE
            )
            seconds = time.perf_counter() - started
            distance = torch.where(evaluation.success, evaluation.distance, torch.inf)
        published = attack.published
        outcomes = outcome_letters(evaluation.wrong_from_the_start, evaluation.success)
        not_attacked = (
            [] if spared is None else [row for row in spared.nonzero().flatten().tolist() if outcomes[row] == "k"]
        )
        certified = f"; {len(not_attacked)} images not attacked: certified" if not_attacked else ""
        return AttackResult(
            accuracy=Number(
                value=evaluation.accuracy,
                kind="upper",
                n=count,
                source=f"{specification.label} found no more{certified}",
            ),
            clean_accuracy=Number(value=evaluation.clean_accuracy, kind="measured", n=count, source="test images"),
            majority_share=majority_share(labels),
            largest_distance=evaluation.largest_distance,
            mean_queries=evaluation.mean_queries,
            mean_gradient_calls=evaluation.mean_gradient_calls,
            seconds=seconds,
            outcomes=outcomes,
            median_distance=median,
            published=None if published is None else PublishedNumber(value=published.accuracy, source=published.source),
            distances=packed(distance.tolist()),
            only_on=list(specification.only_on),
            one_at_a_time=evaluation.one_at_a_time,
            not_attacked=" ".join(map(str, not_attacked)),
            parts=_added_up(parts),
        )

    def _nearest(
        self,
        attack: AbstractMinimumNormAttack,
        specification: AttackSpecification,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator,
    ) -> tuple[_Search, float]:
        """The nearest wrong images of the specification's search, and the seconds that it took."""
        if specification not in self._searches:
            started = time.perf_counter()
            batches = zip(images.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True)
            parts = [attack.minimise(self.classifier, x, y, generator=generator) for x, y in batches]
            self._searches[specification] = _Search.joined(parts), time.perf_counter() - started
        return self._searches[specification]


def _not_attacked(spared: Tensor | None, outcomes: str) -> list[int]:
    """The positions of the spared images; one that was wrong from the start was not spared after all."""
    positions = [] if spared is None else spared.nonzero().flatten().tolist()
    return [position for position in positions if outcomes[position] == "k"]


def _added_up(reports: Sequence[PartReport]) -> list[AttackPart]:
    """The work of each part that ran, over all batches."""
    names = dict.fromkeys(report.name for report in reports)
    return [
        AttackPart(
            name=name,
            attacked=sum(report.attacked for report in reports if report.name == name),
            left=sum(report.left for report in reports if report.name == name),
        )
        for name in names
    ]


def _within(found: _Search, epsilon: float) -> AttackEvaluation:
    """The evaluation at one radius, by the nearest images."""
    success = found.distance <= epsilon
    inside = found.distance[success]
    return AttackEvaluation(
        accuracy=float((~success).double().mean()),
        clean_accuracy=float((found.distance > 0).double().mean()),
        num_samples=len(success),
        success=success,
        wrong_from_the_start=found.distance == 0,
        distance=found.distance,
        largest_distance=float(inside.max()) if len(inside) else 0.0,
        mean_queries=float(found.queries.double().mean()),
        mean_gradient_calls=float(found.gradient_calls.double().mean()),
        one_at_a_time=found.one_at_a_time,
    )


def _median_distance(found: _Search, label: str) -> Number:
    """The median over correctly classified images, an upper bound; ∞ where none was found for half of them."""
    correct = found.distance[found.distance > 0]
    value = float(correct.quantile(0.5, interpolation="higher")) if len(correct) else 0.0
    return Number(value=value, kind="upper", n=len(correct), source=f"median of the nearest images that {label} found")
