"""What a record says of its certificates: by which bound they were found."""

import torch
from torch import Tensor

from natrob_empirical.benchmarks.presets import Budget
from natrob_empirical.benchmarks.sample_certificates import AFFINE_SOURCE, certified_points, sample_certificates
from natrob_empirical.benchmarks.theory_pairs import ImageFeatures
from natrob_empirical.models import ContractiveSpecification, build_classifier
from natrob_empirical.models.contractive_specification import ContractiveMethod

BUDGETS = [Budget(norm="L2", epsilon=0.001), Budget(norm="Linf", epsilon=0.001)]


def sources(method: ContractiveMethod, digit_images: tuple[Tensor, Tensor]) -> list[str]:
    specification = ContractiveSpecification(
        label="flow", network="gradient_flow", method=method, hidden=16, num_steps=2, constraint="orthogonal"
    )
    images, labels = digit_images[0][:4], digit_images[1][:4]
    draw = torch.Generator().manual_seed(0)
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=10, generator=draw).eval()
    with torch.no_grad():
        known = ImageFeatures(positions=torch.arange(4), features=model.features(images), image_entries=64, left_out="")
    found = sample_certificates(model, images, labels, known, BUDGETS, {"global": 4})
    points, refusal = certified_points(found, BUDGETS, "the constant of the features")
    assert refusal == ""
    return [point.accuracy.source for point in points]


def test_an_adaptive_model_is_not_said_to_be_certified_by_a_constant(digit_images: tuple[Tensor, Tensor]) -> None:
    in_l2, in_linf = sources("adaptive", digit_images)
    assert in_l2 == AFFINE_SOURCE
    assert in_linf == f"{AFFINE_SOURCE}, over √d"


def test_a_fixed_grid_names_the_constant_that_its_radii_rest_on(digit_images: tuple[Tensor, Tensor]) -> None:
    assert all(source.endswith(": the constant of the features") for source in sources("euler", digit_images))
