from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import certified_ablation
from benchmarks.certified_ablation import Row, line, page, rows_of
from natrob_empirical.benchmarks import Preset, PresetModel, preset_named
from natrob_empirical.datasets import load_dataset
from natrob_empirical.models import ContractiveSpecification
from natrob_empirical.training import MarginTraining, OrthonormalTraining, TrainingSpecification

ROW = Row(label="8 steps", parameters=2_000_000, clean=0.98, certified=(0.9, 0.5), cpu_seconds=12.3)


def small(label: str, hidden: int) -> PresetModel:
    network = ContractiveSpecification(
        label=label, network="gradient_flow", hidden=hidden, num_steps=1, constraint="projected"
    )
    training = TrainingSpecification(
        method=OrthonormalTraining(method=MarginTraining()), optimiser="muon", epochs=1, batch_size=64
    )
    return PresetModel(specification=network, training=training)


def test_a_row_is_a_line_of_shares_in_per_cent() -> None:
    assert line(ROW) == "| 8 steps | 2.00 | 98.00 | 90.00 | 50.00 | 12 |"


def test_rows_are_trained_once_and_read_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = load_dataset("digits")
    preset = Preset(
        name="rows",
        summary="two networks",
        dataset="digits",
        models=(small("one", 8), small("two", 16)),
        train_images=128,
        test_images=50,
    )
    monkeypatch.setattr(certified_ablation, "preset_named", lambda _name: preset)
    assert rows_of("rows", digits, tmp_path, kept_only=True) == []
    rows = rows_of("rows", digits, tmp_path)
    assert [row.label for row in rows] == ["one", "two"]
    assert all(0.0 <= row.certified[1] <= row.certified[0] <= row.clean <= 1.0 for row in rows)
    monkeypatch.setattr(certified_ablation, "measured_row", lambda *_: pytest.fail("trained again"))
    assert rows_of("rows", digits, tmp_path) == rows
    text = page("rows", digits, rows)
    assert "128 training images and 50 test images of Handwritten digits" in text
    assert all(line(row) in text for row in rows)
    assert "not trained" not in text
    assert "1 of the preset's networks are not trained yet" in page("rows", digits, rows[:1])


def test_the_preset_s_rows_differ_from_the_base_in_one_thing() -> None:
    """Or, where networks with a constraint of their own are trained, in what that asks for."""
    models = {model.specification.label: model for model in preset_named("certified-ablation-cpu").models}
    base = models["Base"]
    for label in ("2 steps", "8 steps", "128 of 1024 directions a step", "No extra features"):
        assert models[label].training == base.training
    for label in ("Radius 1.58 counted, weight 1", "Warped by 6", "Shifts by one pixel"):
        assert isinstance(models[label].specification, ContractiveSpecification)
        assert replace(models[label].specification, label="Base") == base.specification
