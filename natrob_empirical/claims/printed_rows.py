"""The accuracies that the paper prints, shown: in short for the ledger, and in full for the claim's page."""

from collections.abc import Callable, Sequence

from natrob_empirical.claims.claim import Evidence
from natrob_empirical.display import Cell, Column, Part, Table
from natrob_empirical.display.formatting import join_words
from natrob_empirical.evidence.run import titled
from natrob_empirical.paper import PrintedAccuracy


def as_printed(entries: Sequence[PrintedAccuracy]) -> str:
    """The printed rows in short, a model after the other: "Neural ODE: 97.5 % (FGSM), 93.6 to 75.2 % (PGD)"."""
    models: dict[str, dict[str, list[str]]] = {}
    for each in sorted(entries, key=lambda entry: entry.model != "Neural ODE"):
        model = each.model if each.training == "none" else each.training
        rows = models.setdefault(model, {})
        rows.setdefault(each.attack or titled(each.dataset), []).append(f"{100 * each.accuracy:.1f}")
    return "; ".join(
        f"{model}: " + ", ".join(f"{' to '.join(dict.fromkeys((n[0], n[-1])))} % ({row})" for row, n in rows.items())
        for model, rows in models.items()
    )


def printed_rows(claim_id: str, entries: Sequence[PrintedAccuracy]) -> Callable[[Evidence], tuple[Part, ...]]:
    """Makes the part of a claim's page that has every printed number in a table."""
    heads = [("Network", False), ("Attack", False), ("ε", True), ("Accuracy printed", True)]
    rows = [
        (
            Cell(text=each.model if each.training == "none" else f"{each.model} ({each.training})"),
            Cell(text=each.attack or "none"),
            Cell(text=each.epsilon_printed, value=each.epsilon),
            Cell(text=f"{100 * each.accuracy:.2f} %", value=each.accuracy),
        )
        for each in entries
    ]
    columns = tuple(Column(heading=heading, numeric=numeric) for heading, numeric in heads)
    places = join_words(list(dict.fromkeys(each.place for each in entries)))
    shown = Table(
        name=f"printed-{claim_id}", caption=f"As the paper prints it: {places}.", columns=columns, rows=tuple(rows)
    )
    part = Part(name="printed", heading="What the paper prints", tables=(shown,))
    return lambda evidence: (part,)
