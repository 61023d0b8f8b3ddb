"""A small trained model on disk, and a module of models as a user might write it."""

from dataclasses import asdict
from pathlib import Path

import pytest

from natrob_empirical.benchmarks import Checkpoint, CheckpointStore
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import TrainingSpecification, train

MODELS = """
import os
import torch
from pathlib import Path
from torch import nn
from natrob_empirical.benchmarks import load_checkpoint


def trained():
    return load_checkpoint(Path({checkpoint!r})).classifier()

class Breaking(nn.Module):
    '''Dies at the call that the file `limit` names.'''
    def __init__(self):
        super().__init__()
        self.inner = trained()
        self.calls = 0
    def forward(self, x):
        self.calls += 1
        limit, how = Path("limit").read_text().split()
        if self.calls > int(limit):
            if how == "kill":
                os.kill(os.getpid(), 9)
            raise KeyboardInterrupt
        return self.inner(x)

class Random(Breaking):
    def forward(self, x):
        return super().forward(x + 0.05 * torch.randn_like(x))

class Quantised(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = trained()
    def forward(self, x):
        return self.inner((16 * x).round() / 16)

class Failing(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.output = output
    def forward(self, x):
        return self.output(x.flatten(1))

def probabilities():
    return nn.Sequential(trained(), nn.Softmax(dim=1))

def chain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 10))

def in_double():
    return trained().double()

def in_half():
    return trained().half()

def five_classes():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 5))

def for_other_images():
    return nn.Sequential(nn.Flatten(), nn.Linear(63, 10))

def nan_logits():
    return Failing(lambda x: x[:, :10] * float("nan"))

def a_tuple():
    return Failing(lambda x: (x, x))

def always_class_0():
    return Failing(lambda x: nn.functional.one_hot(torch.zeros(len(x)).long(), 10) + 0 * x[:, :10])

NET = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

def no_network():
    return 3

def with_an_argument(width):
    return NET
"""


@pytest.fixture(scope="session")
def checkpoint(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small residual network, trained on the digits for some seconds, as a benchmark keeps it."""
    specification = ModelSpecification(label="ResNet, small", network="euler", channels=4, hidden=4, num_steps=2)
    streams = RandomStreams(0)
    shape, classes = digits.image_shape, digits.num_classes
    classifier = build_classifier(
        specification, image_shape=shape, num_classes=classes, generator=streams.generator("init")
    )
    training = TrainingSpecification(epochs=4)
    train(classifier, digits, training, generator=streams.generator("train"))
    settings = {"model": asdict(specification), "training": training.settings(), "data": {"name": "digits"}, "seed": 0}
    return CheckpointStore(tmp_path_factory.mktemp("checkpoints")).write(
        Checkpoint(
            settings=settings,
            image_shape=shape,
            num_classes=classes,
            state_dict=classifier.state_dict(),
            training_seconds=1.0,
        )
    )


@pytest.fixture
def models_module(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the current folder."""
    (tmp_path / "models_of_a_user.py").write_text(MODELS.replace("{checkpoint!r}", repr(str(checkpoint))))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "models_of_a_user", raising=False)
    return "models_of_a_user"
