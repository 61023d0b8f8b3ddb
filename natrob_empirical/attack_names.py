"""The attacks by name: their labels and kinds, and what earlier versions called them."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

AttackKind: TypeAlias = Literal["gradient", "score", "decision", "transfer", "corruption", "ensemble"]
"""The answers that an attack asks of the model under attack.

* gradient: gradients of a loss of its logits (white box);
* score: logits of images that the attack chooses by earlier logits (black box);
* decision: labels of images that the attack chooses by earlier labels;
* transfer: answers to images that were made on another model;
* corruption: answers to images that depend on no answer, such as noise;
* ensemble: attacks of several kinds, each on what the ones before it left.
"""


class AttackName(NamedTuple):
    """One attack, as far as it can be told without torch.

    Attributes:
        name: on the command line.
        label: in tables, records, figures and text: the same letters and digits.
        kind: that of its class; the registry refuses a line that says otherwise.
        home: module and class in `natrob_empirical.attacks`, with a colon between.
        steps: how many gradient steps of one size it takes unless told otherwise; None for an attack that takes none,
            or sets their size itself.
    """

    name: str
    label: str
    kind: AttackKind
    home: str
    steps: int | None = None


ATTACK_NAMES: Final = (
    AttackName("random-noise", "Random Noise", "corruption", "random_noise:RandomNoise"),
    AttackName("move-to-gray", "Move to Gray", "corruption", "move_to_gray:MoveToGray"),
    AttackName("fgsm", "FGSM", "gradient", "fgsm:FGSM", steps=1),
    AttackName("pgd", "PGD", "gradient", "pgd:PGD", steps=40),
    AttackName("di2-fgsm", "DI²-FGSM", "gradient", "di2_fgsm:DI2FGSM", steps=20),
    AttackName("apgd-ce", "APGD-CE", "gradient", "apgd:APGD"),
    AttackName("apgd-dlr", "APGD-DLR", "gradient", "apgd:APGD"),
    AttackName("targeted-apgd", "Targeted APGD", "gradient", "targeted_apgd:TargetedAPGD"),
    AttackName("fab", "FAB", "gradient", "fab:FAB"),
    AttackName("spsa", "SPSA", "score", "spsa:SPSA"),
    AttackName("square", "Square", "score", "square:Square"),
    AttackName("boundary-attack", "Boundary Attack", "decision", "boundary_attack:BoundaryAttack"),
    AttackName("autoattack", "AutoAttack", "ensemble", "auto_attack:AutoAttack"),
)
"""The attacks that can be asked for by name, in the order that lists show: a new attack is its file and a line here."""

ATTACK_LABELS: Final = MappingProxyType({attack.name: attack.label for attack in ATTACK_NAMES})
"""Name on the command line → label."""

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
"""A label that `natrob attack` once wrote: "PGD-10 (restarts = 5, step_size = 0.01)"."""


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
    return next((label for label in ATTACK_LABELS.values() if same_letters(label, name)), name)


def attack_named(text: str) -> AttackName | None:
    """Returns the attack of a label with settings and source, a command-line name or a class; None of an unknown one.

    "PGD-40 (step size 2/255) from ResNet-50" is PGD.
    """
    name = re.sub(r"-\d+$", "", re.split(r" \(| from ", current_label(text))[0])
    name = EARLIER_COMMAND_NAMES.get(name.lower(), name)
    return next((attack for attack in ATTACK_NAMES if same_letters(attack.label, name)), None)


def steps_of(label: str) -> int | None:
    """Returns the number of steps that a label tells, as "PGD-40" or "APGD-CE (40 steps)" does; None for none."""
    told = re.search(r"-(\d+)(?= \(|$)|\((\d+) steps?\b", label.partition(" from ")[0])
    return None if told is None else int(told[1] or told[2])


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
    """Lists the other labels that records may have for the attack of this one."""
    return tuple(earlier for earlier, current in EARLIER_LABELS.items() if current == label)


def same_letters(name: str, other: str) -> bool:
    """Whether two names have the same letters and digits, as "DI²-FGSM" and "di2-fgsm" have."""
    first, second = (re.sub("[^a-z0-9]", "", one.lower().replace("²", "2")) for one in (name, other))
    return first == second


def _words(name: str, value: int | float) -> str:
    """ "step size 2/255", "1,000 queries", "1 restart"."""
    if name != "step_size":
        singular = {"steps": "step", "restarts": "restart", "queries": "query"}
        return f"{value:,} {singular[name] if value == 1 else name}"
    pixels = round(255 * value)
    return f"step size {pixels}/255" if pixels and abs(255 * value - pixels) < 1e-9 else f"step size {value:g}"
