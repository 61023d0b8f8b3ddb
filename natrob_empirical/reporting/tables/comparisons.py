"""Tables that set two models side by side under every attack, on the same images."""

from collections.abc import Sequence

from natrob_empirical.display.formatting import format_budget
from natrob_empirical.reporting.model_pairs import BudgetComparison, difference_text, p_text
from natrob_empirical.reporting.tables.table import Cell, Column, Table, text_cell

_WORDS = {1: "more", -1: "less", 0: "no difference shown"}


def comparison_table(first: str, second: str, comparisons: Sequence[BudgetComparison]) -> Table:
    """A row per attack and budget: what each model keeps, the difference on the common images, and its p-value."""
    columns = (
        Column(heading="Attack and budget", numeric=False),
        Column(heading=first, note="upper [Wilson 95 %]"),
        Column(heading=second, note="upper [Wilson 95 %]"),
        Column(heading="n", note="images compared"),
        Column(heading="Difference", note="first − second (95 %)"),
        Column(heading="p", note="two-sided, adjusted"),
        Column(heading="First keeps", numeric=False),
    )
    caption = (
        f"{first} against {second}, each row on the same images. Exact McNemar test over the images that only one of "
        "the two keeps, adjusted by Holm's method over the budgets of an attack."
    )
    if not all(compared.comparison.paired for compared in comparisons):
        caption += " Rows without outcomes image by image are compared as two samples (Fisher's exact test)."
    return Table(caption=caption, columns=columns, rows=tuple(_row(compared) for compared in comparisons))


def _row(compared: BudgetComparison) -> tuple[Cell, ...]:
    """One attack at one budget."""
    return tuple(
        text_cell(text)
        for text in (
            f"{compared.attack}, {format_budget(compared.norm, compared.epsilon)}",
            compared.first.text,
            compared.second.text,
            f"{compared.comparison.n:,}",
            difference_text(compared.comparison),
            p_text(compared.adjusted),
            _WORDS[compared.direction],
        )
    )
