"""One training run: its steps, and the state between them."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, final

import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.abstract_method import AbstractWeightConstraint, StepOutcome
from natrob_empirical.training.arithmetic import memory_format
from natrob_empirical.training.epoch_data import DeviceData, EpochPlan
from natrob_empirical.training.epoch_meter import EpochMeter
from natrob_empirical.training.errors import TrainingDivergedError, TrainingMemoryError
from natrob_empirical.training.input_checks import stands_alone
from natrob_empirical.training.memory_search import BufferSnapshot, free_unused, is_out_of_memory, largest_that_fits
from natrob_empirical.training.optimisation import ScheduledOptimiser
from natrob_empirical.training.progress import EpochSummary, TrainingProgress, TrainingResult
from natrob_empirical.training.run_state import RunState, load_weights, named_weights, require_same_run
from natrob_empirical.training.specification import TrainingSpecification
from natrob_empirical.training.state_file import StateFile, StateKeeper
from natrob_empirical.training.streams import TrainingStreams
from natrob_empirical.training.training_log import TrainingLog


def reading_is_free(device: torch.device) -> bool:
    """Whether a result can be looked at without waiting for a queue of work."""
    return device.type == "cpu"


@final
class TrainingRun:
    """The loop over epochs and batches, and where in it the run is.

    Args:
        model, dataset, specification: as for `train`; the model is set to training mode.
        sizes: how many images each step of an epoch takes.
        streams: the run's; everything here happens inside their `for_layers`.
        device: the model's.
        progress: as for `train`.
        constraint: that the method holds the weights by.

    Attributes:
        epoch: finished epochs.
        position: finished steps of the epoch in progress.
        resumed_from: the step at which this process took over.
    """

    def __init__(  # the parts of a run
        self,
        model: nn.Module,
        dataset: Dataset,
        specification: TrainingSpecification,
        *,
        sizes: Sequence[int],
        streams: TrainingStreams,
        device: torch.device,
        progress: Callable[[TrainingProgress], None] | None,
        constraint: AbstractWeightConstraint | None,
    ) -> None:
        self._model, self._specification, self._streams, self._device = model.train(), specification, streams, device
        self._progress, self._constraint = progress, constraint
        self._data = DeviceData(dataset, device, memory_format=memory_format(specification.engine))
        self._sizes, self._starts = sizes, [0, *accumulate(sizes)]
        self._stands_alone = partial(stands_alone, model, dataset, device)
        self._meter = EpochMeter(sizes, device)
        self._optimiser = ScheduledOptimiser(model, specification, steps_per_epoch=self._meter.steps)
        self._keeper: StateKeeper | None = None
        self._plan: EpochPlan | None = None
        self.epoch = self.position = self.resumed_from = 0
        self._seconds_before, self._started = 0.0, time.perf_counter()

    @property
    def steps_done(self) -> int:
        """The finished steps of the whole run."""
        return self.epoch * self._meter.steps + self.position

    def keep_state(self, store: StateFile, description: dict[str, Any], *, interval: float) -> None:
        """Keep the run's state from now on, and go on from the one that is there.

        Raises:
            TrainingStateError: what is there is not the state of this run.
        """
        snapshot = BufferSnapshot(self._model)
        self._keeper = StateKeeper(store, description, interval=interval, snapshot=snapshot, streams=self._streams)
        found = store.read()
        if found is None:
            return
        state, source = found
        require_same_run(state.description, description, source)
        load_weights(self._model, state.weights)
        self._optimiser.restore(state.optimiser)
        self._streams.set_states(state.streams)
        self.epoch, self.position, self._seconds_before = state.epoch, state.position, state.seconds
        self._plan = None if state.plan is None else EpochPlan.from_compact(state.plan).on(self._device)
        self._meter.restore(state.losses, state.correct)
        self.resumed_from = self.steps_done

    def to_the_end(self, journal: TrainingLog) -> TrainingResult:
        """All steps that are left. Raises as `train` does."""
        self._meter.begin(self.position)
        if self.steps_done == 0:
            self._constrain()
        while self.epoch < self._specification.epochs:
            plan = self._plan or self._next_plan()
            while self.position < self._meter.steps:
                self._next_step(plan)
                self._save_if_due()
                if reading_is_free(self._device):
                    self._report()
            self._finish_epoch(journal)
            self._save_if_due()
        self.require_finite_weights()
        steps = self._meter.steps
        return TrainingResult(
            seconds=self._seconds(),
            epochs=self.epoch,
            steps=self.steps_done,
            resumed_from=self.resumed_from,
            loss=self._meter.mean_loss(steps),
            accuracy=self._meter.accuracy(steps),
            images_per_second=self._meter.images_per_second(steps),
            evaluations=_field_evaluations(self._model),
        )

    def _next_plan(self) -> EpochPlan:
        self._meter.clear()
        specification = self._specification
        drawn = EpochPlan.drawn(
            len(self._data),
            specification.augmentation,
            shift=specification.shift,
            warp=specification.warp,
            streams=self._streams,
        )
        self._plan = drawn.on(self._device)
        return self._plan

    def _next_step(self, plan: EpochPlan) -> None:
        if self._keeper is not None:
            self._keeper.before_step()
        self._optimiser.clear_gradients()
        try:
            outcome = self._gradients(plan, self._sizes[self.position])
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            outcome = " ".join(str(error).split())
        if isinstance(outcome, str):  # out here: the error holds the frames, and so the tensors, of the failed pass
            raise self._out_of_memory(plan, outcome)
        if reading_is_free(self._device) and not math.isfinite(loss := float(outcome.loss)):
            raise self._diverged(self.steps_done + 1, f"the loss became {loss}")
        self._optimiser.step(self.steps_done)
        self._constrain()
        self._meter.add(self.position, outcome)
        self.position += 1

    def _constrain(self) -> None:
        if self._constraint is not None:
            self._constraint.after_step()

    def _gradients(self, plan: EpochPlan, size: int) -> StepOutcome:
        start = self._starts[self.position]
        images, labels = self._data.batch(plan, start, min(start + size, len(self._data)))
        method = self._specification.method.after(self.steps_done / (self._specification.epochs * self._meter.steps))
        return method.backward(self._model, images, labels, generator=self._streams.method)

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(
                TrainingProgress(
                    epoch=self.epoch + 1,
                    epochs=self._specification.epochs,
                    step=self.steps_done,
                    steps=self._specification.epochs * self._meter.steps,
                    loss=float(self._meter.losses[self.position - 1]),
                    accuracy=self._meter.accuracy(self.position),
                    images_per_second=self._meter.images_per_second(self.position),
                    learning_rate=self._optimiser.learning_rate(self.steps_done - 1),
                    evaluations=_field_evaluations(self._model),
                )
            )

    def _finish_epoch(self, journal: TrainingLog) -> None:
        self._read()
        journal.add(
            EpochSummary(
                epoch=self.epoch + 1,
                step=self.steps_done,
                loss=self._meter.mean_loss(self.position),
                accuracy=self._meter.accuracy(self.position),
                learning_rate=self._optimiser.learning_rate(self.steps_done - 1),
                images_per_second=self._meter.images_per_second(self.position),
                seconds=self._seconds(),
                evaluations=_field_evaluations(self._model),
            )
        )
        self.epoch, self.position, self._plan = self.epoch + 1, 0, None

    def _read(self) -> None:
        """Wait for the device, and look at the losses since the last reading; on the CPU this is done every step."""
        if reading_is_free(self._device):
            return
        bad = self._meter.first_bad(self.position)
        if bad is not None:
            place, loss = bad
            raise self._diverged(self.epoch * self._meter.steps + place + 1, f"the loss became {loss}")
        self._report()

    def _save_if_due(self) -> None:
        if self._keeper is not None and self._keeper.due():
            if self.position:
                self._read()
            self.require_finite_weights()
            self._keeper.write(self._state(self._keeper.description))

    def _state(self, description: dict[str, Any]) -> RunState:
        losses, correct = self._meter.content()
        return RunState(
            description=description,
            weights=named_weights(self._model),
            optimiser=self._optimiser.content(),
            streams=self._streams.states(),
            epoch=self.epoch,
            position=self.position,
            plan=None if self._plan is None else self._plan.compact(),
            losses=losses,
            correct=correct,
            seconds=self._seconds(),
        )

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def require_finite_weights(self) -> None:
        """Raise TrainingDivergedError where a weight, or a running statistic of a batch norm, is not a number."""
        if not self._optimiser.all_finite():
            raise self._diverged(self.steps_done, "a weight became NaN or infinite")
        statistics = [
            value
            for module in self._model.modules()
            for value in (getattr(module, "running_mean", None), getattr(module, "running_var", None))
            if isinstance(value, torch.Tensor)
        ]
        if not all(bool(value.isfinite().all()) for value in statistics):
            raise self._diverged(self.steps_done, "a running mean or variance became NaN or infinite")

    def _diverged(self, step: int, what: str) -> TrainingDivergedError:
        last_good = None if self._keeper is None else self._keeper.store.newest()
        kept = "no state of the run was kept" if last_good is None else f"the last good state is {last_good}"
        epoch = (step - 1) // self._meter.steps + 1
        message = (
            f"in epoch {epoch} of {self._specification.epochs} {what} at step {step}; lower the learning rate or the "
            f"step size of the network; {kept}"
        )
        return TrainingDivergedError(message, step=step, last_good=last_good)

    def _out_of_memory(self, plan: EpochPlan, reason: str) -> TrainingMemoryError:
        """The error to raise; the state before the step is written first."""
        self._optimiser.clear_gradients()
        free_unused()
        kept = "no state of the run was kept"
        if self._keeper is not None:
            self._keeper.rewind()
            written = self._keeper.write(self._state(self._keeper.description))
            kept = f"the state before the step is in {self._keeper.store.path}" if written else kept
        size = self._sizes[self.position]
        fitting = self._batch_that_fits(plan, size)
        self._optimiser.clear_gradients()
        advice = f"`batch_size` = {fitting} fits" if fitting else "not even one image fits: take a smaller model"
        step = self.steps_done + 1
        return TrainingMemoryError(
            f"step {step} with {size} images ran out of memory: {advice}; {kept} ({reason})", batch_size=fitting
        )

    def _batch_that_fits(self, plan: EpochPlan, size: int) -> int | None:
        """The largest half, quarter, … of the batch that fits, and that the model can be trained on."""

        def attempt(smaller: int) -> None:
            if smaller == 1 and not self._stands_alone():
                raise MemoryError("the model cannot be trained on one image by itself")
            self._gradients(plan, smaller)

        return largest_that_fits(size, attempt)


def _field_evaluations(model: nn.Module) -> float | None:
    """Field evaluations per image in the last solve of a Neural ODE."""
    record = getattr(getattr(model, "trunk", None), "last_solve", None)
    return None if record is None else float(record.evaluations.double().mean())
