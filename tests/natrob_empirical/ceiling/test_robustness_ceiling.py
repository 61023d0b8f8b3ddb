from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from natrob_empirical import L2Ball, LinfBall, load_dataset, robustness_ceiling
from natrob_empirical.ceiling import (
    Ceiling,
    CeilingCertificateError,
    CeilingNorm,
    CliqueCover,
    ConflictGraph,
    near_pairs,
    require_cover,
    require_independent,
    robustness_ceilings,
)
from natrob_empirical.ceiling.labelled_images import LabelledImages
from natrob_empirical.ceiling.pixel_levels import pixel_levels
from natrob_empirical.datasets import Dataset
from natrob_empirical.threat_models import AbstractBall, L1Ball

Array = npt.NDArray[Any]


def whole_digits() -> tuple[Array, Array]:
    data = load_dataset("digits")
    images = torch.cat([data.to_images(data.train_x), data.to_images(data.test_x)])
    return images.numpy(), torch.cat([data.train_y, data.test_y]).numpy()


def conflicts_by_definition(levels: Array, labels: Array, scale: int, norm: CeilingNorm, epsilon: float) -> set[Any]:
    """Distances in Python's whole numbers, the limit in rationals."""
    limit, found = 2 * Fraction(epsilon) * scale, set()
    rows = levels.reshape(len(levels), -1).astype(int).tolist()
    for one, other in combinations(range(len(rows)), 2):
        offset = [abs(a - b) for a, b in zip(rows[one], rows[other], strict=True)]
        near = {
            "Linf": max(offset) <= limit,
            "L1": sum(offset) <= limit,
            "L2": sum(each * each for each in offset) <= limit * limit,
        }
        if labels[one] != labels[other] and near[norm]:
            found.add((one, other))
    return found


def largest_independent(count: int, edges: set[Any]) -> int:
    best = 0
    for subset in range(1 << count):
        chosen = [v for v in range(count) if subset >> v & 1]
        if len(chosen) > best and not any(pair in edges for pair in combinations(chosen, 2)):
            best = len(chosen)
    return best


small_images = st.integers(2, 9).flatmap(
    lambda count: st.tuples(
        st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=count, max_size=count),
        st.lists(st.integers(0, 3), min_size=count, max_size=count),
    )
)


@given(small_images, st.sampled_from(["Linf", "L2", "L1"]), st.sampled_from([0.0, 0.125, 0.2, 0.25, 0.3, 0.375, 0.45]))
@settings(max_examples=60, deadline=None)
def test_the_ceiling_is_the_largest_independent_set(
    drawn: tuple[list[list[int]], list[int]], norm: CeilingNorm, epsilon: float
) -> None:
    levels, labels = np.array(drawn[0]), np.array(drawn[1])
    edges = conflicts_by_definition(levels, labels, 4, norm, epsilon)
    truth = largest_independent(len(levels), edges)
    found = robustness_ceilings((levels / 4).astype(np.float32), labels, [epsilon], norm=norm)[0]
    assert found.conflicts == len(edges)
    assert len(found.robust) <= truth <= found.most
    assert found.undecided == found.left_out == 0


@pytest.mark.parametrize(
    ("norm", "epsilon", "robust"),
    [("Linf", 0.2, 1797), ("Linf", 0.25, 1775), ("Linf", 0.3, 1742), ("Linf", 0.35, 1475), ("Linf", 0.4, 1192),
     ("Linf", 0.5, 183), ("L2", 0.75, 1752), ("L2", 1.0, 1288)],
)  # fmt: skip
def test_the_digits_ceilings_are_exact(norm: CeilingNorm, epsilon: float, robust: int) -> None:
    found = robustness_ceilings(*whole_digits(), [epsilon], norm=norm)[0]
    assert (found.most, len(found.robust), found.attained) == (robust, robust, True)
    assert found.lower <= robust / 1797 <= found.value


def test_from_one_half_on_the_largest_class_is_left(digits: Dataset) -> None:
    images, labels = digits.to_images(digits.test_x), digits.test_y
    largest = int(labels.bincount().max())
    for epsilon in (0.5, 0.75, 1.0):
        found = robustness_ceiling(images, labels, LinfBall(epsilon))
        assert found.most == len(found.robust) == largest
        assert found.method == "class sizes"
    just_below = robustness_ceiling(images, labels, LinfBall(0.499))
    assert just_below.most >= largest


def test_a_shuffle_changes_nothing(digits: Dataset) -> None:
    images, labels = digits.to_images(digits.test_x), digits.test_y
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(3))
    for ball in (LinfBall(0.4), L2Ball(1.25)):
        one = robustness_ceiling(images, labels, ball)
        other = robustness_ceiling(images[order], labels[order], ball)
        assert (one.most, one.conflicts) == (other.most, other.conflicts)


@pytest.mark.parametrize(("ball", "norm"), [(LinfBall(0.4), "Linf"), (L2Ball(1.25), "L2"), (L1Ball(5.0), "L1")])
def test_a_ball_names_its_norm(ball: AbstractBall, norm: CeilingNorm, digits: Dataset) -> None:
    images, labels = digits.to_images(digits.test_x), digits.test_y
    found, named = (
        robustness_ceiling(images, labels, ball),
        robustness_ceilings(images, labels, [ball.epsilon], norm=norm),
    )
    assert (found.norm, found.most, found.conflicts) == (norm, named[0].most, named[0].conflicts)
    assert found.conflicts > 0


def test_larger_radii_have_lower_ceilings_and_share_their_distances(digits: Dataset) -> None:
    images, labels = digits.to_images(digits.test_x), digits.test_y
    radii = [0.1, 0.3, 0.35, 0.4, 0.45, 0.5]
    together = robustness_ceilings(images, labels, radii, norm="Linf")
    alone = [robustness_ceiling(images, labels, LinfBall(radius)) for radius in radii]
    assert [each.most for each in together] == [each.most for each in alone]
    assert [each.most for each in together] == sorted((each.most for each in together), reverse=True)


def test_both_certificates_hold_and_altered_ones_are_refused() -> None:
    images, labels = whole_digits()
    found = robustness_ceilings(images, labels, [0.35], norm="Linf")[0]
    levels = np.rint(images.reshape(len(images), -1) * 16).astype(np.int64)
    distances = cdist(levels, levels, "chebyshev")
    first, second = np.nonzero(np.triu((distances <= 0.7 * 16) & (labels[:, None] != labels[None, :])))
    graph = ConflictGraph(count=len(labels), first=first, second=second)
    assert isinstance(found.cover, CliqueCover)
    require_cover(graph, found.cover)
    require_independent(graph, found.robust)
    assert sum(found.cover.weights) >= found.cover.bound == found.most
    lighter = replace(found.cover, numerators=tuple(99 * each // 100 for each in found.cover.numerators))
    with pytest.raises(CeilingCertificateError, match="leaves out image"):
        require_cover(graph, lighter)
    edges = set(zip(first.tolist(), second.tolist(), strict=True))
    apart = next(pair for pair in combinations(range(99), 2) if pair not in edges)
    joined = replace(found.cover, cliques=(*found.cover.cliques, apart), numerators=(*found.cover.numerators, 1))
    with pytest.raises(CeilingCertificateError, match="do not conflict"):
        require_cover(graph, joined)
    with pytest.raises(CeilingCertificateError, match="of an independent set conflict"):
        require_independent(graph, (int(first[0]), int(second[0])))
    with pytest.raises(CeilingCertificateError, match="names an image twice"):
        require_independent(graph, (0, 0))


def test_equal_images_of_two_labels_conflict_at_every_radius() -> None:
    images = np.array([[[0.5]], [[0.5]], [[0.5]], [[1.0]]], dtype=np.float32)
    different = robustness_ceiling(images, np.array([0, 1, 0, 1]), LinfBall(0.0))
    assert (different.equal_images, different.most, different.conflicts) == (2, 3, 2)
    assert different.witnesses[0].distance == 0
    same = robustness_ceiling(images, np.array([0, 0, 0, 1]), LinfBall(0.0))
    assert (same.equal_images, same.most, same.value) == (0, 4, 1.0)


def test_a_single_class_has_the_ceiling_one() -> None:
    images = np.random.default_rng(0).random((6, 2, 2))
    for epsilon in (0.1, 0.7):
        found = robustness_ceiling(images, np.zeros(6, dtype=int), LinfBall(epsilon))
        assert (found.value, found.classes, found.witnesses) == (1.0, 1, ())


def test_a_tie_joins_on_a_grid_of_floats_and_stays_open_beside_one() -> None:
    labels = np.array([0, 1])
    sixteenths = np.array([[[0.25]], [[0.75]]], dtype=np.float32)
    assert robustness_ceiling(sixteenths, labels, LinfBall(0.25)).most == 1
    assert robustness_ceiling(sixteenths, labels, LinfBall(0.25 - 1e-12)).undecided == 0
    bytes_ = np.array([[[10]], [[26]]], dtype=np.uint8)
    open_ = robustness_ceiling(bytes_, labels, LinfBall(8 / 255))
    assert (open_.most, len(open_.robust), open_.undecided, open_.attained) == (2, 1, 1, False)
    assert robustness_ceiling(bytes_, labels, LinfBall(8.01 / 255)).most == 1
    assert robustness_ceiling(bytes_, labels, LinfBall(7.99 / 255)).undecided == 0


@pytest.mark.parametrize("norm", ["Linf", "L2", "L1"])
def test_pixels_without_a_grid_are_enclosed(norm: CeilingNorm) -> None:
    generator = np.random.default_rng(7)
    images, labels = generator.random((120, 5)) ** 2, generator.integers(0, 4, 120)
    order = {"Linf": np.inf, "L2": 2, "L1": 1}[norm]
    offsets = images[:, None, :] - images[None, :, :]
    distances = np.linalg.norm(offsets, ord=order, axis=2)
    radius = float(np.quantile(distances, 0.02)) / 2
    found = robustness_ceilings(images, labels, [radius], norm=norm)[0]
    joined = np.triu((distances <= 2 * radius) & (labels[:, None] != labels[None, :]))
    assert found.conflicts + found.undecided >= int(joined.sum()) >= found.conflicts
    assert len(found.robust) <= found.most
    exact_tie = robustness_ceilings(images[[0, 1]], [0, 1], [float(distances[0, 1]) / 2], norm=norm)[0]
    assert (exact_tie.undecided, exact_tie.most, len(exact_tie.robust)) == (1, 2, 1)


def test_with_too_many_conflicts_the_farthest_are_left_out(monkeypatch: pytest.MonkeyPatch, digits: Dataset) -> None:
    images, labels = digits.to_images(digits.test_x), digits.test_y
    whole = robustness_ceiling(images, labels, LinfBall(0.45))
    monkeypatch.setattr("natrob_empirical.ceiling.labelled_images.MOST_PAIRS", 100)
    some = robustness_ceiling(images, labels, LinfBall(0.45))
    assert (some.conflicts, some.left_out) == (whole.conflicts, whole.conflicts - 100)
    assert len(some.robust) <= len(whole.robust) <= whole.most <= some.most


def test_a_graph_too_large_for_cliques_is_bounded_by_a_matching(
    monkeypatch: pytest.MonkeyPatch, digits: Dataset
) -> None:
    images, labels = digits.to_images(digits.test_x), digits.test_y
    cliques = robustness_ceiling(images, labels, L2Ball(1.25))
    monkeypatch.setattr("natrob_empirical.ceiling.labelled_images.MOST_FOR_CLIQUES", 0)
    matching = robustness_ceiling(images, labels, L2Ball(1.25))
    assert matching.method == "matching"
    assert cliques.most <= matching.most < len(labels)


@pytest.mark.mnist
def test_a_slice_of_mnist(mnist_root: object) -> None:
    data = load_dataset("mnist", data_root=str(mnist_root), download=False)
    images, labels = data.to_images(data.test_x[:400]), data.test_y[:400]
    found: Ceiling = robustness_ceiling(images, labels, L2Ball(3.0))
    rows, kinds = images.flatten(1).double().numpy(), labels.numpy()
    joined = (cdist(rows, rows) <= 6.0) & (kinds[:, None] != kinds[None, :])
    assert found.conflicts == int(np.triu(joined).sum())
    assert found.attained


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.array([[np.nan], [0.0]]), [0, 1], "must be finite, got NaN or infinity in 1 of 2"),
        (np.array([[np.inf], [0.0]]), [0, 1], "must be finite"),
        (np.array([[255.0], [0.0]]), [0, 1], "divide images with pixels up to 255"),
        (np.array([[-0.1], [0.0]]), [0, 1], "pixel range"),
        (np.zeros((2, 3)), [0, 1, 2], "one label an image"),
        (np.zeros((0, 3)), [], "non-empty"),
    ],
)
def test_bad_images_and_labels_are_named(images: Array, labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        robustness_ceiling(images, np.array(labels, dtype=int), LinfBall(0.1))


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="`images` must be uint8"):
        robustness_ceiling(np.zeros((2, 3), dtype=int), [0, 1], LinfBall(0.1))
    with pytest.raises(TypeError, match="`labels` must be whole numbers"):
        robustness_ceiling(np.zeros((2, 3)), [0.0, 1.0], LinfBall(0.1))
    with pytest.raises(ValueError, match="must have no mask"):
        robustness_ceiling(np.zeros((2, 1, 1, 3)), [0, 1], LinfBall(0.1, mask=torch.tensor([True, False, True])))


def of_blocks(images: Array, labels: Array, norm: CeilingNorm, epsilon: float) -> tuple[int, set[tuple[int, int]]]:
    """How many blocks the search takes with seven rows a block, and its pairs."""
    subject = LabelledImages(pixels=pixel_levels(images), labels=labels, norm=norm)
    blocks = list(near_pairs.SEARCHES[norm](subject.pixels.levels, labels, subject.limits(epsilon).possible).blocks())
    return len(blocks), {
        pair for each in blocks for pair in zip(each.first.tolist(), each.second.tolist(), strict=True)
    }


@pytest.mark.mnist
@pytest.mark.parametrize(("norm", "epsilon"), [("L2", 3.0), ("Linf", 0.5), ("L1", 40.0)])
def test_blocks_of_training_images_find_what_a_direct_computation_finds(
    norm: CeilingNorm, epsilon: float, mnist_root: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_dataset("mnist", data_root=str(mnist_root), download=False)
    images, labels = data.to_images(data.train_x[:150]).numpy(), data.train_y[:150].numpy()
    monkeypatch.setattr(
        near_pairs, "row_blocks", lambda count: (slice(k, min(count, k + 7)) for k in range(0, count, 7))
    )
    blocks, pairs = of_blocks(images, labels, norm, epsilon)
    levels = np.rint(images.reshape(len(images), -1) * 255).astype(int)
    assert blocks == 22
    assert pairs == conflicts_by_definition(levels, labels, 255, norm, epsilon)
    assert pairs
