"""A full disk costs neither a trained model nor what was there before, and the error names path and cause."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from test_attack_run import run_of
from test_runner import CPU, run, tiny_preset
from torch import Tensor, nn

from natrob_empirical.benchmarks import TrainedModels, load_checkpoint, run_attack
from natrob_empirical.claims import Evidence, judge_all
from natrob_empirical.datasets import Dataset
from natrob_empirical.files import atomic_file
from natrob_empirical.reporting import write_site


class FullFor:
    """Lets through what does not end like this."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *endings: str, folder: Path | None = None) -> None:
        self.endings, self.folder, self.written = endings, folder, atomic_file._replace
        monkeypatch.setattr(atomic_file, "_replace", self)

    def __call__(self, path: Path, content: bytes, *, flushed: bool) -> None:
        if path.name.endswith(self.endings) and (self.folder is None or self.folder in path.parents):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written(path, content, flushed=flushed)


def test_a_trained_model_survives_a_full_disk(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, spare = tmp_path / "models", tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    model = tiny_preset("euler").models[0]
    models = TrainedModels(digits.subset(train=64, test=8), folder, CPU)
    FullFor(monkeypatch, ".pt", folder=folder)
    with pytest.raises(OSError, match=r"the trained model could not be written to .*\.pt: No space left .* saved as"):
        models.get(model, 0)
    (saved,) = spare.iterdir()
    monkeypatch.undo()
    trained, _ = models.get(model, 0)
    rescued = load_checkpoint(saved).classifier()
    weights = rescued.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in trained.state_dict().items())


def test_the_state_before_the_last_makes_room_for_the_model(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_preset("euler").models[0]
    models = TrainedModels(digits.subset(train=64, test=8), tmp_path, CPU)
    previous = models.path_of(model, 0).with_suffix(".training.previous")
    previous.write_bytes(b"old")
    written = atomic_file._replace

    def full_until_spared(path: Path, content: bytes, *, flushed: bool) -> None:
        if previous.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(path, content, flushed=flushed)

    monkeypatch.setattr("natrob_empirical.training.state_file.StateFile.read", lambda _self: None)
    monkeypatch.setattr(atomic_file, "_replace", full_until_spared)
    models.get(model, 0)
    assert [path.suffix for path in tmp_path.iterdir()] == [".pt"]


LIMITED = """
import resource, sys, tempfile
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_runner import CPU, tiny_preset
from natrob_empirical.benchmarks import TrainedModels
from natrob_empirical.datasets import load_dataset
resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
try:
    models = TrainedModels(load_dataset("digits").subset(train=64, test=8), Path(sys.argv[2]), CPU)
    models.get(tiny_preset("euler").models[0], 0)
except OSError as error:
    print(error)
"""


def test_a_real_limit_leaves_no_half_of_a_model(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, here, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "the trained model could not be written to" in done.stdout
    assert "File too large" in done.stdout
    assert "nor was there room for it in" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_record_that_cannot_be_written_is_named_and_the_others_stay(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = FullFor(monkeypatch, "nothing")
    store, _ = run(tiny_preset("euler"), digits, tmp_path)
    (gone,) = store.folder.glob("*FGSM*.json")
    gone.unlink()
    kept = {path: path.read_bytes() for path in store.folder.iterdir()}
    full.endings = (".json",)
    with pytest.raises(OSError, match=r"No space left on device .*records.*FGSM.*\.json"):
        run(tiny_preset("euler"), digits, tmp_path)
    assert {path: path.read_bytes() for path in store.folder.iterdir()} == kept
    full.endings = ("nothing",)
    assert len(run(tiny_preset("euler"), digits, tmp_path)[0].read_all()) == 5
    full.endings = (".css",)
    with pytest.raises(OSError, match=r"No space left on device .*\.css"):
        write_site(judge_all(Evidence(runs=(), proofs={})), (), tmp_path, title="t")


def test_an_attack_keeps_its_finished_batches(
    digits_net: nn.Module, digit_images: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = run_of(digits_net, digit_images)
    full = FullFor(monkeypatch, "batch-00000014.json")
    with pytest.raises(OSError, match=r"No space left on device .*batch-00000014\.json"):
        run_attack(attack, tmp_path)
    full.endings = ("nothing",)
    finished = run_attack(attack, tmp_path)
    assert finished.resumed == 14
    assert json.loads(finished.path.read_text())
