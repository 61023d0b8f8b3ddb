"""Processes killed without warning, at moments drawn at random, end with the weights of one that was left alone."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training_subjects import same

SCRIPT = Path(__file__).with_name("killed_run.py")
STEPS = 80  # 640 images in batches of 32, four epochs


def run(state: Path, weights: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, str(SCRIPT), str(state), str(weights)], stdout=subprocess.PIPE, text=True)


def wait_for_step(process: "subprocess.Popen[str]", step: int) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= step:
            return


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_weights(tmp_path: Path) -> None:
    undisturbed, killed, state = tmp_path / "undisturbed.pt", tmp_path / "killed.pt", tmp_path / "run.pt"
    assert run(tmp_path / "other.pt", undisturbed).wait(timeout=120) == 0
    draws = random.Random(6)
    for part in range(3):  # each in its own quarter of the run, at any moment of a step or of a write
        process = run(state, killed)
        wait_for_step(process, draws.randrange(STEPS * part // 4 + 1, STEPS * (part + 1) // 4))
        time.sleep(draws.uniform(0.0, 0.02))
        process.kill()
        assert process.wait(timeout=60) == -9
        assert not killed.exists()
    assert state.exists() or state.with_name("run.pt.previous").exists()
    process = run(state, killed)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert int(output.split()[0]) > 1, "the last process must have gone on from a state"
    assert not state.exists()
    assert same(torch.load(undisturbed, weights_only=True), torch.load(killed, weights_only=True))
