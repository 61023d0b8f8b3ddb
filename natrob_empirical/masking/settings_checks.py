"""Whether the attacks could have found out: steps, queries and images enough."""

from natrob_empirical.attack_names import label_of

from .flag import TOO_FEW_IMAGES, TOO_FEW_QUERIES, TOO_FEW_STEPS
from .report import Evidence
from .strength_checks import black_boxes
from .subject import CheckNotRunError, Subject
from .thresholds import CROSSING, FEWEST_IMAGES, FEWEST_QUERIES, LATE_SHARE


def reach_check(subject: Subject) -> list[Evidence]:
    """Whether the gradient attack can cross the ball."""
    length = subject.attack.reach
    if length is None:
        raise CheckNotRunError(f"{label_of(subject.attack)} has no step size of its own to judge")
    epsilon = subject.ball.epsilon
    return [
        Evidence(
            flag=TOO_FEW_STEPS,
            status="raised" if length < CROSSING * epsilon * (1 - 1e-9) else "clear",
            sentence=f"steps × step size = {length:.4g}, the ball's diameter is 2ε = {2 * epsilon:.4g}",
            numbers={"n": len(subject), "reach": length, "epsilon": epsilon},
            settings=repr(subject.attack),
        )
    ]


def query_check(subject: Subject) -> list[Evidence]:
    """Whether the black-box attack had finished.

    An attack of the caller's with fewer than `FEWEST_QUERIES` had not. The diagnosis's own, which a quick one gives
    fewer, had not where the second half of its queries still finds images that the gradient attack misses.
    """
    queries = getattr(subject.attack, "queries", None)  # the setting of every attack that has a budget of queries
    if isinstance(queries, int):
        return [
            Evidence(
                flag=TOO_FEW_QUERIES,
                status="raised" if queries < FEWEST_QUERIES else "clear",
                sentence=f"{queries} queries per image, {FEWEST_QUERIES} are the fewest in use",
                numbers={"n": len(subject), "queries": queries},
                settings=repr(subject.attack),
            )
        ]
    square = black_boxes(subject)[0]
    result, budget = subject.run(square), subject.level.square_queries
    late = result.success & (result.queries > budget / 2)
    if subject.probe().gradient is not None:
        late &= ~subject.white_box().success
    count = int(late.sum())
    return [
        Evidence(
            flag=TOO_FEW_QUERIES,
            status="raised" if count > LATE_SHARE * len(subject) else "clear",
            sentence=(
                f"in the second half of its {budget} queries {label_of(square)} fools {count} of {len(subject)} "
                "images that the gradient attack does not"
            ),
            numbers={"n": len(subject), "late": count, "queries": budget},
            settings=repr(square),
        )
    ]


def image_check(subject: Subject) -> list[Evidence]:
    """Whether enough images are classified correctly."""
    return [
        Evidence(
            flag=TOO_FEW_IMAGES,
            status="raised" if len(subject) < FEWEST_IMAGES else "clear",
            sentence=f"{len(subject)} of {subject.num_images} images are classified correctly",
            numbers={"n": subject.num_images, "correct": len(subject)},
        )
    ]
