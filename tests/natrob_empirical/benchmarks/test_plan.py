from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from natrob_empirical.attacks import ATTACKS
from natrob_empirical.benchmarks import (
    PRESETS,
    AttackSpecification,
    device_rate,
    plan,
    planned_cells,
    preset_named,
)
from natrob_empirical.benchmarks.plan import ASSUMED_GPU_RATE, propagations
from natrob_empirical.datasets import Dataset, dataset_info
from natrob_empirical.models import NETWORKS, ModelCost, ModelSpecification, ResidualSpecification, model_cost
from natrob_empirical.models.any_specification import AnyModelSpecification
from natrob_empirical.training import TRADES, YOPO, PGDAdversarialTraining, StandardTraining


@pytest.fixture(scope="module", autouse=True)
def _costs_counted_once() -> Iterator[None]:
    """Models that differ in their label or in the size of a step have one cost."""
    counted = cache(model_cost)

    def cost(specification: AnyModelSpecification, *arguments: Any, **settings: Any) -> ModelCost:
        if isinstance(specification, ModelSpecification | ResidualSpecification):
            specification = replace(specification, label="any", step_size=1.0)
        return counted(specification, *arguments, **settings)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plan, "model_cost", cost)
        yield


@pytest.mark.parametrize("network", [*NETWORKS, "resnet"])
def test_labels_and_sizes_of_steps_cost_nothing(network: str) -> None:
    made: dict[str, Any] = {"blocks": 1} if network == "resnet" else {"channels": 4, "num_steps": 3}
    kind = ResidualSpecification if network == "resnet" else ModelSpecification
    one, other = (
        kind(label=label, network=network, step_size=h, **made) for label, h in (("one", 1.0), ("other", 1e-10))
    )
    assert model_cost(one, (1, 8, 8), 10) == model_cost(other, (1, 8, 8), 10)


def test_training_costs_three_passes_an_image_epoch_and_propagation(digits: Dataset) -> None:
    preset = preset_named("smoke", "table2")
    planned = [part for part in planned_cells(preset, digits, rate=2.0) if part.cell.attack is None]
    assert len(planned) == len(preset.models)
    for part in planned:
        model = part.cell.model
        assert model is not None
        cost = model_cost(model.specification, digits.image_shape, 10)
        passes = {"standard": 1, "pgd": 11, "trades": 12, "yopo": 5}[model.training.method.name]
        assert part.flops == 3 * cost.forward_flops * len(digits.train_x) * model.training.epochs * passes
        assert part.seconds == part.flops / 2.0


def test_propagations_follow_the_settings() -> None:
    assert propagations(StandardTraining()) == 1
    assert propagations(PGDAdversarialTraining(steps=7)) == 8
    assert propagations(TRADES(steps=7)) == 9
    assert propagations(YOPO(outer_steps=4)) == 4


def test_every_attack_is_planned_with_the_calls_that_it_says(digits: Dataset) -> None:
    preset = preset_named("smoke", "table2")
    attacks = [
        AttackSpecification(label=entry.label, attack=entry.identity, norm=entry.norms[-1], epsilons=(0.1,))
        for entry in ATTACKS.values()
    ]
    planned = planned_cells(replace(preset, attacks=tuple(attacks), models=preset.models[:1]), digits, rate=1.0)
    costs = {part.cell.key.attack: part.flops for part in planned if part.cell.attack is not None}
    assert len(costs) == len(attacks)
    for attack in attacks:
        queries, gradients = attack.build(0.1).most_calls(10)
        assert costs[attack.label] / costs["FGSM"] == pytest.approx((queries + 2 * gradients) / 5, rel=1e-9)


def test_the_rate_of_a_device_is_measured_or_named_an_assumption() -> None:
    assert device_rate(torch.device("cpu")) > 1e7
    if not torch.cuda.is_available():
        assert device_rate(torch.device("cuda")) == ASSUMED_GPU_RATE


@pytest.mark.parametrize("name", [name for name in PRESETS if name.endswith("gpu")])
def test_an_attack_of_a_gpu_preset_takes_nine_minutes_at_most(name: str) -> None:
    preset = PRESETS[name]
    for part in planned_cells(preset, dataset_info(preset.dataset), rate=ASSUMED_GPU_RATE):
        if part.cell.attack is not None:  # a longer training goes on in the next call
            assert part.seconds <= 9 * 60, (part.cell.key, part.seconds)
        assert part.memory < 40 * 2**30


def test_a_transfer_costs_the_passes_of_its_source(digits: Dataset) -> None:
    preset = preset_named("smoke", "table1")
    flops = {
        (part.cell.key.network, part.cell.key.attack): part.flops
        for part in planned_cells(preset, digits, rate=1.0)
        if part.cell.key.epsilon == 0.2
    }
    for network, source, name in (
        ("resnet50", "neural_ode", "PGD-40 from Neural ODE"),
        ("neural_ode", "resnet50", "PGD-40 from ResNet-50"),
    ):
        own, made_on = flops[network, "FGSM"], flops[source, "PGD-40"]  # FGSM: five passes' worth of one image
        assert flops[network, name] == pytest.approx(made_on + own / 5 * (4 + 5), rel=1e-9)


@pytest.mark.parametrize("name", ["table1-smoke", "quick"])
def test_the_plan_of_a_data_set_that_was_not_read_is_that_of_the_data_set(name: str, digits: Dataset) -> None:
    read, unread = (list(planned_cells(PRESETS[name], data, rate=1.0)) for data in (digits, dataset_info("digits")))
    assert [(part.cell.key, part.flops, part.memory, part.seconds) for part in read] == [
        (part.cell.key, part.flops, part.memory, part.seconds) for part in unread
    ]
