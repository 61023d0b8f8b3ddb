"""A run that was interrupted ends with the very weights of one that was not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from training_subjects import demanding, everything_of, same, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.training import EngineOptions, TrainingProgress, TrainingResult

STEPS = 9  # 80 images in batches of 32, three epochs


class InterruptedByTestError(Exception):
    """Raised by the tests in the middle of a run."""


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=80)


def stop_at(step: int) -> Any:
    def progress(seen: TrainingProgress) -> None:
        if seen.step == step:
            raise InterruptedByTestError

    return progress


VARIANTS = {
    "sgd": {},
    "adamw": {"optimiser": "adamw", "learning_rate": 0.01},
    "muon": {"optimiser": "muon", "learning_rate": 0.01},
    "affine": {"augmentation": "affine"},
    "milestones": {"schedule": "milestones", "milestones": (1, 2)},
    "channels_last": {"engine": EngineOptions(channels_last=True)},
    "bfloat16": {"engine": EngineOptions(precision="bfloat16")},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_run_stopped_after_any_step_ends_with_the_same_weights(
    variant: str, few_digits: Dataset, tmp_path: Path
) -> None:
    specification = demanding(**VARIANTS[variant])
    whole = small_network()
    expected = trained(whole, few_digits, specification)
    for step in range(1, STEPS + 1):
        state = tmp_path / f"{step}.pt"
        with pytest.raises(InterruptedByTestError):
            trained(
                small_network(), few_digits, specification,
                state=state, checkpoint_interval=0.0, progress=stop_at(step),
            )  # fmt: skip
        resumed = small_network(seed=1)  # other weights: all of them come from the state
        result = trained(resumed, few_digits, specification, state=state)
        assert result.resumed_from == step
        assert same(everything_of(whole), everything_of(resumed)), f"stopped at step {step}"
        assert (result.loss, result.accuracy) == (expected.loss, expected.accuracy)
        assert not list(tmp_path.iterdir())


def test_a_run_stopped_after_every_step_ends_with_the_same_weights(few_digits: Dataset, tmp_path: Path) -> None:
    whole, state = small_network(), tmp_path / "run.pt"
    trained(whole, few_digits, demanding())
    for step in range(1, STEPS + 1):
        with pytest.raises(InterruptedByTestError):
            trained(
                small_network(), few_digits, demanding(), state=state, checkpoint_interval=0.0, progress=stop_at(step)
            )
    resumed = small_network()
    trained(resumed, few_digits, demanding(), state=state)
    assert same(everything_of(whole), everything_of(resumed))


def test_keeping_the_state_changes_nothing(few_digits: Dataset, tmp_path: Path) -> None:
    plain, kept = small_network(), small_network()
    before = torch.get_rng_state()
    trained(plain, few_digits, demanding())
    trained(kept, few_digits, demanding(), state=tmp_path / "run.pt", checkpoint_interval=0.0)
    assert same(everything_of(plain), everything_of(kept))
    assert torch.equal(before, torch.get_rng_state())


def test_a_trained_model_that_cannot_be_written_costs_no_training(few_digits: Dataset, tmp_path: Path) -> None:
    whole, state = small_network(), tmp_path / "run.pt"
    expected = trained(whole, few_digits, demanding())

    def full(_: TrainingResult) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        trained(small_network(), few_digits, demanding(), state=state, checkpoint_interval=0.0, finished=full)
    resumed, results = small_network(seed=1), []
    result = trained(resumed, few_digits, demanding(), state=state, finished=results.append)
    assert (result.resumed_from, results) == (STEPS, [result])
    assert result.loss == expected.loss
    assert same(everything_of(whole), everything_of(resumed))
    assert not list(tmp_path.iterdir())
