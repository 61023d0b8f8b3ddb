"""Descent along gradients estimated from queries alone: SPSA."""

from dataclasses import KW_ONLY, dataclass
from typing import Final, final

import torch

from natrob_theory.numbers.argument_checks import require_count, require_positive

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .margin import power_of_two_near
from .most_calls import MostCalls
from .tensor_types import Images, Values

_FIRST_DECAY: Final = 0.9
_SECOND_DECAY: Final = 0.999
_SMALLEST_ROOT: Final = 1e-8


@final
@dataclass(frozen=True)
class SPSA(AbstractAttack):
    """Adam on the margin `f = s_y − max_{j≠y} s_j`, with a gradient estimated by simultaneous perturbation.

    With independent random vectors v_i of signs ±1 the estimate is the mean of
    `(f(x + δv_i) − f(x − δv_i))/(2δ) · v_i`,
    whose expectation is the gradient where f is linear. It is taken at the image moved into [δ, 1 − δ], so that no
    query leaves the pixel range; pixels that a mask holds are not moved. After each step of Adam the image is
    projected onto the ball. Logits are measured in a power of two near the size of the first ones, so that neither
    squares of slopes nor Adam's smallest root depend on their unit.

    Black-box: the model answers with logits only, so masked gradients do not hinder it.
    Spends at most 2 + steps·(2·samples + 1) queries and no gradient call per sample.

    Source: Uesato, O'Donoghue, van den Oord and Kohli, "Adversarial risk and the dangers of evaluating against weak
    attacks", ICML 2018, section 3.4 and algorithm 1; δ and the learning rate too. Spall, "Multivariate stochastic
    approximation using a simultaneous perturbation gradient approximation", IEEE TAC 1992. Kingma and Ba, "Adam",
    ICLR 2015, with its constants.

    Args:
        ball: the threat model.
        steps: of Adam, at least 1.
        samples: vectors v_i per step, at least 1; each costs two queries.
        delta: δ, in units of the pixel range, greater than 0 and at most 0.5.
        learning_rate: of Adam, in units of the pixel range: about how far a pixel moves in a step; greater than 0.
        samples_at_once: vectors drawn and tried in one pass, at least 1; a pass holds twice as many images of each
            sample. Another number draws other vectors.

    Raises:
        TypeError, ValueError: a setting that is not as described.
    """

    kind = "score"
    takes_targets = True

    _: KW_ONLY
    steps: int = 100
    samples: int = 128
    delta: float = 0.01
    learning_rate: float = 0.01
    samples_at_once: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("steps", "samples", "samples_at_once"):
            require_count(name, getattr(self, name))
        for name in ("delta", "learning_rate"):
            object.__setattr__(self, name, require_positive(name, getattr(self, name)))
        if self.delta > 0.5:
            raise ValueError(f"`delta` must be at most 0.5, for queries in the pixel range, got {self.delta}")

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.steps * (2 * self.samples + 1), 0)

    def _perturb(self, active: ActiveSet) -> None:
        point, unit = active.x, torch.zeros_like(active.y, dtype=active.x.dtype)
        first, second = torch.zeros_like(point), torch.zeros_like(point)
        for step in range(1, self.steps + 1):
            gradient, unit = self._estimate(active, point, unit)
            first = torch.lerp(gradient, first, _FIRST_DECAY)
            second = torch.lerp(gradient * gradient, second, _SECOND_DECAY)
            root = (second / (1 - _SECOND_DECAY**step)).sqrt() + _SMALLEST_ROOT
            move = self.learning_rate / (1 - _FIRST_DECAY**step) * first / root
            point = active.neighbourhood.project(point - move)
            point, first, second, unit = active.settle(point, active.model.logits(point), point, first, second, unit)
            if active.all_fooled:
                return

    def _estimate(self, active: ActiveSet, point: Images, unit: Values) -> tuple[Images, Values]:
        """The estimated gradient of the margin in units of each sample's first logits, and the unit; 0 is none yet."""
        shares = self.ball.shares(point)
        center = self.ball.restrict(point.clamp(self.delta, 1 - self.delta), point)[:, None]
        total = torch.zeros_like(point)
        for first in range(0, self.samples, self.samples_at_once):
            count = min(self.samples_at_once, self.samples - first)
            signs = active.streams.signs(count, *point.shape[1:], dtype=point.dtype)
            if shares is not None:
                signs = signs * (shares > 0).to(signs.dtype)
            probes = torch.cat([center + self.delta * signs, center - self.delta * signs], dim=1)
            logits = active.model.logits_of_several(probes).flatten(0, 1)
            classes = active.classes.repeat_interleave(2 * count)
            rows = power_of_two_near(logits).reshape(len(point), -1).amax(dim=1)
            unit = torch.where(unit > 0, unit, rows)
            logits = logits / unit.repeat_interleave(2 * count)[:, None]
            margins = active.goal.margin(logits, classes).reshape(-1, 2, count)
            slopes = (margins[:, 0] - margins[:, 1]) / (2 * self.delta)
            total += torch.einsum("bs,bschw->bchw", slopes, signs)
        return total / self.samples, unit
