"""Every part of every page: numbers as in the records, figures the same each time and drawn without a warning."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
import synthetic_runs as made
import vl_convert

from natrob_empirical.display import Figure, Part, Table, plain
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import SampleMargins, packed
from natrob_empirical.reporting.parts import INDEX_PARTS, MODEL_PARTS, RUN_PARTS, look, picture


def pages(runs: Sequence[Run], *, models: int | None = None) -> Iterator[list[Part]]:
    """The parts of every page: the index, each run's, and those of so many models of a run."""
    yield [found for part in INDEX_PARTS if (found := part(runs))]
    for run in runs:
        yield [found for part in RUN_PARTS if (found := part(run))]
        for model in run.models[:models]:
            yield [found for part in MODEL_PARTS if (found := part(run, model))]


@pytest.fixture(scope="session")
def built(committed: Sequence[Run]) -> list[list[Part]]:
    """The pages of the committed runs, with three models a run."""
    return list(pages(committed, models=3))


@pytest.fixture(scope="session")
def parts(built: list[list[Part]]) -> list[Part]:
    return [part for page in built for part in page]


@pytest.fixture(scope="session")
def figures(parts: list[Part], committed: Sequence[Run]) -> list[Figure]:
    main = picture(committed)
    assert main is not None
    return [main, *(part.figure for part in parts if part.figure is not None)]


def table_of(run: Run, name: str, *, model: Model | None = None) -> Table:
    """The first table whose name starts so."""
    found = [part(run) for part in RUN_PARTS] if model is None else [part(run, model) for part in MODEL_PARTS]
    return next(table for part in found if part for table in part.tables if table.name.startswith(name))


def column(table: Table, heading: str) -> list[str]:
    index = [each.heading for each in table.columns].index(heading)
    return [row[index].text for row in table.rows]


def test_names_of_files_are_unique_in_the_site_and_names_of_parts_on_their_page(
    figures: list[Figure], built: list[list[Part]], parts: list[Part]
) -> None:
    tables = [table.name for part in parts for table in part.tables]
    for names in (tables, [figure.name for figure in figures], *([part.name for part in page] for page in built)):
        assert max(Counter(names).values()) == 1


def test_sentences_and_captions_are_short(parts: list[Part], figures: list[Figure]) -> None:
    texts = [plain(text) for part in parts for text in part.sentences]
    texts += [text for figure in figures for text in figure.caption.split(". ")]
    texts += [text for part in parts for table in part.tables for text in table.caption.split(". ")]
    assert [text for text in texts if len(text.split()) > 25] == []


def test_every_figure_is_the_same_when_it_is_built_again(figures: list[Figure], committed: Sequence[Run]) -> None:
    again = [part.figure for page in pages(committed, models=3) for part in page if part.figure is not None]
    assert [json.dumps(each.specification) for each in figures[1:]] == [json.dumps(e.specification) for e in again]


def test_every_kind_of_figure_is_drawn_without_a_warning(
    figures: list[Figure], capfd: pytest.CaptureFixture[str]
) -> None:
    kinds = {figure.title: figure for figure in figures}
    for figure in kinds.values():
        svg = vl_convert.vegalite_to_svg({**figure.specification, "width": 560}, config=look())
        assert svg.count("<path") > 10
    assert capfd.readouterr() == ("", "")


def test_no_figure_holds_a_background_or_the_ink_of_a_page(figures: list[Figure]) -> None:
    for figure in figures:
        text = json.dumps(figure.specification)
        assert '"background"' not in text
        assert '"config"' not in text
        assert figure.specification["width"] == "container"


def test_accuracies_under_attack_are_rounded_up_and_certified_ones_down() -> None:
    run = made.run(
        made.theory("A", certified=[("Linf", 0.1, 2 / 3)]),
        made.attack("A", "PGD-40", 0.1, "kkkkffffffff"),
    )
    table = table_of(run, "accuracy-linf")
    assert column(table, "ε = 0.1") == ["0.334", "0.334", "0.666"]
    assert column(table, "Bound") == ["upper", "upper", "lower"]
    attacked = table_of(run, "attacked-linf", model=run.models[0])
    assert column(attacked, "Left at most") == ["0.334"]
    assert column(attacked, "95 %") == ["0.13 to 0.61"]


def test_a_pair_is_compared_on_the_same_images_and_says_who_keeps_more() -> None:
    kept, fooled = "k" * 40, "k" * 10 + "f" * 30
    run = made.run(
        made.attack(made.ODE, "PGD-40", 0.3, fooled, network="neural_ode", preset="table1-cpu"),
        made.attack(made.RESNET, "PGD-40", 0.3, kept, network="resnet50", preset="table1-cpu"),
    )
    (row,) = table_of(run, "pairs").rows
    assert [cell.text for cell in row[1:6]] == [made.ODE, made.RESNET, "L∞ ε = 0.3", "0.250", "1.000"]
    assert row[-1].text == "second keeps more"


def test_margins_that_part_fooled_images_from_kept_ones_have_an_auroc_of_one() -> None:
    logits = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    margins = SampleMargins(logits=packed(logits), normalised=packed(reversed(logits)))
    run = made.run(made.theory("A", margins=margins), made.attack("A", "PGD-40", 0.1, "fffffkkkkk"))
    table = table_of(run, "explanation", model=run.models[0])
    found = dict(zip(column(table, "Quantity"), column(table, "AUROC"), strict=True))
    assert found == {"small margin of the logits": "1", "small normalised margin": "0"}
    assert column(table, "Tells them apart") == ["yes", "the reverse"]


def test_a_violated_bound_is_marked_and_a_violated_estimate_is_not() -> None:
    checks = [made.bound_check("upper K", violations=3), made.bound_check("lower K", kind="estimate", violations=2)]
    run = made.run(made.theory("A", bound_checks=checks))
    marks = [row[4].mark for row in table_of(run, "checks", model=run.models[0]).rows]
    assert marks == ["bad", ""]


def test_cells_that_another_model_has_are_named_and_none_that_were_meant_for_others() -> None:
    run = made.run(
        made.theory("A"), made.theory("B"), made.attack("A", "FGSM", 0.1), made.attack("B", "PGD-40", 0.1),
        made.attack("A", "FAB", 0.1, only_on=["A"]),
    )  # fmt: skip
    table = table_of(run, "missing")
    assert [(row[0].text, row[1].text) for row in table.rows] == [
        ("A", "PGD-40 at L∞ ε = 0.1"),
        ("B", "FGSM at L∞ ε = 0.1"),
    ]


def test_a_run_of_several_processes_says_that_its_times_are_those_of_a_busy_machine() -> None:
    facts = []
    for workers in (1, 2):
        record = made.theory("A")
        environment = record.environment.model_copy(update={"workers": workers, "threads": 1})
        table = table_of(made.run(record.model_copy(update={"environment": environment})), "provenance")
        facts.append(dict(zip(column(table, "Fact"), column(table, "Value"), strict=True)))
    assert "Times" not in facts[0]
    assert facts[1]["Times"] == "measured while 2 processes ran cells side by side"
    assert facts[1]["Hardware"] == "Imaginary CPU, 2 cores, cpu, 1 thread"


def test_empty_runs_give_no_part_of_the_index_and_no_error() -> None:
    assert [part([]) for part in INDEX_PARTS] == [None for _ in INDEX_PARTS]
    run = made.run(made.theory_refusal("A"))
    assert sum(map(len, pages([run]))) > 3


def test_parts_do_not_bring_torch() -> None:
    code = "import sys, natrob_empirical.reporting.parts.lists; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
