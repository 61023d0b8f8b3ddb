"""The margins at which torch's cross-entropy loses its gradient are those that rounding says."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from natrob_empirical.masking import (
    Reduction,
    SaturationThresholds,
    predicted_zero_gradients,
    predicted_zero_losses,
    saturation_thresholds,
)

NEAR = 2e-3  # margins in float32 near 100 are 8e-6 apart, and e^m is rounded once more


@pytest.fixture(params=[False, True], ids=["subnormals", "flushed"])
def flushes(request: pytest.FixtureRequest) -> Iterator[bool]:
    if not torch.set_flush_denormal(bool(request.param)):
        pytest.skip("this processor cannot flush subnormals")
    yield bool(request.param)
    torch.set_flush_denormal(False)


def led_by(margins: Tensor, classes: int) -> Tensor:
    """Logits whose first class leads the second by these margins; the others are far behind."""
    logits = torch.full((len(margins), classes), -2000.0, dtype=margins.dtype)
    logits[:, 0] = 0.0
    logits[:, 1] = -margins
    return logits


def gradient(logits: Tensor, reduction: Reduction) -> Tensor:
    leaf = logits.clone().requires_grad_()
    cross_entropy(leaf, torch.zeros(len(leaf), dtype=torch.long), reduction=reduction).backward()
    assert leaf.grad is not None
    return leaf.grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize(("reduction", "batch"), [("sum", 41), ("mean", 1), ("mean", 41), ("mean", 64)])
def test_gradients_vanish_at_the_threshold(
    dtype: torch.dtype, classes: int, reduction: Reduction, batch: int, flushes: bool
) -> None:
    last = saturation_thresholds(dtype, reduction=reduction, batch=batch, flushes_subnormals=flushes).all_entries
    for shift, vanishes in ((-NEAR, False), (NEAR, True), (-0.7, False), (0.7, True)):
        logits = led_by(torch.full((batch,), last + shift, dtype=dtype), classes)
        assert (gradient(logits, reduction) == 0).all(dim=1).tolist() == [vanishes] * batch


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rivals", [1, 9])
def test_the_loss_is_rounded_to_zero_at_the_other_threshold(dtype: torch.dtype, rivals: int) -> None:
    # Between the runner-up's odds alone and those of all rivals together the order of the sum decides.
    thresholds, label = saturation_thresholds(dtype), torch.zeros(1, dtype=torch.long)
    for lead, vanishes in (
        (thresholds.own_entry - NEAR, False),
        (thresholds.own_entry + math.log(rivals) + NEAR, True),
    ):
        logits = torch.zeros(1, rivals + 1, dtype=dtype)
        logits[:, 0] = lead
        found = gradient(logits, "sum")[0]
        assert bool(found[0] == 0) == vanishes == bool(predicted_zero_losses(logits, label, thresholds))
        assert (found[1:] > 0).all()


def test_the_thresholds_are_those_of_the_theory_page() -> None:
    expected = {
        saturation_thresholds().all_entries: 150 * math.log(2),
        saturation_thresholds().own_entry: 24 * math.log(2),
        saturation_thresholds(flushes_subnormals=True).all_entries: 126 * math.log(2),
        saturation_thresholds(torch.float64).own_entry: 53 * math.log(2),
        saturation_thresholds(torch.float64).all_entries: 1075 * math.log(2),
    }
    for found, value in expected.items():
        assert found == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("factor", [1.0, 30.0, 200.0])
def test_the_share_is_predicted_for_any_logits(factor: float) -> None:
    logits = 3.0 * torch.randn(4000, 10, generator=torch.Generator().manual_seed(0))
    y = logits.argmax(dim=1)
    leaf = (factor * logits).requires_grad_()
    (found,) = torch.autograd.grad(cross_entropy(leaf, y, reduction="sum"), leaf)
    predicted = predicted_zero_gradients(logits, y, saturation_thresholds(), factor=factor)
    zero = (found == 0).all(dim=1)
    assert (predicted != zero).double().mean() <= 1e-3
    assert zero.any() == (factor > 1.0)


def test_bad_input_is_refused() -> None:
    logits, y = torch.zeros(2, 3), torch.tensor([0, 1])
    with pytest.raises(ValueError, match=r"`dtype` must be torch\.float32 or torch\.float64, got torch\.float16"):
        saturation_thresholds(torch.float16)
    with pytest.raises(ValueError, match="`batch` must be at least 1, got 0"):
        saturation_thresholds(reduction="mean", batch=0)
    thresholds = SaturationThresholds(own_entry=1.0, all_entries=2.0)
    for factor in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="`factor` must be positive and finite"):
            predicted_zero_gradients(logits, y, thresholds, factor=factor)
    with pytest.raises(ValueError, match="`y` must hold labels from 0 to 2"):
        predicted_zero_gradients(logits, torch.tensor([0, 3]), thresholds)
