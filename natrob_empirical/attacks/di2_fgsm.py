"""Iterative gradient signs on randomly resized and padded images, for perturbations that transfer."""

from dataclasses import KW_ONLY, dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.random_streams import SampleStreams
from natrob_theory.numbers.argument_checks import require_finite, require_nonnegative

from .active_set import ActiveSet
from .fixed_step_attack import AbstractFixedStepAttack
from .most_calls import MostCalls
from .tensor_types import Images, Truths


@final
@dataclass(frozen=True)
class DI2FGSM(AbstractFixedStepAttack):
    """Steps `x ← project(x + α·direction(m))` with `m ← decay·m + g/‖g‖₁`, g the gradient at a random view of x.

    With `probability` a sample is shown resized to a random smaller square, padded with zeros to its old size at a
    random place; else as it is. Each sample has a size, a place and a coin of its own. Resizing is bilinear without
    antialiasing. `decay` = 0 is the method without momentum.
    Of the images that the model is shown unchanged, and of the last one, the first misclassified is kept, else that of
    the highest loss. Spends at most 3 + steps queries and steps gradient calls per sample.

    Source: Xie et al., "Improving transferability of adversarial examples with input diversity", CVPR 2019; momentum
    from Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018.

    Args:
        ball: the threat model.
        step_size: α, in the ball's norm, greater than 0; None means `2.5·ε/steps`.
        steps: gradient steps, at least 1.
        probability: of a changed view, from 0 to 1.
        smallest_size: the least side of a resized image, as a share of the image's, above 0 and at most 1.
        decay: of the momentum, at least 0.

    Raises:
        TypeError, ValueError: a setting that is not as described.
    """

    kind = "gradient"
    takes_targets = True

    _: KW_ONLY
    steps: int = 20
    probability: float = 0.5
    smallest_size: float = 0.9
    decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_nonnegative("decay", self.decay)
        for name, value, allowed in (
            ("probability", self.probability, 0 <= require_finite("probability", self.probability) <= 1),
            ("smallest_size", self.smallest_size, 0 < require_finite("smallest_size", self.smallest_size) <= 1),
        ):
            if not allowed:
                raise ValueError(f"`{name}` must be a share of 1, got {value}")

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(3 + self.steps, self.steps)

    def _perturb(self, active: ActiveSet) -> None:
        step_size = self.alpha
        point, momentum = active.x, torch.zeros_like(active.x)
        for _ in range(self.steps):
            view = RandomView(active.streams, point, probability=self.probability, smallest_size=self.smallest_size)
            logits, gradient = active.model.logits_and_gradient(point, active.classes, active.goal.loss, view=view)
            momentum = self.decay * momentum + _normalised(gradient)
            point, momentum = active.settle(point, logits, point, momentum, judged=~view.changed)
            if active.all_fooled:
                return
            point = active.neighbourhood.project(point + step_size * self.ball.ascent_step(momentum, point))
        active.settle(point, active.model.logits(point))


@final
class RandomView:
    """One random view of each image: as it is, or smaller on a black ground.

    Args:
        streams: one per image; draws a coin, a size and two places.
        like: images of the shape to view, (batch, channels, height, width).
        probability: of a changed view.
        smallest_size: the least side, as a share of the image's.

    Attributes:
        changed: whose view is another image.
    """

    def __init__(self, streams: SampleStreams, like: Images, *, probability: float, smallest_size: float) -> None:
        coin, size, top, left = streams.uniform(4, dtype=torch.float64).unbind(dim=1)
        self.changed: Truths = coin < probability
        share = smallest_size + (1 - smallest_size) * size
        share = torch.where(self.changed, share, 1.0)
        # In coordinates from −1 to 1 a view pixel at v shows the image at v/share + offset; the square of side 2·share
        # can move by ±(1 − share), so the offset lies within ±(1/share − 1).
        offsets = (1 / share - 1)[:, None] * (2 * torch.stack([left, top], dim=1) - 1)
        scale = torch.diag_embed((1 / share)[:, None].expand(-1, 2))
        self._map = torch.cat([scale, offsets[:, :, None]], dim=2).to(like.dtype)

    def __call__(self, x: Images) -> Images:
        """The views; an unchanged one is the image itself, bit for bit."""
        grid = nn.functional.affine_grid(self._map, list(x.shape), align_corners=False)
        views = nn.functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return torch.where(self.changed[:, None, None, None], views, x)


def _normalised(gradient: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
    """g/‖g‖₁ of each sample; 0 stays 0."""
    size = gradient.abs().flatten(1).sum(dim=1).reshape(-1, *[1] * (gradient.dim() - 1))
    return gradient / torch.where(size > 0, size, 1.0)
