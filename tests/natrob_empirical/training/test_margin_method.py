import math

import pytest
import torch
from torch import nn

from natrob_empirical.training import MarginTraining, StandardTraining
from natrob_empirical.training.margin_method import margin_loss


def linear(weight: torch.Tensor) -> nn.Sequential:
    layer = nn.Linear(weight.shape[1], len(weight), bias=False, dtype=weight.dtype)
    layer.weight = nn.Parameter(weight)
    return nn.Sequential(nn.Flatten(), layer)


def a_batch() -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn((3, 4), generator=generator, dtype=torch.float64)
    return linear(weight), torch.rand((5, 1, 2, 2), generator=generator, dtype=torch.float64), torch.arange(5) % 3


def test_the_loss_is_the_formula() -> None:
    scores = [[2.0, 1.0, -1.0], [0.5, 0.25, 0.75]]
    labels = [0, 1]
    expected = 0.0
    for row, label in zip(scores, labels, strict=True):
        shifted = [(score - (0.7 if k == label else 0.0)) / 0.25 for k, score in enumerate(row)]
        expected += (math.log(sum(map(math.exp, shifted))) - shifted[label]) / 2
    found = margin_loss(torch.tensor(scores), torch.tensor(labels), offset=0.7, temperature=0.25)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_an_image_that_leads_by_the_offset_alone_is_undecided() -> None:
    found = margin_loss(torch.tensor([[1.0, 0.3]]), torch.tensor([0]), offset=0.7, temperature=0.01)
    assert float(found) == pytest.approx(math.log(2), abs=1e-4)
    assert float(margin_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), offset=0.7, temperature=0.01)) < 1e-10


def test_gradients_are_those_of_the_loss_and_correct_counts_the_scores() -> None:
    model, images, labels = a_batch()
    method = MarginTraining(offset=0.9, temperature=0.5)
    outcome = method.backward(model, images, labels, generator=torch.Generator())
    weight, flat = next(model.parameters()), images.flatten(1)
    scores = flat @ weight.detach().T
    onehot = torch.eye(3, dtype=torch.float64)[labels]
    probabilities = ((scores - 0.9 * onehot) / 0.5).softmax(dim=1)
    torch.testing.assert_close(weight.grad, (probabilities - onehot).T @ flat / 0.5 / 5)
    assert outcome.correct == (scores.argmax(dim=1) == labels).sum()
    assert not outcome.loss.requires_grad


def test_without_offset_and_temperature_it_is_standard_training() -> None:
    gradients = []
    for method in (MarginTraining(offset=0.0, temperature=1.0), StandardTraining()):
        model, images, labels = a_batch()
        method.backward(model, images, labels, generator=torch.Generator())
        gradients.append(next(model.parameters()).grad)
    torch.testing.assert_close(*gradients)


def test_bad_settings_are_named() -> None:
    for change, message in (
        ({"offset": -0.1}, "`offset` must be at least 0, got -0.1"),
        ({"temperature": 0.0}, "`temperature` must be greater than 0, got 0.0"),
    ):
        with pytest.raises(ValueError, match=message):
            MarginTraining(**change)
