"""The curves of a trunk: the structure of the field gets its own where it bounds by less than K does."""

from typing import Any, cast

import pytest
import torch

from natrob_empirical.benchmarks.classifier_theory import TrunkMeasurement, theory_of
from natrob_empirical.benchmarks.theory_curves import growth_curves
from natrob_empirical.models import (
    NETWORKS,
    AbstractClassifier,
    AnyModelSpecification,
    ContractiveSpecification,
    IntegratorClassifier,
    ModelSpecification,
    build_classifier,
)
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import GradientFlowField
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.steppers.growth_factors import EulerGradientFlow

STRUCTURE = "bound from the field's structure"


def built(specification: AnyModelSpecification) -> AbstractClassifier:
    generator = torch.Generator().manual_seed(0)
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=10, generator=generator)
    return model.double().eval()


def measured(specification: AnyModelSpecification) -> TrunkMeasurement:
    generator = torch.Generator().manual_seed(1)
    theory = theory_of(built(specification), (1, 8, 8))
    images = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=generator)
    noise = torch.randn(6, 1, 8, 8, dtype=torch.float64, generator=generator)
    state = theory.entrance(images)
    return theory.measure(state, theory.entrance(images + 0.1 * noise) - state, RandomStreams(0))


SIZES: dict[str, Any] = {"channels": 70, "hidden": 20, "num_steps": 3, "constraint": "orthogonal"}
CONTRACTIVE = (
    ContractiveSpecification(label="g", network="gradient_flow", **SIZES),
    ContractiveSpecification(label="d", network="dissipative", **SIZES),
    ContractiveSpecification(label="s", network="skew_gradient_flow", method="backward_euler", **SIZES),
)


@pytest.mark.parametrize("specification", CONTRACTIVE, ids=lambda each: each.network)
def test_the_bound_from_the_structure_lies_above_measured_growth_and_ends_at_the_trunk_s_bound(
    specification: ContractiveSpecification,
) -> None:
    result = measured(specification)
    assert result.from_structure is not None
    assert result.from_structure.all_hold
    bound = result.from_structure.bound / result.from_structure.distance[0]
    assert bound[-1].tolist() == pytest.approx([float(result.bounds.trunk)] * 6, rel=1e-12)
    assert bound[-1].max() <= 1.01


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_class_is_checked_against_the_bound_of_its_record(network: str) -> None:
    result = measured(ModelSpecification(label="n", network=network, channels=4, hidden=4, num_steps=2, step_size=0.1))
    assert result.from_structure is not None
    assert result.from_structure.all_hold
    bound = result.from_structure.bound / result.from_structure.distance[0]
    assert float(bound[-1].max()) == pytest.approx(float(result.bounds.trunk), rel=1e-12)


def test_a_structural_bound_one_percent_too_small_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along directions that no step's W sees, a gradient flow keeps every distance."""
    model = built(CONTRACTIVE[0])
    assert isinstance(model, IntegratorClassifier)
    assert isinstance(model.trunk, AbstractFixedStepNet)
    weights = torch.cat([cast(GradientFlowField, field).linear_map.weight.detach() for field in model.trunk.fields])
    unseen = torch.linalg.svd(weights).Vh[len(weights) :][:6]
    theory = theory_of(model, (1, 8, 8))
    state = theory.entrance(torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))

    def holds() -> torch.Tensor:
        check = theory.measure(state, unseen, RandomStreams(0)).from_structure
        assert check is not None
        return check.holds[1:]

    assert holds().all()
    whole = EulerGradientFlow.growth
    monkeypatch.setattr(EulerGradientFlow, "growth", lambda self, step: 0.99 * whole(self, step))
    assert not holds().any()


def test_only_a_structure_that_helps_is_drawn() -> None:
    curves = {curve.label: curve for curve in growth_curves(measured(CONTRACTIVE[0]))}
    assert curves[STRUCTURE].kind == "upper"
    assert curves[STRUCTURE].values[-1] < curves["bound from upper K"].values[-1]
    for specification in (
        ModelSpecification(label="e", network="euler", channels=4, hidden=4),
        ModelSpecification(label="n", network="neural_ode", channels=4, hidden=4),
    ):
        assert STRUCTURE not in {curve.label for curve in growth_curves(measured(specification))}
