"""How far the commands are: a bar on a terminal, elsewhere a plain line every 30 seconds."""

from contextlib import ExitStack
from typing import TypeVar, final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from natrob_empirical.benchmarks import RunEvent
from natrob_empirical.certification import SearchProgress
from natrob_empirical.command_line.console import console, errors, on_terminal
from natrob_empirical.command_line.heartbeat import beat, describing
from natrob_empirical.runs.work_watch import WorkWatch, watched_by
from natrob_empirical.training import TrainingProgress


@final
class _WatchColumn(ProgressColumn):
    """The latest words of the work, looked up when the bar is drawn, so that saying them costs the work nothing."""

    def __init__(self, watch: WorkWatch) -> None:
        super().__init__()
        self._watch = watch

    def render(self, task: Task) -> Text:
        return Text(self._watch.describe())


AnyDisplay = TypeVar("AnyDisplay", bound="AbstractDisplay")


class AbstractDisplay:
    """Shows what runs inside its `with` block: a bar on a terminal, elsewhere the words of the command's heartbeat.

    Args:
        what: the description to begin with.
        total: how many units there are, if it is known.
        unit: what is counted, for the words; empty where the description says it.
        stream: where a bar goes.
    """

    def __init__(self, what: str, *, total: int | None = None, unit: str = "", stream: Console = errors) -> None:
        self.watch = WorkWatch(beat)
        self.unit = unit
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *([MofNCompleteColumn()] if unit else []),
            TimeElapsedColumn(),
            *([TimeRemainingColumn()] if unit else []),
            _WatchColumn(self.watch),
            console=stream,
            disable=not on_terminal(),
            redirect_stdout=False,  # results may go to a file while the bar is on the terminal
        )
        self.task = self.progress.add_task(what, total=total)
        self._block = ExitStack()

    def __enter__(self: AnyDisplay) -> AnyDisplay:
        self._block.enter_context(describing(self.describe))
        self._block.enter_context(watched_by(self.watch))
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()
        self._block.close()

    def describe(self) -> str:
        """How far it is, in one line."""
        task = self.progress.tasks[0]
        counted = f"{int(task.completed):,}/{int(task.total):,} {self.unit}" if self.unit and task.total else ""
        return "; ".join(part for part in (task.description, counted, self.watch.describe()) if part)

    def move(self, what: str, *, completed: float | int | None = None, total: int | None = None) -> None:
        """Go on to `what`."""
        self.progress.update(self.task, description=what, completed=completed, total=total)
        beat()

    def print_result(self, text: str) -> None:
        """Print a line on standard output, under which the bar goes on."""
        running = not self.progress.disable
        if running:
            self.progress.stop()
        console.print(text, markup=False)
        if running:
            self.progress.start()


def describe_training(step: TrainingProgress) -> str:
    """How far a training is, in one line."""
    parts = [f"epoch {step.epoch}/{step.epochs}", f"loss {step.loss:.3f}", f"accuracy {step.accuracy:.1%}"]
    parts.append(f"{step.images_per_second:,.0f} images/s")
    if step.evaluations is not None:
        parts.append(f"NFE {step.evaluations:.0f}")
    return ", ".join(parts)


@final
class WorkDisplay(AbstractDisplay):
    """Work that says what it is at, or nothing at all."""


@final
class TrainingDisplay(AbstractDisplay):
    """The steps of one training."""

    def __init__(self) -> None:
        super().__init__("training", unit="steps")

    def show(self, step: TrainingProgress) -> None:
        """Go on to this step."""
        self.move(describe_training(step), completed=step.step, total=step.steps)


@final
class SearchDisplay(AbstractDisplay):
    """The radii that a certificate looks at."""

    def __init__(self, method: str) -> None:
        super().__init__("constants on all inputs")
        self.method = method

    def show(self, search: SearchProgress) -> None:
        """Go on to this look; the description counts the images, which are fewer from look to look."""
        doing = f"{self.method}, radius {search.look} of at most {search.looks}, {search.done}/{search.images} images"
        self.move(doing, completed=search.look - 1 + search.done / search.images, total=search.looks)


@final
class SmoothingDisplay(AbstractDisplay):
    """The images of a randomised smoothing."""

    def __init__(self, images: int) -> None:
        super().__init__("noisy copies", total=images, unit="images")

    def show(self, done: int) -> None:
        """So many images are done."""
        self.move("noisy copies", completed=done)


@final
class RunDisplay(AbstractDisplay):
    """The cells of a run, with the training or the attack in progress beside them."""

    def __init__(self) -> None:
        super().__init__("cells", unit="cells")

    def show(self, event: RunEvent) -> None:
        """Go on to this event; without a terminal, print a line per model too, as it is finished."""
        key = event.cell.key
        self.watch.begin_stage("")
        if event.training is not None:
            doing = f"training, {describe_training(event.training)}"
        else:
            doing = "theory" if key.attack is None else f"{key.attack} {key.norm} ε = {key.epsilon:g}"
            if self.progress.disable and key.attack is None and not event.found:
                done = "measured" if event.cell.model is None else "trained and measured"
                errors.print(f"{event.done}/{event.total}  {key.model}: {done}")
            doing = f"{doing} done"
        self.move(f"{key.model}: {doing}", completed=event.done, total=event.total)
