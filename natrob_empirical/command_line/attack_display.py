"""The display of `natrob attack`: a progress bar with the accuracy so far, and the summary."""

from collections.abc import Sequence
from typing import Final, final

from rich import box
from rich.table import Table

from natrob_empirical.benchmarks import AttackProgress, FinishedAttack
from natrob_empirical.command_line.attack_subject import AttackSubject
from natrob_empirical.command_line.console import console, errors
from natrob_empirical.command_line.displays import AbstractDisplay
from natrob_empirical.display.formatting import (
    MISSING,
    NORM_SIGNS,
    format_budget,
    format_count,
    format_epsilon,
    format_share,
)

_COLUMNS: Final = """\
accuracy: an UPPER bound of the robust accuracy on these images; another attack
may fool more of them. 95 %: Wilson's interval of the accuracy under this attack
on data that the images are a random sample of. queries, gradients: forward
passes and loss gradients per image, on average."""
_TARGET_CLASS: Final = """\
target class: an image keeps its label unless it is taken for that class; images of the class
itself were left out. It says nothing of other wrong classes."""
_CEILING: Final = """\
ceiling: the largest class's share. The gray image lies in every ball, so no
deterministic classifier keeps more; what an attack leaves above is its weakness."""
_ONE_AT_A_TIME: Final = """\
one image at a time: the model's answers depend on the batch, so every image
was attacked alone."""


@final
class AttackDisplay(AbstractDisplay):
    """The images at one budget, with the accuracy so far."""

    def __init__(self, *, norm: str, epsilon: float, total: int) -> None:
        self.budget = format_budget(norm, epsilon)
        super().__init__(self.budget, total=total, unit="images", stream=errors)

    def show(self, progress: AttackProgress) -> None:
        """Go on to so many images."""
        so_far = f"{self.budget}, accuracy so far {format_share(progress.kept / progress.done, kind='upper')}"
        self.move(so_far, completed=progress.done)


def print_finished(one: FinishedAttack) -> None:
    """The outcome at one budget, as soon as it is known."""
    summary, cell = one.result.summary, one.record.cell
    budget = format_budget(str(cell.norm), cell.epsilon or 0.0)
    share = format_share(summary.accuracy.value, kind="upper")
    print_line(f"{budget}: accuracy ≤ {share}, {summary.seconds:.1f} s")


def print_summary(subject: AttackSubject, finished: Sequence[FinishedAttack]) -> None:
    """Clean accuracy, one row per budget, what the columns mean, and where the records are."""
    first = finished[0]
    cell, summary = first.record.cell, first.result.summary
    n = len(first.result.samples)
    clean = format_share(summary.clean_accuracy.value)
    console.print(f"{subject.target.label} ({cell.network}) on {n} test images of {cell.dataset}")
    aimed = "target class" in str(cell.attack)
    named = "share not taken for the target class unperturbed" if aimed else "clean accuracy"
    console.print(f"{named} {clean}, 95 % {_interval(first.result.clean_interval)}, n = {n}")
    console.print(_table(finished))
    for text, shown in (
        (_COLUMNS, True),
        (_TARGET_CLASS, aimed),
        (_CEILING, any(one.result.ceiling is not None for one in finished)),
        (_ONE_AT_A_TIME, any(one.result.summary.one_at_a_time for one in finished)),
    ):
        if shown:
            console.print(text)
    for one in finished:
        if one.resumed == n:
            print_line(f"found: {one.path}")
        elif one.resumed:
            print_line(f"record, its first {one.resumed} images from an earlier run: {one.path}")
        else:
            print_line(f"record: {one.path}")


def print_line(text: str) -> None:
    """A line that is not broken, so that a path can be copied."""
    console.print(text, markup=False, soft_wrap=True)


def _table(finished: Sequence[FinishedAttack]) -> Table:
    cell = finished[0].record.cell
    norm = NORM_SIGNS.get(str(cell.norm), str(cell.norm))
    table = Table(title=f"{cell.attack}, {norm}, seed {cell.seed}", box=box.SIMPLE)
    for header in ("ε", "accuracy ≤", "95 %", "ceiling", "queries", "gradients", "time"):
        table.add_column(header, justify="right", no_wrap=True)
    for one in finished:
        result, summary = one.result, one.result.summary
        ceiling = MISSING if result.ceiling is None else format_share(result.ceiling)
        too_weak = result.ceiling is not None and summary.accuracy.value > result.ceiling
        table.add_row(
            format_epsilon(one.record.cell.epsilon or 0.0),
            format_share(summary.accuracy.value, kind="upper"),
            _interval(result.accuracy_interval),
            f"[yellow]{ceiling}, exceeded[/yellow]" if too_weak else ceiling,
            format_count(round(summary.mean_queries, 1)),
            format_count(round(summary.mean_gradient_calls, 1)),
            f"{summary.seconds:.1f} s",
        )
    return table


def _interval(ends: tuple[float, float]) -> str:
    low, high = ends
    return f"{format_share(low, kind='lower')} to {format_share(high, kind='upper')}"
