import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical import attacks
from natrob_empirical.attack_names import AttackName
from natrob_empirical.attacks import (
    APGD,
    ATTACKS,
    DLR,
    FGSM,
    PGD,
    SETTINGS,
    AbstractAttack,
    ActiveSet,
    AutoAttack,
    MostCalls,
    RandomNoise,
    attack_registry,
    register_attack,
    registered_attack,
)
from natrob_empirical.benchmarks import AttackSpecification
from natrob_empirical.threat_models import L2Ball, LinfBall

EACH = [(name, norm) for name, entry in ATTACKS.items() for norm in entry.norms]


@pytest.mark.parametrize(("name", "norm"), EACH)
def test_each_attack_is_built_with_every_setting_that_it_says_it_has(name: str, norm: str) -> None:
    entry = ATTACKS[name]
    values = {"steps": 3, "step_size": 0.25, "restarts": 2, "queries": 7}
    given = {setting: values[setting] for setting in entry.settings}
    attack = entry.build(norm, 0.1, given)  # pyright: ignore[reportArgumentType]
    assert isinstance(attack, entry.attack)
    assert attack.ball == (LinfBall(0.1) if norm == "Linf" else L2Ball(0.1))
    for setting, value in given.items():
        assert getattr(attack, entry.argument(setting)) == value
    assert repr(attack) != repr(entry.build(norm, 0.1)) or not given  # pyright: ignore[reportArgumentType]


def test_every_concrete_attack_that_needs_nothing_but_a_ball_has_a_name() -> None:
    for module in pkgutil.iter_modules(attacks.__path__):
        importlib.import_module(f"natrob_empirical.attacks.{module.name}")
    concrete = {one for one in _subclasses(AbstractAttack) if one.__module__.startswith("natrob_empirical.attacks.")}
    unnamed = {one.__name__ for one in concrete if not one.__abstractmethods__} - {
        entry.attack.__name__ for entry in ATTACKS.values()
    }
    assert unnamed == {"TransferAttack"}  # it needs another model


def _subclasses(cls: type) -> set[type]:
    return {one for child in cls.__subclasses__() for one in {child, *_subclasses(child)}}


def test_names_and_labels_are_unique_and_both_are_found() -> None:
    labels = [entry.label for entry in ATTACKS.values()]
    assert len(set(labels)) == len(labels)
    for name, entry in ATTACKS.items():
        assert registered_attack(name) is registered_attack(entry.label) is entry
        assert set(entry.settings) <= set(SETTINGS)
    with pytest.raises(ValueError, match="unknown attack 'autoatack'; did you mean autoattack"):
        registered_attack("autoatack")


def test_names_mean_what_the_literature_means() -> None:
    assert registered_attack("autoattack").build("Linf", 8 / 255) == AutoAttack(LinfBall(8 / 255))
    assert registered_attack("apgd-dlr").build("L2", 0.5, {"steps": 9}) == APGD(L2Ball(0.5), loss=DLR(), steps=9)
    assert registered_attack("apgd").build("L2", 0.5) == APGD(L2Ball(0.5))
    assert registered_attack("pgd").build("Linf", 0.1, mixed_precision=True).mixed_precision


def test_what_an_attack_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"attack square has no setting `steps` \(it has queries; `steps` is one of"):
        registered_attack("square").build("Linf", 0.1, {"steps": 3})
    with pytest.raises(ValueError, match="attack boundary-attack works in L2 balls only, got Linf"):
        registered_attack("boundary").build("Linf", 0.1)
    with pytest.raises(ValueError, match="`epsilon` must be at least 0, got -1"):
        registered_attack("fgsm").build("Linf", -1.0)


@pytest.mark.parametrize(
    ("name", "steps", "expected"),
    [("FGSM", None, FGSM(LinfBall(0.1))), ("PGD", 7, PGD(LinfBall(0.1), steps=7)),
     ("RandomNoise", None, RandomNoise(LinfBall(0.1)))],
)  # fmt: skip
def test_the_presets_names_still_mean_the_same_attacks(name: str, steps: int | None, expected: AbstractAttack) -> None:
    """They are part of the identity of records that exist."""
    specification = AttackSpecification(label="any", attack=name, norm="Linf", epsilons=(0.1,), steps=steps)
    assert specification.build(0.1) == expected


def test_a_preset_with_an_unknown_attack_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown attack 'PGE'"):
        AttackSpecification(label="any", attack="PGE", norm="Linf", epsilons=(0.1,))


def test_a_registered_attack_attacks(linear_case: tuple[nn.Module, Tensor, Tensor]) -> None:
    model, x, y = linear_case
    attack = registered_attack("apgd").build("Linf", 0.4, {"steps": 5})
    assert bool(attack(model, x, y, generator=torch.Generator().manual_seed(0)).success.all())


@dataclass(frozen=True)
class Darker(AbstractAttack):
    """The darkest image of the ball."""

    kind = "corruption"

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2, 0)

    def _perturb(self, active: ActiveSet) -> None:
        active.propose(active.x - self.ball.epsilon)


class WithoutKind(Darker):
    kind = None  # pyright: ignore[reportAssignmentType]


def test_an_attack_from_elsewhere_is_registered_by_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack_registry, "ATTACKS", dict(ATTACKS))
    entry = attack_registry.register_attack(Darker, name="darker", label="Darker")
    assert registered_attack("Darker") is registered_attack("darker") is entry
    specification = AttackSpecification(label="Darker", attack="Darker", norm="L2", epsilons=(0.5,))
    assert specification.build(0.5) == Darker(L2Ball(0.5))


@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_registered_is_refused() -> None:
    refused: list[tuple[Any, str, str, type[Exception], str]] = [
        (Darker, "pgd", "PGD", ValueError, "`name` must be new, got 'pgd', which is PGD"),
        (Darker, "darker", "Darkest", ValueError, "`label` must have the letters of the name 'darker', got 'Darkest'"),
        (WithoutKind, "darker", "Darker", TypeError, "`attack` must be an attack with a `kind` of gradient, score"),
        (LinfBall, "ball", "Ball", TypeError, "`attack` must be an attack"),
    ]
    for attack, name, label, error, message in refused:
        with pytest.raises(error, match=message):
            register_attack(attack, name=name, label=label)
    with pytest.raises(TypeError, match="the kind of PGD must be gradient, as its class says, got score"):
        attack_registry._register_own(AttackName("p-g-d", "PGD", "score", "pgd:PGD"))
    assert {"darker", "p-g-d"}.isdisjoint(ATTACKS)
