"""Findings on the attacks: how much an accuracy under attack is worth as evidence."""

import math
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.display.formatting import format_budget, format_number, format_share, join_words
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.records import AttackResult
from natrob_empirical.reporting.finding import Finding, count_of
from natrob_empirical.reporting.record_groups import AttackBudget, Section

FEW_STEPS: Final = 50

_ROUNDING: Final = 1e-9


@final
@dataclass(frozen=True, kw_only=True)
class AttackCell:
    """One attack result with its place."""

    model: str
    seed: int
    budget: AttackBudget
    result: AttackResult

    @property
    def place(self) -> str:
        """The cell in words: "Euler, PGD-20, L∞ ε = 0.1"."""
        return f"{self.model}, {self.budget.attack}, {format_budget(self.budget.norm, self.budget.epsilon)}"


def attack_cells(section: Section) -> list[AttackCell]:
    """Every attack result of the section."""
    return [
        AttackCell(model=model.label, seed=seed, budget=budget, result=result)
        for model in section.models
        for budget, by_seed in model.attacks.items()
        for seed, result in by_seed.items()
    ]


def attack_strength(section: Section) -> Finding | None:
    """Whether the attacks are strong enough for their numbers to be evidence of robustness."""
    names = list(dict.fromkeys(budget.attack for budget in section.budgets))
    if not names:
        return None
    if any(section.kind_of(name) == "ensemble" for name in names):
        text = (
            f"The attacks ({join_words(names)}) include AutoAttack. Accuracy under attack stays an upper bound of the "
        )
        text += "robust accuracy: a stronger attack may lower it further."
        text += _image_counts(section)
        return Finding(name="attack-strength", text=text)
    weak = [name for name in names if is_weak(section, name)]
    text = f"The attacks are {join_words(names)}; none of them is AutoAttack. "
    kinds = f"one gradient step, Random Noise, Move to Gray, or PGD with fewer than {FEW_STEPS} steps"
    if len(weak) == len(names):
        text += f"All of them are weak ({kinds}). "
    elif weak:
        text += f"Weak among them ({kinds}): {join_words(weak)}. "
    text += (
        "High accuracy under them is weak evidence of robustness: it is an upper bound, and nobody knows how far above."
    )
    return Finding(name="attack-strength", text=text, level="caution")


def _image_counts(section: Section) -> str:
    """On how many images each attack ran, where they differ; a sentence with a space before it."""
    counts = {
        cell.budget.attack: cell.result.accuracy.n
        for cell in attack_cells(section)
        if cell.result.accuracy.n is not None
    }
    if len(set(counts.values())) < 2:
        return ""
    listed = join_words([f"{attack} {count:,}" for attack, count in counts.items()])
    return f" The attacks did not run on equally many images ({listed}): compare them on the common ones only."


def is_weak(section: Section, attack: str) -> bool:
    """Whether the label stands for a corruption, or for fewer than `FEW_STEPS` gradient steps of one size."""
    steps = section.fixed_steps_of(attack)
    return section.kind_of(attack) == "corruption" or (steps is not None and steps < FEW_STEPS)


def fgsm_beats_pgd(section: Section) -> Finding | None:
    """Where one gradient step lowers the accuracy more than the iterated attack does, at the same budget."""
    cells = attack_cells(section)
    own = [cell for cell in cells if section.source_of(cell.budget.attack) is None]
    fgsm, pgd = ([cell for cell in own if _label_of(section, cell) == label] for label in ("FGSM", "PGD"))
    pairs = [
        (one, many)
        for one in fgsm
        for many in pgd
        if (one.model, one.seed, one.budget.norm, one.budget.epsilon)
        == (many.model, many.seed, many.budget.norm, many.budget.epsilon)
        and one.result.accuracy.n == many.result.accuracy.n
    ]
    if not pairs:
        return None
    beaten = [(one, many) for one, many in pairs if _value(one) < _value(many) - _ROUNDING]
    if not beaten:
        text = f"FGSM leaves no lower accuracy than PGD in any of the {len(pairs)} cells that have both; "
        return Finding(name="fgsm-pgd", text=text + "this sign of gradient masking is absent.")
    one, many = max(beaten, key=lambda pair: (_value(pair[1]) - _value(pair[0]), pair[0].place))
    models = join_words(list(dict.fromkeys(pair[0].model for pair in beaten)))
    text = (
        f"FGSM leaves a lower accuracy than PGD in {len(beaten)} of the {len(pairs)} cells that have both ({models}), "
    )
    text += f"most of all at {one.place}: {format_share(_value(one), kind='upper')} against "
    text += f"{format_share(_value(many), kind='upper')} (upper, n = {one.result.accuracy.n}, seed {one.seed}). "
    text += "More steps ought to help: gradients are masked, or PGD is set up too weak. Its accuracy is not robustness."
    return Finding(name="fgsm-pgd", text=text, level="caution")


def impossibility(section: Section) -> Finding | None:
    """The highest accuracy under attack at an L∞ radius of at least 0.5, against the largest class share.

    Proof of the limit: proofs/coq/impossibility.v, proofs/symbolic/impossibility.py.
    """
    cells = [c for c in attack_cells(section) if c.budget.norm == "Linf" and c.budget.epsilon >= IMPOSSIBLE_RADIUS]
    cells = [cell for cell in cells if not math.isnan(_value(cell))]
    if not cells:
        return None
    above = [cell for cell in cells if _value(cell) > cell.result.majority_share + _ROUNDING]
    best = max(above or cells, key=lambda cell: (_value(cell), cell.place))
    share = format_number(best.result.majority_share)
    text = "With pixels in [0, 1] and an L∞ radius of 0.5 or more, all images can be moved to the same gray one, so no "
    text += (
        f"deterministic classifier has a robust accuracy above the largest class share ({share}). The highest accuracy "
    )
    text += f"under attack there is {format_share(_value(best), kind='upper')} (upper, n = {best.result.accuracy.n}, "
    text += f"seed {best.seed}; {best.place}). "
    if above:
        text += (
            f"{len(above)} of {len(cells)} such cells lie above the share: what exceeds it is a fact about the attack."
        )
    else:
        text += f"None of the {len(cells)} such cells lies above the share, as it must be under an attack that works."
    return Finding(
        name="impossibility",
        text=text,
        summary=f"up to {format_share(_value(best), kind='upper')} under {best.budget.attack}, "
        f"while at most {share} is possible",
        level="caution" if above else "result",
        verdict="does not hold",
    )


def unused_budget(section: Section) -> Finding | None:
    """Attacks that never came near the edge of their ball: their steps may be too short for the budget."""
    gradient = [
        cell
        for cell in attack_cells(section)
        if section.kind_of(cell.budget.attack) == "gradient" and cell.result.median_distance is None
    ]  # a search for the nearest image, which has a median, is not after the edge
    cells = [cell for cell in gradient if _value(cell) > 0 and cell.budget.epsilon > 0]
    short = [cell for cell in cells if cell.result.largest_distance < 0.99 * cell.budget.epsilon]
    if not short:
        return None
    worst = min(short, key=lambda cell: (cell.result.largest_distance / cell.budget.epsilon, cell.place))
    moved = format_number(worst.result.largest_distance)
    text = (
        f"In {count_of(len(short), len(cells), 'gradient attack cell')} that left some accuracy, no image was moved to "
    )
    text += f"the edge of the ball; the furthest from it: {worst.place}, largest distance {moved} (measured, n = "
    text += f"{worst.result.accuracy.n}). Steps that short make the attack weaker than its budget says."
    return Finding(name="unused-budget", text=text, level="caution")


def _label_of(section: Section, cell: AttackCell) -> str | None:
    """The label of the cell's attack without its settings."""
    named = section.attack_of(cell.budget.attack)
    return None if named is None else named.label


def _value(cell: AttackCell) -> float:
    return cell.result.accuracy.value
