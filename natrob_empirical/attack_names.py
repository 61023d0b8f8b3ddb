"""What an attack is called: one label everywhere, and what earlier versions called it."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ATTACK_LABELS: Final = MappingProxyType(
    {
        "random-noise": "Random Noise",
        "move-to-gray": "Move to Gray",
        "fgsm": "FGSM",
        "pgd": "PGD",
        "di2-fgsm": "DI²-FGSM",
        "apgd-ce": "APGD-CE",
        "apgd-dlr": "APGD-DLR",
        "targeted-apgd": "Targeted APGD",
        "fab": "FAB",
        "spsa": "SPSA",
        "square": "Square",
        "boundary-attack": "Boundary Attack",
        "autoattack": "AutoAttack",
    }
)
"""Name on the command line → label in tables, records, figures and text: the same letters and digits."""

EARLIER_COMMAND_NAMES: Final = MappingProxyType(
    {"noise": "random-noise", "di2fgsm": "di2-fgsm", "apgd": "apgd-ce", "boundary": "boundary-attack"}
)
"""Names on the command line that still work."""

EARLIER_LABELS: Final = MappingProxyType(
    {
        "Noise": "Random Noise",
        "RandomNoise": "Random Noise",
        "Grey": "Move to Gray",
        "MoveToGray": "Move to Gray",
        "DI2FGSM": "DI²-FGSM",
        "TargetedAPGD": "Targeted APGD",
        "BoundaryAttack": "Boundary Attack",
        "Boundary, 1,000 queries": "Boundary Attack",
        "PGD, 40 × 0.01": "PGD-40 (step size 0.01)",
        "PGD-20, 2/255": "PGD-20 (step size 2/255)",
    }
)
"""Labels in records that exist."""

_OF_A_RUN: Final = re.compile(r"(?P<name>[^()]*?)(?:-(?P<steps>\d+))?(?: \((?P<rest>\w+ = [^()]*)\))?")
"""What `natrob attack` wrote: "PGD-10 (restarts = 5, step_size = 0.01)"."""


def label_with(label: str, settings: Mapping[str, int | float]) -> str:
    """The label with settings that are not the attack's own: "PGD-40", "Square (1,000 queries)".

    Args:
        label: of the attack.
        settings: any of steps, step_size, restarts and queries.
    """
    others = dict(settings)
    name = label
    if label.endswith("PGD") and "steps" in others:  # as the literature writes it
        name = f"{label}-{others.pop('steps')}"
    return name + (f" ({', '.join(_words(*setting) for setting in others.items())})" if others else "")


def label_of(attack: object) -> str:
    """The label of an attack by the name of its class; that name itself where no label has its letters."""
    name = type(attack).__name__
    return next((label for label in ATTACK_LABELS.values() if _letters(label) == _letters(name)), name)


def current_label(label: str) -> str:
    """The label of today for one of a record; today's own come back as they are."""
    if label in EARLIER_LABELS:
        return EARLIER_LABELS[label]
    parts = _OF_A_RUN.fullmatch(label)
    name = EARLIER_LABELS.get(parts["name"], parts["name"]) if parts else ""
    if parts is None or name not in ATTACK_LABELS.values():
        return label
    settings: dict[str, int | float] = {} if parts["steps"] is None else {"steps": int(parts["steps"])}
    for setting in (parts["rest"] or "").split(", "):
        if setting:
            argument, _, value = setting.partition(" = ")
            settings[argument] = float(value) if argument == "step_size" else int(float(value))
    return label_with(name, settings)


def earlier_labels(label: str) -> tuple[str, ...]:
    """What records may call the attack of this label besides."""
    return tuple(earlier for earlier, current in EARLIER_LABELS.items() if current == label)


def _letters(name: str) -> str:
    """ "di2fgsm" for "DI²-FGSM" and "DI2FGSM"."""
    return re.sub("[^a-z0-9]", "", name.lower().replace("²", "2"))


def _words(name: str, value: int | float) -> str:
    """ "step size 2/255", "1,000 queries", "1 restart"."""
    if name != "step_size":
        singular = {"steps": "step", "restarts": "restart", "queries": "query"}
        return f"{value:,} {singular[name] if value == 1 else name}"
    pixels = round(255 * value)
    return f"step size {pixels}/255" if pixels and abs(255 * value - pixels) < 1e-9 else f"step size {value:g}"
