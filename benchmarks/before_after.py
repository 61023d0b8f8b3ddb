"""`python -m benchmarks.before_after`: is every constant, bound and certificate what it was, or tighter?

    python -m benchmarks.before_after capture BEFORE.json      # in the version before a change
    python -m benchmarks.before_after capture AFTER.json       # in the version after it, on the same machine
    python -m benchmarks.before_after compare BEFORE.json AFTER.json

`compare` prints one table and exits with 1 if a bound is worse, a state has moved, or a quantity is missing. A capture
takes some three minutes of CPU time; `--part layers` takes seconds, and then `--partial` says that the rest is not
missing.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from benchmarks.captured_quantities import PARTS, captured
from benchmarks.quantity_record import Captured

Outcome: TypeAlias = Literal["bit-equal", "tighter", "within rounding", "worse", "missing"]

STATES, FROM_STATES = 1e-14, 1e-13
"""How far states may move, relative to their norm, and what rests on them, relative to itself; in float64."""
FLOAT32 = 2.0**29
"""By how much float32 rounds more than float64."""
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One quantity before and after.

    Attributes:
        name: of the quantity.
        outcome: how the two are related; "worse" also where a text differs.
        distance: the ratio of the larger number to the smaller one, less 1, where both are positive; for states their
            distance relative to the norm.
        before, after: as a reader wants them.
    """

    name: str
    outcome: Outcome
    distance: float = 0.0
    before: str = ""
    after: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it must not be so."""
        return self.outcome in ("worse", "missing")


@dataclass
class Group:
    """The verdicts on one group of quantities."""

    verdicts: list[Verdict] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """How many have this outcome."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    def largest(self, outcome: Outcome) -> float:
        """The largest distance among them."""
        return max((verdict.distance for verdict in self.verdicts if verdict.outcome == outcome), default=0.0)


def verdicts_of(before: Mapping[str, Captured], after: Mapping[str, Captured]) -> list[Verdict]:
    """One verdict for each quantity that there was before. What is only there after is nobody's fault."""
    parents = _parents(after)
    found = []
    for name, old in before.items():
        new = after.get(name)
        refusal = _refusal_of(name, after)
        if new is not None:
            found.append(_verdict(name, old, new))
        elif refusal is not None:
            found.append(Verdict(name=name, outcome="worse", before=_shown(old), after=_shown(refusal)))
        elif old.relation == "refusal" and name.removesuffix(" / refusal") in parents:
            found.append(Verdict(name=name, outcome="tighter", before=_shown(old), after="a value"))
        else:
            found.append(Verdict(name=name, outcome="missing", before=_shown(old)))
    return found


def _refusal_of(name: str, after: Mapping[str, Captured]) -> Captured | None:
    """What is refused with this quantity among it."""
    parts = name.split(" / ")
    names = (" / ".join([*parts[:length], "refusal"]) for length in range(2, len(parts) + 1))
    return next((after[one] for one in names if one in after), None)


def _parents(after: Mapping[str, Captured]) -> set[str]:
    """The names of what has a value, and the names that these are below."""
    found = set()
    for name, captured_one in after.items():
        parts = name.split(" / ")
        if captured_one.relation != "refusal":
            found.update(" / ".join(parts[:length]) for length in range(2, len(parts) + 1))
    return found


def _verdict(name: str, old: Captured, new: Captured) -> Verdict:
    outcome, distance = _related(old, new)
    shown = {"before": _shown(old), "after": _shown(new)} if outcome == "worse" else {}
    return Verdict(name=name, outcome=outcome, distance=distance, **shown)


def _related(old: Captured, new: Captured) -> tuple[Outcome, float]:
    """The outcome, and the distance."""
    if old == new:
        return "bit-equal", 0.0
    if old.relation != new.relation or old.relation in ("text", "refusal"):
        return "worse", 0.0
    scale = FLOAT32 if old.relation.startswith("in float32 ") else 1.0
    relation = old.relation.removeprefix("in float32 ")
    if relation == "close":
        distance = _states_apart(old.value, new.value)
        return "within rounding" if distance <= STATES * scale else "worse", distance
    one, other = (float.fromhex(str(entry.value)) for entry in (old, new))
    allowed = FROM_STATES * scale * abs(one) if relation.startswith("nearly") else 0.0
    return _ordered(relation.removeprefix("nearly "), one, other, allowed), _ratio(one, other)


def _ordered(relation: str, one: float, other: float, allowed: float) -> Outcome:
    """Of two numbers, the earlier one first, that are not the same."""
    if one == other or abs(other - one) <= allowed < math.inf:  # 0 may have either sign
        return "within rounding"
    tighter = {"upper": other < one, "lower": other > one}.get(relation, False)  # a NaN is neither
    return "tighter" if tighter else "worse"


def _ratio(one: float, other: float) -> float:
    """The larger number over the smaller one, less 1; 0 unless both are positive and finite."""
    small, large = sorted((one, other))
    return large / small - 1.0 if small > 0.0 and large < math.inf else 0.0


def _states_apart(one: str | Sequence[str], other: str | Sequence[str]) -> float:
    """‖other − one‖/‖one‖; ∞ for states of different sizes or with a NaN."""
    if len(one) != len(other):
        return math.inf
    before, after = ([float.fromhex(entry) for entry in state] for state in (one, other))
    distance, size = math.dist(before, after), math.hypot(*before)
    if distance == 0.0:
        return 0.0
    return distance / size if size > 0.0 and not math.isnan(distance) else math.inf


def _shown(entry: Captured) -> str:
    """A value as a reader wants it; of a state how it begins."""
    if entry.relation in ("text", "refusal"):
        return str(entry.value)[:80]
    numbers = [entry.value] if isinstance(entry.value, str) else entry.value
    digits = [f"{float.fromhex(number):.17g}" for number in numbers[:2]]
    return ", ".join(digits) + (", …" if len(numbers) > 2 else "")


def table(verdicts: Iterable[Verdict]) -> str:
    """A line for each group of quantities, then the first faults by name."""
    groups: dict[str, Group] = defaultdict(Group)
    everything = Group()
    for verdict in verdicts:
        groups[verdict.name.split(" / ")[1]].verdicts.append(verdict)
        everything.verdicts.append(verdict)
    heads = (
        "quantity",
        "how many",
        "bit-equal",
        "tighter",
        "by at most",
        "within rounding",
        "WORSE",
        "by at most",
        "missing",
    )
    lines = [heads, ("---",) * len(heads)]
    lines += [_cells(name, group) for name, group in [*groups.items(), ("all", everything)]]
    page = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    faults = [verdict for verdict in everything.verdicts if verdict.is_fault]
    return "\n".join([page, *_listed(faults)])


def _cells(name: str, group: Group) -> tuple[str, ...]:
    counts = {outcome: str(group.count(outcome)) for outcome in get_args(Outcome)}
    tighter, worse = (f"{group.largest(outcome):.2g}" for outcome in ("tighter", "worse"))
    return (
        name, str(len(group.verdicts)), counts["bit-equal"], counts["tighter"], tighter, counts["within rounding"],
        counts["worse"], worse, counts["missing"],
    )  # fmt: skip


def _listed(faults: Sequence[Verdict]) -> list[str]:
    if not faults:
        return ["", "Nothing is worse or missing."]
    lines = [f"{fault.outcome}: {fault.name}: {fault.before} -> {fault.after or 'nothing'}" for fault in faults[:SHOWN]]
    return ["", f"{len(faults)} worse or missing; the first {len(lines)}:", *lines]


def read(path: Path) -> dict[str, Captured]:
    """The quantities of a capture."""
    return {name: Captured(*entry) for name, entry in json.loads(path.read_text(encoding="utf-8")).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; 1 if a comparison finds a fault."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.before_after", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    capture = commands.add_parser("capture", help="write every quantity to FILE")
    capture.add_argument("file", type=Path)
    capture.add_argument("--part", action="append", choices=list(PARTS), help="only this one; may be repeated")
    comparison = commands.add_parser("compare", help="compare two captures")
    comparison.add_argument("before", type=Path)
    comparison.add_argument("after", type=Path)
    comparison.add_argument("--partial", action="store_true", help="leave aside what AFTER does not have")
    chosen = parser.parse_args(arguments)
    if chosen.command == "capture":
        values = captured(chosen.part or PARTS)
        chosen.file.write_text(json.dumps(values, indent=0, ensure_ascii=False), encoding="utf-8")
        print(f"{len(values)} quantities")
        return 0
    verdicts = verdicts_of(read(chosen.before), read(chosen.after))
    if chosen.partial:
        verdicts = [verdict for verdict in verdicts if verdict.outcome != "missing"]
    print(table(verdicts))
    return int(any(verdict.is_fault for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
