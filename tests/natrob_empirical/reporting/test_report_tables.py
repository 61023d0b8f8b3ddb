import math

from synthetic_records import attack_record, number, run_records, theory_record

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import Section, group_records
from natrob_empirical.reporting.tables import (
    Table,
    accuracy_tables,
    certificate_refusals,
    checks_table,
    growth_table,
    models_table,
)


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def texts(table: Table, row: int = 0) -> dict[str, str]:
    return {column.heading: cell.text for column, cell in zip(table.columns, table.rows[row], strict=True)}


def notes(table: Table) -> dict[str, str]:
    return {column.heading: column.note for column in table.columns}


def test_models_table(section: Section) -> None:
    table = models_table(section)
    assert texts(table) == {
        "Model": "ResNet, h = 0.2",
        "Network": "euler",
        "Training": "plain",
        "h": "0.2",
        "N": "5",
        "T": "1",
        "Parameters": "12,345",
        "NFE": "5",
        "Train accuracy": "0.990",
        "Clean accuracy": "0.950",
    }
    assert notes(table)["Train accuracy"] == "measured, n = 1,000"
    assert texts(table, row=3)["h"] == "adaptive"
    assert "Seed 0." in table.caption


def test_kind_and_n_move_into_the_cells_where_they_differ() -> None:
    table = models_table(of(theory_record("A"), theory_record("B", clean_accuracy=number(0.9, n=100))))
    assert notes(table)["Clean accuracy"] == ""
    assert texts(table, 0)["Clean accuracy"] == "0.950 (measured, n = 200)"
    assert texts(table, 1)["Clean accuracy"] == "0.900 (measured, n = 100)"


def test_seeds_give_mean_and_range() -> None:
    records = [
        theory_record(key_changes={"seed": 0}, clean=0.9, steps=5),
        theory_record(key_changes={"seed": 1}, clean=0.8, steps=7),
        attack_record(key_changes={"seed": 2}),
    ]
    table = models_table(of(*records))
    assert texts(table)["Clean accuracy"] == "0.850 (0.800 – 0.900) [2 of 3 seeds]"
    assert texts(table)["N"] == "5 – 7"
    assert "Seeds 0, 1, 2: mean (smallest – largest)." in table.caption


def test_growth_table(section: Section) -> None:
    table = growth_table(section)
    assert texts(table) == {
        "Model": "ResNet, h = 0.2",
        "K": "[0.75, 3]",
        "Growth bound": "10.5",
        "exp(KT), exact flow": "20.1",
        "Growth, median": "1.1",
        "Growth, largest": "1.3",
        "Worst ratio": "0.97",
        "Violations": "0 / 640",
        "Vacuous?": "L∞: no; L2: vacuous",
    }
    assert notes(table)["K"] == "[lower, n = 48; upper, all inputs]"
    assert notes(table)["Growth bound"] == "upper, all inputs"
    assert table.rows[0][-1].mark == "vacuous"


def test_growth_table_at_the_edges() -> None:
    still = growth_table(of(theory_record(lipschitz=0.0, vacuous_from=9.0)))
    assert texts(still)["K"] == "[0, 0]"
    assert texts(still)["Growth bound"] == "1"
    assert (still.rows[0][-1].text, still.rows[0][-1].mark) == ("no", "good")
    endless = growth_table(
        of(theory_record(growth_bound=number(math.inf, "upper", None, "none: hK is 3, not below 1")))
    )
    assert texts(endless)["Growth bound"] == "∞"
    assert "ResNet, h = 0.2: none: hK is 3, not below 1." in endless.caption
    assert {cell.mark for cell in growth_table(of(attack_record())).rows[0][1:]} == {"missing"}


def test_violations_are_marked() -> None:
    section = of(theory_record(violations=2))
    assert [cell.mark for cell in growth_table(section).rows[0] if cell.text == "2 / 640"] == ["alarm"]
    checks = checks_table(section)
    assert checks is not None
    assert [cell.text for row in checks.rows for cell in row if cell.mark == "alarm"] == ["2"]
    assert checks_table(of(attack_record())) is None


def test_accuracy_tables(section: Section) -> None:
    linf, l2 = accuracy_tables(section)
    assert [column.heading for column in linf.columns] == ["Model", "What", "ε = 0", "ε = 0.05", "ε = 0.1", "ε = 0.5"]
    rows = [[cell.text for cell in row] for row in linf.rows[:5]]
    assert rows == [
        ["ResNet, h = 0.2", "FGSM (upper, n = 200)", "0.950", "0.760", "0.460", "0.050"],
        ["ResNet, h = 0.2", "PGD-20 (upper, n = 200)", "0.950", "0.730", "0.430", "0.020"],
        ["ResNet, h = 0.2", "Random Noise (upper, n = 200)", "0.950", "0.930", "0.630", "0.220 ▲"],
        ["ResNet, h = 0.2", "certified (lower, n = 200)", "", "0.200", "–", "–"],
        ["ResNet, h = 0.2", "growth bound (upper)", "", "informative", "vacuous", "vacuous"],
    ]
    assert linf.rows[4][-1].mark == "vacuous"
    assert "±0.070" in linf.caption
    assert l2.columns[-1].heading == "ε = 0.3"


def test_missing_cells_are_dashes() -> None:
    records = [r for r in run_records() if (r.cell.model, r.cell.attack) != ("Heun, h = 0.2", "FGSM")]
    table = accuracy_tables(of(*records))[0]
    row = next(row for row in table.rows if row[0].text == "Heun, h = 0.2" and row[1].text.startswith("FGSM"))
    assert [cell.text for cell in row[2:]] == ["", "–", "–", "–"]


def test_no_attack_still_shows_the_certificate() -> None:
    table = accuracy_tables(of(theory_record()))[0]
    assert [row[1].text for row in table.rows] == ["certified (lower, n = 200)", "growth bound (upper)"]
    assert accuracy_tables(of(theory_record(certified=[], vacuity=[]))) == ()


def test_refusals_are_told() -> None:
    section = of(theory_record(certified=[], certificate_refusal="no bound for GroupNorm"))
    assert certificate_refusals(section) == {"ResNet, h = 0.2": "no bound for GroupNorm"}
