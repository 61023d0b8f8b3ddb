"""Global random numbers of tests: drawn anew for every test and every fixture, from their names and the run's seed.

So what a test draws hangs neither on the tests before it nor on the worker that runs it. `NATROB_TEST_SEED` draws
other numbers: `make test SEED=3`.
"""

import hashlib
import os
import random

import numpy as np
import torch

RUN_SEED = os.environ.get("NATROB_TEST_SEED", "0")


class TorchGenerator:
    """Lets Hypothesis seed torch's global generator before every example, so that a failing one fails again."""

    def __init__(self) -> None:
        self.test = ""

    def seed(self, value: int) -> None:
        """Seeds torch from the run's seed, the test under way and Hypothesis' number."""
        torch.manual_seed(_number(f"{self.test} {value}"))

    def getstate(self) -> torch.Tensor:
        """Returns the generator's state."""
        return torch.get_rng_state()

    def setstate(self, state: torch.Tensor) -> None:
        """Puts the generator back into a state."""
        torch.set_rng_state(state)


def seed_global_generators(name: str) -> None:
    """Seeds torch, numpy and random from the run's seed and `name`."""
    seed = _number(name)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - it is the global generator that this is about
    random.seed(seed)


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{RUN_SEED} {name}".encode()).digest()[:4], "big")
