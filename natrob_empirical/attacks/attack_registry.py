"""The attacks by name, for the command line and the presets."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, final, get_args

from torch import Tensor

from natrob_empirical.attack_names import ATTACK_NAMES, EARLIER_COMMAND_NAMES, AttackKind, AttackName, same_letters
from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.norms import Norm
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

from .abstract_attack import AbstractAttack

SETTINGS: Final = ("steps", "step_size", "restarts", "queries")
"""The settings that can be made from outside, by the names that the attacks' own arguments have."""


@final
@dataclass(frozen=True, kw_only=True)
class RegisteredAttack:
    """An attack that can be asked for by name.

    Attributes:
        name: on the command line.
        label: in records, tables, figures and text.
        attack: its class.
    """

    name: str
    label: str
    attack: type[AbstractAttack]

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The arguments that make it this attack and no other of its class."""
        return self.attack.variants.get(self.name, {})

    @property
    def norms(self) -> tuple[Norm, ...]:
        """Those of the balls it works in."""
        return self.attack.norms

    @property
    def identity(self) -> str:
        """The name in the settings of records, which never changes: the class, or the label where one has several."""
        return self.label if self.fixed else self.attack.__name__

    @property
    def settings(self) -> tuple[str, ...]:
        """Those of `SETTINGS` that this attack takes."""
        arguments = {argument.name for argument in fields(self.attack)} - set(self.fixed)
        return tuple(name for name in SETTINGS if self.argument(name) in arguments)

    def argument(self, setting: str) -> str:
        """The class's argument that a setting of `SETTINGS` is."""
        return self.attack.setting_names.get(setting, setting)

    def build(
        self,
        norm: Norm,
        epsilon: float | Tensor,
        settings: Mapping[str, int | float] = MappingProxyType({}),
        *,
        mixed_precision: bool = False,
        mask: Tensor | None = None,
    ) -> AbstractAttack:
        """The attack in one ball; what is not set keeps the attack's own default.

        A tensor for `epsilon` is one radius per pixel, in L∞ only; `mask` says which pixels may change.

        Raises:
            TypeError, ValueError: a setting that this attack does not have, a norm it does not work in, or a value
                that the attack or the ball refuses.
        """
        for name in settings:
            if name not in self.settings:
                others = [other.name for other in ATTACKS.values() if name in other.settings]
                raise ValueError(
                    f"attack {self.name} has no setting `{name}` (it has {', '.join(self.settings) or 'none'}; "
                    f"`{name}` is one of {', '.join(others) or 'no attack'})"
                )
        if norm not in self.norms:
            raise ValueError(f"attack {self.name} works in {' and '.join(self.norms)} balls only, got {norm}")
        arguments: dict[str, Any] = {self.argument(name): value for name, value in settings.items()}
        if norm == "Linf":
            ball: AbstractBall = LinfBall(epsilon, mask=mask)
        elif isinstance(epsilon, Tensor):
            raise TypeError("`epsilon` must be one number in an L2 ball; one radius per pixel is for Linf")
        else:
            ball = L2Ball(epsilon, mask=mask)
        return self.attack(ball, mixed_precision=mixed_precision, **self.fixed, **arguments)


ATTACKS: Final[dict[str, RegisteredAttack]] = {}


def register_attack(attack: type[AbstractAttack], *, name: str, label: str) -> RegisteredAttack:
    """Makes an attack known by name, to the presets and to whoever asks for it in this process.

    Args:
        attack: its class, which says its kind, norms and variants.
        name: on the command line, in small letters.
        label: in tables and text, with the same letters and digits.

    Raises:
        TypeError: `attack` is no attack, or says no kind.
        ValueError: the name is taken, or the label has other letters.
    """
    if not issubclass(attack, AbstractAttack) or getattr(attack, "kind", None) not in get_args(AttackKind):
        raise TypeError(f"`attack` must be an attack with a `kind` of {', '.join(get_args(AttackKind))}, got {attack}")
    if name in ATTACKS:
        raise ValueError(f"`name` must be new, got {name!r}, which is {ATTACKS[name].attack.__name__}")
    if not same_letters(name, label):
        raise ValueError(f"`label` must have the letters of the name {name!r}, got {label!r}")
    ATTACKS[name] = RegisteredAttack(name=name, label=label, attack=attack)
    return ATTACKS[name]


def _register_own(line: AttackName) -> None:
    """Registers one attack of the library, whose class must say what the table says without it."""
    module, _, name = line.home.partition(":")
    attack = getattr(import_module(f".{module}", __package__), name)
    if attack.kind != line.kind:
        raise TypeError(f"the kind of {line.label} must be {attack.kind}, as its class says, got {line.kind}")
    register_attack(attack, name=line.name, label=line.label)


for _line in ATTACK_NAMES:
    _register_own(_line)


def registered_attack(name: str) -> RegisteredAttack:
    """The attack of this name, label or class, or of a name that it once had.

    Raises:
        ValueError: there is none; near names are offered.
    """
    known = EARLIER_COMMAND_NAMES.get(name, name)
    for entry in ATTACKS.values():
        if known in (entry.name, entry.label, entry.identity):
            return entry
    raise unknown_name("attack", name, ATTACKS)
