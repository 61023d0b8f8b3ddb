"""Cells run side by side: the same bits as one after the other, and no process left behind, whatever ends them."""

import json
import multiprocessing
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from natrob_empirical.attacks import NonFiniteGradientError
from natrob_empirical.benchmarks import AttackSpecification, Preset, RunEvent, planned_cells, run_preset
from natrob_empirical.benchmarks.crew import SMALL_TRAINING, Crew, crew_of
from natrob_empirical.benchmarks.plan import PlannedCell
from natrob_empirical.benchmarks.side_by_side import Task, WorkerDiedError, _next
from natrob_empirical.benchmarks.worker import Failed
from natrob_empirical.datasets import Dataset
from natrob_empirical.training import TrainingDivergedError, TrainingSpecification
from tests.natrob_empirical.benchmarks.test_runner import tiny_preset

CPU = torch.device("cpu")
PLENTY = 2**40
OF_THE_RUN = ("seconds", "training_seconds", "created", "workers")
"""What a record holds of the run, not of its result."""


def transferred() -> Preset:
    """Two networks, of which one's images are shown to the other too, so that either may train it first."""
    preset = tiny_preset("euler", "revnet")
    shown = AttackSpecification(
        label="FGSM on RevNet", attack="FGSM", norm="Linf", epsilons=(0.2,), source="revnet, small"
    )
    return replace(preset, attacks=(*preset.attacks, shown))


def results(folder: Path) -> dict[str, Any]:
    return {file.name: _results_of(json.loads(file.read_text())) for file in (folder / "records").glob("*.json")}


def _results_of(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _results_of(value) for name, value in part.items() if name not in OF_THE_RUN}
    return [_results_of(each) for each in part] if isinstance(part, list) else part


def run_beside(preset: Preset, digits: Dataset, output: Path, show: Callable[[RunEvent], None]) -> None:
    run_preset(preset, digits, output, device=CPU, workers=2, on_event=show)


def test_two_workers_write_the_same_bits_as_one_process_and_say_so(digits: Dataset, tmp_path: Path) -> None:
    events: list[RunEvent] = []
    run_beside(transferred(), digits, tmp_path / "two", events.append)
    store = run_preset(transferred(), digits, tmp_path / "one", device=CPU, workers=1)
    assert results(tmp_path / "one") == results(tmp_path / "two")
    finished = [event.done for event in events if event.kind == "cell"]
    assert finished == list(range(1, len(store.read_all()) + 1))
    assert all(event.total == finished[-1] and not event.found for event in events)
    assert any(event.training is not None for event in events)
    for folder, workers in (("one", {1}), ("two", {1, 2})):  # the test images are counted before there are workers
        found = [json.loads(file.read_text())["environment"] for file in (tmp_path / folder / "records").iterdir()]
        assert {each["workers"] for each in found} == workers
        assert {each["threads"] for each in found} == {1}
    assert multiprocessing.active_children() == []


def test_what_a_worker_raises_arrives_as_itself_with_its_traceback(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler", "revnet")
    hot = replace(preset.models[0], training=TrainingSpecification(epochs=1, optimiser="sgd", learning_rate=1e30))
    with pytest.raises(TrainingDivergedError) as raised:
        run_beside(replace(preset, models=(hot, preset.models[1])), digits, tmp_path, lambda _event: None)
    assert "in a worker process:" in raised.value.__notes__[0]
    assert "cell_runner.py" in raised.value.__notes__[0]
    assert multiprocessing.active_children() == []


def test_an_interruption_ends_the_workers_and_the_next_run_goes_on(digits: Dataset, tmp_path: Path) -> None:
    def interrupt(event: RunEvent) -> None:
        if event.kind == "cell" and event.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_beside(tiny_preset("euler", "revnet"), digits, tmp_path, interrupt)
    assert multiprocessing.active_children() == []
    assert not list(tmp_path.rglob("*.partial"))
    kept = len(results(tmp_path))
    events: list[RunEvent] = []
    run_preset(tiny_preset("euler", "revnet"), digits, tmp_path, device=CPU, on_event=events.append)
    assert sum(event.found for event in events) == kept >= 2


def test_a_worker_that_is_killed_is_named(digits: Dataset, tmp_path: Path) -> None:
    def kill(event: RunEvent) -> None:
        if event.training is not None:
            for process in multiprocessing.active_children():
                process.kill()

    with pytest.raises(WorkerDiedError, match=r"exit code -9 at (euler|revnet), small; it was killed"):
        run_beside(tiny_preset("euler", "revnet"), digits, tmp_path, kill)
    assert multiprocessing.active_children() == []


def test_two_tasks_that_need_one_model_run_at_once_only_when_it_is_there(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared.pt", tmp_path / "own.pt"
    first, second, third = (
        Task(group=[], checkpoints=frozenset(needed), flops=1.0) for needed in ({shared}, {shared, own}, {own})
    )
    assert _next([second, third], [first]) is third
    assert _next([second], [first]) is None
    shared.touch()
    assert _next([second], [first]) is second
    assert _next([], []) is None


def _planned(memory: int, digits: Dataset) -> list[PlannedCell]:
    return [replace(cell, memory=memory) for cell in planned_cells(tiny_preset("euler"), digits, rate=1.0)]


def test_small_models_run_on_one_thread_each_and_large_ones_share_the_threads(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    small, large = _planned(SMALL_TRAINING, digits), _planned(SMALL_TRAINING + 1, digits)
    for planned, workers, expected in (
        (small, None, Crew(workers=8, threads=1)),
        (small, 1, Crew(workers=1, threads=1)),
        (small, 20, Crew(workers=20, threads=1)),
        (large, None, Crew(workers=1, threads=8)),
        (large, 3, Crew(workers=3, threads=2)),
    ):
        assert crew_of(planned, CPU, workers=workers, available=PLENTY) == expected
    assert crew_of(small, torch.device("cuda"), workers=4, available=PLENTY) == Crew(workers=1, threads=8)
    assert crew_of(small, CPU, workers=None, available=3 * 2**30).workers == 2
    assert crew_of(small, CPU, workers=None, available=0).workers == 1
    with pytest.raises(ValueError, match="`workers` must be at least 1, got 0"):
        crew_of(small, CPU, workers=0, available=PLENTY)


def test_an_error_is_sent_in_parts_and_one_that_cannot_be_sent_is_told_by_another() -> None:
    for error in (NonFiniteGradientError(2, 3), FileNotFoundError(2, "no such file", "here"), ValueError("as it is")):
        sent = pickle.loads(pickle.dumps(Failed.by(error))).error()
        assert (type(sent), str(sent)) == (type(error), str(error))
        assert vars(sent) == vars(error)

    class UnknownError(Exception):
        """A class that the other side cannot import."""

    sent = Failed.by(UnknownError("lost")).error()
    assert (type(sent), str(sent)) == (RuntimeError, "UnknownError: lost")
