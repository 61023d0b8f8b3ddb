import torch
from torch import Tensor

from natrob_empirical.attacks.best_candidate import BestCandidate

LABELS = torch.tensor([0, 0])


def image(value: float) -> Tensor:
    return torch.full((2, 1, 1, 1), value, dtype=torch.float32)


def logits(first: float, second: float, rival: float = -9.0) -> Tensor:
    """For each of the two samples, by how much class 1 leads class 0; a third class with a given logit."""
    leads = torch.tensor([first, second])
    return torch.stack([torch.zeros(2), leads, torch.full((2,), rival)], dim=1)


def kept(best: BestCandidate) -> list[float]:
    return best.image.flatten().tolist()


def test_misclassified_comes_before_a_higher_loss() -> None:
    best = BestCandidate(image(0), LABELS)
    best.offer(image(1), logits(0.1, -0.1))  # first misclassified at a small loss
    best.offer(image(2), logits(-0.001, -0.001, rival=-0.001))  # both right, at a higher loss
    assert kept(best) == [1, 2]
    best.offer(image(3), logits(0.05, 0.05))  # both wrong; for the first at a lower loss than before
    assert kept(best) == [1, 3]
    best.offer(image(4), logits(5.0, -5.0))
    assert kept(best) == [4, 3]


def test_the_first_offer_is_taken_and_equals_change_nothing() -> None:
    best = BestCandidate(image(0), LABELS)
    best.offer(image(1), logits(-50, -50))
    best.offer(image(2), logits(-50, -50))
    assert kept(best) == [1, 1]
