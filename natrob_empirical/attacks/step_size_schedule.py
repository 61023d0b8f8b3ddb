"""When Auto-PGD looks at its progress, and when it halves its step.

Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
attacks", ICML 2020, section 3.1.
"""

from .tensor_types import Counts, Truths, Values

_FIRST, _SHRINKING, _SHORTEST = 22, 3, 6  # the authors' periods, in hundredths of all steps


def checkpoints(steps: int) -> tuple[int, ...]:
    """The steps `w_j = ⌈p_j · steps⌉` after which progress is judged, ascending, without 0.

    `p_0 = 0`, `p_1 = 0.22`, `p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06)`, as long as `p_j ≤ 1`.
    """
    share, period, found = 0, _FIRST, []
    while (share := share + period) <= 100:
        found.append(-(-share * steps // 100))
        period = max(period - _SHRINKING, _SHORTEST)
    return tuple(sorted(set(found)))


def stalled(
    improvements: Counts, window: int, rho: float, *, halved_before: Truths, best_loss: Values, best_loss_before: Values
) -> Truths:
    """Whose step is to be halved at a checkpoint.

    Condition 1: the loss rose in fewer than `rho · window` of the steps since the last checkpoint.
    Condition 2: the step was not halved at the last checkpoint, and the best loss has not risen since.

    Args:
        improvements: steps since the last checkpoint that raised the loss.
        window: all steps since then.
        rho: the share of them that must raise it.
        halved_before: whether the step was halved at the last checkpoint.
        best_loss, best_loss_before: the highest loss so far, and at the last checkpoint.
    """
    oscillating = improvements < rho * window
    return oscillating | ~halved_before & (best_loss <= best_loss_before)
