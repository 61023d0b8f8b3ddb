"""How thorough a diagnosis is."""

from dataclasses import dataclass
from typing import Final, Literal, final

LevelName = Literal["quick", "full"]


@final
@dataclass(frozen=True, kw_only=True)
class Level:
    """The budgets of a diagnosis, per image.

    Attributes:
        steps, restarts: of PGD, where the caller names no attack.
        noise_trials: random points per radius.
        square_queries: of Square.
        spsa_steps: of SPSA; 0 leaves it out.
        radii: rungs of the ladder.
        probes: random points, besides the image, at which gradients are looked at.
        directions: of the difference quotients.
        all_solvers: also transfer from solves of other tolerance and gradient, besides fixed-step RK4.
    """

    steps: int
    restarts: int
    noise_trials: int
    square_queries: int
    spsa_steps: int
    radii: int
    probes: int
    directions: int
    all_solvers: bool


LEVELS: Final[dict[LevelName, Level]] = {
    "quick": Level(
        steps=40, restarts=1, noise_trials=20, square_queries=300, spsa_steps=0,
        radii=4, probes=2, directions=16, all_solvers=False,
    ),
    "full": Level(
        steps=100, restarts=3, noise_trials=200, square_queries=3000, spsa_steps=40,
        radii=6, probes=8, directions=64, all_solvers=True,
    ),
}  # fmt: skip
