"""The training loop."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.files.sole_writer import lock_of_file, sole_writer
from natrob_empirical.random_streams import require_cpu_generator
from natrob_empirical.runs.freed_memory import keep_freed_memory
from natrob_empirical.training.abstract_method import AbstractConstrainedTraining
from natrob_empirical.training.arithmetic import arithmetic
from natrob_empirical.training.input_checks import batch_sizes, device_of, joined, require_fitting
from natrob_empirical.training.progress import TrainingProgress, TrainingResult
from natrob_empirical.training.run import TrainingRun
from natrob_empirical.training.run_state import describe
from natrob_empirical.training.specification import TrainingSpecification
from natrob_empirical.training.state_file import StateFile
from natrob_empirical.training.streams import TrainingStreams
from natrob_empirical.training.training_log import LogPaths, training_log
from natrob_theory.numbers.argument_checks import require_nonnegative


def train(  # noqa: PLR0913 - each is one keyword of what a run is
    model: nn.Module,
    dataset: Dataset,
    specification: TrainingSpecification,
    *,
    generator: torch.Generator,
    state: Path | None = None,
    checkpoint_interval: float = 60.0,
    progress: Callable[[TrainingProgress], None] | None = None,
    log: LogPaths | Path | None = None,
    finished: Callable[[TrainingResult], None] | None = None,
) -> TrainingResult:
    """Train `model` in place on the data set's training images, on the device it is on, and leave it in eval mode.

    An interrupted run that kept its state goes on from it when the function is called again with equal arguments.
    On the CPU, with an equal number of threads, it ends with the very weights that it would have had without the
    interruption, down to the last bit.

    Args:
        model: images in [0, 1] to logits.
        dataset: the training part is used.
        specification: how.
        generator: a CPU generator; seeds the run's streams: order of images, augmentation, method, dropout.
        state: the file the run's state is kept in, and taken up from if it is there; removed at the end.
        checkpoint_interval: seconds between two states; 0 keeps every step's.
        progress: called after every step on the CPU, where results are read at once; on another device after every
            epoch and every state.
        finished: called with the result when the model is trained, before the state is removed, so that nothing is
            lost if the trained model cannot be written.
        log: where a line per epoch is written: the path of a CSV file, or `LogPaths`.

    Raises:
        TrainingDivergedError: at the first loss that is not finite. On the CPU before the weights are changed by it;
            elsewhere when the losses are next read, and no state is written after it.
        TrainingMemoryError: a step does not fit into memory; a batch that does is named.
        InUseError: another run has this `state` now.
        TrainingStateError: `state` is of another run, of another schema version, or damaged beyond use.
        ValueError: a label that the model has no logit for, or images that it does not take; weights that the method
            cannot hold in its set; a `batch_size` of 1, or a single image, for batch norm that cannot be trained so.
    """
    require_cpu_generator("generator", generator)
    interval = require_nonnegative("checkpoint_interval", checkpoint_interval)
    device = device_of(model)
    require_fitting(model, dataset, device)
    keep_freed_memory()
    sizes = batch_sizes(model, dataset, specification.batch_size, device)
    method = specification.method
    constrained = isinstance(method, AbstractConstrainedTraining)
    constraint = method.constraint(model, dataset.image_shape) if constrained else None
    streams = TrainingStreams(generator, device)
    store = None if state is None else StateFile(state)
    description = {} if store is None else describe(model, dataset, specification, streams.seeds)
    if joined(sizes, specification.batch_size):
        description["last_batch"] = sizes[-1]
    with nullcontext() if state is None else sole_writer(lock_of_file(state), what=f"the training state {state}"):
        with arithmetic(model, specification.engine, device), streams.for_layers():
            run = TrainingRun(
                model,
                dataset,
                specification,
                sizes=sizes,
                streams=streams,
                device=device,
                progress=progress,
                constraint=constraint,
            )
            if store is not None:
                run.keep_state(store, description, interval=interval)
            with training_log(log, finished_epochs=run.epoch) as journal:
                result = run.to_the_end(journal)
        if constraint is not None:
            constraint.finish()
            run.require_finite_weights()
        model.eval()
        if finished is not None:
            finished(result)
        if store is not None:
            store.remove()
    return result
