"""Processes killed without warning, at moments drawn at random, end with the weights of one that was left alone."""

import multiprocessing
import random
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from killed_run import killed_run
from training_subjects import same

STEPS = 80  # 640 images in batches of 32, four epochs


def started(state: Path, weights: Path) -> tuple[ForkServerProcess, Any]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed_run"])  # imports once for all processes
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=killed_run, args=(state, weights, sender))
    process.start()
    sender.close()
    return process, receiver


def finished(state: Path, weights: Path) -> int:
    """Run to the end; returns the first step that this process did."""
    process, steps = started(state, weights)
    first = steps.recv()
    process.join(timeout=120)
    assert process.exitcode == 0
    return first


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_weights(tmp_path: Path) -> None:
    undisturbed, killed, state = tmp_path / "undisturbed.pt", tmp_path / "killed.pt", tmp_path / "run.pt"
    assert finished(tmp_path / "other.pt", undisturbed) == 1
    draws = random.Random(6)
    for part in range(3):  # each in its own quarter of the run, at any moment of a step or of a write
        process, steps = started(state, killed)
        last = draws.randrange(STEPS * part // 4 + 1, STEPS * (part + 1) // 4)
        while steps.recv() < last:
            pass
        time.sleep(draws.uniform(0.0, 0.02))
        process.kill()
        process.join(timeout=60)
        assert process.exitcode == -9
        assert not killed.exists()
    assert finished(state, killed) > 1, "the last process must have gone on from a state"
    assert not state.exists()
    assert same(torch.load(undisturbed, weights_only=True), torch.load(killed, weights_only=True))
