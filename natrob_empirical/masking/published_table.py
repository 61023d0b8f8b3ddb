"""The flags that need numbers only: a published table of accuracies under attack, judged without its model."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, final, get_args

from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_theory.numbers.argument_checks import require_choice, require_count, require_finite, require_nonnegative

from .flag import ABOVE_CEILING, FLAT_IN_EPSILON, ONE_STEP_STRONGER, RISING_IN_EPSILON, TOO_FEW_STEPS
from .report import Evidence, MaskingReport, conclude, judged, not_run
from .thresholds import CROSSING, FLAT_ROW_DROP, FLAT_ROW_RATIO, FLAT_ROW_REACH, STANDARD_ERRORS

Norm = Literal["Linf", "L2"]


@final
@dataclass(frozen=True, kw_only=True)
class PublishedAccuracy:
    """One entry of a table.

    Attributes:
        model: whose accuracy it is.
        attack: the attack's name; entries of one name form a row.
        epsilon: the radius, pixels being in [0, 1].
        accuracy: the share of images still classified correctly, from 0 to 1.
        norm: of the ball.
        steps, step_size: of an iterated attack, where they are known; `steps` = 1 marks a one-step attack.
        source: where the number stands.

    Raises:
        TypeError, ValueError: an attribute that is not as described.
    """

    model: str
    attack: str
    epsilon: float
    accuracy: float
    norm: Norm = "Linf"
    steps: int | None = None
    step_size: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        require_nonnegative("epsilon", self.epsilon)
        require_choice("norm", self.norm, get_args(Norm))
        _require_share("accuracy", self.accuracy)
        if self.steps is not None:
            require_count("steps", self.steps)
        if self.step_size is not None:
            require_nonnegative("step_size", self.step_size)

    @property
    def place(self) -> str:
        """The entry in words."""
        return f"{self.model}, {self.attack} at {self.norm} ε = {self.epsilon:g}: {self.accuracy:.2%}"


_NOT_RUN: Final = {
    ABOVE_CEILING: f"no L∞ entry reaches ε = {IMPOSSIBLE_RADIUS:g}, or the largest class share was not given",
    TOO_FEW_STEPS: "no entry gives the steps and the step size of an attack of more than one step",
    ONE_STEP_STRONGER: "no one-step attack (steps = 1) and longer one share model, norm and radius",
    RISING_IN_EPSILON: "no row has two radii",
    FLAT_IN_EPSILON: (
        f"no L∞ row reaches ε = {FLAT_ROW_REACH:g} from a radius {FLAT_ROW_RATIO:g} times smaller"
    ),
}  # fmt: skip


def diagnose_table(
    entries: Iterable[PublishedAccuracy], *, num_images: int, largest_class_share: float | None = None
) -> MaskingReport:
    """Look for signs of masking in published accuracies under attack.

    A row is the entries of one model, attack and norm; it may be given in full or in part. Accuracies are compared with
    a margin of three standard errors of the difference of two shares, as nobody knows which images they share.

    Args:
        entries: of the table.
        num_images: on which the accuracies were measured.
        largest_class_share: of those images, for the ceiling; None leaves that check out.

    Raises:
        TypeError, ValueError: an argument that is not as described, or an entry given twice.
    """
    table = list(entries)
    require_count("num_images", num_images)
    if largest_class_share is not None:
        _require_share("largest_class_share", largest_class_share)
    keys = [(entry.model, entry.attack, entry.norm, entry.epsilon) for entry in table]
    if len(set(keys)) < len(keys):
        raise ValueError("`entries` must give each model, attack, norm and radius once, got one of them twice")
    rows = _rows(table)
    evidence = [
        *_above_ceiling(table, num_images, largest_class_share),
        *_short_reach(table, num_images),
        *_one_step_stronger(table, num_images),
        *(_rising(row, num_images) for row in rows if len(row) > 1),
        *(_flat(row, num_images) for row in rows if _can_be_flat(row)),
    ]
    run = {item.flag for item in evidence}
    missing = [not_run(flag, reason, n=num_images) for flag, reason in _NOT_RUN.items() if flag not in run]
    return conclude([*evidence, *missing])


def _rows(table: Sequence[PublishedAccuracy]) -> list[list[PublishedAccuracy]]:
    """By model, attack and norm, in ascending radius."""
    rows: dict[tuple[str, str, str], list[PublishedAccuracy]] = {}
    for entry in sorted(table, key=lambda entry: entry.epsilon):
        rows.setdefault((entry.model, entry.attack, entry.norm), []).append(entry)
    return list(rows.values())


def _above_ceiling(table: Sequence[PublishedAccuracy], num_images: int, share: float | None) -> list[Evidence]:
    if share is None:
        return []
    return [
        judged(
            ABOVE_CEILING,
            entry.accuracy > share + 0.5 / num_images,  # shares are printed rounded
            f"{entry.place}; every ball holds the gray image, so a deterministic classifier keeps {share:.2%} at most",
            n=num_images, accuracy=entry.accuracy, ceiling=share,
        )
        for entry in table if entry.norm == "Linf" and entry.epsilon >= IMPOSSIBLE_RADIUS
    ]  # fmt: skip


def _short_reach(table: Sequence[PublishedAccuracy], num_images: int) -> list[Evidence]:
    evidence = []
    for entry in table:
        if entry.steps is None or entry.step_size is None or entry.steps == 1:
            continue
        reach, crossing = entry.steps * entry.step_size, CROSSING * entry.epsilon
        than_radius = "even less than ε" if reach < entry.epsilon * (1 - 1e-9) else "at least ε"
        sentence = (
            f"{entry.place}; {entry.steps} steps of {entry.step_size:g} move a pixel by at most {reach:.4g}, "
            f"{than_radius}, and crossing the ball takes 2ε = {2 * entry.epsilon:.4g}"
        )
        short = entry.accuracy > 0 and reach < crossing * (1 - 1e-9)  # no attack has to go further than to 0
        evidence.append(judged(TOO_FEW_STEPS, short, sentence, n=num_images, reach=reach, epsilon=entry.epsilon))
    return evidence


def _one_step_stronger(table: Sequence[PublishedAccuracy], num_images: int) -> list[Evidence]:
    return [
        judged(
            ONE_STEP_STRONGER,
            many.accuracy - one.accuracy > _margin(one, many, num_images),
            f"{one.place}; {many.attack} leaves {many.accuracy:.2%}",
            n=num_images, accuracy_one_step=one.accuracy, accuracy_many_steps=many.accuracy,
        )
        for one in table if one.steps == 1
        for many in table if many.steps is not None and many.steps > 1
        and (one.model, one.norm, one.epsilon) == (many.model, many.norm, many.epsilon)
    ]  # fmt: skip


def _rising(row: Sequence[PublishedAccuracy], num_images: int) -> Evidence:
    """Whether an entry is above one of a smaller radius."""
    small, large = max(combinations(row, 2), key=lambda pair: pair[1].accuracy - pair[0].accuracy)
    rise = large.accuracy - small.accuracy
    return judged(
        RISING_IN_EPSILON,
        rise > _margin(small, large, num_images),
        f"{small.place}; at ε = {large.epsilon:g} {large.accuracy:.2%}, {100 * rise:+.2f} points",
        n=num_images, rise=rise,
    )  # fmt: skip


def _can_be_flat(row: Sequence[PublishedAccuracy]) -> bool:
    smallest, largest = row[0].epsilon, row[-1].epsilon
    return row[0].norm == "Linf" and largest >= FLAT_ROW_REACH and FLAT_ROW_RATIO * smallest <= largest


def _flat(row: Sequence[PublishedAccuracy], num_images: int) -> Evidence:
    """Whether the row's last entry is about its first: where the first is near 0 already, nothing is left to fall."""
    drop = row[0].accuracy - row[-1].accuracy
    return judged(
        FLAT_IN_EPSILON,
        drop < FLAT_ROW_DROP and row[-1].accuracy > FLAT_ROW_DROP,
        f"{row[0].place}; at ε = {row[-1].epsilon:g} still {row[-1].accuracy:.2%}",
        n=num_images, drop=drop,
    )  # fmt: skip


def _margin(first: PublishedAccuracy, second: PublishedAccuracy, num_images: int) -> float:
    variance = sum(entry.accuracy * (1 - entry.accuracy) for entry in (first, second)) / num_images
    return STANDARD_ERRORS * math.sqrt(variance)


def _require_share(name: str, value: object) -> None:
    if not 0 <= require_finite(name, value) <= 1:
        raise ValueError(f"`{name}` must be a share from 0 to 1, got {value}")
