"""Certificates in L∞ and L1 by constants of that norm: closed forms, tight cases, attacks, what is refused."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from natrob_empirical.attacks import PGD
from natrob_empirical.certification import certificate_constants, certified_accuracy, native_constants
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import IntegratorClassifier
from natrob_empirical.models.residual_block import ResidualBlock, ScaledBy
from natrob_empirical.threat_models import AbstractBall, L1Ball, LinfBall
from natrob_theory import EulerNet, LinearField, layer_lipschitz, lipschitz_upper_bound
from natrob_theory.numbers.norms import Norm, per_sample_norm

OTHERS: tuple[Norm, ...] = ("Linf", "L1")
IMAGE = torch.full((1, 1, 2, 2), 0.5, dtype=torch.float64)


@pytest.fixture(scope="session")
def images(digits: Dataset) -> tuple[Tensor, Tensor]:
    return digits.to_images(digits.test_x[:24]), digits.test_y[:24]


def linear_classifier(rows: list[list[float]]) -> nn.Sequential:
    head = nn.Linear(4, len(rows), bias=False, dtype=torch.float64)
    head.weight.data = torch.tensor(rows, dtype=torch.float64)
    return nn.Sequential(nn.Flatten(), head)


def test_a_linear_classifier_has_its_exact_radii_in_every_norm() -> None:
    """s₀ − s₁ = ⟨d, x⟩ with d = (1, −2, 0.5, 1.5): ½ at the gray image; dual norms 5, √7.5 and 2."""
    model = linear_classifier([[1.0, -2.0, 0.5, 1.5], [0.0, 0.0, 0.0, 0.0]])
    for norm, dual in (("Linf", 5.0), ("L2", math.sqrt(7.5)), ("L1", 2.0)):
        found = certified_accuracy(model, IMAGE, torch.tensor([0]), [0.01], norm=norm)  # type: ignore[arg-type]
        assert float(found.radii[0]) == pytest.approx(0.5 / dual, rel=1e-12)
        assert float(found.radii[0]) <= 0.5 / dual
        assert found.routes == (f"global in {norm}",)


def test_a_hundredth_more_than_the_radius_changes_the_label() -> None:
    model = linear_classifier([[1.0, -2.0, 0.5, 1.5], [0.0, 0.0, 0.0, 0.0]])
    difference = torch.tensor([1.0, -2.0, 0.5, 1.5], dtype=torch.float64)
    single = torch.where(difference.abs() == 2.0, difference.sign(), 0.0)
    for norm, direction in (("Linf", difference.sign()), ("L1", single)):
        radius = float(certified_accuracy(model, IMAGE, torch.tensor([0]), [], norm=norm).radii)  # type: ignore[arg-type]
        labels = [
            int(model(IMAGE - share * radius * direction.view(1, 1, 2, 2)).argmax(dim=1)) for share in (0.99, 1.01)
        ]
        assert labels == [0, 1]


def test_the_gap_of_two_classes_is_at_most_the_norm_times_the_dual_norm_of_its_row(
    trained: dict[str, IntegratorClassifier],
) -> None:
    constants = certificate_constants(trained["plain"], (1, 8, 8))
    rows = constants.model.head.weight.detach()
    for norm in OTHERS:
        native = native_constants(constants.model, constants.image_shape, norm)
        sizes = (rows[:, None, :] - rows[None]).abs()
        dual = sizes.sum(dim=2) if norm == "Linf" else sizes.amax(dim=2)
        assert bool((native.gaps <= float(native.features) * dual * (1.0 + 1e-12)).all())


@pytest.mark.parametrize("norm", OTHERS)
@pytest.mark.parametrize("name", ["plain", "dissipative", "gradient flow"])
def test_no_radius_is_below_that_by_l2_and_none_is_beaten(
    name: str, norm: Norm, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    found = certified_accuracy(trained[name], x, y, [0.01], norm=norm)
    by_l2 = certified_accuracy(trained[name], x, y, []).radii / (8.0 if norm == "Linf" else 1.0)
    assert bool((found.radii >= by_l2 * (1.0 - 1e-12)).all())
    assert set(found.routes) <= {"global in L2", f"global in {norm}", "none"}
    assert found.native_lipschitz is not None
    assert found.native_lipschitz.norm == norm
    certified = found.radii > 0
    assert bool((found.radii[certified] < {"Linf": 1.0, "L1": 64.0}[norm]).all())
    model = copy.deepcopy(trained[name]).double()
    for direction in _directions(model, x, y, norm):
        length = (0.999 * found.radii / per_sample_norm(direction, norm)).view(-1, 1, 1, 1)
        labels = model(x.double() + length * direction).argmax(dim=1)
        assert bool((labels == y)[certified].all())


def _directions(model: nn.Module, x: Tensor, y: Tensor, norm: Norm) -> list[Tensor]:
    """Steepest descent of the margin in the norm, and random directions."""
    point = x.double().requires_grad_()
    logits = model(point)
    own = logits.gather(1, y[:, None])[:, 0]
    others = logits.scatter(1, y[:, None], -math.inf).amax(dim=1)
    (gradient,) = torch.autograd.grad((own - others).sum(), point)
    if norm == "Linf":
        steepest = -gradient.sign()
    else:
        flat = gradient.flatten(1)
        steepest = torch.zeros_like(flat)
        place = flat.abs().argmax(dim=1, keepdim=True)
        steepest = steepest.scatter(1, place, -flat.gather(1, place).sign()).view_as(gradient)
    generator = torch.Generator().manual_seed(0)
    return [steepest, torch.randn(gradient.shape, generator=generator, dtype=torch.float64)]


@pytest.mark.parametrize(("norm", "ball"), [("Linf", LinfBall(0.02)), ("L1", L1Ball(0.3))])
def test_an_attack_in_the_norm_changes_no_certified_label(
    norm: Norm, ball: AbstractBall, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    found = certified_accuracy(trained["dissipative"], *images, [ball.epsilon], norm=norm)
    attacked = PGD(ball, steps=10)(trained["dissipative"], *images, generator=torch.Generator())
    assert bool(ball.contains(attacked.adversarial, images[0]).all())
    assert not bool((attacked.success & (found.radii >= ball.epsilon)).any())


def test_a_layer_without_a_constant_in_the_norm_leaves_the_way_over_l2_and_is_named() -> None:
    class Sine(nn.Module):
        def forward(self, state: Tensor) -> Tensor:
            return state.sin()

    layer_lipschitz.register(Sine, lambda _layer, _shape: 1.0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), Sine(), nn.Linear(3, 2))
    label = model(IMAGE.float()).argmax(dim=1)
    found = certified_accuracy(model, IMAGE, label, [0.01], norm="Linf")
    assert "Sine" in found.native_refusal
    assert "Linf" in found.native_refusal
    assert found.native_lipschitz is None
    assert found.routes == ("global in L2",)


def test_a_contracting_trunk_is_counted_in_its_norm() -> None:
    """f = −y + ½Py with a permutation P: μ_∞ = μ_1 = −½, and ten steps of size 0.1 shrink by 0.95¹⁰."""
    matrix = 0.5 * torch.eye(4)[[1, 2, 3, 0]] - torch.eye(4)
    trunk = EulerNet(LinearField(matrix.double()), 0.1, 10)
    model = IntegratorClassifier(nn.Flatten(), trunk, nn.Flatten(), nn.Linear(4, 2)).double()
    for norm in OTHERS:
        native = native_constants(certificate_constants(model, (1, 2, 2)).model, (1, 2, 2), norm)
        assert float(native.features) == pytest.approx(0.95**10, rel=1e-10)


def blocks() -> list[nn.Module]:
    branch = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), ScaledBy(0.3), nn.Tanh())
    return [
        ResidualBlock(branch, nn.Identity(), nn.ReLU(), step_size=0.5),
        BasicBlock(2, 2),
        BasicBlock(2, 3, 2, nn.Sequential(nn.Conv2d(2, 3, 1, stride=2), nn.BatchNorm2d(3))),
    ]


@pytest.mark.parametrize("norm", OTHERS)
@pytest.mark.parametrize("number", range(3))
@given(seed=st.integers(0, 2**31))
def test_no_jacobian_of_a_residual_block_exceeds_its_constants(number: int, norm: Norm, seed: int) -> None:
    torch.manual_seed(seed)
    block = blocks()[number].double().eval()
    bound = float(lipschitz_upper_bound(block, input_shape=(2, 4, 4), norm=norm))
    point = torch.randn(2, 4, 4, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda state: block(state[None])[0], point)
    assert isinstance(jacobian, Tensor)
    sums = jacobian.reshape(-1, point.numel()).abs().sum(dim=1 if norm == "Linf" else 0)
    assert float(sums.max()) <= bound * (1.0 + 1e-12)
