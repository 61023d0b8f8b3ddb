import math
from pathlib import Path

import pytest
import torch

from benchmarks.before_after import main, table, verdicts_of
from benchmarks.quantity_record import Captured, Record

THIRD = 1.0 / 3.0
NEXT, PREVIOUS = (math.nextafter(THIRD, end) for end in (1.0, 0.0))


def number(relation: str, value: float) -> Captured:
    return Captured(relation, value.hex())


def state(relation: str, *entries: float) -> Captured:
    return Captured(relation, [entry.hex() for entry in entries])


def outcome(before: Captured, after: Captured) -> str:
    return verdicts_of({"subject / group": before}, {"subject / group": after})[0].outcome


@pytest.mark.parametrize("relation", ["upper", "lower", "nearly upper", "nearly lower", "nearly equal"])
def test_a_number_with_the_same_bits_is_bit_equal(relation: str) -> None:
    for value in (THIRD, -0.5, math.inf, math.nan):
        assert outcome(number(relation, value), number(relation, value)) == "bit-equal"


@pytest.mark.parametrize(
    ("relation", "after", "expected"),
    [
        ("upper", PREVIOUS, "tighter"),
        ("upper", NEXT, "worse"),
        ("upper", math.inf, "worse"),
        ("upper", math.nan, "worse"),
        ("lower", NEXT, "tighter"),
        ("lower", PREVIOUS, "worse"),
        ("nearly upper", NEXT, "within rounding"),
        ("nearly upper", THIRD * (1 + 1e-12), "worse"),
        ("nearly upper", 0.3, "tighter"),
        ("nearly lower", THIRD * (1 - 1e-12), "worse"),
        ("nearly lower", 0.4, "tighter"),
        ("nearly equal", PREVIOUS, "within rounding"),
        ("nearly equal", 0.3, "worse"),
        ("nearly equal", 0.4, "worse"),
        ("nearly equal", math.inf, "worse"),
        ("in float32 nearly equal", THIRD * (1 + 1e-7), "within rounding"),
        ("in float32 nearly equal", THIRD * (1 + 1e-3), "worse"),
    ],
)
def test_a_number_with_other_bits_is_judged_by_its_relation(relation: str, after: float, expected: str) -> None:
    assert outcome(number(relation, THIRD), number(relation, after)) == expected


def test_zero_may_have_either_sign() -> None:
    assert outcome(number("upper", -0.0), number("upper", 0.0)) == "within rounding"


def test_a_bound_that_became_finite_is_tighter() -> None:
    assert outcome(number("upper", math.inf), number("upper", 1e300)) == "tighter"


def test_a_state_may_move_by_1e_14_of_its_norm_and_no_further() -> None:
    before = state("close", 300.0, 1.0)
    assert outcome(before, state("close", 300.0, 1.0 + 2e-12)) == "within rounding"
    assert outcome(before, state("close", 300.0, 1.0 + 4e-12)) == "worse"
    assert outcome(before, state("close", 300.0, 1.0, 0.0)) == "worse"
    assert outcome(before, state("close", 300.0, math.nan)) == "worse"
    assert outcome(state("close", 0.0, 0.0), state("close", 0.0, 5e-324)) == "worse"
    assert outcome(state("close", 0.0), state("close", -0.0)) == "within rounding"


def test_a_state_in_float32_may_move_by_its_own_rounding() -> None:
    before = state("in float32 close", 300.0, 1.0)
    assert outcome(before, state("in float32 close", 300.0, 1.0 + 1e-4)) == "within rounding"
    assert outcome(before, state("in float32 close", 300.0, 1.0 + 1e-1)) == "worse"


def test_texts_must_agree() -> None:
    assert outcome(Captured("text", "True"), Captured("text", "True")) == "bit-equal"
    assert outcome(Captured("text", "True"), Captured("text", "False")) == "worse"
    assert outcome(number("upper", 1.0), Captured("text", "None")) == "worse"


def test_a_bound_in_place_of_a_refusal_is_tighter_and_a_refusal_in_place_of_a_bound_a_fault() -> None:
    bound = {"layer 1 / constant / 0": number("upper", 1.0)}
    refusal = {"layer 1 / constant / refusal": Captured("refusal", "LayerRefusedError: no")}
    other = {"layer 1 / constant / refusal": Captured("refusal", "ValueError: no")}
    assert [verdict.outcome for verdict in verdicts_of(refusal, bound)] == ["tighter"]
    assert [verdict.outcome for verdict in verdicts_of(bound, refusal)] == ["worse"]
    assert [verdict.outcome for verdict in verdicts_of(refusal, other)] == ["worse"]
    assert [verdict.outcome for verdict in verdicts_of(refusal, {})] == ["missing"]


def test_what_is_new_is_no_fault() -> None:
    assert verdicts_of({}, {"subject / group": number("upper", 1.0)}) == []


def test_the_table_counts_by_group_and_names_ten_faults_with_both_values() -> None:
    before = {f"network {n} / tube / 0": number("upper", 1.0) for n in range(12)}
    before |= {"network 0 / constant": number("upper", 1.5)}
    after = {name: number("upper", 1.01) for name in before} | {"network 0 / constant": number("upper", 1.0)}
    page = table(verdicts_of(before, after)).splitlines()
    assert "| tube | 12 | 0 | 0 | 0 | 0 | 12 | 0.01 | 0 |" in page
    assert "| constant | 1 | 0 | 1 | 0.5 | 0 | 0 | 0 | 0 |" in page
    assert "| all | 13 | 0 | 1 | 0.5 | 0 | 12 | 0.01 | 0 |" in page
    assert "12 worse or missing; the first 10:" in page
    assert "worse: network 9 / tube / 0: 1 -> 1.01" in page
    assert "worse: network 10 / tube / 0: 1 -> 1.01" not in page


def test_the_command_compares_files_and_exits_with_1_where_a_bound_is_one_percent_larger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(tmp_path / name) for name in ("before.json", "after.json")]
    for file, factor in zip(files, (1.0, 1.01), strict=True):
        values = {"network 0 / constant": number("upper", THIRD * factor), "network 0 / output": state("close", 1.0)}
        monkeypatch.setattr("benchmarks.before_after.captured", lambda _parts, values=values: values)
        assert main(["capture", file]) == 0
    assert main(["compare", files[0], files[0]]) == 0
    assert "Nothing is worse or missing." in capsys.readouterr().out
    assert main(["compare", *files]) == 1
    assert "worse: network 0 / constant" in capsys.readouterr().out


def test_a_partial_comparison_leaves_aside_what_is_missing_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = {"network 0 / constant": number("upper", 1.0)}, {"network 1 / constant": number("upper", 1.0)}
    worse = one | {"network 1 / constant": number("upper", 2.0)}
    refusal = {"network 1 / constant / refusal": Captured("refusal", "LayerRefusedError: no")}
    whole, part, changed, refused = (str(tmp_path / f"{name}.json") for name in ("whole", "part", "changed", "refused"))
    for file, values in ((whole, one | other), (part, one), (changed, worse), (refused, one | refusal)):
        monkeypatch.setattr("benchmarks.before_after.captured", lambda _parts, values=values: values)
        main(["capture", file])
    assert main(["compare", whole, part]) == 1
    assert main(["compare", "--partial", whole, part]) == 0
    assert main(["compare", "--partial", whole, changed]) == 1
    assert main(["compare", "--partial", whole, refused]) == 1


def test_a_record_keeps_bits_attributes_states_and_refusals() -> None:
    record = Record()
    record.note("a / number", "upper", lambda: 0.1)
    record.note("a / entries", "upper", lambda: torch.tensor([0.5, 2.0]))
    record.note("a / part", {"real": "lower"}, lambda: [1 + 2j])
    record.note("a / states", "close", lambda: torch.ones((2, 1, 3), dtype=torch.float32))
    record.note("a / refused", "upper", lambda: {}["key"])
    assert record.values["a / number"] == Captured("upper", (0.1).hex())
    assert record.values["a / entries / 1"] == Captured("upper", (2.0).hex())
    assert record.values["a / part / 0 / real"] == Captured("lower", (1.0).hex())
    assert record.values["a / states / step 1 / sample 0"] == Captured("in float32 close", [(1.0).hex()] * 3)
    assert record.values["a / refused / refusal"] == Captured("refusal", "KeyError: 'key'")
