from typing import Any

import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import DLR, CrossEntropy, Margin
from natrob_empirical.attacks.losses import targeted_dlr
from natrob_empirical.attacks.rivals import strongest_rivals

LOGITS = torch.tensor([[4.0, 1.0, 3.0, -1.0, 0.0], [0.0, 5.0, 1.0, 2.0, 4.0]], dtype=torch.float64)
Y = torch.tensor([0, 4])


def test_values_by_hand() -> None:
    assert torch.allclose(Margin()(LOGITS, Y), torch.tensor([-1.0, 1.0]).double())
    assert torch.allclose(DLR()(LOGITS, Y), torch.tensor([-1 / 3, 1 / 3]).double())
    expected = torch.stack([torch.logsumexp(LOGITS[0], 0) - 4, torch.logsumexp(LOGITS[1], 0) - 4])
    assert torch.allclose(CrossEntropy()(LOGITS, Y), expected)
    # to class 3: −(4 + 1)/(4 − (1 + 0)/2) and −(4 − 2)/(5 − (2 + 1)/2)
    found = targeted_dlr(LOGITS, Y, torch.tensor([3, 3]))
    assert torch.allclose(found, torch.tensor([-5 / 3.5, -2 / 3.5]).double())


@pytest.mark.parametrize("loss", [DLR(), lambda z, y: targeted_dlr(z, y, (y + 1) % 5)], ids=["DLR", "targeted"])
def test_the_ratio_ignores_shift_and_scale(loss: Any) -> None:
    assert torch.allclose(loss(1000 * LOGITS - 7, Y), loss(LOGITS, Y), rtol=1e-9, atol=0)


@pytest.mark.parametrize("loss", [CrossEntropy(), Margin(), DLR()], ids=str)
def test_it_has_a_sign_or_a_threshold_where_the_label_loses(loss: Any) -> None:
    """Raising the strongest rival raises every loss."""
    raised = LOGITS.clone()
    raised[0, 2] += 0.5
    assert float(loss(raised, Y)[0]) > float(loss(LOGITS, Y)[0])


@pytest.mark.parametrize("loss", [Margin(), DLR(), lambda z, y: targeted_dlr(z, y, 1 - y)], ids=["m", "dlr", "t"])
def test_logits_that_agree_give_a_finite_loss_and_gradient(loss: Any) -> None:
    logits = torch.full((2, 5), 0.25, requires_grad=True)
    value: Tensor = loss(logits, torch.tensor([0, 1]))
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    assert torch.equal(value, torch.zeros(2))
    assert bool(gradient.isfinite().all())


def test_the_label_is_never_among_the_rivals() -> None:
    assert strongest_rivals(LOGITS, Y, 2).tolist() == [[2, 1], [1, 3]]
    assert strongest_rivals(LOGITS, Y, 9).tolist() == [[2, 1, 4, 3], [1, 3, 2, 0]]
    tied = torch.ones(3, 5)
    every = torch.tensor([0, 2, 4])
    assert not bool((strongest_rivals(tied, every, 4) == every[:, None]).any())


@pytest.mark.usefixtures("unchecked")
def test_too_few_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 classes for the DLR loss, got 2 logits; APGD with Margin"):
        DLR()(torch.ones(1, 2), torch.tensor([0]))
    with pytest.raises(ValueError, match="at least 4 classes for the targeted DLR loss, got 3 logits"):
        targeted_dlr(torch.ones(1, 3), torch.tensor([0]), torch.tensor([1]))
