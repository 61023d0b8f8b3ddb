"""A training run in a process of its own, to be killed: `python killed_run.py STATE WEIGHTS`."""

import sys
from pathlib import Path

import torch
from training_subjects import demanding, everything_of, small_network, trained

from natrob_empirical.datasets import load_dataset


def main(state: Path, weights: Path) -> None:
    """Train, saying on each line which step is done, and write the final weights."""
    torch.set_num_threads(1)
    model = small_network()
    trained(
        model, load_dataset("digits").subset(train=640), demanding(epochs=4),
        state=state, checkpoint_interval=0.02, progress=lambda seen: print(seen.step, flush=True),
    )  # fmt: skip
    torch.save(everything_of(model), weights)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
