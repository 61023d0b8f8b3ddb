import pytest
import torch

from natrob_empirical.attacks.step_size_schedule import checkpoints, stalled


def test_the_checkpoints_of_a_hundred_steps_are_the_papers() -> None:
    assert checkpoints(100) == (22, 41, 57, 70, 80, 87, 93, 99)


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 33, 1000])
def test_checkpoints_ascend_and_end_with_the_steps(steps: int) -> None:
    found = checkpoints(steps)
    assert list(found) == sorted(set(found))
    assert found[0] == -(-22 * steps // 100) >= 1
    assert found[-1] <= steps


@pytest.mark.parametrize(
    ("improvements", "halved_before", "best", "before", "expected"),
    [
        (15, False, 1.0, 0.0, False),  # 15 of 20 is exactly ρ
        (14, False, 1.0, 0.0, True),  # condition 1
        (14, True, 1.0, 0.0, True),
        (20, False, 1.0, 1.0, True),  # condition 2
        (20, True, 1.0, 1.0, False),  # ... waits after a halving
        (20, False, 1.0, 0.5, False),
    ],
)
def test_the_conditions(improvements: int, halved_before: bool, best: float, before: float, expected: bool) -> None:
    found = stalled(
        torch.tensor([improvements]),
        20,
        0.75,
        halved_before=torch.tensor([halved_before]),
        best_loss=torch.tensor([best]),
        best_loss_before=torch.tensor([before]),
    )
    assert found.tolist() == [expected]
