"""One attack, one name: on the command line, in Python, in tables, records, reports and text."""

import json
import re
from pathlib import Path
from types import MappingProxyType

import pytest

import natrob_empirical
from natrob_empirical.attack_names import (
    ATTACK_LABELS,
    ATTACK_NAMES,
    EARLIER_COMMAND_NAMES,
    EARLIER_LABELS,
    attack_named,
    current_label,
    earlier_labels,
    label_of,
    label_with,
    steps_of,
)
from natrob_empirical.attacks import ATTACKS, SETTINGS, MoveToGray, registered_attack
from natrob_empirical.benchmarks import PRESETS, AttackSpecification
from natrob_empirical.records import CellRecord, RecordStore
from natrob_empirical.threat_models import LinfBall

ROOT = Path(natrob_empirical.__file__).parents[1]
RECORDS = sorted((ROOT / "reports").glob("*/records"))
SPECIFICATIONS = {(preset.name, attack.label): attack for preset in PRESETS.values() for attack in preset.attacks}
OTHER_SPELLINGS = re.compile(
    r"walk to (the )?gr[ea]y|\bDI2[- ]?FGSM\b|\bDI²FGSM|\b[Aa]uto[- ][Aa]ttack|\bPGD \d|\bMove[- ]to[- ]Grey"
)


def letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower().replace("²", "2"))


def test_command_line_class_and_label_are_the_same_letters() -> None:
    assert tuple(ATTACKS) == tuple(ATTACK_LABELS)
    for name, entry in ATTACKS.items():
        assert letters(name) == letters(entry.label) == letters(entry.identity), name
        assert letters(entry.attack.__name__) == letters(entry.label).removesuffix("ce").removesuffix("dlr")
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)


def test_the_table_says_of_an_attack_what_its_class_says() -> None:
    for line in ATTACK_NAMES:
        entry = ATTACKS[line.name]
        attack = entry.build(entry.norms[-1], 0.25)
        assert (entry.label, entry.attack.kind) == (line.label, line.kind)
        assert (attack.reach is None) == (line.steps is None), line
        assert line.steps in (None, getattr(attack, "steps", 1)), line


@pytest.mark.parametrize(
    ("text", "name", "steps"),
    [
        *((line.name, line.name, None) for line in ATTACK_NAMES),
        *((line.label, line.name, None) for line in ATTACK_NAMES),
        *((entry.identity, name, None) for name, entry in ATTACKS.items()),
        ("PGD-40 (step size 2/255) from ResNet-50", "pgd", 40),
        ("PGD from ResNet-8", "pgd", None),
        ("APGD-CE (5 steps)", "apgd-ce", 5),
        ("DI2FGSM-20 (step_size = 0.00784314)", "di2-fgsm", 20),
        ("Square (1,000 queries)", "square", None),
        ("Boundary, 1,000 queries", "boundary-attack", None),
        ("noise", "random-noise", None),
        ("an attack of someone else's (2)", None, None),
    ],
)
def test_a_label_tells_attack_and_steps(text: str, name: str | None, steps: int | None) -> None:
    found = attack_named(text)
    assert (None if found is None else found.name) == name
    assert steps_of(current_label(text)) == steps


def test_every_published_record_has_an_attack_with_a_kind() -> None:
    labels = {
        json.loads(path.read_text(encoding="utf-8"))["cell"]["attack"]
        for folder in RECORDS
        for path in folder.glob("*.json")
    }
    assert all(attack_named(label) is not None for label in labels - {None})


def test_an_attack_is_found_by_each_of_its_names() -> None:
    for name, entry in ATTACKS.items():
        for known in (name, entry.label, entry.identity):
            assert registered_attack(known) is entry
    for earlier, name in EARLIER_COMMAND_NAMES.items():
        assert registered_attack(earlier) is ATTACKS[name]
    with pytest.raises(ValueError, match="unknown attack 'move_to_grey'; did you mean move-to-gray"):
        registered_attack("move_to_grey")


@pytest.mark.parametrize("place", SPECIFICATIONS, ids=" ".join)
def test_a_presets_label_is_the_attacks_own_with_its_settings(place: tuple[str, str]) -> None:
    specification: AttackSpecification = SPECIFICATIONS[place]
    entry = registered_attack(specification.attack)
    own = entry.build(specification.norm, 0.1)
    given = {"steps": specification.steps, "step_size": specification.step_size}
    told = {
        name: value
        for name, value in given.items()
        if value is not None and (entry.label == "PGD" or value != getattr(own, name))
    }
    source = "" if specification.source is None else f" from {specification.source.partition(',')[0]}"
    assert specification.label == label_with(entry.label, told) + source


def test_settings_are_told_in_words() -> None:
    assert label_with("PGD", {}) == "PGD"
    assert label_with("PGD", {"steps": 40}) == "PGD-40"
    assert (
        label_with("PGD", {"steps": 20, "step_size": 2 / 255, "restarts": 1}) == "PGD-20 (step size 2/255, 1 restart)"
    )
    assert label_with("Boundary Attack", {"queries": 1000}) == "Boundary Attack (1,000 queries)"
    assert label_with("Move to Gray", {"steps": 3}) == "Move to Gray (3 steps)"
    assert all(label_with("FAB", {setting: 2}) == f"FAB ({words})" for setting, words in zip(
        SETTINGS, ("2 steps", "step size 510/255", "2 restarts", "2 queries"), strict=True))  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "current"),
    [
        *EARLIER_LABELS.items(),
        ("MoveToGray-3", "Move to Gray (3 steps)"),
        ("DI2FGSM-20 (step_size = 0.00784314)", "DI²-FGSM (20 steps, step size 0.00784314)"),
        ("PGD-10 (restarts = 5)", "PGD-10 (5 restarts)"),
        ("Square (queries = 1000)", "Square (1,000 queries)"),
        ("APGD-CE-5", "APGD-CE (5 steps)"),
        ("APGD-CE", "APGD-CE"),
        ("PGD-40", "PGD-40"),
        ("PGD-40 from ResNet-50", "PGD-40 from ResNet-50"),
        ("FGSM from ResNet-8", "FGSM from ResNet-8"),
        ("an attack of someone else's (2)", "an attack of someone else's (2)"),
    ],
)
def test_a_records_label_is_read_as_todays(earlier: str, current: str) -> None:
    assert current_label(earlier) == current
    assert current_label(current) == current


@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: folder.parent.name)
def test_published_records_are_read_under_todays_names_and_found_by_the_cells_of_today(folder: Path) -> None:
    known = {label for _, label in SPECIFICATIONS}
    store = RecordStore(folder)
    for path in folder.glob("*.json"):
        record = CellRecord.model_validate_json(path.read_text(encoding="utf-8"))
        assert store.place_of(record.cell, record.settings) == path
        if record.cell.attack is not None:
            assert record.cell.attack in known
            told = json.dumps(record.result.model_dump(mode="json"), ensure_ascii=False)
            for earlier in earlier_labels(record.cell.attack):
                assert f'"{earlier} found' not in told


def test_a_sentence_calls_an_attack_by_its_label() -> None:
    assert label_of(MoveToGray(LinfBall(0.1))) == "Move to Gray"
    assert label_of(MappingProxyType({})) == "mappingproxy"


def test_no_text_that_users_read_has_another_name_for_an_attack() -> None:
    texts = [ROOT / "README.md", *(ROOT / "reports").glob("**/*.md"), *(ROOT / "natrob_empirical").glob("**/*.py")]
    texts += (ROOT / "natrob_empirical").glob("**/*.j2")
    for path in texts:
        if path.name != "attack_names.py":
            found = OTHER_SPELLINGS.search(path.read_text(encoding="utf-8").replace("DI2FGSM", "").replace("\n", " "))
            assert found is None, f"{path.relative_to(ROOT)}: {found[0]}"
