"""The rows as one Markdown table."""

from collections.abc import Sequence

from benchmarks.measurement import Row

HEADINGS = ("section", "case", "natrob", "peer", "quantity", "value", "target", "met?", "remark")


def markdown_table(rows: Sequence[Row]) -> str:
    """One line per row; a target that is missed says so in bold."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(_cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def summary(rows: Sequence[Row]) -> str:
    """How many of the targets are met."""
    verdicts = [row.met for row in rows if row.met is not None]
    return f"{sum(verdicts)} of {len(verdicts)} targets met."


def _cells(row: Row) -> tuple[str, ...]:
    target = "" if row.target is None else f"≤ {row.target:g}"
    met = {None: "", True: "yes", False: "**missed**"}[row.met]
    return (
        row.section, row.case, row.subject, row.peer, row.quantity, f"{row.value:.3g}", target, met, row.remark
    )  # fmt: skip
