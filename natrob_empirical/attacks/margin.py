"""How far the label of an answer leads, in logits."""

import torch

from .tensor_types import Classes, Logits, Values


def margin(logits: Logits, y: Classes) -> Values:
    """`s_y − max_{j≠y} s_j`: negative where the label loses, at most 0 wherever a sample is misclassified.

    What black-box attacks lower. Unlike the cross-entropy it does not saturate where the model is sure.
    """
    own = y[:, None]
    return logits.gather(1, own).squeeze(1) - logits.scatter(1, own, -torch.inf).amax(dim=1)


def power_of_two_near(logits: Logits) -> Values:
    """A power of two at or above each row's largest size, by which the row is divided exactly; 1 for a row of zeros.

    Sums, differences and squares of what is left neither overflow nor vanish, whatever the unit of the logits.
    """
    largest = logits.detach().abs().amax(dim=1)
    exponent = torch.frexp(largest.double()).exponent.clamp(
        -120, 126
    )  # both the power and its inverse are normal numbers
    return torch.where(largest > 0, torch.ldexp(torch.ones_like(largest), exponent), 1.0)


def log_odds_against(logits: Logits, y: Classes) -> Values:
    """`log Σ_{j≠y} e^{s_j} − s_y`, the logarithm of the odds against the label.

    The cross-entropy loss is `log(1 + e^u)` of it, so both order images alike; but the loss is rounded to 0 where the
    label leads by 37 in float64, and then orders nothing.
    """
    own = y[:, None]
    return logits.scatter(1, own, -torch.inf).logsumexp(dim=1) - logits.gather(1, own).squeeze(1)
