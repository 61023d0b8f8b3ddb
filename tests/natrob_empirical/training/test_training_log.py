import csv
import importlib.util
from pathlib import Path

import pytest
from training_subjects import demanding, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.training import LogPaths, TrainingProgress, TrainingWarning, training_log


class InterruptedByTestError(Exception):
    """Raised by the tests in the middle of a run."""


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=80)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_epoch_is_a_line_that_says_what_the_result_says(few_digits: Dataset, tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    log = tmp_path / "folder" / "log.csv"
    result = trained(small_network(), few_digits, demanding(), log=log, progress=seen.append)
    rows = rows_of(log)
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "3"), ("2", "6"), ("3", "9")]
    assert (float(rows[-1]["loss"]), float(rows[-1]["accuracy"])) == (result.loss, result.accuracy)
    assert rows[-1]["evaluations"] == ""
    last = [step.loss for step in seen[-3:]]
    assert result.loss == pytest.approx((32 * last[0] + 32 * last[1] + 16 * last[2]) / 80)
    assert result.accuracy == seen[-1].accuracy
    assert (result.steps, result.epochs, result.resumed_from) == (9, 3, 0)


def test_a_resumed_run_repeats_no_line(few_digits: Dataset, tmp_path: Path) -> None:
    log, state = tmp_path / "log.csv", tmp_path / "run.pt"

    def stop(seen: TrainingProgress) -> None:
        if seen.step == 8:
            raise InterruptedByTestError

    with pytest.raises(InterruptedByTestError):
        trained(
            small_network(), few_digits, demanding(),
            log=log, state=state, checkpoint_interval=0.0, progress=stop,
        )  # fmt: skip
    before = rows_of(log)
    trained(small_network(), few_digits, demanding(), log=log, state=state)
    assert [row["epoch"] for row in rows_of(log)] == ["1", "2", "3"]
    assert rows_of(log)[:2] == before


def test_another_run_begins_its_log_anew_and_other_files_are_left_alone(few_digits: Dataset, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    for _ in range(2):
        trained(small_network(), few_digits, demanding(epochs=1), log=log)
    assert len(rows_of(log)) == 1


def test_a_log_that_cannot_be_written_is_a_warning(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(training_log, "write_atomically", full)
    with pytest.warns(TrainingWarning, match=r"log\.csv could not be written: No space"):
        trained(small_network(), few_digits, demanding(epochs=1), log=tmp_path / "log.csv")


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="the package tensorboard is there")
def test_curves_without_their_package_are_an_error_before_the_first_step(few_digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"tensorboard. is missing: pip install 'natrob\[tensorboard\]'"):
        trained(small_network(), few_digits, demanding(), log=LogPaths(tensorboard=tmp_path))


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="the package tensorboard is missing")
def test_curves_are_written(few_digits: Dataset, tmp_path: Path) -> None:
    trained(small_network(), few_digits, demanding(), log=LogPaths(tensorboard=tmp_path))
    assert any("tfevents" in path.name for path in tmp_path.iterdir())
