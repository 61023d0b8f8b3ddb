"""The attacks by name, for the command line and the presets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final, final

from torch import Tensor

from natrob_empirical.attack_names import ATTACK_LABELS, EARLIER_COMMAND_NAMES
from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.norms import Norm
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

from .abstract_attack import AbstractAttack
from .apgd import APGD
from .auto_attack import AutoAttack
from .boundary_attack import BoundaryAttack
from .di2_fgsm import DI2FGSM
from .fab import FAB
from .fgsm import FGSM
from .losses import DLR, CrossEntropy
from .move_to_gray import MoveToGray
from .pgd import PGD
from .random_noise import RandomNoise
from .spsa import SPSA
from .square import Square
from .targeted_apgd import TargetedAPGD

SETTINGS: Final = ("steps", "step_size", "restarts", "queries")
"""What can be set from outside, by the names that the attacks' own arguments have."""


@final
@dataclass(frozen=True, kw_only=True)
class RegisteredAttack:
    """An attack that can be asked for by name.

    Attributes:
        name: on the command line.
        attack: its class.
        fixed: arguments that make it this attack and no other of its class.
        renamed: a setting of `SETTINGS` → the class's argument, where they differ.
        norms: of the balls it works in.
    """

    name: str
    attack: type[AbstractAttack]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    norms: tuple[Norm, ...] = ("Linf", "L2")

    @property
    def label(self) -> str:
        """The name in records, tables, figures and text."""
        return ATTACK_LABELS[self.name]

    @property
    def identity(self) -> str:
        """The name in the settings of records, which never changes: the class, or the label where one has several."""
        return self.label if self.fixed else self.attack.__name__

    @property
    def settings(self) -> tuple[str, ...]:
        """Those of `SETTINGS` that this attack takes."""
        arguments = {argument.name for argument in fields(self.attack)} - set(self.fixed)
        return tuple(name for name in SETTINGS if self.renamed.get(name, name) in arguments)

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
        arguments: dict[str, Any] = {self.renamed.get(name, name): value for name, value in settings.items()}
        if norm == "Linf":
            ball: AbstractBall = LinfBall(epsilon, mask=mask)
        elif isinstance(epsilon, Tensor):
            raise TypeError("`epsilon` must be one number in an L2 ball; one radius per pixel is for Linf")
        else:
            ball = L2Ball(epsilon, mask=mask)
        return self.attack(ball, mixed_precision=mixed_precision, **self.fixed, **arguments)


ATTACKS: Final[dict[str, RegisteredAttack]] = {
    entry.name: entry
    for entry in (
        RegisteredAttack(name="random-noise", attack=RandomNoise, renamed={"queries": "trials"}),
        RegisteredAttack(name="move-to-gray", attack=MoveToGray),
        RegisteredAttack(name="fgsm", attack=FGSM),
        RegisteredAttack(name="pgd", attack=PGD),
        RegisteredAttack(name="di2-fgsm", attack=DI2FGSM),
        RegisteredAttack(name="apgd-ce", attack=APGD, fixed={"loss": CrossEntropy()}),
        RegisteredAttack(name="apgd-dlr", attack=APGD, fixed={"loss": DLR()}),
        RegisteredAttack(name="targeted-apgd", attack=TargetedAPGD),
        RegisteredAttack(name="fab", attack=FAB),
        RegisteredAttack(name="spsa", attack=SPSA),
        RegisteredAttack(name="square", attack=Square),
        RegisteredAttack(name="boundary-attack", attack=BoundaryAttack, norms=("L2",)),
        RegisteredAttack(name="autoattack", attack=AutoAttack),
    )
}


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
