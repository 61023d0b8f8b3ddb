"""The pairs of images whose divergence is measured, and what to do about those that cannot be run."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from natrob_empirical.attacks import PGD
from natrob_empirical.benchmarks.classifier_theory import SOLVE_FAILURES, AbstractClassifierTheory, TheoryRefusedError
from natrob_empirical.models import AbstractClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import L2Ball
from natrob_theory import SolveStatus

PAIR_RADIUS = 0.5
"""L2 norm of the image perturbations whose growth is measured."""

SEARCH_STEPS = 20
"""Steps of the PGD that looks for the perturbations that are not random."""

FEATURE_BATCH = 256
"""So many images go through the network together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageFeatures:
    """The images that the classifier can run, at least one, with their features.

    Attributes:
        positions: of these images among all.
        features: theirs.
        image_entries: d, of one image.
        left_out: how many others there are and why, or empty.
    """

    positions: Tensor
    features: Tensor
    image_entries: int
    left_out: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ImagePairs:
    """Clean and perturbed images that the classifier can run, at least one pair.

    Attributes:
        clean, perturbed: the images.
        feature_distances: ‖Φ(x') − Φ(x)‖₂.
        positions: of the clean ones among all images.
        found: whether an attack found the perturbation; False for a random one.
        left_out: which pairs are missing and why, or what was done instead; or empty.
    """

    clean: Tensor
    perturbed: Tensor
    feature_distances: Tensor
    positions: Tensor
    found: Tensor
    left_out: str

    def __len__(self) -> int:
        return len(self.clean)


def features_of(model: AbstractClassifier, images: Tensor) -> ImageFeatures:
    """The features of the images that can be run.

    Raises:
        TheoryRefusedError: there is none.
    """
    kept, parts, reasons = [], [], []
    for rows in torch.arange(len(images)).split(FEATURE_BATCH):
        there, features, why = _features_that_run(model, images, rows)
        kept.append(there)
        parts += features
        reasons += why
    positions = torch.cat(kept)
    if not len(positions):
        raise TheoryRefusedError(f"none of {len(images)} images can be run: {reasons[0]}")
    missing = len(images) - len(positions)
    why = f"features of {missing} of {len(images)} images: {'; '.join(dict.fromkeys(reasons))}" if missing else ""
    return ImageFeatures(positions=positions, features=torch.cat(parts), image_entries=images[0].numel(), left_out=why)


def image_pairs(
    model: AbstractClassifier,
    images: Tensor,
    labels: Tensor,
    known: ImageFeatures,
    *,
    searched: Sequence[AbstractClassifier],
    pairs: int,
    streams: RandomStreams,
) -> ImagePairs:
    """The first images that can be run, half with a random perturbation, half with one that PGD found.

    Args:
        model: what is measured.
        images, labels: in the model's precision.
        known: the features of those that it can run.
        searched: the same model in the precision in which PGD attacks it, and others that it attacks where that fails.
        pairs: how many images at most.
        streams: of the run.

    Raises:
        TheoryRefusedError: none of the perturbed images can be run.
    """
    chosen = known.positions[:pairs]
    clean = images[chosen]
    perturbed, found, notes = _perturbed_images(searched, clean, labels[chosen], streams)
    rows, parts, reasons = _features_that_run(model, perturbed, torch.arange(len(clean)))
    if not len(rows):
        raise TheoryRefusedError(f"none of {len(clean)} perturbed images can be run: {reasons[0]}")
    if len(rows) < len(clean):
        notes.append(_missing_pairs(chosen, rows, reasons))
    return ImagePairs(
        clean=clean[rows],
        perturbed=perturbed[rows],
        feature_distances=(torch.cat(parts) - known.features[rows]).norm(dim=1),
        positions=chosen[rows],
        found=found[rows],
        left_out="; ".join(notes),
    )


def pairs_that_run(theory: AbstractClassifierTheory, pairs: ImagePairs) -> ImagePairs:
    """Those of the pairs that can be run on the grid of their clean image.

    Raises:
        TheoryRefusedError: there is none.
    """

    def run(rows: Tensor) -> None:
        state = theory.entrance(pairs.clean[rows])
        theory.check_pairs(state, theory.entrance(pairs.perturbed[rows]) - state)

    rows, reasons = rows_that_run(run, torch.arange(len(pairs)))
    if not len(rows):
        raise TheoryRefusedError(f"none of {len(pairs)} pairs of images can be run: {reasons[0]}")
    missing = _missing_pairs(pairs.positions, rows, reasons) if len(rows) < len(pairs) else ""
    return ImagePairs(
        clean=pairs.clean[rows],
        perturbed=pairs.perturbed[rows],
        feature_distances=pairs.feature_distances[rows],
        positions=pairs.positions[rows],
        found=pairs.found[rows],
        left_out="; ".join(note for note in (pairs.left_out, missing) if note),
    )


def _missing_pairs(positions: Tensor, kept: Tensor, reasons: list[str]) -> str:
    missing = sorted(set(positions.tolist()) - set(positions[kept].tolist()))
    return f"{len(missing)} of {len(positions)} pairs, at positions {missing}: {'; '.join(reasons)}"


def _features_that_run(
    model: AbstractClassifier, images: Tensor, rows: Tensor
) -> tuple[Tensor, list[Tensor], list[str]]:
    """Which of the rows can be run, their features in parts, and why others cannot."""
    parts: list[Tensor] = []

    def run(some: Tensor) -> None:
        with torch.no_grad():
            features = model.features(images[some])
        if not bool(torch.isfinite(features).all()):
            raise OverflowError("the features have NaN or infinite entries; the trunk's growth overflows")
        parts.append(features)

    kept, reasons = rows_that_run(run, rows)
    return kept, parts, reasons


def rows_that_run(run: Callable[[Tensor], None], rows: Tensor) -> tuple[Tensor, list[str]]:
    """The rows on which `run` succeeds, in order, and the reasons of the others, each once.

    A solver says which samples failed, and the rest is tried again; where it does not say (an overflow, or
    torchdiffeq, whose samples share their steps) the rows are tried one by one.
    """
    if not len(rows):
        return rows, []
    try:
        run(rows)
    except SOLVE_FAILURES as failure:
        reason, status = str(failure), getattr(failure, "status", ())
    else:
        return rows, []
    if len(rows) == 1:
        return rows[:0], [reason]
    reached = torch.tensor([one is SolveStatus.REACHED_END for one in status], dtype=torch.bool)
    if len(reached) == len(rows) and not bool(reached.all()):
        kept, further = rows_that_run(run, rows[reached])
    else:
        tried = [rows_that_run(run, row) for row in rows.split(1)]
        kept, further = torch.cat([row for row, _ in tried]), [text for _, texts in tried for text in texts]
    return kept, list(dict.fromkeys([reason, *further]))


def _perturbed_images(
    models: Sequence[AbstractClassifier], clean: Tensor, labels: Tensor, streams: RandomStreams
) -> tuple[Tensor, Tensor, list[str]]:
    """The first half randomly perturbed, the rest by PGD, all with L2 norm at most `PAIR_RADIUS`; which were found.

    Random directions alone would understate the growth.
    """
    half = len(clean) // 2
    noise = torch.randn(clean.shape, generator=streams.generator("pairs"), dtype=torch.float64).to(clean)
    noise = noise * (PAIR_RADIUS / noise.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)
    attack, failures = PGD(L2Ball(PAIR_RADIUS), steps=SEARCH_STEPS), []
    for model in models:
        seen = clean[half:].to(next(model.parameters()).dtype)
        try:
            outcome = attack(model, seen, labels[half:], generator=streams.generator("pair attack"))
            break
        except (*SOLVE_FAILURES, ArithmeticError, ValueError) as failure:  # gradients or logits that are not finite
            failures.append(failure)
    else:
        nothing = torch.zeros(len(clean), dtype=torch.bool)
        return clean + noise, nothing, [f"no perturbation was searched for, all are random: {failures[-1]}"]
    found = outcome.adversarial.to(clean)
    moved = (found - clean[half:]).flatten(1).norm(dim=1) > 0
    # An image misclassified from the start comes back unmoved; a shifted copy keeps its pair meaningful.
    shifted = clean[half:] + PAIR_RADIUS / math.sqrt(clean[0].numel())
    perturbed = torch.cat([clean[:half] + noise[:half], torch.where(moved.view(-1, 1, 1, 1), found, shifted)])
    return perturbed, torch.cat([torch.zeros(half, dtype=torch.bool), moved.cpu()]), []
