"""The curves of a trunk: the structure of the field gets its own where it bounds by less than K does."""

from typing import Any

import pytest
import torch

from natrob_empirical.benchmarks.classifier_theory import TrunkMeasurement, theory_of
from natrob_empirical.benchmarks.theory_curves import growth_curves
from natrob_empirical.models import (
    AnyModelSpecification,
    ContractiveSpecification,
    ModelSpecification,
    build_classifier,
)
from natrob_empirical.random_streams import RandomStreams

STRUCTURE = "bound from the field's structure"


def measured(specification: AnyModelSpecification) -> TrunkMeasurement:
    generator = torch.Generator().manual_seed(0)
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=10, generator=generator)
    theory = theory_of(model.double().eval(), (1, 8, 8))
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
def test_the_bound_from_the_structure_lies_between_measured_growth_and_the_trunk_s_bound(
    specification: ContractiveSpecification,
) -> None:
    result = measured(specification)
    assert result.structural is not None
    growth = result.paired.distance / result.paired.distance[0]
    assert bool((growth <= result.structural[:, None] * (1 + 1e-12)).all())
    assert float(result.structural[-1]) == pytest.approx(float(result.bounds.trunk), rel=1e-12)
    assert float(result.structural[-1]) <= 1.01


def test_only_a_structure_that_helps_is_drawn() -> None:
    curves = {curve.label: curve for curve in growth_curves(measured(CONTRACTIVE[0]))}
    assert curves[STRUCTURE].kind == "upper"
    assert curves[STRUCTURE].values[-1] < curves["bound from upper K"].values[-1]
    for specification in (
        ModelSpecification(label="e", network="euler", channels=4, hidden=4),
        ModelSpecification(label="n", network="neural_ode", channels=4, hidden=4),
    ):
        assert STRUCTURE not in {curve.label for curve in growth_curves(measured(specification))}
