"""The penalty by hand, on every network, and what it does to a training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_subjects import demanding, everything_of, same, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.models import (
    NETWORKS,
    AbstractClassifier,
    IntegratorClassifier,
    ModelSpecification,
    ResidualSpecification,
    build_classifier,
)
from natrob_empirical.training import LipschitzPenalty, StandardTraining, TrainingProgress, field_sample
from natrob_theory import EulerNet, lipschitz_lower_bound

CLASSES = 10


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(name: str, **settings: Any) -> AbstractClassifier:
    kind = ModelSpecification if name in NETWORKS else ResidualSpecification
    described = kind(label="small", network=name, **settings)
    return build_classifier(described, image_shape=(1, 8, 8), num_classes=CLASSES, generator=stream(1))


def images(count: int = 6) -> tuple[Tensor, Tensor]:
    return torch.rand((count, 1, 8, 8), generator=stream(2)), torch.arange(count) % CLASSES


def gradients_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


class Linear(nn.Module):
    """y ↦ Ay on states (batch, 2, 4, 4), pixel by pixel, as a field."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.einsum("ij,bjhw->bihw", self.matrix, state)


@pytest.mark.parametrize(("target", "excess"), [(0.0, 3.0), (1.0, 2.0), (4.0, 0.0)])
def test_the_loss_adds_the_known_constant_of_a_linear_field(target: float, excess: float) -> None:
    field = Linear(torch.tensor([[0.0, 3.0], [0.0, 0.0]]))  # K = 3, μ = 3/2
    model = IntegratorClassifier(
        nn.Conv2d(1, 2, 1), EulerNet(field, 0.1, 3), nn.AdaptiveAvgPool2d(2), nn.Linear(8, CLASSES)
    )
    x, y = images()
    x = x[:, :, :4, :4]
    cross_entropy = nn.functional.cross_entropy(model(x), y).item()
    method = LipschitzPenalty(weight=0.5, target=target, iterations=8)
    outcome = method.backward(model, x, y, generator=stream())
    assert float(outcome.loss) == pytest.approx(cross_entropy + 0.5 * excess, rel=1e-4)
    one_sided = replace(method, quantity="one_sided", target=0.0)
    assert one_sided.penalty(model, x, generator=stream()).item() == pytest.approx(1.5, rel=1e-4)
    # K = ‖A‖₂ has the gradient u vᵀ, here one at the entry (0, 1)
    model.zero_grad()
    model.eval()
    method.penalty(model, x, generator=stream()).backward()
    expected = torch.tensor([[0.0, 1.0 if excess else 0.0], [0.0, 0.0]])
    found = field.matrix.grad
    assert found is not None
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", [*NETWORKS, "resnet", "preact_resnet18"])
def test_every_network_has_the_gradient_of_both_parts(name: str) -> None:
    settings: dict[str, Any] = {"channels": 4, "hidden": 4, "num_steps": 2} if name in NETWORKS else {"width": 4}
    x, y = images()
    method = LipschitzPenalty(weight=0.7, points=4)
    together, apart = network(name, **settings).train(), network(name, **settings).train()
    method.backward(together, x, y, generator=stream())
    penalty_alone = network(name, **settings).eval()
    (0.7 * method.penalty(penalty_alone, x, generator=stream())).backward()
    StandardTraining().backward(apart, x, y, generator=stream())
    found, priced, plain = gradients_of(together), gradients_of(penalty_alone), gradients_of(apart)
    assert any(float(gradient.abs().max()) > 1e-4 for gradient in priced.values())
    assert not any(key.startswith(("stem", "head")) for key in priced)
    for key, gradient in found.items():
        torch.testing.assert_close(gradient, plain[key] + priced.get(key, 0.0), rtol=1e-3, atol=1e-5)
    assert all(part.training for part in together.modules())
    assert same(dict(together.named_buffers()), dict(apart.named_buffers()))


def test_states_are_those_of_the_clean_trajectory() -> None:
    x, _ = images()
    for name in ("euler", "neural_ode", "backward_euler"):
        model = network(name, channels=4, hidden=4, num_steps=3)
        assert isinstance(model, IntegratorClassifier)
        with torch.no_grad():
            states = model.trunk.trajectory(model.first_layer(x)).states
        seen = set()
        for seed in range(12):
            points = field_sample(model.eval(), x, generator=stream(seed)).points
            gaps = (states[:-1] - points).flatten(2).norm(dim=2)
            assert bool((gaps.amin(dim=0) < 1e-5).all())
            seen |= set(gaps.argmin(dim=0).tolist())
        assert seen == set(range(len(states) - 1))


def test_of_revnet_both_fields_count_each_with_the_half_that_it_sees() -> None:
    x, _ = images()
    model = network("revnet", channels=4, hidden=4, num_steps=1)
    assert isinstance(model, IntegratorClassifier)
    with torch.no_grad():
        before, after = model.trunk.trajectory(model.first_layer(x)).states
    found = [field_sample(model.eval(), x, generator=stream(seed)).points for seed in range(8)]
    assert {torch.equal(points, before[:, 2:]) for points in found} == {True, False}
    assert all(torch.equal(points, before[:, 2:]) or torch.equal(points, after[:, :2]) for points in found)


def test_it_lowers_what_it_penalises(digits: Dataset) -> None:
    x = digits.to_images(digits.train_x[:16])
    found = []
    for method in (StandardTraining(), LipschitzPenalty(weight=1.0)):
        model = network("euler", channels=4, hidden=4, step_size=1.0, num_steps=2)
        assert isinstance(model, IntegratorClassifier)
        trained(model, digits.subset(train=320), demanding(epochs=4, optimiser="adamw", learning_rate=0.01,
                augmentation="none", method=method))  # fmt: skip
        sample = field_sample(model, x, generator=stream())
        field = model.trunk.plan()[0].field
        found.append(float(lipschitz_lower_bound(field, sample.points, radius=0.1, generator=stream())))
    assert found[1] < 0.6 * found[0]


def test_a_resumed_run_ends_with_the_same_weights(digits: Dataset, tmp_path: Path) -> None:
    specification = demanding(epochs=2, learning_rate=0.01, method=LipschitzPenalty(points=4))
    few, state = digits.subset(train=80), tmp_path / "run.pt"
    whole, resumed = (network("neural_ode", channels=4, hidden=4) for _ in range(2))
    trained(whole, few, specification)

    def stop(seen: TrainingProgress) -> None:
        if seen.step == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        trained(resumed, few, specification, state=state, checkpoint_interval=0.0, progress=stop)
    resumed = network("neural_ode", channels=4, hidden=4)
    assert trained(resumed, few, specification, state=state).resumed_from == 4
    assert same(everything_of(whole), everything_of(resumed))


def test_what_has_no_field_or_no_one_sided_constant_is_named() -> None:
    x, y = images()
    with pytest.raises(TypeError, match=r"must be an IntegratorClassifier or a ResidualClassifier.*got Sequential"):
        LipschitzPenalty().backward(small_network(), x, y, generator=stream())
    with pytest.raises(TypeError, match="a residual branch may change the shape"):
        LipschitzPenalty(quantity="one_sided").backward(network("resnet", width=4), x, y, generator=stream())


@pytest.mark.usefixtures("unchecked")
def test_bad_settings_are_named() -> None:
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"weight": -0.1}, "`weight` must be at least 0, got -0.1"),
        ({"quantity": "mu"}, "`quantity` must be one of lipschitz, one_sided, got 'mu'"),
        ({"points": 0}, "`points` must be at least 1, got 0"),
        ({"iterations": 0}, "`iterations` must be at least 1, got 0"),
    )
    for change, message in changes:
        with pytest.raises(ValueError, match=message):
            LipschitzPenalty(**change)
