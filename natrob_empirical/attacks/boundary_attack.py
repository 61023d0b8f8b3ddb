"""The Boundary Attack: a walk along the decision boundary towards the image, by the model's decisions alone."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Final, final

from torch import Tensor

from natrob_empirical.threat_models import L2Ball
from natrob_theory.numbers.argument_checks import require_count, require_positive

from .attack_inputs import require_images
from .boundary_start import find_starts
from .boundary_walk import LARGEST_SOURCE_STEP, BoundaryWalk
from .minimum_norm_attack import AbstractMinimumNormAttack
from .most_calls import MostCalls
from .nearest_search import NearestSearch

_HALVINGS: Final = 10  # of the segment from the image to its start
_FORGETTING: Final = 0.9  # per query, of how the first source step relates to the first spherical step


@final
@dataclass(frozen=True)
class BoundaryAttack(AbstractMinimumNormAttack):
    """Random steps on the sphere around the image, each with a step towards it, kept where still misclassified.

    With d = point − x and a random direction η orthogonal to d, ‖η‖ = ‖d‖, the model is asked about
    `clip(x + (1 − ε)(d + δη)/√(1 + δ²))`, never farther from x than the point is. It sees decisions only: logits are
    used for their largest entry.

    Every sample has a step δ of its own, which grows by 10 % after a success and shrinks after a failure, so that
    it keeps still at a success rate of 0.3. Its source step is `ε = ρδ²`. ρ begins at source_step/spherical_step²
    and tends to ½, the best ratio at a flat boundary: there a step succeeds when `g > c(δ²/2 + ε)/δ`, g normal and
    c a constant of the place, and ε·P(success) is largest where `δ²/2 = ε`. Unlike in the paper no query is spent
    on spherical steps alone to adapt the steps. Each direction is asked about twice: once more where it succeeded,
    since a flat boundary is left by the same margin again, and its opposite where it failed.

    The start is the first misclassified of up to `start_trials` images, then moved to the boundary by ten halvings
    of the segment to x. A sample without a start is not fooled. With target classes a start must be taken for its
    target, which noise seldom is: give `starts` of that class.

    `queries` counts all of them: starting images, halvings and steps; a sample spends min(start_trials, queries)
    where no start is found and else exactly `queries`, unless it leaves earlier by being fooled inside its ball.
    Verdicts come on top, at most 2 + queries in all and no gradient call (and with mixed precision one query for
    each image that seems to fool the model). More queries never give a larger distance with the same generator.
    Where no misclassified image is found inside the ball, the result is the nearest one projected onto it.

    Source: Brendel, Rauber and Bethge, "Decision-based adversarial attacks: reliable attacks against black-box machine
    learning models", ICLR 2018.

    Args:
        ball: an `L2Ball`, the geometry of the method.
        queries: the budget per sample, at least 1.
        spherical_step: the first δ, relative to the distance, above 0 and at most 1.
        source_step: the first ε, relative to the distance, above 0 and at most 0.5.
        starts: images to start from, for instance of other classes: for each sample the nearest are tried first. None
            means uniform noise, drawn in squares of changing size.
        start_trials: starting images to try per sample, at least 1.

    Raises:
        TypeError, ValueError: a setting that is not as described.
    """

    kind = "decision"
    takes_targets = True
    norms = ("L2",)

    _: KW_ONLY
    queries: int = 1000
    spherical_step: float = 0.1
    source_step: float = 0.1
    starts: Tensor | None = field(default=None, repr=False, compare=False)
    start_trials: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.ball, L2Ball):
            raise TypeError(f"`ball` must be an L2Ball, as the Boundary Attack walks on L2 spheres, got {self.ball!r}")
        require_count("queries", self.queries)
        require_count("start_trials", self.start_trials)
        for name, value, largest in (
            ("spherical_step", self.spherical_step, 1.0),
            ("source_step", self.source_step, LARGEST_SOURCE_STEP),
        ):
            if require_positive(name, value) > largest:
                raise ValueError(f"`{name}` must be at most {largest:g}, got {value}")
        if self.starts is not None:
            object.__setattr__(self, "starts", require_images("starts", self.starts))

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.queries, 0)

    def _approach(self, search: NearestSearch) -> None:
        start = find_starts(search, min(self.start_trials, self.queries), self.starts)
        if start is None:
            return
        walk = BoundaryWalk(search, start, queries=self.queries, spherical_step=self.spherical_step)
        for halving in range(_HALVINGS):
            if walk.over(halving):
                return
            walk.halve()
        walk.begin()
        first_ratio = self.source_step / self.spherical_step**2
        for step in range(self.queries):
            if walk.over(_HALVINGS + step):
                return
            if step % 2 == 0:
                walk.draw_directions()
            walk.step(0.5 * (2 * first_ratio) ** (_FORGETTING**step))
