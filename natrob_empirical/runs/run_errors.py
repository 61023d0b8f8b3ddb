"""Errors of a run that the command line tells from others, kept apart from torch so that it can name them at once."""

from typing import final

_LARGE_LOGIT = 1e30  # times a few weights it is infinite in float32


@final
class NonFiniteGradientError(ArithmeticError):
    """The gradient of the loss is NaN or infinite, so no step along it means anything."""

    def __init__(self, affected: int, batch: int, largest_logit: float = 0.0) -> None:
        advice = "look for a division, root or logarithm at its edge in the model"
        if largest_logit > _LARGE_LOGIT:
            advice = f"its logits of up to {largest_logit:.3g} may make it overflow: divide them"
        self.affected = affected
        self.batch = batch
        super().__init__(
            f"the gradient of the loss with respect to the image is NaN or infinite for {affected} of "
            f"{batch} samples; {advice}, or attack it in float64"
        )


class CertificateContradictedError(RuntimeError):
    """An attack fooled a model inside a certified radius; the message says which model, image, radius and attack."""
