"""A training run for a process of its own, to be killed."""

from multiprocessing.connection import Connection
from pathlib import Path

import torch
from training_subjects import demanding, everything_of, small_network, trained

from natrob_empirical.datasets import load_dataset


def killed_run(state: Path, weights: Path, steps: Connection) -> None:
    """Train, send the number of each step that is done, and write the final weights."""
    torch.set_num_threads(1)
    model = small_network()
    trained(
        model, load_dataset("digits").subset(train=640), demanding(epochs=4),
        state=state, checkpoint_interval=0.01, progress=lambda seen: steps.send(seen.step),
    )  # fmt: skip
    torch.save(everything_of(model), weights)
