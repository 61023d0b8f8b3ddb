"""The model as an attack sees it: logits and loss gradients, each counted per sample."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.runs.run_errors import NonFiniteGradientError
from natrob_empirical.runs.work_watch import current_watch

from .tensor_types import Classes, Counts, Images, Logits, Truths, Values

Classifier: TypeAlias = Callable[[Tensor], Tensor]
"""A model: images (batch, channels, height, width) in, logits (batch, classes) out. An `nn.Module` is one."""

Objective: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""An objective, to be increased: logits (batch, classes) and classes (batch,) in, one number per sample out."""


def cross_entropy(logits: Logits, y: Classes) -> Values:
    """−log softmax(logits)_y of each sample."""
    return nn.functional.cross_entropy(logits, y, reduction="none")


@final
class CountedModel:
    """A model behind a meter, for the samples of one batch.

    `queries` and `gradient_calls` count forward passes and loss gradients per sample. `select` narrows the
    view to some samples; what the view spends is booked to them. Gradients are taken with respect to
    images only: the `.grad` of the model's parameters is neither read nor written.

    Args:
        model: the classifier, already in the mode it is to be attacked in.
        batch_size: the number of samples.
        device: where the counts live.
        mixed_precision: run passes under torch.autocast, but for those of `full_precision_logits`.
    """

    def __init__(
        self, model: Classifier, batch_size: int, device: torch.device, *, mixed_precision: bool = False
    ) -> None:
        self._model = model
        self._device = device
        self.mixed_precision = mixed_precision
        self._queries = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self._gradient_calls = torch.zeros_like(self._queries)
        self._rows = torch.arange(batch_size, device=device)

    @property
    def classifier(self) -> Classifier:
        """The model behind the meter; calling it directly is counted nowhere."""
        return self._model

    @property
    def queries(self) -> Counts:
        """Forward passes so far, per sample of this view."""
        return self._queries[self._rows]

    @property
    def gradient_calls(self) -> Counts:
        """Loss gradients so far, per sample of this view."""
        return self._gradient_calls[self._rows]

    def select(self, index: Truths | Int64[Tensor, " chosen"]) -> "CountedModel":
        """Narrows the view to some of the samples (a mask, or positions); the meter is shared.

        A sample whose position comes several times has several images in a batch, and each is booked to it.
        """
        chosen = copy.copy(self)
        chosen._rows = self._rows[index]
        return chosen

    def logits(self, x: Images) -> Logits:
        """The model's logits, outside the autograd graph. One query per sample.

        Raises:
            TypeError: the model does not return a floating-point tensor.
            ValueError: the logits are not finite, or not of shape (batch, classes) with at least two classes.
        """
        with torch.no_grad():
            return self._forward(x.clone())

    def logits_of_several(
        self, x: Float[Tensor, "batch images channels height width"]
    ) -> Float[Tensor, "batch images classes"]:
        """The logits of several images per sample, in one pass. As many queries per sample as it has images.

        Raises:
            TypeError, ValueError: as for `logits`.
        """
        with torch.no_grad():
            logits = self._forward(x.flatten(0, 1).clone(), images_per_sample=x.shape[1])
        return logits.unflatten(0, x.shape[:2])

    def logits_ahead(self, x: Images) -> Logits:
        """As `logits`, of images that may turn out not to be needed: booked by `book_queries` where they were.

        Raises:
            TypeError, ValueError: as for `logits`.
        """
        with torch.no_grad():
            return self._forward(x.clone(), images_per_sample=0)

    def book_queries(self) -> None:
        """Books one query for each row of this view."""
        self._book(self._queries, 1)

    def full_precision_logits(self, x: Images) -> Logits:
        """As `logits`, in the dtype of the images whatever the attack runs in: what success is judged by."""
        exact = copy.copy(self)
        exact.mixed_precision = False
        return exact.logits(x)

    def logits_and_gradient(
        self,
        x: Images,
        y: Classes,
        objective: Objective = cross_entropy,
        *,
        view: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Logits, Images]:
        """The logits and, per sample, the gradient of its objective with respect to its image.

        The losses are summed, not averaged: the gradient of a sample is then that of its own loss, whatever
        else is in the batch. One query and one gradient call per sample.

        Args:
            x: the images.
            y: labels, or whatever classes the objective compares.
            objective: (logits, y) -> one number per sample, differentiable; by default the cross-entropy loss.
            view: what the model is shown in place of each image, such as a resized one; differentiable, sample by
                sample, of the same shape. The logits are then those of the view.

        Raises:
            NonFiniteGradientError: a NaN or infinite gradient.
            TypeError, ValueError: as for `logits`; ValueError too if the logits do not depend
                differentiably on x.
        """
        with torch.enable_grad():
            image = x.detach().requires_grad_()
            # a copy or a view, which a model that works in place may overwrite
            logits = self._forward(image.clone() if view is None else view(image))
            loss = objective(logits, y).sum()
            gradient = self._differentiate(loss, image)
        self._book(self._gradient_calls, 1)
        affected = _samples_not_finite(gradient)
        if affected:
            raise NonFiniteGradientError(affected, len(gradient), float(logits.detach().abs().max()))
        return logits.detach(), gradient

    @staticmethod
    def _differentiate(loss: Tensor, image: Tensor) -> Tensor:
        gradient = torch.autograd.grad(loss, image, allow_unused=True)[0] if loss.requires_grad else None
        if gradient is None:
            raise ValueError(
                "`model` must be differentiable with respect to the image for a gradient attack, "
                "got logits that autograd cannot trace back to it"
            )
        return gradient

    def _answer(self, x: Tensor) -> Any:
        """The model's output; bfloat16 has the range of float32, so small gradients do not vanish as in float16."""
        if not self.mixed_precision:
            return self._model(x)
        with torch.autocast(self._device.type, dtype=torch.bfloat16):
            logits = self._model(x)
        return logits.to(x.dtype) if isinstance(logits, Tensor) and logits.is_floating_point() else logits

    def _book(self, meter: Tensor, amount: int) -> None:
        meter.index_add_(0, self._rows, torch.full_like(self._rows, amount))

    def _forward(self, x: Tensor, *, images_per_sample: int = 1) -> Tensor:
        self._book(self._queries, images_per_sample)
        batch = len(x)
        watch = current_watch()
        if watch is not None:
            watch.forward_pass(batch)
        logits = self._answer(x)
        if not isinstance(logits, Tensor) or not logits.is_floating_point():
            kind = logits.dtype if isinstance(logits, Tensor) else type(logits).__name__
            raise TypeError(f"`model` must return a floating-point tensor of logits, got {kind}{_way_out(logits)}")
        if logits.dim() != 2 or logits.shape[0] != batch or logits.shape[1] < 2:
            raise ValueError(
                f"`model` must return logits of shape (batch, classes) = ({batch}, 2 or more), "
                f"got {tuple(logits.shape)}"
            )
        affected = _samples_not_finite(logits)
        if affected:
            raise ValueError(
                f"`model` must return finite logits, got NaN or infinity for {affected} of {batch} samples"
            )
        return logits


def _way_out(answer: object) -> str:
    """Advises where the answer holds the logits among other things."""
    if isinstance(answer, tuple | list) and answer and isinstance(answer[0], Tensor):
        return "; wrap it in a module that returns one of its entries, such as model(x)[0]"
    if hasattr(answer, "logits"):
        return "; wrap it in a module that returns model(x).logits"
    if isinstance(answer, dict):
        return f"; wrap it in a module that returns one of {', '.join(map(repr, list(answer)[:5])) or 'its entries'}"
    return ""


def _samples_not_finite(values: Tensor) -> int:
    """How many rows hold NaN or infinity. Either makes the sum so, which is far cheaper to look at."""
    if math.isfinite(float(values.detach().sum())):
        return 0
    return int((~values.isfinite()).flatten(1).any(dim=1).sum())


@contextmanager
def evaluation_mode(model: Classifier) -> Iterator[None]:
    """Put an `nn.Module` in eval mode with frozen parameters, and afterwards everything back as it was.

    Frozen parameters spare a model with a backward pass of its own, such as an adjoint solver, the gradients that
    nobody asks for. Also leaves `torch.inference_mode`, in which no gradient can be taken.
    """
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, nn.Module) else []
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    try:
        if isinstance(model, nn.Module):
            model.eval()
        for parameter in trainable:
            parameter.requires_grad_(False)
        with torch.inference_mode(False):
            yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter in trainable:
            parameter.requires_grad_(True)
