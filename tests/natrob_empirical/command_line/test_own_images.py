"""A user's own arrays under the commands: floats as they are, and test arrays alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from console_runner import natrob, text_of

from natrob_empirical.records import AttackRunResult, RecordStore

MODEL = """
import torch
from torch import nn

class Threshold(nn.Module):
    '''Class 1 from a mean of 0.5 on, in float64; at the slope 1e7, so that 1e-6 decides.'''
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(1e7, dtype=torch.float64))
    def forward(self, x):
        assert x.shape[1:] == (3, 6, 6), x.shape
        score = self.slope * (x.flatten(1).mean(1) - 0.5)
        return torch.stack([-score, score], 1)
"""


@pytest.fixture
def floats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Float64 images that differ from grey by 1e-6, a 2550th of what a byte can tell; test arrays alone."""
    (tmp_path / "thresholds_of_a_user.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "thresholds_of_a_user", raising=False)
    labels = np.arange(8) % 2
    images = np.full((8, 3, 6, 6), 0.5) + 1e-6 * (2 * labels - 1)[:, None, None, None]
    np.savez(tmp_path / "floats.npz", test_x=images, test_y=labels.astype(np.int16))
    return tmp_path


def attacked(folder: Path, *more: str) -> AttackRunResult:
    result = natrob("attack", "thresholds_of_a_user:Threshold", "--data", "floats.npz", "--attack", "pgd",
                    "--output", str(folder / "out"), *more)  # fmt: skip
    assert result.exit_code == 0, result.output
    (record,) = RecordStore(folder / "out" / "records").read_all()
    assert isinstance(record.result, AttackRunResult)
    return record.result


@pytest.mark.parametrize(("epsilon", "kept"), [("5e-7", 1.0), ("2e-6", 0.0)])
def test_floats_are_attacked_as_they_are(floats: Path, epsilon: str, kept: float) -> None:
    result = attacked(floats, "--epsilon", epsilon)
    assert result.summary.clean_accuracy.value == 1.0
    assert result.summary.accuracy.value == kept


@pytest.mark.usefixtures("floats")
def test_test_arrays_are_enough_to_diagnose() -> None:
    result = natrob("diagnose", "thresholds_of_a_user:Threshold", "--data", "floats.npz", "--epsilon", "1e-7")
    assert result.exit_code == 0, result.output
    assert "on 8 test images of floats" in text_of(result)


def test_test_arrays_are_enough_to_certify(checkpoint: Path, tmp_path: Path) -> None:
    images: np.ndarray[Any, Any] = np.random.default_rng(0).random((4, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", test_x=images, test_y=np.arange(4))
    result = natrob("certify", str(checkpoint), "--data", str(tmp_path / "mine.npz"), "--epsilon", "0.01")
    assert result.exit_code == 0, result.output
    assert "on 4 test images of mine" in text_of(result)


@pytest.mark.usefixtures("floats")
@pytest.mark.parametrize(
    "command", [("train", "euler"), ("bench", "--preset", "quick"), ("report", "--preset", "quick")]
)
def test_training_says_which_arrays_it_lacks(command: tuple[str, ...]) -> None:
    result = natrob(*command, "--data", "floats.npz", "--output", "out")
    assert result.exit_code == 2
    assert "floats must hold train_x and train_y to train on; it has test images only" in text_of(result)


def test_float_images_are_trained_on(tmp_path: Path) -> None:
    images, labels = np.random.default_rng(0).random((40, 8, 8)), np.arange(40) % 2
    np.savez(tmp_path / "mine.npz", train_x=images, train_y=labels, test_x=images[:8], test_y=labels[:8])
    result = natrob("train", "euler", "--set", "channels=2", "--set", "hidden=2", "--set", "num_steps=1",
                    "--epochs", "1", "--data", str(tmp_path / "mine.npz"), "--output", str(tmp_path))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "of 8 test images" in text_of(result)
