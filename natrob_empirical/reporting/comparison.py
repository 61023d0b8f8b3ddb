"""Two sets of records compared: which verdicts changed, and which numbers of the cells that both have."""

from collections.abc import Iterable, Mapping

from natrob_empirical.claims import Ledger
from natrob_empirical.display import Cell, Part, plain
from natrob_empirical.display.formatting import format_number
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import Number
from natrob_empirical.reporting.page import Page
from natrob_empirical.reporting.parts.cells import quantity, table, words


def comparison_page(first: tuple[str, Ledger], second: tuple[str, Ledger]) -> Page:
    """A page with what changed from the first to the second.

    Args:
        first, second: a name, and the ledger with its runs.
    """
    verdicts = _verdicts(first[1], second[1])
    changes, common, lost, new = _numbers(first[1].evidence.runs, second[1].evidence.runs)
    names = (first[0], second[0])
    tables = (
        table("changed-verdicts", f"Verdicts, {names[0]} → {names[1]}.",
              ("Claim·", "Before·", "Now·", "Reason now·"), verdicts),
        table("changed-numbers", f"Numbers, {names[0]} → {names[1]}.",
              ("Cell·", "Number·", "Before", "Now", "Change"), changes),
    )  # fmt: skip
    return Page(
        address="index.html",
        room="Index",
        title=f"{names[0]} against {names[1]}",
        lead=(
            f"{len(verdicts)} verdicts changed.",
            f"{len(changes)} of {common} numbers changed; {lost} are only in the first, {new} only in the second.",
        ),
        parts=tuple(
            Part(name=each.name, heading=heading, tables=(each,))
            for heading, each in zip(("Verdicts", "Numbers"), tables, strict=True)
            if each is not None
        ),
    )


def _verdicts(first: Ledger, second: Ledger) -> list[tuple[Cell, ...]]:
    before = {entry.claim.id: entry.judgement.verdict for entry in first.entries}
    return [
        tuple(map(words, (e.claim.id, before[e.claim.id].words, e.judgement.verdict.words, plain(e.judgement.reason))))
        for e in second.entries
        if before[e.claim.id] is not e.judgement.verdict
    ]


def _numbers(first: Iterable[Run], second: Iterable[Run]) -> tuple[list[tuple[Cell, ...]], int, int, int]:
    """The changed numbers; how many are common, only in the first and only in the second."""
    before, now = _values(first), _values(second)
    common = [place for place in before if place in now]
    changed = [
        (words(cell), words(name), quantity(old.value, old.kind), quantity(new.value, new.kind), _difference(old, new))
        for cell, name in common
        if (old := before[cell, name]).value != (new := now[cell, name]).value
    ]
    return changed, len(common), len(before) - len(common), len(now) - len(common)


def _difference(old: Number, new: Number) -> Cell:
    change = new.value - old.value
    return Cell(text=f"{'+' if change > 0 else ''}{format_number(change)}", value=change)


def _values(runs: Iterable[Run]) -> Mapping[tuple[str, str], Number]:
    """(cell, number) → what records hold of it; folder and preset do not part two cells, data set and seed do."""
    found: dict[tuple[str, str], Number] = {}
    for run in runs:
        for model in run.models:
            place = f"{model.label} ({run.dataset}, seed {run.seed})"
            theory = model.theory
            if model.clean_accuracy is not None:
                found[place, "clean accuracy"] = model.clean_accuracy
            if theory is not None:
                found[place, "K at most"] = theory.field_lipschitz_upper
                found[place, "growth at most"] = theory.growth_bound
                found[place, "largest growth measured"] = theory.measured_growth_largest
            points = theory.certified if theory else ()
            found |= {(place, f"certified at {p.norm} {p.epsilon:g}"): p.accuracy for p in points}
            found |= {(place, f"kept under {b.text}"): result.accuracy for b, result in model.attacks.items()}
    return found
