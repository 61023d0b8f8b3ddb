"""Whether the attacks could have found out: steps, queries and images enough."""

from natrob_empirical.attack_names import label_of

from .flag import TOO_FEW_IMAGES, TOO_FEW_QUERIES, TOO_FEW_STEPS
from .report import Evidence, judged
from .strength_checks import black_boxes
from .subject import CheckNotRunError, Subject
from .thresholds import CROSSING, FEWEST_IMAGES, FEWEST_QUERIES, LATE_SHARE


def reach_check(subject: Subject) -> list[Evidence]:
    """Whether the gradient attack can cross the ball."""
    length = subject.attack.reach
    if length is None:
        raise CheckNotRunError(f"{label_of(subject.attack)} has no step size of its own to judge")
    epsilon = subject.ball.epsilon
    sentence = f"steps × step size = {length:.4g}, the ball's diameter is 2ε = {2 * epsilon:.4g}"
    short = length < CROSSING * epsilon * (1 - 1e-9)
    own = repr(subject.attack)
    return [judged(TOO_FEW_STEPS, short, sentence, n=len(subject), reach=length, epsilon=epsilon, settings=own)]


def query_check(subject: Subject) -> list[Evidence]:
    """Whether the black-box attack had finished.

    An attack of the caller's with fewer than `FEWEST_QUERIES` had not. The diagnosis's own, which a quick one gives
    fewer, had not where the second half of its queries still finds images that the gradient attack misses: the second
    half of those that an image costs which it never fools, as moves whose outcome is known cost none.
    """
    queries = getattr(subject.attack, "queries", None)  # the setting of every attack that has a budget of queries
    if isinstance(queries, int):
        sentence, few = f"{queries} queries per image, {FEWEST_QUERIES} are the fewest in use", queries < FEWEST_QUERIES
        own = repr(subject.attack)
        return [judged(TOO_FEW_QUERIES, few, sentence, n=len(subject), queries=queries, settings=own)]
    square = black_boxes(subject)[0]
    result, budget = subject.run(square), subject.level.square_queries
    spent = float(result.queries[~result.success].double().mean()) if bool((~result.success).any()) else budget
    late = result.success & (result.queries > spent / 2)
    if subject.probe().gradient is not None:
        late &= ~subject.white_box().success
    count, n = int(late.sum()), len(subject)
    sentence = (
        f"in the second half of its search of {budget} moves {label_of(square)} fools {count} of {n} "
        "images that the gradient attack does not"
    )
    unfinished = count > LATE_SHARE * n
    return [judged(TOO_FEW_QUERIES, unfinished, sentence, n=n, late=count, queries=budget, settings=repr(square))]


def image_check(subject: Subject) -> list[Evidence]:
    """Whether enough images are classified correctly."""
    correct, n = len(subject), subject.num_images
    sentence = f"{correct} of {n} images are classified correctly"
    return [judged(TOO_FEW_IMAGES, correct < FEWEST_IMAGES, sentence, n=n, correct=correct)]
