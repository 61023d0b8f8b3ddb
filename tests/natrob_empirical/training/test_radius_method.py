"""The loss is made of the certificate's own radii."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_empirical import certified_accuracy
from natrob_empirical.models import ContractiveSpecification, build_classifier
from natrob_empirical.training import MarginTraining, RadiusTraining
from natrob_empirical.training.radius_method import pair_radii


class Scores(nn.Module):
    """logits = head(images)."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.head = nn.Linear(weight.shape[1], len(weight), bias=False, dtype=weight.dtype)
        self.head.weight = nn.Parameter(weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(images.flatten(1))


def draw(seed: int) -> tuple[Scores, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn((3, 4), generator=generator, dtype=torch.float64)
    return Scores(weight), torch.rand((5, 1, 2, 2), generator=generator, dtype=torch.float64), torch.arange(5) % 3


@given(seed=st.integers(0, 50))
def test_a_linear_classifier_changes_its_label_at_the_least_radius_and_not_before(seed: int) -> None:
    """For a linear map the radius is exact: 1 % less keeps the label, 1 % more along w_j − w_y loses it."""
    model, images, _ = draw(seed)
    with torch.no_grad():
        logits = model(images)
        labels = logits.argmax(dim=1)
        radii = pair_radii(logits, labels, model.head.weight)
        radii[torch.arange(5), labels] = torch.inf
        least, rival = radii.min(dim=1)
        rows = model.head.weight
        direction = rows[rival] - rows[labels]
        direction = direction / direction.norm(dim=1, keepdim=True)
        for share, kept in ((0.99, True), (1.01, False)):
            moved = images + (share * least[:, None] * direction).view_as(images)
            assert torch.equal(model(moved).argmax(dim=1) == labels, torch.full((5,), kept))


def test_the_radii_are_those_of_the_certificate() -> None:
    specification = ContractiveSpecification(
        label="small", network="gradient_flow", channels=64, hidden=8, num_steps=2, constraint="orthogonal"
    )
    generator = torch.Generator().manual_seed(0)
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=3, generator=generator).double().eval()
    images = torch.rand((6, 1, 8, 8), generator=generator, dtype=torch.float64)
    with torch.no_grad():
        logits = model(images)
        labels = logits.argmax(dim=1)
        radii = pair_radii(logits, labels, model.head.weight)
    radii[torch.arange(6), labels] = torch.inf
    certified = certified_accuracy(model, images, labels, [0.1], norm="L2").radii
    torch.testing.assert_close(certified.to(radii.dtype), radii.min(dim=1).values, rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_formula() -> None:
    model, images, labels = draw(1)
    method = RadiusTraining(epsilon=0.3, asked=0.4, temperature=0.2, weight=2.0, slack=0.1)
    outcome = method.backward(model, images, labels, generator=torch.Generator())
    scores, rows = model(images).tolist(), model.head.weight.tolist()
    expected = 0.0
    for row, label in zip(scores, labels.tolist(), strict=True):
        radii = [(row[label] - row[j]) / math.dist(rows[label], rows[j]) for j in range(3) if j != label]
        nearest = -0.2 * math.log(sum(math.exp(-radius / 0.2) for radius in radii))
        expected += math.log(1 + sum(math.exp((0.4 - radius) / 0.2) for radius in radii)) / 5
        expected += 2.0 / (1 + math.exp((nearest - 0.3) / 0.1)) / 5
    assert float(outcome.loss) == pytest.approx(expected, rel=1e-12)
    assert outcome.correct == sum(row.index(max(row)) == label for row, label in zip(scores, labels, strict=True))
    assert model.head.weight.grad is not None


def test_with_an_orthonormal_head_it_is_margin_training_in_other_units() -> None:
    gradients = []
    weight = nn.init.orthogonal_(torch.empty(3, 4, dtype=torch.float64), generator=torch.Generator().manual_seed(0))
    _, images, labels = draw(2)
    scores = weight @ images.flatten(1).t()
    for method in (
        RadiusTraining(asked=0.5, temperature=0.2),
        MarginTraining(offset=0.5 * math.sqrt(2), temperature=0.2 * math.sqrt(2)),
    ):
        model = Scores(weight.clone())
        outcome = method.backward(model, images, labels, generator=torch.Generator())
        gradients.append(outcome.loss)
    torch.testing.assert_close(*gradients)
    assert scores.shape == (3, 5)


def test_equal_rows_of_the_head_give_finite_gradients() -> None:
    model = Scores(torch.ones(3, 4, dtype=torch.float64))
    _, images, labels = draw(0)
    RadiusTraining(weight=1.0).backward(model, images, labels, generator=torch.Generator())
    assert model.head.weight.grad is not None
    assert bool(model.head.weight.grad.isfinite().all())


def test_bad_settings_and_models_are_named() -> None:
    with pytest.raises(ValueError, match=r"`asked` must be at least 0, got -0\.1"):
        RadiusTraining(asked=-0.1)
    with pytest.raises(ValueError, match=r"`slack` must be greater than 0, got 0\.0"):
        RadiusTraining(slack=0.0)
    _, images, labels = draw(0)
    with pytest.raises(TypeError, match=r"`model` must have an nn\.Linear as its `head`"):
        RadiusTraining().backward(nn.Flatten(), images, labels, generator=torch.Generator())
