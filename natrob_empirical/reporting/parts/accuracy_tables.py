"""Every accuracy of a run in one norm: models by budgets, attacked from above and certified from below."""

from functools import partial
from typing import Final

from natrob_empirical.display import Cell, Column, Part
from natrob_empirical.display.formatting import NORM_SIGNS, format_epsilon, format_percent
from natrob_empirical.display.table import missing_cell
from natrob_empirical.evidence.ceilings import above_ceiling, ceiling_curve
from natrob_empirical.evidence.kept import strongest
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.reporting.parts.attacked_accuracy import TOGETHER
from natrob_empirical.reporting.parts.cells import key, number, quantity, share, table, words


def accuracy_table(norm: str, run: Run) -> Part | None:
    """A row a model and attack, one for all attacks together, one for the certificate; a column a budget."""
    radii = _radii(run, norm)
    attacks = list(dict.fromkeys(budget.attack for budget in run.budgets if budget.norm == norm))
    lines: list[tuple[Cell, ...]] = []
    for model in run.models:
        found = {
            attack: [_attacked(run, model, AttackBudget(attack=attack, norm=norm, epsilon=e)) for e in radii]
            for attack in attacks
        }
        found[TOGETHER] = [_together(model, norm, epsilon) for epsilon in radii]
        found["certified"] = [number(model.certified(norm, epsilon), accuracy=True) for epsilon in radii]
        clean = number(model.clean_accuracy, accuracy=True)
        lines += [
            (words(model.label), words(what), words("lower" if what == "certified" else "upper"), clean, *cells)
            for what, cells in found.items()
            if any(cell.mark != "missing" for cell in cells)
        ]
    lines += _ceiling_line(run, norm, radii)
    columns = ("Model·", "What·", "Bound·", "Clean", *(Column(heading=f"ε = {format_epsilon(e)}") for e in radii))
    sign = NORM_SIGNS.get(norm, norm)
    shown = table(
        key(run, what=f"accuracy {norm}"), f"Accuracy by {sign} budget; n stands beside each number.", columns, lines
    )
    return Part(name=f"accuracy-{norm.lower()}", heading=f"Accuracy in {sign}", tables=(shown,)) if shown else None


ACCURACY_TABLES: Final = (partial(accuracy_table, "Linf"), partial(accuracy_table, "L2"))


def distances(run: Run) -> Part | None:
    """Median distance of the nearest wrong images that searches without a radius found: an upper bound."""
    found = {
        (model.label, budget.attack, budget.norm): result.median_distance
        for model in run.models
        for budget, result in model.attacks.items()
        if result.median_distance is not None
    }
    lines = [
        (words(label), words(attack), words(NORM_SIGNS.get(norm, norm)), number(distance), quantity(distance.n))
        for (label, attack, norm), distance in found.items()
    ]
    shown = table(key(run, what="distances"), "Median distance of the nearest wrong image found, pixels from 0 to 1.",
                  ("Model·", "Attack·", "Norm·", "At most", "n"), lines)  # fmt: skip
    return Part(name="distances", heading="Nearest wrong images", tables=(shown,)) if shown else None


def _radii(run: Run, norm: str) -> list[float]:
    """Every radius above 0 that was attacked or certified in this norm."""
    certified = {p.epsilon for m in run.models if m.theory for p in m.theory.certified if p.norm == norm}
    return sorted(epsilon for epsilon in {b.epsilon for b in run.budgets if b.norm == norm} | certified if epsilon > 0)


def _attacked(run: Run, model: Model, budget: AttackBudget) -> Cell:
    """The share that one attack left, marked where no classifier can be that robust."""
    result = model.attacks.get(budget)
    if result is None:
        return missing_cell()
    cell = number(result.accuracy, accuracy=True)
    ceiling = above_ceiling(run, result, budget.norm, budget.epsilon)
    if ceiling is None:
        return cell
    note = f"{cell.note}; no classifier keeps more than {format_percent(ceiling, kind='upper', decimals=2)}"
    return Cell(text=cell.text, value=cell.value, mark="caution", note=note)


def _ceiling_line(run: Run, norm: str, radii: list[float]) -> list[tuple[Cell, ...]]:
    """The row that no classifier exceeds, on the most images that a record holds ceilings of; no line without any."""
    images = max((point.images for point in run.ceilings if point.norm == norm), default=0)
    curve = ceiling_curve(run, norm, images)
    if curve is None:
        return []
    note = f"no classifier keeps more of the first {images:,} images"
    cells = [share(curve.share(epsilon), "upper", note=note) for epsilon in radii]
    return [(words("any classifier"), words("ceiling"), words("upper"), missing_cell(), *cells)]


def _together(model: Model, norm: str, epsilon: float) -> Cell:
    kept = strongest(model, norm, epsilon)
    return (
        missing_cell()
        if kept is None
        else share(kept.share, "upper", note=f"n = {kept.n:,}: {', '.join(kept.attacks)}")
    )
