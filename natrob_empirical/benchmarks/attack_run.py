"""One attack at one budget on any model, batch by batch, each finished one on disk before the next begins."""

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from natrob_empirical.attacks import AT_ONCE, AbstractAttack, AveragedModel, Classifier, outcomes_of
from natrob_empirical.benchmarks.attack_batches import AttackBatch, AttackBatchStore
from natrob_empirical.benchmarks.cells import majority_share
from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.benchmarks.outcome_letters import outcome_letters
from natrob_empirical.files.sole_writer import lock_of_file, sole_writer
from natrob_empirical.random_streams import RandomStreams, SampleStreams
from natrob_empirical.records import (
    AttackResult,
    AttackRunResult,
    CellKey,
    CellRecord,
    Number,
    RecordStore,
    SampleOutcomes,
)
from natrob_empirical.statistics.share_intervals import wilson_interval
from natrob_theory.numbers.argument_checks import require_count


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AttackRun:
    """An attack on all images, and its settings.

    Attributes:
        key: what the record is called; holds norm, radius and seed.
        settings: everything else that determines the result; with the key it is the identity of the run.
        attack: the attack, which knows its ball.
        model: images to logits, on the images' device.
        images, labels: all of them.
        batch_size: how many are attacked, and kept on disk, at once; at least 1.
        average: of a random model, how many answers are averaged; None asks the model once.
        targeted: the class that each image is to be taken for; None is content with any wrong one.
    """

    key: CellKey
    settings: dict[str, Any]
    attack: AbstractAttack
    model: Classifier
    images: Tensor
    labels: Tensor
    batch_size: int
    average: int | None = None
    targeted: Tensor | None = None

    def __post_init__(self) -> None:
        require_count("batch_size", self.batch_size)

    def model_for(self, start: int) -> Classifier:
        """The model as the batch from image `start` meets it: the draws of an average begin anew with every batch."""
        if self.average is None:
            return self.model
        draws = RandomStreams(self.key.seed).generator(f"average, batch from {start}")
        return AveragedModel(self.model, samples=self.average, generator=draws)


@final
@dataclass(frozen=True, kw_only=True)
class AttackProgress:
    """How far a run is.

    Attributes:
        done, total: images.
        kept: how many of those done keep their label.
    """

    done: int
    total: int
    kept: int


@final
@dataclass(frozen=True, kw_only=True)
class FinishedAttack:
    """A finished run.

    Attributes:
        record: its record.
        result: the record's result.
        path: where the record is.
        resumed: how many images an earlier, interrupted run had finished; all of them if the record was there.
    """

    record: CellRecord
    result: AttackRunResult
    path: Path
    resumed: int


def run_attack(
    run: AttackRun, output: Path, *, progress: Callable[[AttackProgress], None] | None = None
) -> FinishedAttack:
    """Attack every image, unless the record of this run is in `output/records` already.

    Finished batches are kept in `output/unfinished` until the record is written, so an interrupted run loses the batch
    in progress only. Every image has a random stream of its own. So an interruption changes no batch, bit for bit on a
    CPU.

    Raises:
        PermissionError, NotADirectoryError: the output folder cannot be written to.
        InUseError: another run makes this record now.
        TypeError, ValueError, NonFiniteGradientError: as the attack does.
    """
    store = RecordStore(output / "records")
    path = store.place_of(run.key, run.settings)
    with sole_writer(lock_of_file(path), what=f"the record {path}"):
        found = store.read(run.key, run.settings)
        if found is not None and isinstance(found.result, AttackRunResult):
            return FinishedAttack(record=found, result=found.result, path=path, resumed=len(run.images))
        return _attacked(run, store, output, progress)


def _attacked(
    run: AttackRun, store: RecordStore, output: Path, progress: Callable[[AttackProgress], None] | None
) -> FinishedAttack:
    path = store.path_of(run.key, run.settings)
    batches = AttackBatchStore(output / "unfinished" / path.stem)
    finished: list[AttackBatch] = []
    done = kept = resumed = 0
    for batch, was_there in _batches(run, batches):
        finished.append(batch)
        done += len(batch.samples)
        kept += batch.samples.outcomes.count("k")
        resumed += len(batch.samples) * was_there
        if progress is not None:
            progress(AttackProgress(done=done, total=len(run.images), kept=kept))
    result = _result_of(run, finished)
    environment = current_environment(run.images.device)
    record = CellRecord(cell=run.key, settings=run.settings, environment=environment, result=result)
    store.write(record)
    batches.clear()
    return FinishedAttack(record=record, result=result, path=path, resumed=resumed)


def _batches(run: AttackRun, store: AttackBatchStore) -> Iterator[tuple[AttackBatch, bool]]:
    """Every batch in order, from disk or run now and written to disk."""
    total, device = len(run.images), run.images.device
    streams = SampleStreams(RandomStreams(run.key.seed).generator("attack"), total, device)
    for start in range(0, total, run.batch_size):
        stop = min(start + run.batch_size, total)
        batch = store.read(start, stop - start)
        if batch is not None:
            yield batch, True
            continue
        started = time.perf_counter()
        images = run.images[start:stop]
        chosen = streams.select(torch.arange(start, stop, device=device))
        targets = None if run.targeted is None else run.targeted[start:stop]
        result = run.attack.run(
            run.model_for(start),
            images,
            run.labels[start:stop],
            streams=chosen,
            targeted=targets,
            at_once=min(run.batch_size, AT_ONCE),
        )
        outcomes = outcomes_of(run.attack, images, result)
        samples = SampleOutcomes(
            outcomes=outcome_letters(outcomes.wrong_from_the_start, outcomes.success),
            queries=" ".join(map(str, outcomes.queries.tolist())),
            gradient_calls=" ".join(map(str, outcomes.gradient_calls.tolist())),
            distances=" ".join(map(repr, outcomes.distance.tolist())),
        )
        batch = AttackBatch(
            start=start,
            samples=samples,
            seconds=time.perf_counter() - started,
            one_at_a_time=result.one_at_a_time,
        )
        store.write(batch)
        yield batch, False


def _result_of(run: AttackRun, batches: list[AttackBatch]) -> AttackRunResult:
    """The outcomes of all batches, and what they amount to."""
    samples = SampleOutcomes.joined([batch.samples for batch in batches])
    n = len(samples)
    kept, correct = samples.outcomes.count("k"), n - samples.outcomes.count("w")
    share = majority_share(run.labels)
    ball = run.attack.ball
    above_grey = run.key.norm == "Linf" and ball.epsilon >= ball.grey_radius(run.images.shape[1:])
    return AttackRunResult(
        summary=AttackResult(
            accuracy=Number(value=kept / n, kind="upper", n=n, source=f"{run.key.attack} found no more"),
            clean_accuracy=Number(value=correct / n, kind="measured", n=n, source="test images"),
            majority_share=share,
            largest_distance=max(samples.distance_values),
            mean_queries=sum(samples.query_counts) / n,
            mean_gradient_calls=sum(samples.gradient_counts) / n,
            seconds=sum(batch.seconds for batch in batches),
            one_at_a_time=any(batch.one_at_a_time for batch in batches),
        ),
        accuracy_interval=wilson_interval(kept, n),
        clean_interval=wilson_interval(correct, n),
        ceiling=share if above_grey and run.targeted is None else None,
        samples=samples,
    )


def weights_fingerprint(model: nn.Module) -> str:
    """A hash of a model's parameters and buffers, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        if isinstance(tensor, Tensor):
            plain = tensor.detach().cpu().contiguous()
            digest.update(repr((name, str(plain.dtype), tuple(plain.shape))).encode())
            digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b"")
    return digest.hexdigest()[:16]
