import math
from typing import Any

import pytest
from synthetic_records import attack_record, key, number, record, run_records, theory_record, theory_result

from natrob_empirical.records import BoundCheckSummary, CellRecord
from natrob_empirical.reporting import Section, findings_of, group_records
from natrob_empirical.reporting.claims import CLAIMS, claim_rows
from natrob_empirical.reporting.findings import (
    FINDERS,
    attack_strength,
    bound_held,
    certified_below_attacked,
    contradictions,
    discrete_against_exponential,
    estimated_bounds,
    fgsm_beats_pgd,
    impossibility,
    neural_ode,
    unused_budget,
    vacuity,
)
from natrob_empirical.reporting.findings.attacks import is_weak
from natrob_empirical.reporting.findings.certificates import exceeds


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def found(finding: Any) -> Any:
    assert finding is not None
    return finding


def test_a_single_cell_breaks_no_finding() -> None:
    for single in (
        theory_record(),
        attack_record(),
        theory_record(bound_checks=[], curves=[], vacuity=[], certified=[]),
    ):
        for finder in FINDERS:
            finder(of(single))


def test_bounds_that_hold_are_counted() -> None:
    finding = found(bound_held(of(theory_record("A"), theory_record("B", steps=10))))
    assert "held in 1,920 of 1,920 comparisons" in finding.text
    assert "0.97 (B, constant: secant constants of each pair)" in finding.text
    assert (finding.level, finding.verdict) == ("result", "holds")
    assert bound_held(of(attack_record())) is None


def test_a_violation_of_a_proved_bound_is_shouted() -> None:
    section = of(theory_record(violations=3), attack_record())
    finding = found(bound_held(section))
    assert finding.text.startswith("BUG: 3 comparisons exceed a proved bound (ResNet, h = 0.2).")
    assert (finding.level, finding.verdict) == ("alarm", "does not hold")
    assert findings_of(section)[0] == finding


def test_a_violation_of_an_estimate_refutes_its_constant_only() -> None:
    check = BoundCheckSummary(
        constant="sampled K", kind="estimate", pairs=4, comparisons=20, violations=5, worst_ratio=1.4, rounding="none"
    )
    section = of(theory_record(bound_checks=[check]))
    assert bound_held(section) is None
    finding = found(estimated_bounds(section))
    assert "exceeded in 5 of 20" in finding.text
    assert "not the theorem" in finding.text
    assert finding.level == "result"


def test_contradictions_are_shouted() -> None:
    crossed = theory_record("A", field_lipschitz_lower=number(4.0, "lower", 48))
    outgrown = theory_record("B", measured_growth_largest=number(99.0, n=64))
    finding = found(contradictions(of(crossed, outgrown)))
    assert finding.level == "alarm"
    assert "A, seed 0: the lower bound of K is above the upper bound (4 > 3)" in finding.text
    assert "B, seed 0: the measured growth is above its bound" in finding.text
    assert contradictions(of(theory_record(lipschitz=0.0))) is None


@pytest.mark.parametrize(
    ("vacuous_from", "verdict", "level"), [(0.01, "does not hold", "caution"), (9.0, "holds", "result")]
)
def test_vacuity(vacuous_from: float, verdict: str, level: str) -> None:
    finding = found(
        vacuity(of(theory_record("A", vacuous_from=vacuous_from), theory_record("B", vacuous_from=vacuous_from)))
    )
    assert (finding.verdict, finding.level) == (verdict, level)
    count = 2 if verdict == "does not hold" else "none"
    assert f"L∞ ε = 0.05, the bound is vacuous for {count} of 2 trained models" in finding.text


def test_the_range_of_the_growth_bounds() -> None:
    section = of(theory_record("A", lipschitz=0.0), theory_record("B", growth_bound=number(math.inf, "upper", None)))
    text = found(vacuity(section)).text
    assert "run from 1 (A) to ∞ (B)" in text
    assert "is 1 (upper, all inputs)" in found(vacuity(of(theory_record("A", lipschitz=0.0)))).text


def test_the_discrete_constant_is_below_the_exponential() -> None:
    finding = found(discrete_against_exponential(of(theory_record("A", step_size=1.0), theory_record("B"))))
    assert "for 2 of 2 models" in finding.text
    assert "it is so for 1 of 1" in finding.text
    assert finding.verdict == "does not hold"
    small = found(discrete_against_exponential(of(theory_record("B"))))
    assert small.verdict == "not tested here"
    above = theory_record("A", step_size=1.0, growth_bound=number(1e30, "upper", None))
    assert found(discrete_against_exponential(of(above))).verdict == "holds"


def test_a_network_named_by_its_field_may_run_eulers_method() -> None:
    euler, implicit = (
        record(
            key(name, network="gradient_flow"),
            theory_result(step_size=2.0),
            settings={"model": {"label": name, "method": method}},
        )
        for name, method in (("A", "euler"), ("B", "backward_euler"))
    )
    finding = found(discrete_against_exponential(of(euler, implicit)))
    assert "Of those that run Euler's method with h of at least 1 it is so for 1 of 1" in finding.text


@pytest.mark.parametrize(
    ("weak", "names"),
    [
        (True, ["FGSM", "DI²-FGSM", "PGD", "PGD-20", "PGD-40 from ResNet-50", "Random Noise", "Move to Gray"]),
        (False, ["PGD-100", "PGD-50 (step size 0.01)", "DI²-FGSM (90 steps)", "APGD-CE (20 steps)"]),
        (False, ["AutoAttack", "Square", "an attack of someone else's", "Boundary Attack (10 queries)"]),
    ],
)
def test_corruptions_and_few_steps_of_one_size_are_weak(weak: bool, names: list[str]) -> None:
    for name in names:
        assert is_weak(of(attack_record(attack=name)), name) == weak, name


def test_weak_attacks_are_weak_evidence() -> None:
    weak = found(attack_strength(of(attack_record(), attack_record(attack="FGSM"))))
    assert "All of them are weak" in weak.text
    assert "none of them is AutoAttack" in weak.text
    assert "upper bound" in weak.text
    assert weak.level == "caution"
    mixed = found(attack_strength(of(attack_record(attack="PGD-100"), attack_record(attack="FGSM"))))
    assert "Weak among them" in mixed.text
    strong = found(attack_strength(of(attack_record(attack="AutoAttack"))))
    assert strong.level == "result"
    assert "upper bound" in strong.text
    assert attack_strength(of(theory_record())) is None


def test_fgsm_below_pgd_is_a_sign_of_masking() -> None:
    finding = found(fgsm_beats_pgd(of(attack_record(accuracy=0.6), attack_record(attack="FGSM", accuracy=0.4))))
    assert "1 of the 1 cells" in finding.text
    assert "0.400 against 0.600 (upper, n = 200, seed 0)" in finding.text
    assert "masked" in finding.text
    assert finding.level == "caution"
    absent = found(fgsm_beats_pgd(of(attack_record(accuracy=0.4), attack_record(attack="FGSM", accuracy=0.4))))
    assert absent.level == "result"
    other_budget = of(attack_record(accuracy=0.6), attack_record(attack="FGSM", accuracy=0.4, epsilon=0.2))
    assert fgsm_beats_pgd(other_budget) is None


def test_accuracy_above_the_largest_class_is_a_fact_about_the_attack() -> None:
    finding = found(impossibility(of(attack_record(epsilon=0.5, accuracy=0.75))))
    assert "0.750 (upper, n = 200, seed 0;" in finding.text
    assert "largest class share (0.11)" in finding.text
    assert "fact about the attack" in finding.text
    assert (finding.level, finding.verdict) == ("caution", "does not hold")
    assert "None of the 1" in found(impossibility(of(attack_record(epsilon=0.6, accuracy=0.11)))).text
    assert impossibility(of(attack_record(epsilon=0.49), attack_record(norm="L2", epsilon=3.0))) is None


def test_certified_at_most_attacked() -> None:
    finding = found(certified_below_attacked(of(theory_record(), attack_record(epsilon=0.05))))
    # L∞ certificate: the attack and clean accuracy; L2 certificate: clean accuracy.
    assert "in all 3 comparisons" in finding.text
    assert finding.verdict == "holds"
    assert certified_below_attacked(of(theory_record(certified=[]))) is None


@pytest.mark.parametrize(
    ("norm", "epsilon", "shouted"),
    [("Linf", 0.05, True), ("Linf", 0.02, True), ("Linf", 0.06, False), ("L2", 0.3, True), ("L2", 0.31, False)],
)
def test_a_certificate_above_an_attack_it_covers_is_shouted(norm: str, epsilon: float, shouted: bool) -> None:
    section = of(theory_record(), attack_record(norm=norm, epsilon=epsilon, accuracy=0.1))
    finding = found(certified_below_attacked(section))
    assert (finding.level == "alarm") == shouted
    if shouted:
        assert finding.text.startswith("BUG: certified accuracy exceeds the accuracy under attack in 1 of")


def test_a_certificate_in_linf_covers_the_l2_ball_inside_it() -> None:
    section = of(theory_record(certified=[("Linf", 0.3, 0.5)]), attack_record(norm="L2", epsilon=0.3, accuracy=0.4))
    assert found(certified_below_attacked(section)).level == "alarm"


def test_a_certificate_above_the_clean_accuracy_is_shouted() -> None:
    assert found(certified_below_attacked(of(theory_record(clean=0.1)))).level == "alarm"


def test_different_image_counts_are_compared_as_nested_sets() -> None:
    assert not exceeds(number(0.5, "lower", 1000), number(0.4, "upper", 500))  # 500 − 500 not attacked ≤ 200
    assert exceeds(number(0.8, "lower", 1000), number(0.5, "upper", 500))  # 800 − 500 > 250
    assert exceeds(number(0.9, "lower", 100), number(0.05, "upper", 1000))  # 90 > 50
    assert exceeds(number(0.9, "lower", None), number(0.5, "upper", 10))
    assert not exceeds(number(1 / 3, "lower", 3), number(1 / 3, "upper", 3))


def test_an_attack_that_stays_inside_its_ball() -> None:
    finding = found(unused_budget(of(attack_record(attack="PGD-40", epsilon=0.5, accuracy=0.75, largest_distance=0.4))))
    assert "largest distance 0.4 (measured, n = 200)" in finding.text
    assert unused_budget(of(attack_record(attack="Boundary", accuracy=0.7, largest_distance=0.01))) is None
    assert unused_budget(of(attack_record())) is None


def test_claims_follow_the_findings(section: Section) -> None:
    rows = claim_rows(findings_of(section))
    assert len(rows) == len(CLAIMS)
    assert [row.verdict for row in rows] == [
        "holds",
        "undecided",
        "does not hold",
        "undecided",
        "undecided",
        "undecided",
        "not tested here",  # no amplification in these records
        "does not hold",
    ]
    assert all((row.evidence != "–") == (row.verdict != "not tested here") for row in rows)


def test_claims_without_records_are_not_tested() -> None:
    assert {row.verdict for row in claim_rows(())} == {"not tested here"}


def test_findings_are_about_all_seeds() -> None:
    section = of(*run_records(seeds=(0, 1)))
    assert "8,192 of 8,192" in found(bound_held(section)).text
    assert "mean of 2 seeds" in found(neural_ode(section)).text
