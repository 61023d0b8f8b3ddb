import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from synthetic_experiments import (
    ODE,
    RESNET,
    attack,
    figure_1,
    figure_3,
    model_settings,
    skips,
    table_1,
    table_2,
)
from synthetic_records import key, number, record, run_records

from natrob_empirical.records import AttackRefusal, CellRecord, TheoryRefusal
from natrob_empirical.reporting import Section, group_records, write_report
from natrob_empirical.reporting.experiments.figure1 import steps_part
from natrob_empirical.reporting.figure_accuracy import accuracy_figure
from natrob_empirical.reporting.figure_correlation import MOST_NAMES, correlation_figure
from natrob_empirical.reporting.findings import attack_strength, fgsm_beats_pgd
from natrob_empirical.reporting.missing_cells import completeness
from natrob_empirical.reporting.provenance import cell_name, section_facts
from natrob_empirical.reporting.reference_attack import reference_attack
from natrob_empirical.reporting.tables import Table, accuracy_tables, models_table, training_table


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def rows(table: Table, model: str) -> dict[str, list[str]]:
    return {row[1].text: [cell.text for cell in row[2:]] for row in table.rows if row[0].text == model}


@pytest.mark.parametrize(
    ("records", "title"),
    [
        pytest.param(figure_1(), "Figure 1: the step size of a residual network", id="fig1"),
        pytest.param(table_1(), "Table 1: ResNet-50 and Neural ODE under FGSM and PGD", id="table1"),
        pytest.param(figure_3(), "Figure 3: ResNet-50 and Neural ODE under the Boundary Attack", id="fig3"),
        pytest.param(
            table_2(ode=0.4, others={"pgd": 0.5, "trades": 0.5, "yopo": 0.5}),
            "Table 2: adversarial training and the Neural ODE",
            id="table2",
        ),
        pytest.param(skips(), "Section 3.3: other skip connections at large and small steps", id="skips"),
    ],
)
def test_the_page_of_an_experiment(records: list[CellRecord], title: str, tmp_path: Path) -> None:
    files = write_report(records, tmp_path, title="natrob: a run")
    html, markdown = files.html.read_text(encoding="utf-8"), files.markdown.read_text(encoding="utf-8")
    root = ET.fromstring(html.removeprefix("<!DOCTYPE html>").strip())
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert markdown.startswith(f"# natrob: a run. {title}")
    for text in (html, markdown):
        plain = re.sub(r"\\", "", text)
        assert f"{title} ({records[0].cell.dataset}, preset {records[0].cell.preset})" in plain
        assert "The paper claims" in plain
        assert "stand" in plain
        assert "upper bound" in plain
        assert "How the models were trained. All alike:" in plain
        numbers = [int(found) for found in re.findall(r"Figure (\d)\. [A-Z]", plain)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert len(files.figures) == 2 * len(root.findall(".//{http://www.w3.org/2000/svg}svg"))


def test_published_numbers_have_a_row_of_their_own_and_enter_nothing_else() -> None:
    with_published = table_1()
    without = [
        r.model_copy(update={"result": r.result.model_copy(update={"published": None})}) if r.cell.attack else r
        for r in with_published
    ]
    (linf, *_), (plain, *_) = (accuracy_tables(of(*records)) for records in (with_published, without))
    found, bare = rows(linf, ODE), rows(plain, ODE)
    name = "published: FGSM (the paper's own network)"
    assert found[name] == ["", "", "", "", "0.9748 ▲"]
    assert "A paper, Table 1" in linf.caption
    assert "Published" not in plain.caption
    assert {what: cells for what, cells in found.items() if what != name} == bare
    assert name not in rows(linf, RESNET)


def test_numbers_above_the_ceiling_are_flagged() -> None:
    section = of(*table_1())
    table = accuracy_tables(section)[0]
    assert rows(table, ODE)["FGSM (upper, n = 200)"][-2:] == ["0.800", "0.720 ▲"]  # not at ε = 0.2
    assert rows(table, RESNET)["PGD-40 (upper, n = 200)"][-1] == "0.090"
    assert "the largest class among the images (0.12)" in table.caption
    marks = {cell.text: cell.mark for row in table.rows for cell in row}
    assert marks["0.720 ▲"] == "above"
    small = of(*[r for r in table_1() if r.cell.epsilon != 0.5])
    assert "▲" not in accuracy_tables(small)[0].caption


def test_rows_on_other_numbers_of_images_say_so() -> None:
    section = of(*table_1())
    table = accuracy_tables(section)[0]
    assert "AutoAttack (upper, n = 100)" in rows(table, ODE)
    assert rows(table, ODE)["all attacks, image by image (upper)"][-2].endswith("(n = 100)")
    assert "not on the same number of images" in table.caption
    assert "not on the same number" not in accuracy_tables(of(*run_records()))[0].caption
    finding = attack_strength(section)
    assert finding is not None
    assert "AutoAttack 100, FGSM 200" in finding.text
    assert f"PGD-40 from {ODE.split(',')[0]} (upper, n = 200)" not in rows(table, ODE)


def test_the_reference_attack_is_chosen_on_common_images() -> None:
    common: dict[str, Any] = {"preset": "table1-cpu"}
    strong = "f" * 10 + "k" * 90  # of the first ten images nothing, of all 0.9
    section = of(
        attack("A", "euler", "PGD-40", 0.1, 0, letters=strong, n=100, **common),
        attack("A", "euler", "AutoAttack", 0.1, 0, letters="k" * 2 + "f" * 8, n=10, **common),
    )
    reference = reference_attack(section)
    assert reference is not None
    assert reference.attack == "PGD-40"


def test_fgsm_is_held_against_pgd_on_the_model_itself_and_on_as_many_images() -> None:
    common: dict[str, Any] = {"preset": "table1-cpu"}
    other_n = of(
        attack("A", "euler", "FGSM", 0.1, 0.2, **common), attack("A", "euler", "PGD-40", 0.1, 0.6, n=50, **common)
    )
    assert fgsm_beats_pgd(other_n) is None
    from_elsewhere = of(
        attack("A", "euler", "FGSM from B", 0.1, 0.2, source="B", **common),
        attack("A", "euler", "PGD-40", 0.1, 0.6, **common),
    )
    assert fgsm_beats_pgd(from_elsewhere) is None


def test_models_table_has_the_statistics_per_image() -> None:
    table = models_table(of(*table_1()))
    first = {column.heading: cell.text for column, cell in zip(table.columns, table.rows[0], strict=True)}
    assert first["h"] == "adaptive, 0.125 to 80"
    assert first["N"] == "3 / 4 / 7"
    assert first["NFE"] == "20 / 26 / 44"
    assert first["Rejected"] == "0 / 1 / 5"
    assert "smallest, the median and the largest" in table.caption
    second = {column.heading: cell.text for column, cell in zip(table.columns, table.rows[1], strict=True)}
    assert second["Network"] == "ResNet-50 blocks"
    assert "Rejected" not in {column.heading for column in models_table(of(*run_records())).columns}


def test_the_models_of_figure_1_come_by_falling_step() -> None:
    table = models_table(of(*figure_1()))
    steps = [row[3].text for row in table.rows]
    assert steps[:3] == ["1", "1", "0.5"]
    assert "0.001 before the normalisation" in steps
    assert steps[-1] == "1·10⁻¹⁰"


def test_the_training_of_every_model() -> None:
    records = table_2(ode=0.4, others={"pgd": 0.5, "trades": 0.5})
    table = training_table(of(*records))
    assert table is not None
    methods = {row[0].text: row[1].text for row in table.rows}
    assert methods == {
        "Neural ODE, 16 channels": "standard",
        "PreAct-ResNet-18 (width 16), PGD": "pgd",
        "PreAct-ResNet-18 (width 16), TRADES": "trades",
    }
    assert "epochs 3, learning rate 0.003" in table.caption
    assert "engine: tf32 no" in table.caption
    assert training_table(of(*run_records())) is None


def test_a_refused_theory_side_still_tells_the_clean_accuracy() -> None:
    refusal = TheoryRefusal(
        parameters=99, train_accuracy=number(0.9), clean_accuracy=number(0.8, n=500), training_seconds=7.0,
        reason="no bound for <this>",
    )  # fmt: skip
    cell = key("A", preset="table1-cpu", dataset="mnist", network="resnet50", training="standard")
    refused = record(cell, refusal, settings=model_settings("A", "resnet50"))
    section = of(refused, attack("A", "resnet50", "FGSM", 0.1, 0.5, preset="table1-cpu"))
    table = models_table(section)
    texts = {column.heading: cell.text for column, cell in zip(table.columns, table.rows[0], strict=True)}
    assert (texts["Parameters"], texts["Clean accuracy"], texts["T"]) == ("99", "0.800", "–")
    assert "A has no theory side: no bound for <this>" in table.caption
    assert completeness(section).missing == {}
    assert cell_name(refused) == "theory, seed 0"
    assert "test: n = 500" in dict(section_facts(section))["Images"]


def test_completeness_knows_who_meets_which_attack() -> None:
    section = of(*figure_1())
    assert completeness(section).missing == {}
    assert completeness(section).expected == completeness(section).present == 1 + 14 * 10
    thinned = [r for r in figure_1() if (r.cell.model, r.cell.attack) != ("ResNet-20, h = 1", "FGSM from ResNet-8")]
    assert list(completeness(of(*thinned)).missing) == ["ResNet-20, h = 1"]


def test_the_curves_of_many_models_are_a_selection_in_words(tmp_path: Path) -> None:
    markdown = write_report(figure_1(), tmp_path, title="t").markdown.read_text(encoding="utf-8")
    assert "Of the networks only the two largest steps" in markdown
    section = of(*figure_1())
    figure = accuracy_figure(section, models=section.models[:2], note="Only two.")
    assert figure is not None
    assert figure.caption.endswith("Only two.")
    assert len(section.models) > MOST_NAMES
    assert correlation_figure(section) is not None


def test_figure_1_is_the_same_twice_and_needs_two_networks() -> None:
    section = of(*figure_1())
    first, second = (steps_part(section, "p-", {}) for _ in range(2))
    assert first == second
    assert first is not None
    assert first.figure is not None
    assert first.figure.name == "p-step-size-accuracy"
    assert "upper bound" in first.figure.caption
    assert steps_part(of(*figure_1()[:11]), "", {}) is None  # the source and one network


def test_long_tables_are_folded_away(tmp_path: Path) -> None:
    html = write_report(figure_1(), tmp_path, title="t").html.read_text(encoding="utf-8")
    assert re.search(r"<details><summary>\d+ rows: Accuracy by L∞ budget", html)


def test_an_attack_without_a_result_is_missing_with_its_reason() -> None:
    records = figure_1()
    place, attacked = next((i, record) for i, record in enumerate(records) if record.cell.attack is not None)
    refusal = AttackRefusal(reason="the solve did not converge; take a smaller step size", seconds=1.0)
    records[place] = attacked.model_copy(update={"result": refusal})
    ((model, (cell,)),) = completeness(of(*records)).missing.items()
    assert model == attacked.cell.model
    assert cell.endswith("(run, without a result: the solve did not converge; take a smaller step size)")
