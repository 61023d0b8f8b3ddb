import math

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD, attack_accuracy
from natrob_empirical.certification import CertificateRefusedError, certified_accuracy, classifier_bounds, trunk_fields
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import NETWORKS, IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import L2Ball
from natrob_empirical.training import TrainingSpecification, train
from natrob_theory import AutonomousField, BackwardEulerNet, EulerNet

CERTIFIABLE = sorted(set(NETWORKS) - {"neural_ode"})


def small_classifier(network: str, digits: Dataset, *, step_size: float = 0.05) -> IntegratorClassifier:
    specification = ModelSpecification(
        label=network, network=network, channels=2, hidden=2, step_size=step_size, num_steps=2
    )
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=RandomStreams(0).generator("init")
    )
    train(model, digits, TrainingSpecification(epochs=2), generator=RandomStreams(0).generator("train"))
    return model.double()


@pytest.mark.parametrize("network", CERTIFIABLE)
def test_no_attack_breaks_a_certificate(network: str, digits: Dataset, digit_images: tuple[Tensor, Tensor]) -> None:
    model = small_classifier(network, digits, step_size=1.0 if network == "fractalnet" else 0.05)
    images, labels = digit_images[0].double(), digit_images[1]
    certified = certified_accuracy(model, images, labels, [0.0])
    radii = certified.radii
    assert float(radii.max()) > 0.0
    assert certified.accuracies[0] == pytest.approx(float((model(images).argmax(1) == labels).double().mean()))
    for epsilon in (float(radii[radii > 0].median()), float(radii.max())):
        attacked = attack_accuracy(PGD(L2Ball(epsilon)), model, images, labels, generator=torch.Generator())
        assert not bool((attacked.success & (radii > epsilon)).any())
        assert certified_accuracy(model, images, labels, [epsilon]).accuracies[0] <= attacked.accuracy


def linear_classifier() -> IntegratorClassifier:
    """Stem and trunk multiply by 1 and 1 + hK, pooling is the identity: every constant is known."""
    stem = nn.Conv2d(1, 1, 1, bias=False)
    stem.weight.data.fill_(1.0)
    field = nn.Conv2d(1, 1, 1, bias=False)
    field.weight.data.fill_(1.0)
    model = IntegratorClassifier(
        stem, EulerNet(AutonomousField(field), 0.5, 2), nn.AdaptiveAvgPool2d(2), nn.Linear(4, 2)
    )
    model.head.weight.data = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    model.head.bias.data.zero_()
    return model.double().eval()


def test_the_radius_of_a_linear_classifier_is_its_distance_to_the_boundary() -> None:
    model = linear_classifier()
    image = torch.tensor([[[[0.8, 0.2], [0.0, 0.0]]]], dtype=torch.float64)
    bounds = classifier_bounds(model, (1, 2, 2))
    assert float(bounds.features) == pytest.approx(1.5**2)
    certified = certified_accuracy(model, image, torch.tensor([0]), [0.0, 0.42, 0.43])
    distance = (0.8 - 0.2) / math.sqrt(2.0)
    assert float(certified.radii[0]) == pytest.approx(distance, rel=1e-8)
    assert float(certified.radii[0]) < distance
    assert certified.accuracies == (1.0, 1.0, 0.0)


def test_the_stem_is_part_of_the_constant_and_scaling_leaves_radii_alone() -> None:
    image = torch.tensor([[[[0.08, 0.02], [0.0, 0.0]]]], dtype=torch.float64)
    model = linear_classifier()
    before = certified_accuracy(model, image, torch.tensor([0]), [0.0])
    assert isinstance(model.stem, nn.Conv2d)
    model.stem.weight.data *= 10.0
    after = certified_accuracy(model, image, torch.tensor([0]), [0.0])
    assert before.feature_lipschitz is not None
    assert after.feature_lipschitz is not None
    assert float(after.feature_lipschitz) == pytest.approx(10.0 * float(before.feature_lipschitz))
    assert float(after.radii[0]) == pytest.approx(float(before.radii[0]))  # the margin grew tenfold too
    model.head.weight.data *= 3.0  # margins and head rows alike: radii do not change
    assert float(certified_accuracy(model, image, torch.tensor([0]), [0.0]).radii[0]) == pytest.approx(
        float(before.radii[0])
    )


@pytest.mark.usefixtures("unchecked")
def test_images_and_labels_are_validated() -> None:
    model = linear_classifier()
    image = torch.full((1, 1, 2, 2), 0.5)
    with pytest.raises(TypeError, match="divide stored images by 255"):
        certified_accuracy(model, (image * 255).to(torch.uint8), torch.tensor([0]), [0.1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="divide images"):
        certified_accuracy(model, image * 255, torch.tensor([0]), [0.1])
    with pytest.raises(ValueError, match="got 7"):
        certified_accuracy(model, image, torch.tensor([7]), [0.1])


def test_a_wrong_label_is_never_certified() -> None:
    image = torch.tensor([[[[0.8, 0.2], [0.0, 0.0]]]], dtype=torch.float64)
    certified = certified_accuracy(linear_classifier(), image, torch.tensor([1]), [0.0])
    assert certified.accuracies == (0.0,)


def test_a_method_without_a_bound_certifies_nothing(digits: Dataset, digit_images: tuple[Tensor, Tensor]) -> None:
    model = small_classifier("backward_euler", digits)
    scale = math.sqrt(1.1 / (0.05 * float(classifier_bounds(model, (1, 8, 8)).field)))
    for name, parameter in model.trunk.named_parameters():
        parameter.data *= scale if name.endswith("weight") else 1.0  # hK = 1.1: no bound from K
    ((field, _),) = trunk_fields(model, (2, 8, 8))
    model.trunk = BackwardEulerNet(field, 0.05, 2)  # Newton's method needs no hK < 1
    bounds = classifier_bounds(model, (1, 8, 8))
    assert math.isinf(float(bounds.trunk))
    assert bounds.trunk.source.startswith("none: backward Euler")
    assert certified_accuracy(model, digit_images[0].double(), digit_images[1], [0.0]).accuracies == (0.0,)


def test_a_neural_ode_is_refused_with_the_reason(digit_images: tuple[Tensor, Tensor]) -> None:
    model = build_classifier(
        ModelSpecification(label="ode", network="neural_ode", channels=2, hidden=2),
        image_shape=(1, 8, 8),
        num_classes=10,
        generator=torch.Generator(),
    )
    with pytest.raises(CertificateRefusedError, match=r"the solver may choose other steps .* `max_step_size`"):
        certified_accuracy(model, *digit_images, [0.1])
