"""`natrob attack` with a target class, and with a mask of the pixels that may change."""

from pathlib import Path

import numpy as np
import pytest
from console_runner import natrob, text_of

from natrob_empirical.records import AttackRunResult, RecordStore

MODEL = """
import torch
from torch import nn

class Columns(nn.Module):
    '''Class c is the brightest of three columns; white on the right cannot be reached from the left.'''
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))
    def forward(self, x):
        return self.scale * x.mean(dim=(1, 2))
"""


@pytest.fixture(autouse=True)
def columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "columns_of_a_user.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "columns_of_a_user", raising=False)
    labels = np.arange(9) % 3
    images = np.full((9, 1, 5, 3), 0.2)
    images[np.arange(9), :, :, labels] = 0.5  # and the next column is nearer than the one after it
    images[np.arange(9), :, :, (labels + 1) % 3] = 0.4
    np.savez("images.npz", test_x=images, test_y=labels, layout="NCHW")
    np.save("left.npy", np.array([True, False, False]))
    np.save("wide.npy", np.ones((5, 4), dtype=bool))
    np.save("half.npy", np.full(3, 0.5))


def kept(*arguments: str) -> tuple[float, int]:
    result = natrob("attack", "columns_of_a_user:Columns", "--data", "images.npz", "--attack", "pgd", *arguments)
    assert result.exit_code == 0, result.output
    (record,) = RecordStore(Path("output") / "attack" / "records").read_all()
    assert isinstance(record.result, AttackRunResult)
    return record.result.summary.accuracy.value, len(record.result.samples)


def test_without_a_target_any_wrong_class_will_do() -> None:
    assert kept("--epsilon", "0.1") == (0.0, 9)


def test_images_are_only_taken_for_the_target_and_its_own_are_left_out() -> None:
    # of the six images of other classes, the three of class 0 have class 1 next to theirs, those of class 2 do not
    assert kept("--epsilon", "0.1", "--target", "1") == (0.5, 6)


def test_only_pixels_of_the_mask_change() -> None:
    # with the left column alone free, images of class 0 can be darkened and those of class 2 have class 0 as next
    value, images = kept("--epsilon", "0.12", "--mask", "left.npy")
    assert images == 9
    assert value == pytest.approx(1 / 3)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "3"), "`--target` must be a class from 0 to 2, got 3"),
        (("--target", "-1"), "`--target` must be a class from 0 to 2, got -1"),
        (("--target", "cat"), "Invalid value for '--target': must be an integer such as 16, got 'cat'"),
        (("--mask", "lefft.npy"), "which is not here; did you mean left.npy"),
        (("--mask", "wide.npy"), "`--mask` must broadcast to an image, of shape (1, 5, 3), got (5, 4)"),
        (("--mask", "half.npy"), "`--mask` must hold bools, or 0 and 1, got other values in half.npy"),
        (("--mask", "images.npz"), "`--mask` must hold bools"),
    ],
)
def test_wrong_targets_and_masks_are_refused_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = natrob("attack", "columns_of_a_user:Columns", "--data", "images.npz", "--epsilon", "0.1", *arguments)
    assert result.exit_code == 2, result.output
    assert message in text_of(result)
