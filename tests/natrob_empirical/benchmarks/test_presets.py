from dataclasses import replace

import pytest

from natrob_empirical.benchmarks import (
    EXPERIMENTS,
    PRESETS,
    AttackSpecification,
    Preset,
    PresetModel,
    cells_of,
    preset_named,
)
from natrob_empirical.datasets import Dataset, DatasetInfo, dataset_info
from natrob_empirical.models import NETWORKS, ModelSpecification, parameter_count
from natrob_empirical.paper import table_1
from natrob_empirical.training import TrainingSpecification

TABLES_AND_FIGURES = ("fig1", "table1", "fig2", "fig3", "table2", "skips")


def test_every_table_and_figure_has_every_scale() -> None:
    assert set(TABLES_AND_FIGURES) <= set(EXPERIMENTS)
    for experiment in TABLES_AND_FIGURES:
        for scale in ("smoke", "cpu", "gpu", "paper"):
            assert preset_named(scale, experiment).name == f"{experiment}-{scale}"
    for preset in PRESETS.values():
        assert preset.dataset == "digits" or not preset.name.endswith("smoke")


def test_unknown_names_are_offered_near_ones() -> None:
    with pytest.raises(ValueError, match="unknown preset 'quik'; did you mean quick"):
        preset_named("quik")
    with pytest.raises(ValueError, match="unknown preset 'table1-smok'; did you mean table1-smoke"):
        preset_named("smok", "table1")


def test_the_overview_covers_every_network_class() -> None:
    for name, more in (("quick", {"gradient_flow"}), ("cpu", set())):
        assert {model.specification.network for model in preset_named(name).models} == set(NETWORKS) | more


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_every_attack_can_be_built(preset: Preset) -> None:
    for attack in preset.attacks:
        for epsilon in attack.epsilons:
            assert attack.build(epsilon).ball.epsilon == epsilon


def test_figure_1_has_eleven_step_sizes_and_networks_of_equal_time() -> None:
    for scale, blocks in (("smoke", 3), ("cpu", 3), ("gpu", 9), ("paper", 9)):
        specifications = [model.specification for model in preset_named(scale, "fig1").models if model.attacked]
        depth = [s for s in specifications if s.blocks == blocks and s.step_placement == "after_norm"]  # type: ignore[union-attr]
        assert sorted(s.step_size for s in depth) == pytest.approx([10.0**-k for k in range(10, -1, -1)])  # type: ignore[union-attr]
        deeper = [s for s in specifications if s.blocks > blocks]  # type: ignore[union-attr,operator]
        assert deeper
        assert all(s.step_size * s.blocks == pytest.approx(blocks) for s in deeper)  # type: ignore[union-attr,operator]


def test_skips_hold_time_fixed_and_match_parameters(digits: Dataset) -> None:
    for scale in ("smoke", "cpu", "gpu", "paper"):
        specifications = [model.specification for model in preset_named(scale, "skips").models]
        counts = [
            parameter_count(s, digits.image_shape if scale == "smoke" else (1, 28, 28), 10) for s in specifications
        ]
        assert max(counts) <= 1.05 * min(counts)
        times = {s.step_size * s.num_steps for s in specifications}  # type: ignore[union-attr]
        assert times == {2.0}
        for network in {s.network for s in specifications}:
            assert len({s.step_size for s in specifications if s.network == network}) == 2  # type: ignore[union-attr]


def published(preset: Preset, dataset: Dataset | DatasetInfo) -> dict[tuple[str, str, str | None, float | None], float]:
    return {
        (cell.key.network, cell.key.training, cell.key.attack, cell.key.epsilon): cell.attack.published.accuracy
        for group in cells_of(preset, dataset)
        for cell in group
        if cell.attack is not None and cell.attack.published is not None
    }


def test_published_numbers_reach_the_cells_of_their_own_data_set_only(digits: Dataset) -> None:
    preset = preset_named("cpu", "table1")
    mine = replace(preset, dataset="digits", train_images=None, test_images=None)
    small = digits.subset(train=20, test=20)
    labels = {"FGSM": "FGSM", "PGD": "PGD-40 (step size 0.01)"}
    assert published(mine, small) == {
        (entry.network, "standard", labels[entry.attack], entry.epsilon): entry.accuracy for entry in table_1("mnist")
    }
    assert published(preset, small) == {}


def test_a_printed_accuracy_of_table_1_is_tried_on_a_thousand_images_on_a_cpu() -> None:
    preset = preset_named("cpu", "table1")
    assert preset.test_images == 1_000
    printed = {entry.epsilon for entry in table_1("mnist")}
    for label in ("FGSM", "PGD-40 (step size 0.01)", "PGD-40", "AutoAttack"):
        images = {epsilon: a.images for a in preset.attacks if a.label == label for epsilon in a.epsilons}
        assert {epsilon for epsilon, count in images.items() if count == 1_000} == printed
        assert min(images) < min(printed)  # a radius at which something is left to lose


def test_each_training_of_table_2_has_its_own_published_number(digits: Dataset) -> None:
    mine = replace(preset_named("gpu", "table2"), dataset="digits")
    label, epsilon = "PGD-20 (step size 2/255)", 8 / 255
    assert published(mine, digits.subset(train=20, test=20)) == {
        ("preact_resnet18", "pgd", label, epsilon): 0.4161,
        ("preact_resnet18", "trades", label, epsilon): 0.445,
        ("preact_resnet18", "yopo", label, epsilon): 0.4472,
        ("neural_ode", "standard", label, epsilon): 0.5906,
    }


def test_every_published_number_stands_beside_a_cell_at_full_size() -> None:
    for experiment, scale, count in (("table1", "paper", 16), ("table1", "cifar10-paper", 16), ("table2", "paper", 4)):
        preset = preset_named(scale, experiment)
        assert len(published(preset, dataset_info(preset.dataset))) == len(preset.published) == count


def test_a_model_is_not_attacked_with_its_own_images(digits: Dataset) -> None:
    small = digits.subset(train=20, test=20)
    for name in ("table1-smoke", "fig1-smoke"):
        for group in cells_of(preset_named(name), small):
            for cell in group:
                source = cell.attack.specification.source if cell.attack is not None else None
                assert source != cell.key.model
                if source is not None:
                    assert cell.settings["source"]["model"]["label"] == source


def test_inconsistent_presets_are_named() -> None:
    model = PresetModel(
        specification=ModelSpecification(label="one", network="euler"), training=TrainingSpecification()
    )
    base = {"name": "p", "summary": "s", "dataset": "digits", "attacks": ()}
    with pytest.raises(ValueError, match="`models` must have labels of their own"):
        Preset(models=(model, model), **base)  # type: ignore[arg-type]
    attack = AttackSpecification(label="a", attack="FGSM", norm="Linf", epsilons=(0.1,), source="two")
    with pytest.raises(ValueError, match="`source` must be the label of a model of the preset, got 'two'"):
        Preset(models=(model,), **{**base, "attacks": (attack,)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "controls"), [("smoke", 1), ("cpu", 1), ("gpu", 3)])
def test_the_controls_of_the_certificates_are_named(name: str, controls: int) -> None:
    models = [model for model in preset_named(name, "certified").models if hasattr(model.specification, "solver")]
    labels = [model.specification.label for model in models]
    assert labels[:2] == ["ResNet, h = 1", "Neural ODE, T = 1"]
    assert (
        labels[2:]
        == ["ResNet, h = 1, K penalised", "Neural ODE, T = 1, K penalised", "ResNet, h = 1, ‖W‖ ≤ 1.5"][:controls]
    )
    assert preset_named("cpu", "certified-digits").models[-1].specification.label == "ResNet, h = 1, ‖W‖ ≤ 1.5"
