"""Is it the model or the attack: how far the weakest attacks overestimate, and signs of masked gradients."""

from collections.abc import Mapping

from natrob_empirical.display.formatting import format_budget, format_number, format_share
from natrob_empirical.reporting.experiments.experiment import ExperimentPart
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.finding import Finding, count_of
from natrob_empirical.reporting.model_pairs import p_phrase
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section
from natrob_empirical.reporting.strongest_attack import attacks_at, strongest
from natrob_empirical.reporting.tables.table import Column, Table, text_cell
from natrob_empirical.statistics.paired_comparison import PairedComparison, compare_kept

LARGE_GAP = 0.1
"""A share of images; one in ten that a weak attack calls robust and another attack fools."""


def weak_against_strong(section: Section) -> Finding | None:
    """Where one attack on the model itself leaves much more than all attacks together leave of the same images."""
    gaps = _gaps(section)
    if not gaps:
        return None
    large = [gap for gap in gaps if gap[2].difference >= LARGE_GAP and gap[2].p_value <= 0.05]
    text = f"An attack leaves at least {format_share(LARGE_GAP)} more than all attacks together leave of the same "
    text += f"images in {count_of(len(large), len(gaps), 'cell')} (model × attack × budget)."
    if not large:
        return Finding(name="weak-attacks", text=text)
    model, budget, compared = max(large, key=lambda gap: (gap[2].difference, gap[1].order, gap[0].label))
    text += f" Most of all {budget.attack} on {model.label} at {format_budget(budget.norm, budget.epsilon)}: "
    text += f"{format_share(compared.first, kind='upper')} against {format_share(compared.second, kind='upper')} "
    text += f"(upper, n = {compared.n:,}, difference at least {format_number(compared.low, kind='lower', digits=2)} at "
    text += "95 %). So much robustness is the attack's failure: too few steps, steps too short, or masked gradients."
    return Finding(
        name="weak-attacks",
        text=text,
        summary=f"{len(large)} of {len(gaps)} cells",
        level="caution",
        verdict="does not hold",
    )


def transfer_beats_own(section: Section) -> Finding | None:
    """Images made on another model that fool more than the same attack on the model itself: masked gradients."""
    tested = 0
    signs: list[tuple[PairedComparison, str]] = []
    for model in section.models:
        for budget, results in model.attacks.items():
            source = section.source_of(budget.attack)
            own = None if source is None else _own_attack(section, model, budget)
            if own is None:
                continue
            for seed, result in results.items():
                rival = model.attacks[own].get(seed)
                if rival is None or not rival.outcomes or not result.outcomes:
                    continue
                tested += 1
                compared = compare_kept(rival.outcomes, result.outcomes)
                if compared.difference > 0 and compared.p_value <= 0.05:
                    place = f"{model.label} at {format_budget(budget.norm, budget.epsilon)}, {budget.attack}"
                    signs.append((compared, f"{place} leaves {format_share(compared.second, kind='upper')}, "
                                  f"{own.attack} {format_share(compared.first, kind='upper')}"))  # fmt: skip
    if not tested:
        return None
    if not signs:
        text = (
            f"In none of {tested} cells did images made on another model fool more than the same attack on the model "
        )
        return Finding(name="transfer-own", text=f"{text}itself; this sign of gradient masking is absent.")
    worst, place = max(signs, key=lambda sign: (sign[0].difference, sign[1]))
    text = f"Images made on another model fool more than the same attack on the model itself in {len(signs)} of "
    text += f"{tested} cells beyond chance, most of all {place} (upper, n = {worst.n:,}, "
    text += f"{p_phrase(worst.p_value)}). The model's own gradients are masked, or the attack on it is too "
    text += "weak; what it leaves is not robustness."
    return Finding(name="transfer-own", text=text, level="caution")


def gaps_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Per model and budget, what all attacks together leave, and what the weakest on the model itself left."""
    del prefix, styles
    rows = []
    for model in section.models:
        places = sorted(
            {(b.norm, b.epsilon) for b in model.attacks if b.epsilon > 0}, key=lambda p: (p[0] != "Linf", *p)
        )
        for norm, epsilon in places:
            for seed in section.seeds:
                kept = strongest(model, norm, epsilon, seed)
                if kept is None or not kept.outcomes or len(kept.attacks) < 2:
                    continue
                left = {
                    attack: result.outcomes[: kept.n].count("k") / kept.n
                    for attack, result in attacks_at(model, norm, epsilon, seed).items()
                }
                lowest = min(left, key=lambda attack: (left[attack], attack))
                highest = max(left, key=lambda attack: (left[attack], attack))
                rows.append(
                    tuple(map(text_cell, (
                        model.label, format_budget(norm, epsilon), kept.text, f"{kept.n:,}",
                        f"{lowest}: {format_share(left[lowest], kind='upper')}",
                        f"{highest}: {format_share(left[highest], kind='upper')}",
                    )))
                )  # fmt: skip
    if not rows:
        return None
    columns = (
        Column(heading="Model", numeric=False),
        Column(heading="Budget", numeric=False),
        Column(heading="All attacks", note="upper [Wilson 95 %]"),
        Column(heading="n", note="images common to all"),
        Column(heading="Strongest alone", note="upper, same n", numeric=False),
        Column(heading="Weakest alone", note="upper, same n", numeric=False),
    )
    table = Table(
        caption="The best upper bound that all attacks on a model give together, on the images common to all of them.",
        columns=columns,
        rows=tuple(rows),
    )
    text = ("An attack with few steps leaves more than is there. The first column of numbers is the one to quote.",)
    return ExperimentPart(heading="How far weak attacks overestimate", text=text, tables=(table,))


def _gaps(section: Section) -> list[tuple[ModelRuns, AttackBudget, PairedComparison]]:
    """One attack on the model itself against all attacks, on the images common to all."""
    found: list[tuple[ModelRuns, AttackBudget, PairedComparison]] = []
    for model in section.models:
        for budget, results in model.attacks.items():
            if budget.epsilon <= 0 or section.source_of(budget.attack) is not None:
                continue
            for seed, result in results.items():
                kept = strongest(model, budget.norm, budget.epsilon, seed)
                if kept and kept.outcomes and result.outcomes and len(kept.attacks) > 1:
                    found.append((model, budget, compare_kept(result.outcomes, kept.outcomes)))
    return found


def _own_attack(section: Section, model: ModelRuns, budget: AttackBudget) -> AttackBudget | None:
    """The attack with the same settings and budget, made on the model itself."""
    wanted = {name: value for name, value in section.attacks.get(budget.attack, {}).items() if name != "source"}
    for other in model.attacks:
        settings = {name: value for name, value in section.attacks.get(other.attack, {}).items() if name != "source"}
        same = (other.norm, other.epsilon) == (budget.norm, budget.epsilon) and settings == wanted
        if same and section.source_of(other.attack) is None:
            return other
    return None
