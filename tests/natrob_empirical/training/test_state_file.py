"""States of other runs are refused, damaged ones give way to the one before, and a full disk loses nothing."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_subjects import demanding, everything_of, same, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.training import (
    StandardTraining,
    TrainingProgress,
    TrainingStateError,
    TrainingWarning,
    state_file,
)


class InterruptedByTestError(Exception):
    """Raised by the tests in the middle of a run."""


def interrupted(dataset: Dataset, state: Path, *, at: int = 5) -> None:
    """Leave the states after the steps `at` and `at` − 1."""

    def stop(seen: TrainingProgress) -> None:
        if seen.step == at:
            raise InterruptedByTestError

    with pytest.raises(InterruptedByTestError):
        trained(small_network(), dataset, demanding(), state=state, checkpoint_interval=0.0, progress=stop)


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=80)


@pytest.mark.parametrize(
    ("changed", "seed", "message"),
    [
        ({"learning_rate": 0.5}, 0, r"settings.learning_rate is 0.05 there and 0.5 here"),
        ({"method": StandardTraining()}, 0, r"settings.method.name is noisy there and standard here"),
        ({}, 1, r"random_seeds is \[.*\] there and \[.*\] here"),
    ],
)
def test_the_state_of_other_settings_is_named_and_refused(
    changed: dict[str, Any], seed: int, message: str, few_digits: Dataset, tmp_path: Path
) -> None:
    state = tmp_path / "run.pt"
    interrupted(few_digits, state)
    kept = state.read_bytes()
    with pytest.raises(TrainingStateError, match=message):
        trained(small_network(), few_digits, demanding(**changed), seed=seed, state=state)
    assert state.read_bytes() == kept


def test_the_state_of_another_architecture_or_data_set_is_named_and_refused(
    few_digits: Dataset, tmp_path: Path
) -> None:
    state = tmp_path / "run.pt"
    interrupted(few_digits, state)
    with pytest.raises(TrainingStateError, match=r"weights\.7\.weight is missing there"):
        trained(small_network().append(torch.nn.Linear(10, 10)), few_digits, demanding(), state=state)
    darker = replace(few_digits, train_x=few_digits.train_x // 2)
    with pytest.raises(TrainingStateError, match=r"data\.sha256 is"):
        trained(small_network(), darker, demanding(), state=state)


def test_another_schema_version_and_other_files_are_named_and_refused(few_digits: Dataset, tmp_path: Path) -> None:
    state = tmp_path / "run.pt"
    interrupted(few_digits, state)
    content = torch.load(state, weights_only=True)
    torch.save({**content, "schema_version": 99}, state)
    with pytest.raises(TrainingStateError, match=r"run\.pt is of schema version 99, this natrob reads version 1"):
        trained(small_network(), few_digits, demanding(), state=state)
    torch.save({"some": "thing"}, state)
    with pytest.raises(TrainingStateError, match=r"run\.pt is not the state of a training run"):
        trained(small_network(), few_digits, demanding(), state=state)


@pytest.mark.parametrize("kept_bytes", [0, 1, 0.5, 0.99])
def test_a_truncated_state_gives_way_to_the_one_before_it(
    kept_bytes: float, few_digits: Dataset, tmp_path: Path
) -> None:
    whole, resumed, state = small_network(), small_network(seed=1), tmp_path / "run.pt"
    trained(whole, few_digits, demanding())
    interrupted(few_digits, state)
    content = state.read_bytes()
    state.write_bytes(content[: int(kept_bytes * len(content)) if kept_bytes < 1 else int(kept_bytes)])
    with pytest.warns(TrainingWarning, match=r"run\.pt is damaged .*: the run goes on from .*run\.pt\.previous"):
        result = trained(resumed, few_digits, demanding(), state=state)
    assert result.resumed_from == 4
    assert same(everything_of(whole), everything_of(resumed))


def test_a_crash_between_the_two_renames_leaves_the_previous_state(few_digits: Dataset, tmp_path: Path) -> None:
    whole, resumed, state = small_network(), small_network(seed=1), tmp_path / "run.pt"
    trained(whole, few_digits, demanding())
    interrupted(few_digits, state)
    state.rename(state.with_name("run.pt.next"))
    with pytest.warns(TrainingWarning, match=r"run\.pt is missing: the run goes on from .*run\.pt\.previous"):
        trained(resumed, few_digits, demanding(), state=state)
    assert same(everything_of(whole), everything_of(resumed))
    assert not list(tmp_path.iterdir())


def test_damaged_beyond_use_is_said(few_digits: Dataset, tmp_path: Path) -> None:
    state = tmp_path / "run.pt"
    interrupted(few_digits, state)
    for path in tmp_path.iterdir():
        path.write_bytes(b"PK nonsense")
    with pytest.raises(TrainingStateError, match=r"run\.pt is damaged .*previous is damaged .*delete it to start anew"):
        trained(small_network(), few_digits, demanding(), state=state)


def test_a_full_disk_costs_no_run_and_no_earlier_state(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, written = tmp_path / "run.pt", state_file.write_atomically
    calls = 0

    def full_after_three(path: Path, content: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written(path, content)

    monkeypatch.setattr(state_file, "write_atomically", full_after_three)
    with pytest.warns(TrainingWarning, match=r"run\.pt, [\d,]+ bytes: .*No space left.*; training goes on, .*stays"):
        interrupted(few_digits, state)
    monkeypatch.undo()
    whole, resumed = small_network(), small_network(seed=1)
    trained(whole, few_digits, demanding())
    assert trained(resumed, few_digits, demanding(), state=state).resumed_from == 3
    assert same(everything_of(whole), everything_of(resumed))
