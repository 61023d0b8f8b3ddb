"""The fast adaptive boundary attack."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import Final, final

import torch
from jaxtyping import Int64
from torch import Tensor

from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory.numbers.argument_checks import require_count, require_positive

from .hyperplane_step import step_to_hyperplane
from .minimum_norm_attack import AbstractMinimumNormAttack
from .most_calls import MostCalls
from .nearest_search import NearestSearch
from .rivals import rival_count, strongest_rivals
from .shorter_segment import shorten
from .tensor_types import Classes, Images, Values
from .tries import Tries, groups

_ORDERS: Final[dict[type, float]] = {LinfBall: math.inf, L2Ball: 2.0}
_LAST_QUERIES: Final = 5


@final
@dataclass(frozen=True)
class FAB(AbstractMinimumNormAttack):
    """The targeted fast adaptive boundary attack: small steps to the boundary, drawn towards the image.

    For a target class t the boundary near a point z is taken as the hyperplane on which the linearised difference
    `s_t − s_y` is 0. With d and d₀ the smallest steps onto it, within the pixel range, from z and from the image x,
    and `α = min(‖d‖/(‖d‖ + ‖d₀‖), alpha_max)`, one step is

        `z ← clip((1 − α)(z + η d) + α(x + η d₀))`.

    Where z is then misclassified its distance counts, and the search goes on from `x + β(z − x)`. This is done for
    each target, of few samples for several targets side by side in one batch: from the image itself and, from the
    second restart on, from a random point half as far from it as the nearest image found (as ε, while there is none).
    At the end the segment from the image to the nearest one is searched.

    Where target classes are given, they are the only ones, and the difference is that of t and its strongest rival.
    Needs no step size. Where the gradient of the difference is zero a point cannot move.
    Spends at most 10 + 2·steps·targets·restarts queries and steps·targets·restarts gradient calls per sample.

    Source: Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack", ICML
    2020, algorithm 1; targets as in Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble
    of diverse parameter-free attacks", ICML 2020, section 5 and its appendix.

    Args:
        ball: the threat model, L∞ or L2.
        steps: per target and restart, at least 1.
        targets: how many classes are tried, those with the largest logits at the image but for its label; at least 1.
            All others where there are fewer.
        restarts: at least 1.
        alpha_max: the largest α, greater than 0 and at most 1.
        eta: η, by how much a step overshoots, at least 1.
        beta: β, greater than 0 and less than 1.

    Raises:
        TypeError, ValueError: a setting that is not as described.
    """

    kind = "gradient"
    takes_targets = True

    _: KW_ONLY
    steps: int = 100
    targets: int = 9
    restarts: int = 1
    alpha_max: float = 0.1
    eta: float = 1.05
    beta: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.ball) not in _ORDERS:
            raise TypeError(f"`ball` must be a LinfBall or an L2Ball, as projections differ by norm, got {self.ball!r}")
        require_count("steps", self.steps)
        require_count("targets", self.targets)
        require_count("restarts", self.restarts)
        for name in ("alpha_max", "eta", "beta"):
            object.__setattr__(self, name, require_positive(name, getattr(self, name)))
        if self.alpha_max > 1:
            raise ValueError(f"`alpha_max` must be at most 1, got {self.alpha_max}")
        if self.eta < 1:
            raise ValueError(f"`eta` must be at least 1, so that a step reaches the boundary, got {self.eta}")
        if self.beta >= 1:
            raise ValueError(f"`beta` must be less than 1, got {self.beta}")

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        runs = self.steps * self.restarts * (1 if targeted else rival_count(self.targets, num_classes))
        looks = 9 if targeted else 10  # at the image, for its rivals, at the end of the segment, and the verdict
        return MostCalls(looks + 2 * runs, runs)

    def _approach(self, search: NearestSearch) -> None:
        targets = self._directions(search)
        for restart in range(self.restarts):
            for columns in groups(search.active, targets.shape[1]):
                tries = Tries(search.active, len(columns), targets)
                point = self._start(search, tries, random=restart > 0)
                target = targets[:, columns.start : columns.stop].flatten()
                for _ in range(self.steps):
                    point, target = self._step(search, tries, point, target)
                    if search.over:
                        return
                (targets,) = tries.carried
        shorten(search, queries=_LAST_QUERIES)

    def _directions(self, search: NearestSearch) -> Int64[Tensor, "batch targets"]:
        """The classes that each image is moved towards: the likeliest wrong ones first, or the one it was given."""
        active = search.active
        if active.target is not None:
            return active.target[:, None]
        return strongest_rivals(active.model.logits(active.x), active.y, self.targets)

    def _start(self, search: NearestSearch, tries: Tries, *, random: bool) -> Images:
        x = tries.x
        if not random:
            return x
        drawn = [search.active.streams.normal(*x.shape[1:], dtype=x.dtype) for _ in range(tries.count)]
        noise = self.ball.spread(tries.together(drawn))
        radius = 0.5 * torch.where(search.distance.isfinite(), search.distance, self.ball.epsilon).to(x.dtype)
        return (x + noise * (tries.of_samples(radius) / self._length(noise))[:, None, None, None]).clamp(0, 1)

    def _step(self, search: NearestSearch, tries: Tries, point: Images, target: Classes) -> tuple[Tensor, ...]:
        x, y, p = tries.x, tries.y, _ORDERS[type(self.ball)]
        given = tries.active.target is not None

        def lead(logits: Tensor, target: Tensor) -> Tensor:
            if given:
                return -tries.goal.margin(logits, target)
            return (logits.gather(1, target[:, None]) - logits.gather(1, y[:, None])).squeeze(1)

        logits, gradient = tries.model.logits_and_gradient(point, target, lead)
        gap = -lead(logits, target)
        gap_at_image = gap + torch.linalg.vecdot(gradient.flatten(1), (point - x).flatten(1))
        both = (torch.cat(pair) for pair in ((point, x), (gradient, gradient), (gap, gap_at_image)))
        step, step_from_image = step_to_hyperplane(*both, p=p, shares=self.ball.shares(x))[0].chunk(
            2
        )  # together: half the dispatch
        length, length_from_image = self._length(step), self._length(step_from_image)
        total = length + length_from_image
        share = (length / total.where(total > 0, 1.0)).clamp(max=self.alpha_max)[:, None, None, None]
        point = torch.lerp(point + self.eta * step, x + self.eta * step_from_image, share).clamp(0, 1)
        logits = tries.model.logits(point)
        reached = tries.goal.reached(logits, tries.classes)
        scale = torch.where(reached, self.beta, 1.0)[:, None, None, None].to(x.dtype)
        return tries.settle_nearest(search, point, logits, torch.lerp(x, point, scale), target)

    def _length(self, offset: Images) -> Values:
        shares = self.ball.shares(offset)
        if shares is not None:
            offset = offset / shares.where(shares > 0, 1.0).to(offset.dtype)
        return torch.linalg.vector_norm(offset.flatten(1), ord=_ORDERS[type(self.ball)], dim=1)
