"""What the commands share on the terminal: errors in one line, tables, progress bars."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from natrob_empirical.benchmarks import RunEvent
from natrob_empirical.datasets import DatasetUnavailableError
from natrob_empirical.training import TrainingDivergedError
from natrob_theory import ImplicitSolveError, IntegrationError

console = Console()
errors = Console(stderr=True)

EXPECTED = (
    ValueError,
    TypeError,
    OSError,
    DatasetUnavailableError,
    TrainingDivergedError,
    ImplicitSolveError,
    IntegrationError,
)
INTERRUPTED = 130


@contextmanager
def errors_in_one_line(*, on_interrupt: str = "interrupted") -> Iterator[None]:
    """Turn an expected error into one line on standard error and exit code 2, Ctrl-C into exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        errors.print(f"[yellow]{on_interrupt}[/yellow]")
        raise typer.Exit(INTERRUPTED) from None
    except EXPECTED as error:
        errors.print("[red]error:[/red]", str(error), markup=True, highlight=False)
        raise typer.Exit(2) from error


class RunDisplay:
    """A progress bar over the cells of a run, with the training in progress beside it."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
            disable=not sys.stderr.isatty(),
        )
        self.task = self.progress.add_task("cells", total=None)

    def __enter__(self) -> "RunDisplay":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, event: RunEvent) -> None:
        """Update the bar; without a terminal, print one line per model."""
        self.done, self.total = event.done, event.total
        key = event.cell.key
        if event.training is not None:
            step = event.training
            doing = f"training, epoch {step.epoch}/{step.epochs}, loss {step.loss:.3f}"
        else:
            doing = "theory" if key.attack is None else f"{key.attack} {key.norm} ε = {key.epsilon:g}"
            if self.progress.disable and key.attack is None and not event.found:
                errors.print(f"{event.done}/{event.total}  {key.model}: trained and measured", highlight=False)
        self.progress.update(self.task, description=f"{key.model}: {doing}", completed=event.done, total=event.total)
