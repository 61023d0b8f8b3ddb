"""The table of an attack says which of its parts ran, and which images needed none."""

from natrob_empirical.records import AttackPart, AttackResult, Number
from natrob_empirical.reporting.parts.attacked_accuracy import _what_ran


def result(*, parts: list[AttackPart], not_attacked: str) -> AttackResult:
    return AttackResult(
        accuracy=Number(value=0.75, kind="upper", n=4, source="AutoAttack found no more"),
        clean_accuracy=Number(value=1.0, kind="measured", n=4, source="test images"),
        majority_share=0.5,
        largest_distance=0.1,
        mean_queries=1.0,
        mean_gradient_calls=0.0,
        seconds=1.0,
        outcomes="fkkk",
        parts=parts,
        not_attacked=not_attacked,
    )


def test_parts_are_named_with_their_images_and_spared_images_are_counted() -> None:
    parts = [AttackPart(name="APGD-CE", attacked=2, left=1), AttackPart(name="Square", attacked=1, left=1)]
    assert _what_ran(result(parts=parts, not_attacked="1 3")) == (
        "images met: APGD-CE 2, Square 1; not attacked, certified: 2"
    )


def test_an_attack_of_one_part_says_nothing() -> None:
    assert _what_ran(result(parts=[], not_attacked="")) == ""
