"""The worst logits hold on the ball, the radius rises as said, and what is trained so is certified."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from natrob_empirical import certified_accuracy
from natrob_empirical.datasets import load_dataset
from natrob_empirical.models import ModelSpecification, SequentialClassifier, build_classifier
from natrob_empirical.training import (
    AbstractTrainingMethod,
    IntervalTraining,
    StandardTraining,
    TrainingProgress,
    TrainingSpecification,
    worst_logits,
)
from tests.natrob_empirical.training.training_subjects import everything_of, same, trained

SMALL = ModelSpecification(
    label="small", network="euler", channels=4, hidden=8, step_size=0.5, num_steps=2, stem_stride=2, pool_size=4
)


def small_euler(seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    return build_classifier(SMALL, image_shape=(1, 8, 8), num_classes=10, generator=generator)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_no_sample_of_the_ball_has_a_gap_above_the_worst_logit(seed: int) -> None:
    model, generator = small_euler(seed).double(), torch.Generator().manual_seed(seed)
    images, labels = torch.rand((4, 1, 8, 8), generator=generator, dtype=torch.float64), torch.arange(4)
    with torch.no_grad():
        worst = worst_logits(model, images, labels, 0.1)
        signs = (torch.rand((20, *images.shape), generator=generator, dtype=torch.float64) - 0.5).sign()
        logits = model((images + 0.1 * signs).clamp(0.0, 1.0).flatten(0, 1)).unflatten(0, (20, 4))
    assert bool((logits - logits.gather(2, labels.expand(20, 4)[..., None]) <= worst + 1e-12).all())


def test_a_linear_classifier_has_the_closed_form_and_reaches_it() -> None:
    """(w_j − w_y)·x + ε‖w_j − w_y‖₁ inside the pixel range, attained at a corner: 1 % less is too small."""
    head = nn.Linear(4, 3).double()
    model = SequentialClassifier([nn.Flatten()], head)
    images, labels = torch.full((1, 1, 2, 2), 0.5, dtype=torch.float64), torch.tensor([2])
    with torch.no_grad():
        worst = worst_logits(model, images, labels, 0.1)
        for j in range(2):
            row = head.weight[j] - head.weight[2]
            logits = model(images + 0.1 * row.sign().view(1, 1, 2, 2))[0]
            assert float(worst[0, j]) == pytest.approx(float(logits[j] - logits[2]), rel=1e-12)
            clean = model(images)[0]
            assert float(clean[j] - clean[2]) + 0.99 * 0.1 * float(row.abs().sum()) < float(worst[0, j])
        assert float(worst[0, 2]) == 0.0
        beyond = worst_logits(model, images, labels, 1.0)
        torch.testing.assert_close(beyond, worst_logits(model, images, labels, 0.5))


def test_the_loss_is_the_formula() -> None:
    model, images, labels = small_euler(1), torch.rand((5, 1, 8, 8)), torch.arange(5)
    outcome = IntervalTraining(epsilon=0.05, kappa=0.25).backward(model, images, labels, generator=torch.Generator())
    with torch.no_grad():
        clean = nn.functional.cross_entropy(model(images), labels)
        worst = nn.functional.cross_entropy(worst_logits(model, images, labels, 0.05), labels)
    assert float(outcome.loss) == pytest.approx(float(0.25 * clean + 0.75 * worst), rel=1e-5)
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_at_radius_0_the_worst_logits_are_the_gaps() -> None:
    model, images, labels = small_euler(2), torch.rand((5, 1, 8, 8)), torch.arange(5)
    logits = model(images)
    gaps = logits - logits.gather(1, labels[:, None])
    torch.testing.assert_close(worst_logits(model, images, labels, 0.0), gaps, rtol=1e-4, atol=1e-5)


def test_radius_and_weight_rise_and_fall_linearly() -> None:
    method = IntervalTraining(epsilon=0.2, kappa=0.4, clean_share=0.1, rising_share=0.5)
    for share, epsilon, kappa in (
        (0.0, 0.0, 1.0),
        (0.1, 0.0, 1.0),
        (0.35, 0.1, 0.7),
        (0.6, 0.2, 0.4),
        (0.99, 0.2, 0.4),
    ):
        now = method.after(share)
        assert (now.epsilon, now.kappa) == (pytest.approx(epsilon), pytest.approx(kappa))
    at_once = IntervalTraining(clean_share=0.0, rising_share=0.0).after(0.0)
    assert (at_once.epsilon, at_once.kappa) == (0.1, 0.5)
    assert StandardTraining().after(0.3) == StandardTraining()


def digits_run(method: AbstractTrainingMethod, *, images: int, epochs: int, **options: Any) -> nn.Module:
    model, data = small_euler(), load_dataset("digits")
    data = replace(data, train_x=data.train_x[:images], train_y=data.train_y[:images])
    specification = TrainingSpecification(method=method, epochs=epochs, batch_size=50, learning_rate=1e-2)
    trained(model, data, specification, **options)
    return model


def test_a_short_training_certifies_more_than_standard_training() -> None:
    data = load_dataset("digits")
    images, labels = data.test_x[:10].float() / data.pixel_scale, data.test_y[:10]
    shares = []
    for method in (StandardTraining(), IntervalTraining(epsilon=0.1, rising_share=0.6)):
        model = digits_run(method, images=1000, epochs=8)
        found = certified_accuracy(model, images, labels, [0.1], norm="Linf", method="linear_relaxation")
        shares.append(found.accuracies[0])
    assert shares[1] > shares[0] + 0.2


class StoppedError(Exception):
    """Ends a run."""


def test_an_interrupted_run_goes_on_with_its_radius(tmp_path: Path) -> None:
    method, state = IntervalTraining(epsilon=0.1, clean_share=0.1, rising_share=0.6), tmp_path / "state.pt"
    sizes = {"images": 300, "epochs": 2}

    def stop(progress: TrainingProgress) -> None:
        if progress.step == 8:
            raise StoppedError

    with pytest.raises(StoppedError):
        digits_run(method, **sizes, state=state, checkpoint_interval=0.0, progress=stop)
    resumed = digits_run(method, **sizes, state=state)
    assert same(everything_of(resumed), everything_of(digits_run(method, **sizes)))


def test_bad_settings_and_models_are_named() -> None:
    with pytest.raises(ValueError, match=r"`epsilon` must be at least 0, got -0\.1"):
        IntervalTraining(epsilon=-0.1)
    with pytest.raises(ValueError, match=r"`kappa` must be at most 1, got 1\.5"):
        IntervalTraining(kappa=1.5)
    with pytest.raises(
        ValueError, match=r"`clean_share` and `rising_share` must be at most 1 in all, got 0\.6 and 0\.5"
    ):
        IntervalTraining(clean_share=0.6, rising_share=0.5)
    with pytest.raises(TypeError, match="`model` must be an IntegratorClassifier or a SequentialClassifier"):
        worst_logits(nn.Flatten(), torch.rand((1, 1, 2, 2)), torch.zeros(1, dtype=torch.long), 0.1)
