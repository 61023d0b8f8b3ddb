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
from natrob_empirical.reporting.parts import INDEX_PARTS, MODEL_PARTS, RUN_PARTS, look, picture


def all_parts(runs: Sequence[Run]) -> Iterator[Part]:
    """Every part of every page of these runs."""
    found = [part(runs) for part in INDEX_PARTS]
    found += [part(run) for run in runs for part in RUN_PARTS]
    found += [part(run, model) for run in runs for model in run.models for part in MODEL_PARTS]
    yield from (part for part in found if part is not None)


@pytest.fixture(scope="session")
def parts(committed: Sequence[Run]) -> list[Part]:
    return list(all_parts(committed))


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
    figures: list[Figure], parts: list[Part], committed: Sequence[Run]
) -> None:
    tables = [table.name for part in parts for table in part.tables]
    repeated = [name for name, n in Counter([*tables, *(figure.name for figure in figures)]).items() if n > 2]
    assert max(Counter(tables).values()) == 1
    assert max(Counter(figure.name for figure in figures).values()) == 1
    assert repeated == []
    for run in committed:
        for model in run.models:
            names = [found.name for part in MODEL_PARTS if (found := part(run, model))]
            assert len(set(names)) == len(names)


def test_sentences_and_captions_are_short(parts: list[Part], figures: list[Figure]) -> None:
    texts = [plain(text) for part in parts for text in part.sentences]
    texts += [text for figure in figures for text in figure.caption.split(". ")]
    texts += [text for part in parts for table in part.tables for text in table.caption.split(". ")]
    assert [text for text in texts if len(text.split()) > 25] == []


def test_every_figure_has_one_of_each_kind_and_is_the_same_when_it_is_built_again(
    figures: list[Figure], committed: Sequence[Run]
) -> None:
    again = [part.figure for part in all_parts(committed) if part.figure is not None]
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


def test_empty_runs_give_no_part_of_the_index_and_no_error() -> None:
    assert [part([]) for part in INDEX_PARTS] == [None for _ in INDEX_PARTS]
    run = made.run(made.theory_refusal("A"))
    assert list(all_parts([run]))


def test_parts_do_not_bring_torch() -> None:
    code = "import sys, natrob_empirical.reporting.parts.lists; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
