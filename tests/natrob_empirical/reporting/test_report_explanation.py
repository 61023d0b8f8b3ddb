"""What tells fooled images from kept ones: claimed where it is so, and nowhere else."""

import math
from pathlib import Path
from typing import Any

import pytest
from synthetic_records import attack_record, number, theory_record
from synthetic_samples import attacked, certificates, certified_theory, explained

from natrob_empirical.records import CellRecord, SampleMargins, TheoryResult, packed
from natrob_empirical.reporting import Section, group_records, write_report
from natrob_empirical.reporting.across_models import across_models, judged_accuracy
from natrob_empirical.reporting.explanation import (
    GROWTH_OF_TRUNK,
    GROWTH_TO_FEATURES,
    LOCAL_CONSTANT,
    LOGIT_MARGIN,
    MARGIN_OVER_GROWTH,
    NORMALISED_MARGIN,
    RADIUS,
    Explanation,
    Quantity,
    explanations,
    quantities_of,
)
from natrob_empirical.reporting.figure_explanation import explanation_figure
from natrob_empirical.reporting.figure_style import model_styles
from natrob_empirical.reporting.findings import model_explanation, sample_explanation
from natrob_empirical.reporting.tables.explanation import explanation_table


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def by_quantity(section: Section) -> dict[Quantity, Explanation]:
    return {each.quantity: each for each in explanations(section)}


def test_margins_that_decide_are_said_to_explain_and_growth_that_does_not_is_not() -> None:
    found = by_quantity(of(*explained()))
    margin, growth = found[NORMALISED_MARGIN], found[GROWTH_OF_TRUNK]
    assert margin.separation is not None
    assert (margin.separation.value, margin.support) == (1.0, "explains")
    assert margin.ranking is not None
    assert margin.ranking.value == pytest.approx(1.0)
    assert growth.support == "not shown"
    assert (margin.repeated, RADIUS in found) == ((RADIUS,), False)  # one constant for all images: the same order
    assert (growth.repeated, GROWTH_TO_FEATURES in found) == ((GROWTH_TO_FEATURES,), False)
    assert margin.fooled == pytest.approx(0.5, abs=0.01)


def test_growth_that_decides_is_said_to_explain() -> None:
    found = by_quantity(of(*explained(growth_matters=True)))
    assert found[GROWTH_OF_TRUNK].support == "explains"
    assert found[NORMALISED_MARGIN].support != "explains"
    assert found[MARGIN_OVER_GROWTH].support == "explains"


def test_the_reverse_is_named_as_such() -> None:
    distances = [0.1 + 0.01 * n for n in range(40)]
    margins = packed(list(reversed(distances)))
    theory = certified_theory(radii=[0.0] * 40, margins=SampleMargins(logits=margins, normalised=margins))
    section = of(theory, attacked(distances=distances, epsilon=0.3))
    assert by_quantity(section)[LOGIT_MARGIN].support == "the reverse"
    finding = sample_explanation(section)
    assert finding is not None
    assert (
        "in no case by the margin of the logits (none of 1 trained model, n = 40, AUROC 0 [0, 0], the reverse of "
        in (finding.text)
    )


def test_another_order_of_the_images_is_other_evidence() -> None:
    theory, *attacks = explained()
    result = theory.result
    assert isinstance(result, TheoryResult)
    radii = list(result.certificates[0].radius_values)
    radii[0], radii[1] = radii[1], radii[0]
    changed = result.model_copy(update={"certificates": [certificates(radii)]})
    assert RADIUS in by_quantity(of(theory.model_copy(update={"result": changed}), *attacks))


def test_nothing_is_judged_where_nearly_all_or_nearly_no_images_are_fooled() -> None:
    theory, *_ = explained()
    distances = [1.0] * 119 + [0.1]
    found = by_quantity(of(theory, attacked(distances=distances, epsilon=0.5)))[NORMALISED_MARGIN]
    assert (found.epsilon, found.separation, found.support) == (None, None, "not shown")
    assert found.ranking is not None


def test_images_that_are_wrong_without_an_attack_are_left_out() -> None:
    theory, *attacks = explained()
    assert {each.images for each in explanations(of(theory, *attacks))} == {120}
    wrong = attacked(label="other", distances=[0.0] * 20 + [math.inf] * 100, epsilon=0.2)
    assert {each.images for each in explanations(of(theory, *attacks, wrong))} == {100}


def test_a_local_constant_is_the_smallest_over_the_methods() -> None:
    own = certificates((0.1, 0.2), method="local", constants="2.0 3.0")
    other = certificates((0.1, 0.2), method="tube", constants="1.0 4.0")
    result = certified_theory(certificates=[own, other]).result
    assert isinstance(result, TheoryResult)
    assert quantities_of(result, "L2")[LOCAL_CONSTANT] == {0: 1.0, 1: 3.0}
    assert quantities_of(result, "Linf") == {}
    few = certified_theory(certificates=[certificates((0.1, 0.2, 0.3)), certificates((0.9,), method="local")]).result
    assert isinstance(few, TheoryResult)
    assert quantities_of(few, "L2")[RADIUS] == {0: 0.1, 1: 0.2, 2: 0.3}


def test_the_finding_sums_up_in_words() -> None:
    finding = sample_explanation(of(*explained()))
    assert finding is not None
    assert "B = 1,000, seed 0" in finding.text
    assert "only where they fool between 10 % and 90 %" in finding.text
    words = "In L2 fooled images are told from kept ones in every case that could be judged by the margin of the logits"
    assert f"{words} (1 of 1 trained model, n = 120, AUROC " in finding.text
    assert "normalised margin (1 of 1 trained model, n = 120, AUROC 1 [1, 1])" in finding.text
    assert "in no case by the measured amplification of the trunk (none of 1 trained model, n = 120" in finding.text
    assert "certified radius" not in finding.text
    assert "in 0 of 1 distinct cases that could be judged" in finding.summary
    assert finding.verdict == "undecided"
    holds = sample_explanation(of(*explained(growth_matters=True)))
    assert holds is not None
    assert holds.verdict == "holds"
    assert sample_explanation(of(theory_record(), attack_record())) is None


def test_table_figure_and_page(tmp_path: Path) -> None:
    records = [*explained(), *explained(seed=1, model="B")]
    section = of(*records)
    found = explanations(section)
    table = explanation_table(found)
    assert {row[0].text for row in table.rows} == {"A", "B"}
    assert "percentile bootstrap over the images, 1,000 resamples, seed 0" in table.caption
    assert "no AUROC where no radius fools between 10 % and 90 % of them" in table.caption
    assert "certified radius, as normalised margin (A and B)" in table.caption
    assert not any(row[1].text.startswith("certified radius") for row in table.rows)
    figure = explanation_figure(found, model_styles([section]), name="e")
    assert figure is not None
    files = write_report(records, tmp_path, title="A title")
    assert "explanation.svg" in {path.name for path in files.figures}
    for page in (files.html, files.markdown):
        assert "Does the bound explain which images are fooled?" in page.read_text(encoding="utf-8")


def several_models(count: int, *, related: bool) -> Section:
    """`count` models of growing bound, whose accuracy falls with it or not at all."""
    records: list[CellRecord] = []
    for index in range(count):
        kept = 100 - 10 * index if related else 50 + 7 * ((5 * index) % count)
        distances = [9.0] * kept + [0.1] * (120 - kept)
        label = f"model {index}"
        bounds: dict[str, Any] = {
            "growth_bound": number(10.0**index, "upper", None),
            "feature_lipschitz_upper": number(3 * 10.0**index, "upper", None),
        }
        records.append(certified_theory(label, radii=[0.0] * 120, **bounds))
        records.append(attacked(label, label="AutoAttack", kind="AutoAttack", distances=distances, epsilon=0.6))
        records.append(attacked(label, label="PGD", kind="PGD", distances=[9.0] * 120, epsilon=0.6))
    return of(*records)


@pytest.mark.parametrize("related", [True, False])
def test_across_models_only_what_the_interval_and_the_pairings_show_is_claimed(related: bool) -> None:
    section = several_models(9, related=related)
    judged = judged_accuracy(section)
    assert judged is not None
    assert judged.attacks == ("AutoAttack",)
    bound = next(each for each in across_models(section, judged) if each.quantity == "log growth bound")
    assert bound.decided == related
    finding = model_explanation(section)
    assert finding is not None
    first = finding.text.split(";", maxsplit=1)[0]
    assert ("an association as the theory suggests" in first) == related
    assert ("no association is shown" in first) != related


def test_correlations_of_one_table_are_adjusted_together() -> None:
    section = several_models(5, related=True)
    judged = judged_accuracy(section)
    assert judged is not None
    found = [each for each in across_models(section, judged) if each.correlation is not None]
    bound = next(each for each in found if each.quantity == "log growth bound")
    assert bound.correlation is not None
    assert bound.correlation.p_value == pytest.approx(2 / 120)
    assert len(found) == 2
    assert bound.adjusted == pytest.approx(2 * 2 / 120)
    finding = model_explanation(several_models(5, related=True))
    assert finding is not None
    assert "permutation p = 0.033 after Holm's method" in finding.text


def test_two_models_are_no_correlation() -> None:
    assert judged_accuracy(several_models(2, related=True)) is None
    assert model_explanation(several_models(2, related=True)) is None
