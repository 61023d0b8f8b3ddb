"""Certified ≤ true ≤ attacked accuracy of one model, budget by budget, all on the same images."""

from decimal import Decimal

from natrob_empirical.display.formatting import MISSING, NORM_SIGNS, format_epsilon, format_share
from natrob_empirical.reporting.image_bounds import ImageBounds
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, text_cell


def sandwich_table(bounds: ImageBounds) -> Table:
    """Per radius: the certified share, what every attack leaves, what all of them leave, and the gap between.

    Without an attack there is one number, measured and between no bounds.
    """
    attacks = list(dict.fromkeys(attack for attack, _, _ in bounds.attacks))
    columns = (
        Column(heading=f"ε in {NORM_SIGNS.get(bounds.norm, bounds.norm)}"),
        Column(heading="Certified", note="lower"),
        Column(heading="All attacks", note="image by image, upper"),
        Column(heading="Gap", note="upper − lower, as printed"),
        *(Column(heading=attack, note="upper") for attack in attacks),
    )
    rows = [_clean_row(bounds, len(attacks)), *(_row(bounds, epsilon, attacks) for epsilon in bounds.epsilons)]
    caption = f"{bounds.model}, seed {bounds.seed}, {NORM_SIGNS.get(bounds.norm, bounds.norm)}, the same "
    caption += f"{len(bounds):,} images throughout: the true robust accuracy lies between certified and attacked. "
    caption += f"Certificates: {', '.join(bounds.methods)}. " if bounds.methods else ""
    caption += f"There is no certificate: {bounds.refusal.rstrip('.')}. " if bounds.refusal else ""
    caption += "“All attacks” counts an image as lost from the nearest misclassified image on that any attack in this "
    caption += "norm found, at whatever budget."
    return Table(caption=caption, columns=columns, rows=tuple(rows))


def _clean_row(bounds: ImageBounds, attacks: int) -> tuple[Cell, ...]:
    """The accuracy without an attack; more certificates than correct images are an alarm."""
    clean = bounds.attacked(0.0)
    mark = "alarm" if bounds.certified(0.0) > clean else ""
    shown = Cell(text=f"{format_share(clean)} (measured)", mark=mark)
    return (text_cell("0 (clean)"), text_cell(""), shown, text_cell(""), *[text_cell("")] * attacks)


def _row(bounds: ImageBounds, epsilon: float, attacks: list[str]) -> tuple[Cell, ...]:
    """One radius; a certified share above an attacked one is an alarm."""
    low, high = bounds.certified(epsilon), bounds.attacked(epsilon)
    certified = missing_cell() if not bounds.methods else Cell(
        text=format_share(low, kind="lower"), mark="alarm" if low > high else ""
    )  # fmt: skip
    gap = f"{Decimal(format_share(high, kind='upper')) - Decimal(format_share(low, kind='lower')):f}"
    each = [bounds.under(attack, epsilon) for attack in attacks]
    return (
        text_cell(format_epsilon(epsilon)),
        certified,
        text_cell(format_share(high, kind="upper")),
        text_cell(gap if bounds.methods else MISSING),
        *(missing_cell() if share is None else text_cell(format_share(share, kind="upper")) for share in each),
    )
