"""The theory side of residual classifiers: sound on random networks, exact on linear ones, below what attacks leave."""

import math

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD, attack_accuracy
from natrob_empirical.benchmarks.classifier_theory import TrunkMeasurement, theory_of
from natrob_empirical.benchmarks.presets import Budget
from natrob_empirical.benchmarks.theory_cell import TrainedClassifier, measure_theory
from natrob_empirical.certification import branch_lipschitz, certified_accuracy, classifier_bounds
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import (
    PaddedSubsampling,
    ResidualBlock,
    ResidualClassifier,
    ResidualSpecification,
    ScaledBy,
    build_classifier,
)
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import Number, TheoryRefusal, TheoryResult
from natrob_empirical.threat_models import L2Ball
from natrob_empirical.training import TrainingSpecification, train
from natrob_theory import lipschitz_upper_bound
from natrob_theory.checks.residual_chains import ResidualConstants, check_residual_bound

NUMBER = Number(value=0.5, kind="measured", n=1, source="a test")
SMALL = {
    "resnet": ResidualSpecification(label="r", network="resnet", blocks=1, width=2),
    "before norm": ResidualSpecification(
        label="b", network="resnet", blocks=1, width=2, step_size=0.3, step_placement="before_norm"
    ),
    "resnet50": ResidualSpecification(label="50", network="resnet50", width=1, step_size=0.5),
    "preact": ResidualSpecification(label="p", network="preact_resnet18", width=2),
}


def random_classifier(specification: ResidualSpecification, seed: int = 0) -> ResidualClassifier:
    """Untrained, float64, with random statistics and affine parameters in every batch norm."""
    generator = torch.Generator().manual_seed(seed)
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=10, generator=generator)
    assert isinstance(model, ResidualClassifier)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(generator=generator)
            layer.running_var.uniform_(0.3, 3.0, generator=generator)
            layer.weight.data.normal_(generator=generator)
            layer.bias.data.normal_(generator=generator)
    return model.double().eval()


def measured(model: ResidualClassifier, seed: int = 0) -> TrunkMeasurement:
    theory = theory_of(model, (1, 8, 8))
    images = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    noise = torch.randn(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 1))
    state = theory.entrance(images)
    return theory.measure(state, theory.entrance(images + 0.1 * noise) - state, RandomStreams(seed))


@pytest.mark.parametrize("name", sorted(SMALL))
@pytest.mark.parametrize("seed", [0, 1])
def test_measured_growth_is_below_the_pairs_bound_and_that_below_the_upper(name: str, seed: int) -> None:
    result = measured(random_classifier(SMALL[name], seed), seed)
    assert result.from_upper is not None
    assert result.paired.all_hold
    assert result.from_upper.all_hold
    assert bool((result.paired.bound <= result.from_upper.bound * (1 + 1e-9)).all())
    assert bool(result.paired.resolved.all())
    growth = result.from_upper.bound[-1] / result.from_upper.bound[0]
    torch.testing.assert_close(growth, torch.full_like(growth, float(result.bounds.trunk)), rtol=1e-12, atol=0.0)
    for block, lower in zip(result.bounds.blocks, result.block_lowers, strict=True):
        assert 0.0 <= float(lower) <= float(block.branch)  # 0 where all of a branch's ReLUs are off
    assert float(result.lower) > 0.0


@pytest.mark.parametrize("name", sorted(SMALL))
def test_no_pair_of_images_moves_features_further_than_the_constant(name: str) -> None:
    model = random_classifier(SMALL[name])
    images = torch.rand(2, 40, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        moved = (model.features(images[0]) - model.features(images[1])).norm(dim=1)
    ratio = moved / (images[0] - images[1]).flatten(1).norm(dim=1)
    assert 0.0 < float(ratio.max()) <= float(classifier_bounds(model, (1, 8, 8)).features)


def linear_network(slope: float = 2.0, step_size: float = 0.5) -> ResidualClassifier:
    """Stem and shortcuts are identities, two branches multiply by `slope`; positive pixels stay so, and ReLU idles."""

    def times(factor: float) -> nn.Conv2d:
        layer = nn.Conv2d(1, 1, 1, bias=False)
        layer.weight.data.fill_(factor)
        return layer

    blocks = [
        ResidualBlock(nn.Sequential(times(slope)), nn.Identity(), nn.ReLU(), step_size=step_size) for _ in range(2)
    ]
    model = ResidualClassifier(nn.Sequential(times(1.0)), blocks, head=nn.Linear(1, 2))
    return model.double().eval()


def test_a_linear_network_in_closed_form() -> None:
    model = linear_network()
    bounds = classifier_bounds(model, (1, 8, 8))
    assert [float(block.growth) for block in bounds.blocks] == pytest.approx([2.0, 2.0], rel=1e-13)
    assert float(bounds.trunk) == pytest.approx(4.0, rel=1e-13)
    assert float(bounds.features) == pytest.approx(4.0 / 8.0, rel=1e-13)  # the mean of 64 pixels has norm 1/8
    theory = theory_of(model, (1, 8, 8))
    state = torch.rand(3, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    result = theory.measure(state, torch.full_like(state, 0.01), RandomStreams(0))
    torch.testing.assert_close(result.paired.ratio, torch.ones_like(result.paired.ratio), rtol=1e-11, atol=0.0)
    assert float(result.exponential) == pytest.approx(math.exp(2.0))  # Σ hK = 2
    assert result.exponential.kind == "upper"
    assert float(result.lower) == pytest.approx(2.0, rel=1e-9)
    assert (result.grid.hk_smallest, result.grid.hk_largest) == pytest.approx((1.0, 1.0))
    smaller = [ResidualConstants(branch=0.99 * float(b.branch), shortcut=1.0) for b in bounds.blocks]
    steps = theory._steps(state)  # type: ignore[attr-defined]
    assert not check_residual_bound(steps, state, torch.full_like(state, 0.01), constants=smaller).all_hold


def test_the_papers_exponential_is_an_estimate_where_a_projection_expands() -> None:
    result = measured(random_classifier(SMALL["preact"]))
    assert result.exponential.kind == "estimate"
    assert "no bound here" in result.exponential.source


def small_resnet(digits: Dataset) -> ResidualClassifier:
    specification = ResidualSpecification(label="r", network="resnet", blocks=1, width=2, step_size=0.1)
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=RandomStreams(0).generator("init")
    )
    train(model, digits, TrainingSpecification(epochs=3), generator=RandomStreams(0).generator("train"))
    assert isinstance(model, ResidualClassifier)
    return model.double()


def test_no_attack_breaks_a_certificate(digits: Dataset, digit_images: tuple[Tensor, Tensor]) -> None:
    model, images, labels = small_resnet(digits), digit_images[0].double(), digit_images[1]
    radii = certified_accuracy(model, images, labels, [0.0]).radii
    assert float(radii.max()) > 0.0
    for epsilon in (float(radii[radii > 0].median()), float(radii.max())):
        attacked = attack_accuracy(PGD(L2Ball(epsilon)), model, images, labels, generator=torch.Generator())
        assert not bool((attacked.success & (radii > epsilon)).any())
        assert certified_accuracy(model, images, labels, [epsilon]).accuracies[0] <= attacked.accuracy


def cell_of(model: ResidualClassifier, images: Tensor, labels: Tensor) -> TheoryResult | TheoryRefusal:
    trained = TrainedClassifier(
        classifier=model, train_accuracy=NUMBER, clean_accuracy=NUMBER, training_seconds=1.0
    )  # fmt: skip
    budgets = [Budget(norm="L2", epsilon=0.1)]
    return measure_theory(trained, images, labels, pairs=6, budgets=budgets, streams=RandomStreams(0))


def test_the_cell_of_a_residual_network(digit_images: tuple[Tensor, Tensor]) -> None:
    model = random_classifier(SMALL["resnet"]).float()
    result = cell_of(model, *digit_images)
    assert isinstance(result, TheoryResult)
    assert TheoryResult.model_validate_json(result.model_dump_json()) == result
    assert (result.evaluations, result.num_steps, len(result.blocks)) == (3, 3, 3)
    assert result.evaluations_per_sample is not None
    assert (result.evaluations_per_sample.smallest, result.evaluations_per_sample.largest) == (3, 3)
    assert [check.violations for check in result.bound_checks] == [0, 0, 0]
    assert result.amplification is not None
    assert result.amplification.position_values == list(range(6))
    assert result.amplification.perturbations.startswith("rrr")
    assert max(result.amplification.trunk_values) == result.measured_growth_largest.value
    assert max(result.amplification.feature_values) <= result.feature_lipschitz_upper.value
    assert result.left_out == ""
    assert len(result.certified) == 1


def test_a_layer_that_cannot_be_bounded_is_named_in_the_record(digit_images: tuple[Tensor, Tensor]) -> None:
    model = random_classifier(SMALL["resnet"]).float()
    model.last = nn.LPPool2d(2, 1)
    result = cell_of(model, *digit_images)
    assert isinstance(result, TheoryRefusal)
    assert "LPPool2d" in result.reason


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padded_subsampling_has_norm_one(stride: int) -> None:
    layer = PaddedSubsampling(2, stride=stride)
    columns = torch.eye(2 * 5 * 4, dtype=torch.float64).view(-1, 2, 5, 4)
    norm = float(torch.linalg.matrix_norm(layer(columns).flatten(1), ord=2))
    assert norm == pytest.approx(1.0)
    assert float(lipschitz_upper_bound(layer, input_shape=(2, 5, 4))) == 1.0


def test_a_step_inside_the_branch_leaves_the_folding_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    convolution, norm = nn.Conv2d(2, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2)
    convolution.weight.data.normal_(generator=generator)
    norm.weight.data = torch.tensor([3.0, 0.1])
    inside = nn.Sequential(convolution, ScaledBy(-0.25), norm).double().eval()
    outside = nn.Sequential(convolution, norm).double().eval()
    assert branch_lipschitz(inside, (2, 6, 6)) == pytest.approx(0.25 * branch_lipschitz(outside, (2, 6, 6)), rel=1e-12)
    columns = torch.eye(72, dtype=torch.float64).view(-1, 2, 6, 6)
    with torch.no_grad():
        matrix = (inside(columns) - inside(torch.zeros_like(columns))).flatten(1)
    exact = float(torch.linalg.matrix_norm(matrix, ord=2))
    assert exact <= branch_lipschitz(inside, (2, 6, 6)) <= 1.2 * exact
