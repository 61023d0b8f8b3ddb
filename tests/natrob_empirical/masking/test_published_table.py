"""The flags that need only numbers, on the paper's own and on rows made up here."""

from dataclasses import replace
from typing import Any

import pytest

from natrob_empirical.masking import (
    MNIST_LARGEST_CLASS_SHARE,
    MNIST_TEST_IMAGES,
    PAPER_TABLE_1,
    PAPER_TABLE_1_CIFAR10,
    MaskingReport,
    PublishedAccuracy,
    diagnose_table,
)


def names(report: MaskingReport) -> set[str]:
    return {flag.name for flag in report.flags}


def row(accuracies: dict[float, float], **changes: Any) -> list[PublishedAccuracy]:
    entry = PublishedAccuracy(model="a network", attack="FGSM", epsilon=0.0, accuracy=0.0, steps=1)
    return [replace(entry, epsilon=epsilon, accuracy=share, **changes) for epsilon, share in accuracies.items()]


def judged(entries: list[PublishedAccuracy], **changes: Any) -> set[str]:
    return names(diagnose_table(entries, **{"num_images": 10_000, "largest_class_share": 0.1135, **changes}))


def raised(report: MaskingReport, flag: str) -> list[dict[str, Any]]:
    return [dict(item.numbers) for item in report.evidence if (item.flag.name, item.status) == (flag, "raised")]


def test_the_papers_mnist_numbers_raise_the_ceiling_the_reach_and_the_flat_row() -> None:
    report = diagnose_table(PAPER_TABLE_1, num_images=MNIST_TEST_IMAGES, largest_class_share=MNIST_LARGEST_CLASS_SHARE)
    assert names(report) == {"above-ceiling", "too-few-steps", "flat-in-epsilon"}
    assert [found["accuracy"] for found in raised(report, "above-ceiling")] == [0.9748, 0.7523]
    assert {found["ceiling"] for found in raised(report, "above-ceiling")} == {0.1135}
    (flat,) = raised(report, "flat-in-epsilon")  # the Neural ODE's row of FGSM; three others fall or are at 0
    assert flat["drop"] == pytest.approx(0.0002)
    # 40 steps of 0.01 cross the ball of 0.2 and no larger one; they leave nothing of the other network all the same.
    reach = raised(report, "too-few-steps")
    assert [found["epsilon"] for found in reach] == [0.3, 0.4, 0.5]
    assert [found["reach"] for found in reach] == pytest.approx([0.4] * 3)
    sentences = [item.sentence for item in report.evidence if item.flag.name == "too-few-steps"]
    assert "at most 0.4, even less than ε, and crossing the ball takes 2ε = 1" in sentences[-1]
    assert "not run" not in {item.status for item in report.evidence}
    assert report.verdict.startswith("signs of masking: above-ceiling, flat-in-epsilon, too-few-steps")


def test_the_papers_cifar10_numbers_raise_nothing_and_leave_two_flags_unjudged() -> None:
    report = diagnose_table(PAPER_TABLE_1_CIFAR10, num_images=10_000, largest_class_share=0.1)
    assert names(report) == set()
    assert {i.flag.name for i in report.evidence if i.status == "not run"} == {"above-ceiling", "flat-in-epsilon"}


@pytest.mark.parametrize(
    ("accuracies", "flags"),
    [
        ({0.1: 0.98, 0.2: 0.975, 0.3: 0.97}, {"flat-in-epsilon"}),
        ({0.1: 0.98, 0.2: 0.7, 0.3: 0.2}, set()),
        ({0.1: 0.98, 0.2: 0.97, 0.5: 0.975}, {"flat-in-epsilon", "above-ceiling"}),
        ({0.1: 0.8, 0.2: 0.4, 0.3: 0.5}, {"rising-in-epsilon"}),
        ({0.1: 0.8, 0.2: 0.4, 0.3: 0.405}, set()),  # within three standard errors
        ({0.01: 0.98, 0.02: 0.975}, set()),  # so small that a model may be robust there
        ({0.2: 0.98, 0.3: 0.975}, set()),  # hardly another radius
        ({0.1: 0.03, 0.3: 0.02}, set()),  # nothing left to fall
        ({0.0: 0.99, 0.3: 0.97}, {"flat-in-epsilon"}),  # the clean accuracy is an entry too
        ({0.5: 0.1135}, set()),
        ({0.5: 0.114}, {"above-ceiling"}),
    ],
)
def test_rows(accuracies: dict[float, float], flags: set[str]) -> None:
    entries = row(accuracies)
    assert judged(entries) == flags
    assert judged(entries[::-1]) == flags


def test_an_l2_row_has_no_ceiling_and_is_not_flat() -> None:
    assert judged(row({0.5: 0.9, 1.5: 0.9}, norm="L2")) == set()


def test_without_the_largest_class_share_the_ceiling_is_not_judged() -> None:
    assert judged(list(PAPER_TABLE_1), largest_class_share=None) == {"too-few-steps", "flat-in-epsilon"}


@pytest.mark.parametrize(("one", "many", "raised"), [(0.5, 0.53, True), (0.5, 0.51, False), (0.5, 0.4, False)])
def test_one_step_is_compared_with_many_at_the_same_radius(one: float, many: float, raised: bool) -> None:
    steps = row({0.1: many}, attack="PGD", steps=40)
    assert judged([*row({0.1: one}), *steps]) == ({"one-step-stronger"} if raised else set())
    assert judged([*row({0.2: one}), *steps]) == set()


@pytest.mark.parametrize(("step_size", "raised"), [(0.01, True), (0.0149, True), (0.015, False)])
def test_the_steps_must_cross_the_ball(step_size: float, raised: bool) -> None:
    entries = row({0.3: 0.05}, attack="PGD", steps=40, step_size=step_size)
    assert judged(entries) == ({"too-few-steps"} if raised else set())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accuracy": 97.48}, "`accuracy` must be a share from 0 to 1, got 97.48"),
        ({"epsilon": -0.1}, "`epsilon` must be at least 0, got -0.1"),
        ({"norm": "L1"}, "`norm` must be one of Linf, L2, got 'L1'"),
        ({"steps": 0}, "`steps` must be at least 1, got 0"),
        ({"step_size": -1.0}, "`step_size` must be at least 0"),
    ],
)
def test_wrong_entries_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PAPER_TABLE_1[0], **changes)


@pytest.mark.usefixtures("unchecked")
def test_wrong_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="once, got one of them twice"):
        diagnose_table([PAPER_TABLE_1[0], PAPER_TABLE_1[0]], num_images=10)
    with pytest.raises(ValueError, match="`num_images` must be at least 1"):
        diagnose_table(PAPER_TABLE_1, num_images=0)
    with pytest.raises(ValueError, match=r"`largest_class_share` must be a share from 0 to 1, got 11\.35"):
        diagnose_table(PAPER_TABLE_1, num_images=10, largest_class_share=11.35)
