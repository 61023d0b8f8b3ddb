"""From which margin on a rounded cross-entropy has half a gradient, and from which it has none."""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final, get_args

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from natrob_empirical.attacks.attack_inputs import require_labels_in_range
from natrob_empirical.attacks.margin import log_odds_against, margin
from natrob_theory.numbers.argument_checks import require_choice, require_count

Reduction: TypeAlias = Literal["sum", "mean"]


@final
@dataclass(frozen=True, kw_only=True)
class SaturationThresholds:
    """Where two parts of the cross-entropy's gradient vanish, in logits.

    Attributes:
        own_entry: where all rivals' log-odds together lie this far below 0, the loss and its gradient's entry of the
            label are exactly 0. What is left pushes the rivals up, the runner-up by far the most.
        all_entries: where the margin exceeds this, every entry is exactly 0, and so is the gradient at the image.
    """

    own_entry: float
    all_entries: float


def saturation_thresholds(
    dtype: torch.dtype = torch.float32,
    *,
    reduction: Reduction = "sum",
    batch: int = 1,
    flushes_subnormals: bool = False,
) -> SaturationThresholds:
    """The two thresholds of `torch.nn.functional.cross_entropy`'s gradient; the number of classes plays no part.

    1 + x is rounded to 1 up to half a spacing. The runner-up's entry e^{−m} is rounded to 0 up to half the smallest
    subnormal; where subnormals are flushed, below the smallest normal number. A mean divides what was rounded by the
    batch, and rounds again to the nearest multiple, ties to the even one.

    Args:
        dtype: of the logits that enter the loss, float32 or float64.
        reduction: of the loss.
        batch: N, the images of one call; a sum does not depend on it.
        flushes_subnormals: as `torch.set_flush_denormal` and some GPU kernels do.

    Raises:
        TypeError, ValueError: a dtype, reduction or batch that is not one of these.

    Source: theory, section 10.
    """
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"`dtype` must be torch.float32 or torch.float64, got {dtype}")
    require_choice("reduction", reduction, get_args(Reduction))
    size = require_count("batch", batch) if reduction == "mean" else 1
    numbers = torch.finfo(dtype)
    if flushes_subnormals:
        last = -math.log(numbers.tiny) - math.log(size)
    else:
        halves = size if size % 2 else size + 1  # twice the largest multiple that is rounded to 0, plus 1
        last = -math.log(numbers.tiny) - math.log(numbers.eps) + math.log(2.0) - math.log(halves)
    return SaturationThresholds(own_entry=-math.log(numbers.eps / 2.0), all_entries=last)


def predicted_zero_gradients(
    logits: Float[Tensor, "images classes"],
    y: Int64[Tensor, " images"],
    thresholds: SaturationThresholds,
    *,
    factor: float = 1.0,
) -> Bool[Tensor, " images"]:
    """Whether the loss of `factor`·logits has a gradient of exactly 0, from the margins alone.

    The share of them is the accuracy below which an attack along this gradient's sign cannot take such a model. More
    gradients can vanish on their way back to the image, so the measured share may be larger.

    Raises:
        ValueError: labels out of range, or a factor that is not positive and finite.
    """
    return margin(_scaled(logits, y, factor), y) > thresholds.all_entries


def predicted_zero_losses(
    logits: Float[Tensor, "images classes"],
    y: Int64[Tensor, " images"],
    thresholds: SaturationThresholds,
    *,
    factor: float = 1.0,
) -> Bool[Tensor, " images"]:
    """Whether the loss of `factor`·logits is surely rounded to 0, so that the label's entry of the gradient is lost.

    The odds of all rivals together decide. Where only the runner-up's are as small, the order of the sum does.

    Raises:
        ValueError: as `predicted_zero_gradients`.
    """
    return log_odds_against(_scaled(logits, y, factor), y) < -thresholds.own_entry


def _scaled(logits: Tensor, y: Tensor, factor: float) -> Float[Tensor, "images classes"]:
    require_labels_in_range(y, logits.shape[1])
    if not (math.isfinite(factor) and factor > 0.0):
        raise ValueError(f"`factor` must be positive and finite, got {factor}")
    return logits.detach().double() * factor
