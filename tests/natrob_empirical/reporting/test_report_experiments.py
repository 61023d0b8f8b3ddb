from collections.abc import Sequence
from typing import Any

import pytest
from synthetic_experiments import ODE, RESNET, attack, figure_1, figure_3, skips, table_1, table_2, theory

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import Finding, Section, findings_of, group_records
from natrob_empirical.reporting.experiments import EXPERIMENTS, claims_of, experiment_of
from natrob_empirical.reporting.experiments.figure1 import control, fixed_time, own_attacks, steps_part, transferred
from natrob_empirical.reporting.experiments.neural_ode_experiments import distances_part
from natrob_empirical.reporting.experiments.neural_ode_findings import (
    pairs_part,
    under_own_attacks,
    under_strongest,
    under_transfer,
    without_gradients,
)
from natrob_empirical.reporting.experiments.skips import small_steps, step_pairs
from natrob_empirical.reporting.experiments.skips import steps_part as skip_steps_part
from natrob_empirical.reporting.experiments.step_groups import some_steps, step_groups
from natrob_empirical.reporting.experiments.table2 import (
    judge_against_all,
    trainings_part,
    under_auto_attack,
    under_pgd_20,
)
from natrob_empirical.reporting.experiments.weak_attacks import gaps_part, transfer_beats_own, weak_against_strong
from natrob_empirical.reporting.missing_cells import completeness


def of(records: Sequence[CellRecord]) -> Section:
    return group_records(records)[0]


def found(finding: Finding | None) -> Finding:
    assert finding is not None
    return finding


def by_name(section: Section) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings_of(section)}


def falling(start: float, step: float) -> list[float]:
    return [start + step * k for k in range(11)]


def test_a_preset_belongs_to_its_experiment() -> None:
    assert experiment_of(of(table_1())) is EXPERIMENTS["table1"]
    assert experiment_of(of(table_1(preset="table1-cifar10-gpu"))) is EXPERIMENTS["table1"]
    assert experiment_of(of([theory("A", "euler", preset="quick")])) is None
    assert set(EXPERIMENTS) == {"fig1", "table1", "fig2", "fig3", "table2", "skips", "certified"}


def test_every_experiment_survives_single_cells() -> None:
    for key, experiment in EXPERIMENTS.items():
        for record in (
            theory("A", "resnet", preset=f"{key}-cpu"),
            attack("A", "neural_ode", "FGSM", 0.1, 0.5, preset=f"{key}-cpu"),
            attack("A", "resnet", "PGD-40", 0.1, 0.5, preset=f"{key}-cpu", letters=""),
        ):
            section = of([record])
            for find in experiment.finders:
                find(section)
            for part in experiment.parts:
                part(section, "", {})
            assert experiment.curves(section) == section.models


def test_figure_1_groups_by_the_specification() -> None:
    groups = step_groups(of(figure_1()))
    assert [model.step_size for model in groups.fixed_depth][:2] == [1.0, 0.1]
    assert len(groups.fixed_depth) == 11
    assert [model.step_size for model in groups.fixed_time] == [1.0, 0.5, 0.25]
    assert [model.label for model in groups.cancelled] == ["ResNet-20, h = 0.001 before the normalisation"]
    assert len(some_steps(of(figure_1()))) == 6


@pytest.mark.parametrize(
    ("start", "step", "verdict", "word"),
    [(0.3, 0.02, "holds", "supported"), (0.6, -0.02, "does not hold", "refuted"), (0.3, 0.0, "undecided", "undecided")],
)
def test_smaller_steps_under_own_attacks(start: float, step: float, verdict: str, word: str) -> None:
    section = of(figure_1(own=falling(start, step)))
    finding = found(own_attacks(section))
    assert (finding.name, finding.verdict) == ("step-size", verdict)
    assert f"under PGD-40 on itself” is {word} by these records" in finding.text
    assert "FGSM from" not in finding.text
    assert "another training may differ" in finding.text
    assert by_name(section)["step-size"] == finding  # instead of the general finding of that name


def test_transferred_images_are_a_question_of_their_own() -> None:
    section = of(figure_1(own=falling(0.5, -0.02), transferred=falling(0.5, 0.03)))
    assert found(transferred(section)).verdict == "holds"
    assert found(own_attacks(section)).verdict == "does not hold"
    claims = {row.claim: row.verdict for row in claims_of(section, findings_of(section))}
    assert claims["Networks with smaller steps keep more accuracy on transferred FGSM images."] == "holds"
    assert claims["Smaller steps make a network of the same kind more robust."] == "does not hold"


def test_the_limit_with_t_fixed_and_the_control() -> None:
    section = of(figure_1(own=falling(0.3, 0.05), transferred=falling(0.3, 0.05), fixed=[0.3, 0.1]))
    finding = found(fixed_time(section))
    assert "ResNet-74, h = 0.25, T fixed" in finding.text
    assert finding.verdict == "does not hold"
    text = found(control(section)).text
    assert "ResNet-20, h = 0.001 before the normalisation, the control" in text
    assert "0.450" in text  # the network with h = 0.001 after the normalisation
    part = steps_part(section, "", {})
    assert part is not None
    assert part.figure is not None
    assert "T = nh stays fixed" in part.text[0]
    assert len(part.tables[0].rows) == 14
    assert {column.note for column in part.tables[0].columns[2:]} == {"n = 200"}


def test_the_neural_ode_is_ahead_under_weak_attacks_only() -> None:
    section = of(table_1())
    gradient, strong = found(under_own_attacks(section)), found(under_strongest(section))
    assert gradient.verdict == "holds"
    assert f"more robust than {RESNET} under PGD-40 (step size 0.01)” is supported" in gradient.text
    assert strong.verdict == "undecided"
    assert "n = 100" in strong.text
    assert strong.name == "neural-ode"
    assert by_name(section)["neural-ode"] == strong
    assert f"{ODE} 0.950 (n = 200)" in strong.text
    assert without_gradients(section) is None


def test_the_neural_ode_behind() -> None:
    section = of(table_1(ode_fgsm=0.1, ode_strong=0.0, resnet=0.5))
    assert found(under_own_attacks(section)).verdict == "does not hold"


def test_transferred_images_from_each_other() -> None:
    section = of(table_1())
    finding = found(under_transfer(section))
    assert "under PGD images from each other” is undecided" in finding.text
    assert completeness(section).missing == {}  # nobody is shown the images made on itself


def test_weak_attacks_overestimate() -> None:
    finding = found(weak_against_strong(of(table_1())))
    assert finding.level == "caution"
    assert f"FGSM on {ODE} at L∞ ε = 0.2" in finding.text
    assert "(upper, n = 100" in finding.text
    calm = [attack("A", "euler", label, 0.1, 0.5, preset="table1-cpu", kind=label) for label in ("FGSM", "PGD-40")]
    assert found(weak_against_strong(of(calm))).level == "result"
    part = gaps_part(of(table_1()), "", {})
    assert part is not None
    assert [cell.text for cell in part.tables[0].rows[0]][3] == "100"


@pytest.mark.parametrize(("own", "transfer", "level"), [(0.8, 0.4, "caution"), (0.1, 0.4, "result")])
def test_transferred_images_that_fool_more_are_a_sign_of_masking(own: float, transfer: float, level: str) -> None:
    common: dict[str, Any] = {"preset": "table1-cpu", "steps": 40}
    section = of([
        attack("A", "euler", "PGD-40", 0.1, own, **common),
        attack("A", "euler", "PGD-40 from B", 0.1, transfer, source="B", **common),
        attack("A", "euler", "PGD-40 (step size 0.01)", 0.1, 0.9, step_size=0.01, **common),
    ])  # fmt: skip
    finding = found(transfer_beats_own(section))
    assert finding.level == level
    assert "of 1 cells" in finding.text or "none of 1 cells" in finding.text


def test_pairs_are_shown_on_the_same_images() -> None:
    part = pairs_part(of(table_1()), "", {})
    assert part is not None
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in part.tables[0].rows}
    assert rows["AutoAttack, L∞ ε = 0.2"][2] == "100"
    assert rows["FGSM, L∞ ε = 0.2"][0].startswith("0.800 [0.739, ")
    assert rows["FGSM, L∞ ε = 0.2"][5] == "more"
    assert rows["all attacks, image by image, L∞ ε = 0.5"][2] == "100"
    assert "PGD images from each other, L∞ ε = 0.2" in rows


def test_figure_3_shows_the_median_distance_as_an_upper_bound() -> None:
    section = of(figure_3())
    part = distances_part(section, "", {})
    assert part is not None
    assert [[cell.text for cell in row] for row in part.tables[0].rows] == [
        [ODE, "Boundary Attack", "L2", "0", "2.5", "97"],
        [RESNET, "Boundary Attack", "L2", "0", "1.24", "97"],  # rounded up
    ]
    assert "upper" in part.tables[0].columns[4].note
    assert found(without_gradients(section)).verdict == "undecided"
    assert distances_part(of(table_1()), "", {}) is None


@pytest.mark.parametrize(
    ("ode", "others", "verdict"),
    [
        (0.9, {"pgd": 0.5, "trades": 0.5, "yopo": 0.5}, "holds"),
        (0.5, {"pgd": 0.3, "trades": 0.3, "yopo": 0.8}, "does not hold"),
        (0.5, {"pgd": 0.3, "trades": 0.3, "yopo": 0.5}, "undecided"),
    ],
)
def test_better_than_adversarial_training_means_than_each(ode: float, others: dict[str, float], verdict: str) -> None:
    section = of(table_2(ode=ode, others={"standard": 0.05, **others}))
    finding = found(under_pgd_20(section))
    assert finding.verdict == verdict
    assert "under PGD-20 (step size 2/255) at L∞ ε = 8/255" in finding.text
    assert "STANDARD" not in finding.text
    strong = found(under_auto_attack(section))
    assert strong.verdict == "does not hold"
    assert "n = 100" in strong.text
    part = trainings_part(section, "", {})
    assert part is not None
    assert "trades" in {row[2].text for row in part.tables[0].rows}


def test_judging_against_all() -> None:
    assert judge_against_all([1, 1]) == "holds"
    assert judge_against_all([1, -1]) == "does not hold"
    assert judge_against_all([1, 0]) == "undecided"


def test_skips_are_judged_network_by_network() -> None:
    section = of(skips({"revnet": 0.3, "euler": -0.2}))
    assert len(step_pairs(section)) == 5
    finding = found(small_steps(section))
    assert finding.verdict == "undecided"
    assert "“RevNet, h = 0.25 is more robust than RevNet, h = 1” is supported" in finding.text
    assert "“ResNet, h = 0.25 is more robust than ResNet, h = 1” is refuted" in finding.text
    assert "“PolyNet, h = 0.25 is more robust than PolyNet, h = 1” is undecided" in finding.text
    assert by_name(section)["step-size"] == finding
    part = skip_steps_part(section, "", {})
    assert part is not None
    assert len(part.tables[0].rows) == 15
    assert part.tables[0].columns[2].note == "upper"
    all_ahead = found(
        small_steps(of(skips(dict.fromkeys(("euler", "polynet", "fractalnet", "revnet", "backward_euler"), 0.3))))
    )
    assert all_ahead.verdict == "holds"


def test_a_pair_with_another_t_is_no_pair() -> None:
    records = [
        record
        for label, h, steps in (("ResNet, h = 1", 1.0, 2), ("ResNet, h = 0.25", 0.25, 2))
        for record in (
            theory(label, "euler", preset="skips-cpu", step_size=h, steps=steps),
            attack(label, "euler", "PGD-40", 0.1, 0.5, preset="skips-cpu"),
        )
    ]
    assert step_pairs(of(records)) == []
