import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.attacks.margin import log_odds_against, margin


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


@given(st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=1), st.integers(0, 3))
def test_the_loss_is_that_of_the_odds(rows: list[list[float]], label: int) -> None:
    logits = torch.tensor(rows, dtype=torch.float64)
    y = torch.full((len(rows),), label)
    loss = torch.nn.functional.cross_entropy(logits, y, reduction="none")
    assert torch.allclose(torch.nn.functional.softplus(log_odds_against(logits, y)), loss, rtol=1e-12, atol=1e-14)


def test_the_odds_still_order_what_the_loss_rounds_to_zero() -> None:
    logits = torch.tensor([[100.0, 0.0], [90.0, 0.0]], dtype=torch.float64)
    y = torch.zeros(2, dtype=torch.int64)
    assert torch.nn.functional.cross_entropy(logits, y, reduction="none").tolist() == [0, 0]
    assert log_odds_against(logits, y).tolist() == [-100, -90]
