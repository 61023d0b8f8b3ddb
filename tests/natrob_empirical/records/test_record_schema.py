"""What records from before a field existed say of it, and what the newer parts refuse."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from natrob_empirical.records import (
    AttackResult,
    BlockConstants,
    CellRecord,
    EvaluationStatistics,
    GridStatistics,
    Number,
    PublishedNumber,
    SampleAmplification,
    TheoryRefusal,
    TheoryResult,
)

NUMBER = {"value": 0.5, "kind": "upper", "n": 10, "source": "a test"}
OLD_ATTACK: dict[str, Any] = {
    "kind": "attack",
    "accuracy": NUMBER,
    "clean_accuracy": NUMBER,
    "majority_share": 0.1,
    "largest_distance": 0.1,
    "mean_queries": 1.0,
    "mean_gradient_calls": 1.0,
    "seconds": 1.0,
}
OLD_THEORY: dict[str, Any] = {
    "kind": "theory",
    "parameters": 10,
    "step_size": 0.5,
    "num_steps": 2,
    "total_time": 1.0,
    "evaluations": 2,
    "training_seconds": 1.0,
    **dict.fromkeys(
        (
            "train_accuracy", "clean_accuracy", "field_lipschitz_upper", "field_lipschitz_lower",
            "stem_lipschitz_upper", "growth_bound", "exponential_bound", "feature_lipschitz_upper",
            "measured_growth_median", "measured_growth_largest", "feature_diameter",
        ),
        NUMBER,
    ),
    **{name: [] for name in ("bound_checks", "curves", "vacuity", "certified")},
}  # fmt: skip


def record_with(result: dict[str, Any]) -> CellRecord:
    """A record as an older version wrote it, around this result."""
    cell = {"preset": "quick", "dataset": "digits", "model": "m", "network": "euler", "training": "standard", "seed": 0}
    environment = dict.fromkeys(
        (
            "natrob", "python", "torch", "torchvision", "torchdiffeq", "platform", "hardware", "device", "commit",
            "created",
        ),
        "",
    )  # fmt: skip
    text = json.dumps(
        {
            "schema_version": 1,
            "cell": cell,
            "settings": {},
            "environment": {**environment, "threads": 1},
            "result": result,
        }
    )
    return CellRecord.model_validate_json(text)


def amplification(**changes: str) -> SampleAmplification:
    return SampleAmplification(
        **{
            "positions": "0 1 4",
            "perturbations": "rrf",
            "distances": "0.5 0.5 0.25",
            "trunk": "1.5 inf 2.0",
            "features": "0.1 0.2 inf",
            **changes,
        }
    )


def test_an_attack_record_from_before_outcomes_has_none() -> None:
    result = record_with(OLD_ATTACK).result
    assert isinstance(result, AttackResult)
    assert (result.outcomes, result.published) == ("", None)


def test_a_theory_record_from_before_the_samples_has_none() -> None:
    result = record_with(OLD_THEORY).result
    assert isinstance(result, TheoryResult)
    assert (result.amplification, result.evaluations_per_sample, result.grid) == (None, None, None)
    assert (result.blocks, result.left_out) == ([], "")


def test_the_committed_records_load() -> None:
    paths = sorted((Path(__file__).parents[3] / "reports" / "quick" / "records").glob("*.json"))
    assert paths
    for path in paths:
        CellRecord.model_validate_json(path.read_text(encoding="utf-8"))


def test_the_newer_parts_come_back_as_they_were_written() -> None:
    number = Number(**NUMBER)
    block = BlockConstants(
        step_size=1.0,
        branch_upper=number,
        branch_lower=number,
        shortcut_upper=number,
        activation_upper=number,
        growth=number,
    )
    grid = GridStatistics(
        images=3, steps_smallest=2, steps_median=2.0, steps_largest=3, step_size_smallest=0.1, step_size_largest=0.5,
        hk_smallest=0.1, hk_largest=float("inf"), kind="adaptive",
    )  # fmt: skip
    evaluations = EvaluationStatistics(images=3, smallest=14, median=14.0, largest=20, rejected_largest=1)
    old = record_with(OLD_THEORY)
    assert isinstance(old.result, TheoryResult)
    update = {
        "amplification": amplification(), "evaluations_per_sample": evaluations, "grid": grid, "blocks": [block],
    }  # fmt: skip
    written = old.model_copy(update={"result": old.result.model_copy(update=update)})
    assert CellRecord.model_validate_json(written.model_dump_json()) == written
    refusal = TheoryRefusal(
        parameters=1, train_accuracy=number, clean_accuracy=number, training_seconds=1.0, reason="too stiff"
    )
    refused = old.model_copy(update={"result": refusal})
    assert CellRecord.model_validate_json(refused.model_dump_json()).result == refusal


def test_amplification_reads_one_number_an_image() -> None:
    found = amplification()
    assert (len(found), found.position_values) == (3, [0, 1, 4])
    assert (found.trunk_values, found.feature_values) == ([1.5, float("inf"), 2.0], [0.1, 0.2, float("inf")])


@pytest.mark.parametrize(
    "changes", [{"perturbations": "rrx"}, {"positions": "0 1"}, {"trunk": "1 2 3 4"}, {"features": "1 2 ?"}]
)
def test_amplification_refuses_another_letter_or_count(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        amplification(**changes)


def test_an_attack_result_refuses_another_letter() -> None:
    with pytest.raises(ValidationError, match="outcomes"):
        AttackResult.model_validate({**OLD_ATTACK, "outcomes": "wfx"})
    kept = AttackResult.model_validate({**OLD_ATTACK, "outcomes": "wfk"})
    published = PublishedNumber(value=0.9, source="a paper, Table 1")
    assert kept.model_copy(update={"published": published}).outcomes == "wfk"
