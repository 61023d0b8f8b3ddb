import math
from typing import Any

import pytest
import torch
from torch import nn
from training_subjects import demanding

from natrob_empirical.training.optimisation import ScheduledOptimiser, learning_rate_at


def test_the_cosine_is_that_of_torch() -> None:
    specification = demanding(epochs=4, learning_rate=0.3)
    optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=20)
    for step in range(20):
        assert learning_rate_at(specification, step, steps_per_epoch=5) == pytest.approx(
            optimiser.param_groups[0]["lr"], abs=1e-12
        )
        optimiser.step()
        schedule.step()
    assert learning_rate_at(specification, 20, steps_per_epoch=5) == pytest.approx(0.0, abs=1e-15)


def test_milestones_divide_the_rate_by_ten_when_their_epochs_are_done() -> None:
    specification = demanding(epochs=5, learning_rate=1.0, schedule="milestones", milestones=(1, 3))
    rates = [learning_rate_at(specification, step, steps_per_epoch=2) for step in range(10)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])


@pytest.mark.parametrize("schedule", [{}, {"schedule": "milestones", "milestones": (3,)}])
def test_a_warmup_rises_to_the_schedule_and_leaves_the_rest_of_it(schedule: dict[str, Any]) -> None:
    plain = demanding(epochs=4, learning_rate=0.3, **schedule)
    warm = demanding(epochs=4, learning_rate=0.3, warmup=0.2, **schedule)
    ratios = [
        learning_rate_at(warm, step, steps_per_epoch=5) / learning_rate_at(plain, step, steps_per_epoch=5)
        for step in range(20)
    ]
    assert ratios == pytest.approx([0.25, 0.5, 0.75, *[1.0] * 17])


def test_sgd_follows_its_formula() -> None:
    """v ← momentum·v + g + decay·w; w ← w − rate·v."""
    layer = nn.Linear(1, 1, bias=False)
    weight, velocity = layer.weight.item(), 0.0
    specification = demanding(epochs=2, momentum=0.8, weight_decay=0.1, learning_rate=0.5)
    optimiser = ScheduledOptimiser(layer, specification, steps_per_epoch=3)
    for step in range(4):
        gradient = math.sin(step + 1.0)
        optimiser.clear_gradients()
        layer.weight.grad = torch.full((1, 1), gradient)
        optimiser.step(step)
        velocity = 0.8 * velocity + gradient + 0.1 * weight
        weight -= 0.25 * (1 + math.cos(math.pi * step / 6)) * velocity
        assert layer.weight.item() == pytest.approx(weight, rel=1e-5)


@pytest.mark.parametrize(("limit", "moved"), [(None, (3.0, 4.0)), (10.0, (3.0, 4.0)), (1.0, (0.6, 0.8))])
def test_a_long_gradient_is_shortened_and_keeps_its_direction(limit: float | None, moved: tuple[float, float]) -> None:
    layer = nn.Linear(1, 1)
    before = layer.weight.item(), layer.bias.item()
    specification = demanding(momentum=0.0, weight_decay=0.0, learning_rate=1.0, gradient_norm=limit)
    layer.weight.grad, layer.bias.grad = torch.full((1, 1), 3.0), torch.full((1,), 4.0)
    ScheduledOptimiser(layer, specification, steps_per_epoch=3).step(0)
    steps = before[0] - layer.weight.item(), before[1] - layer.bias.item()
    assert steps == pytest.approx(moved, rel=1e-4)


def test_adamw_decays_weights_apart_from_the_gradient() -> None:
    layer = nn.Linear(1, 1, bias=False)
    before = layer.weight.item()
    specification = demanding(optimiser="adamw", learning_rate=0.1, weight_decay=0.5)
    optimiser = ScheduledOptimiser(layer, specification, steps_per_epoch=3)
    layer.weight.grad = torch.full((1, 1), 7.0)
    optimiser.step(0)
    assert layer.weight.item() == pytest.approx(before * (1 - 0.1 * 0.5) - 0.1, rel=1e-5)


def test_muon_steps_matrices_along_the_orthogonalised_momentum_and_the_rest_as_adamw() -> None:
    """Muon's iteration brings singular values near 1, to within 0.68 to 1.13 (Jordan et al., 2024)."""
    layer = nn.Linear(6, 3)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    specification = demanding(optimiser="muon", learning_rate=0.5, weight_decay=0.0)
    optimiser = ScheduledOptimiser(layer, specification, steps_per_epoch=3)
    gradient = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    layer.weight.grad, layer.bias.grad = gradient.clone(), torch.tensor([2.0, -1.0, 0.5])
    optimiser.step(0)
    moved = (weight - layer.weight.detach()) / 0.5
    singular = torch.linalg.svdvals(moved)
    assert 0.6 < float(singular.min()) <= float(singular.max()) < 1.3
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    assert float((moved * (left @ right)).sum()) > 0.95 * float(moved.norm()) * 3**0.5
    torch.testing.assert_close(layer.bias.detach(), bias - 0.2 * 0.5 * torch.tensor([1.0, -1.0, 1.0]))


@pytest.mark.parametrize("parts", ["matrices", "vectors"])
def test_muon_serves_a_model_of_one_kind_of_parameters(parts: str) -> None:
    model = nn.Linear(3, 3, bias=False) if parts == "matrices" else nn.BatchNorm2d(3)
    optimiser = ScheduledOptimiser(model, demanding(optimiser="muon"), steps_per_epoch=1)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step(0)
    assert all(not torch.equal(now, old) for now, old in zip(model.parameters(), before, strict=True))


def test_a_model_with_nothing_to_train_is_named() -> None:
    with pytest.raises(ValueError, match="must have a parameter that asks for a gradient"):
        ScheduledOptimiser(nn.Linear(1, 1).requires_grad_(False), demanding(), steps_per_epoch=1)
