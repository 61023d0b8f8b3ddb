import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.attacks.margin import margin


def test_it_is_the_lead_over_the_best_other_class() -> None:
    logits = torch.tensor([[3.0, 1.0, -2.0], [3.0, 1.0, -2.0], [3.0, 3.0, 0.0]])
    assert margin(logits, torch.tensor([0, 2, 1])).tolist() == [2.0, -5.0, 0.0]


@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1), st.integers(0, 2))
def test_whoever_is_misclassified_has_no_lead(rows: list[list[int]], label: int) -> None:
    logits = torch.tensor(rows, dtype=torch.float32)
    y = torch.full((len(rows),), label)
    found = margin(logits, y)
    wrong = logits.argmax(dim=1) != y
    assert bool((found[wrong] <= 0).all())
    assert bool((found[~wrong] >= 0).all())
