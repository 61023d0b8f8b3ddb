"""The picture of the index says what the records say, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import synthetic_runs as made

from natrob_empirical.display import Figure
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.run import Run
from natrob_empirical.paper import table_1
from natrob_empirical.reporting.parts import picture


def rows(figure: Figure, mark: str, **field: object) -> list[dict[str, Any]]:
    """The data of every layer with this mark whose rows have these values."""
    found = []
    for layer in figure.specification["layer"]:
        if layer["mark"]["type"] == mark:
            values = figure.specification["datasets"][layer["data"]["name"]]
            found += [row for row in values if all(row.get(name) == value for name, value in field.items())]
    return found


def drawn(runs: Sequence[Run]) -> Figure:
    figure = picture(runs)
    assert figure is not None
    return figure


def test_the_title_and_the_alternative_text_hold_the_number_that_the_records_give_and_change_with_it() -> None:
    for left, text in ((0.25, "25 %"), (0.105, "10.5 %"), (0.0, "0 %")):
        figure = drawn([made.run(made.attack(made.ODE, "AutoAttack", 0.5, left, network="neural_ode"))])
        assert figure.title.endswith(f"leave {text}")
        assert f"at most {text} of" in figure.alt


def test_the_numbers_of_the_paper_are_drawn_as_printed(committed: Sequence[Run]) -> None:
    points = rows(drawn(committed), "point", what="paper: Neural ODE", attack="PGD")
    printed = [each.accuracy for each in table_1("mnist") if (each.model, each.attack) == ("Neural ODE", "PGD")]
    assert [point["share"] for point in points] == printed


def test_mnist_is_drawn_where_it_is_and_else_the_digits_with_the_paper_marked_as_mnist(
    committed: Sequence[Run],
) -> None:
    assert "MNIST" in drawn(committed).caption
    digits = drawn([run for run in committed if run.dataset == "digits"])
    assert "digits" in digits.alt
    assert {row["what"] for row in rows(digits, "point") if "what" in row} == {
        "paper, MNIST: Neural ODE", "paper, MNIST: ResNet50",
    }  # fmt: skip


def test_the_ceiling_is_the_share_of_the_largest_class_from_one_half_on_and_missing_without_counts() -> None:
    (run,) = runs_of(made.table_1())
    assert rows(drawn([replace(run, class_counts=())]), "rect") == []
    (zone,) = rows(drawn([replace(run, class_counts=(30, 50, 20))]), "rect")
    assert (zone["epsilon"], zone["share"], zone["top"]) == (0.5, 0.5, 1)


def test_attacked_points_are_upper_bounds_of_all_attacks_together_with_their_n() -> None:
    first = made.attack(made.ODE, "PGD-40", 0.3, "kkkkffffff", network="neural_ode")
    second = made.attack(made.ODE, "FGSM", 0.3, "ffkkkfffff", network="neural_ode")
    (point,) = rows(drawn([made.run(first, second)]), "point", epsilon=0.3, n=10)
    assert point["share"] == 0.2
    assert point["attacks"] == "FGSM, PGD-40"


def test_there_is_no_picture_without_a_neural_ode_that_was_attacked() -> None:
    assert picture([]) is None
    assert picture([made.run(made.attack("A", network="euler"))]) is None
    assert picture([made.run(made.theory(made.ODE, network="neural_ode"))]) is None
