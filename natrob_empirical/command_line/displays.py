"""Progress bars of the commands, on standard error."""

import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from natrob_empirical.benchmarks import RunEvent
from natrob_empirical.certification import SearchProgress
from natrob_empirical.command_line.console import errors
from natrob_empirical.training import TrainingProgress


def describe_training(step: TrainingProgress) -> str:
    """How far a training is, in one line."""
    parts = [f"epoch {step.epoch}/{step.epochs}", f"loss {step.loss:.3f}", f"accuracy {step.accuracy:.1%}"]
    parts.append(f"{step.images_per_second:,.0f} images/s")
    if step.evaluations is not None:
        parts.append(f"NFE {step.evaluations:.0f}")
    return ", ".join(parts)


def _progress_bar() -> Progress:
    """On standard error, and only where that is a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=not sys.stderr.isatty(),
    )


class TrainingDisplay:
    """A progress bar over the steps of one training; without a terminal, a line an epoch."""

    def __init__(self) -> None:
        self.progress = _progress_bar()
        self.task = self.progress.add_task("training", total=None)

    def __enter__(self) -> "TrainingDisplay":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, step: TrainingProgress) -> None:
        """Update the bar."""
        self.progress.update(self.task, description=describe_training(step), completed=step.step, total=step.steps)
        if self.progress.disable and step.step % (step.steps // step.epochs) == 0:
            errors.print(describe_training(step), highlight=False)


class SearchDisplay:
    """A progress bar over the radii that a certificate looks at; off where no terminal is."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.progress = _progress_bar()
        self.task = self.progress.add_task("constants on all inputs", total=None)

    def __enter__(self) -> "SearchDisplay":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, search: SearchProgress) -> None:
        """Move the bar on; the description counts the images, which are fewer from look to look."""
        doing = f"{self.method}, radius {search.look} of at most {search.looks}, {search.done}/{search.images} images"
        completed = search.look - 1 + search.done / search.images
        self.progress.update(self.task, description=doing, completed=completed, total=search.looks)


class RunDisplay:
    """A progress bar over the cells of a run, with the training in progress beside it."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.progress = _progress_bar()
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
            doing = f"training, {describe_training(event.training)}"
        else:
            doing = "theory" if key.attack is None else f"{key.attack} {key.norm} ε = {key.epsilon:g}"
            if self.progress.disable and key.attack is None and not event.found:
                done = "measured" if event.cell.model is None else "trained and measured"
                errors.print(f"{event.done}/{event.total}  {key.model}: {done}", highlight=False)
        self.progress.update(self.task, description=f"{key.model}: {doing}", completed=event.done, total=event.total)
