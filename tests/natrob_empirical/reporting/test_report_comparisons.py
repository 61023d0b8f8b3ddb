import math
from collections.abc import Sequence
from typing import Any

import pytest
from synthetic_records import attack_record, number, theory_record

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import Section, group_records
from natrob_empirical.reporting.findings import bound_and_accuracy, neural_ode, step_size


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def found(finding: Any) -> Any:
    assert finding is not None
    return finding


def steps(accuracies: Sequence[float], n: int) -> Section:
    records: list[CellRecord] = []
    for h, accuracy in zip((0.1, 0.5, 1.0), accuracies, strict=True):
        records += [
            theory_record(f"h = {h}", step_size=h, steps=round(1 / h)),
            attack_record(f"h = {h}", accuracy=accuracy, n=n),
        ]
    return of(*records)


@pytest.mark.parametrize(
    ("accuracies", "n", "verdict", "words"),
    [
        ((0.42, 0.41, 0.40), 100, "undecided", "does not explain"),
        ((0.60, 0.50, 0.40), 1000, "holds", "smaller step is the more accurate"),
        ((0.40, 0.50, 0.60), 1000, "does not hold", "LESS accurate"),
    ],
)
def test_step_size(accuracies: Sequence[float], n: int, verdict: str, words: str) -> None:
    finding = found(step_size(steps(accuracies, n)))
    assert finding.verdict == verdict
    assert words in finding.text
    assert f"(upper, n = {n:,})" in finding.text
    assert "T differs" not in finding.text


def test_step_size_says_when_the_total_time_differs_too(section: Section) -> None:
    assert "T differs" in found(step_size(section)).text
    assert step_size(of(theory_record(), attack_record())) is None


@pytest.mark.parametrize(
    ("ode", "other", "verdict"), [(0.9, 0.2, "holds"), (0.2, 0.9, "does not hold"), (0.50, 0.49, "undecided")]
)
def test_neural_ode_against_the_rest(ode: float, other: float, verdict: str) -> None:
    section = of(
        attack_record("ODE", accuracy=ode, key_changes={"network": "neural_ode"}), attack_record("R", accuracy=other)
    )
    assert found(neural_ode(section)).verdict == verdict


def test_neural_ode_needs_both_sides() -> None:
    assert neural_ode(of(attack_record())) is None


def ranked(growths: Sequence[float], accuracies: Sequence[float]) -> Section:
    records: list[CellRecord] = []
    for index, (growth, accuracy) in enumerate(zip(growths, accuracies, strict=True)):
        name = f"model {index}"
        records += [
            theory_record(name, growth_bound=number(growth, "upper", None)),
            attack_record(name, accuracy=accuracy),
        ]
    return of(*records)


def test_correlation_of_bound_and_accuracy() -> None:
    growths = [10.0**k for k in range(6)]
    falling = found(bound_and_accuracy(ranked(growths, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4])))
    assert "ρ = −1 (n = 6 models" in falling.text
    assert "says little" in falling.text
    assert falling.verdict == "holds"
    rising = found(bound_and_accuracy(ranked(growths, [0.4, 0.5, 0.6, 0.7, 0.8, 0.9])))
    assert rising.verdict == "does not hold"
    mixed = found(bound_and_accuracy(ranked(growths, [0.4, 0.9, 0.5, 0.8, 0.6, 0.7])))
    assert mixed.verdict == "undecided"
    assert "no association is shown" in mixed.text


def test_correlation_over_too_few_models() -> None:
    finding = found(bound_and_accuracy(ranked([1.0, 2.0], [0.5, 0.4])))
    assert "no rank correlation" in finding.text
    assert finding.verdict == "not tested here"


def test_infinite_growth_ranks_last() -> None:
    finding = found(bound_and_accuracy(ranked([0.0, 1.0, 10.0, 100.0, math.inf], [0.9, 0.8, 0.7, 0.6, 0.5])))
    assert "ρ = −1 (n = 5 models" in finding.text
