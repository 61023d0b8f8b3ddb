"""Figure 1: the step size of a residual network, at fixed depth and at fixed T."""

from collections.abc import Mapping, Sequence
from typing import Final

from natrob_empirical.display.formatting import format_epsilon, format_number, format_share
from natrob_empirical.reporting.experiments.experiment import Claim, Experiment, ExperimentPart
from natrob_empirical.reporting.experiments.figure1_plot import steps_figure
from natrob_empirical.reporting.experiments.neural_ode_findings import attack_labels
from natrob_empirical.reporting.experiments.step_groups import some_steps, step_groups, step_of
from natrob_empirical.reporting.experiments.weak_attacks import transfer_beats_own, weak_against_strong
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.finding import Finding, Verdict
from natrob_empirical.reporting.model_pairs import compare_under, judge, most_telling, verdict_sentence
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section
from natrob_empirical.reporting.tables.accuracy import clean_accuracy
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, text_cell
from natrob_empirical.statistics.rank_correlation import rank_correlation

ONE_TRAINING: Final = (
    "Intervals are about the images only; each network was trained once per seed, and another training may differ by "
    "more."
)

NEAR_IDENTITY: Final = (
    "A trunk near the identity also learns less: what is lost without an attack cannot be kept under one."
)
DEEPER: Final = "With T fixed a smaller step means more blocks and more parameters: the step is not all that differs."


def own_attacks(section: Section) -> Finding | None:
    """Does a smaller step help against attacks on the network itself?"""
    attacks = [attack for attack in attack_labels(section) if section.source_of(attack) is None]
    return _ends_finding(
        section, step_groups(section).fixed_depth, attacks, name="step-size",
        claim="A smaller step makes the network more robust under {attack} on itself", trend=True, remark=NEAR_IDENTITY,
    )  # fmt: skip


def transferred(section: Section) -> Finding | None:
    """Does a smaller step help against images made on another network, as the paper's figure has it?"""
    attacks = [attack for attack in attack_labels(section) if section.source_of(attack) is not None]
    return _ends_finding(
        section, step_groups(section).fixed_depth, attacks, name="figure1-transfer",
        claim="A smaller step makes the network more robust under {attack}", trend=True, remark=NEAR_IDENTITY,
    )  # fmt: skip


def fixed_time(section: Section) -> Finding | None:
    """Does a smaller step help where T = nh is kept, as the theorem's limit has it?"""
    return _ends_finding(
        section, step_groups(section).fixed_time, attack_labels(section), name="figure1-fixed-time",
        claim="A smaller step with T fixed makes the network more robust under {attack}", trend=False, remark=DEEPER,
    )  # fmt: skip


def control(section: Section) -> Finding | None:
    """The network whose normalisation divides h out again, against the one with the same h where it stays."""
    groups = step_groups(section)
    pairs = [(m, c) for c in groups.cancelled for m in groups.fixed_depth if step_of(m) == step_of(c)]
    sentences = []
    for kept, cancelled in pairs:
        for attack in attack_labels(section):
            compared = compare_under(section, kept, cancelled, attack)
            if compared:
                claim = (
                    f"h = {format_number(step_of(kept))} helps under {attack} only where no normalisation follows it"
                )
                sentences.append(f"{verdict_sentence(claim, compared)} The clearest is {most_telling(compared).text}.")
    if not sentences:
        return None
    text = f"{pairs[0][0].label} against {pairs[0][1].label}, the control: {' '.join(sentences)} {ONE_TRAINING}"
    return Finding(name="figure1-control", text=text)


def _ends_finding(
    section: Section,
    models: Sequence[ModelRuns],
    attacks: Sequence[str],
    *,
    name: str,
    claim: str,
    trend: bool,
    remark: str,
) -> Finding | None:
    """The smallest step against the largest under each attack."""
    if len(models) < 2:
        return None
    large, small = models[0], models[-1]
    sentences: list[str] = []
    summaries: list[str] = []
    verdicts: set[Verdict] = set()
    for attack in attacks:
        compared = compare_under(section, small, large, attack)
        if not compared:
            continue
        telling = most_telling(compared)
        sentences.append(f"{verdict_sentence(claim.format(attack=attack), compared)} The clearest is {telling.text}.")
        sentences += [_trend(models, attack, telling.norm, telling.epsilon)] if trend else []
        summaries.append(f"{attack} {telling.text}")
        verdicts.add(judge(compared))
    if not sentences:
        return None
    verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "undecided"
    text = f"h = {format_number(step_of(small))} ({small.label}) against h = {format_number(step_of(large))} "
    text += f"({large.label}). {' '.join(filter(None, sentences))} {_clean(large, small)} {remark} {ONE_TRAINING}"
    return Finding(name=name, text=text, summary="; ".join(summaries), verdict=verdict)


def _trend(models: Sequence[ModelRuns], attack: str, norm: str, epsilon: float) -> str:
    """The rank correlation of h with accuracy over all networks; empty without one."""
    points = [
        (step_of(model), found.mean)
        for model in models
        if (found := model.accuracy(AttackBudget(attack=attack, norm=norm, epsilon=epsilon))) is not None
    ]
    result = rank_correlation([h for h, _ in points], [accuracy for _, accuracy in points])
    if result is None:
        return ""
    return (
        f"Over all {result.n} step sizes there Spearman's ρ of h with the accuracy left is "
        f"{format_number(result.rho, digits=2)} (p = {format_number(result.p_value, digits=2)}; negative: smaller "
        f"steps keep more)."
    )


def _clean(large: ModelRuns, small: ModelRuns) -> str:
    """The accuracies of both without an attack."""
    found = [model.theory_number("clean_accuracy") for model in (small, large)]
    if found[0] is None or found[1] is None:
        return ""
    return f"Without an attack: {format_share(found[0].mean)} against {format_share(found[1].mean)}."


def steps_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """The figure, its numbers, and what its limit is."""
    del styles
    groups = step_groups(section)
    figure = steps_figure(section, groups, name=f"{prefix}step-size-accuracy")
    if figure is None:
        return None
    text = (
        "The paper lets h shrink at fixed depth n. Then T = nh tends to 0 with it, each block tends to the identity, "
        "and what is left is a network of the layers outside the branches. The limit that the theorem speaks of is "
        "another one: T = nh stays fixed while h falls, so that n grows. Both are drawn. The control has the step "
        "where the normalisation after it divides h out again, so that its h changes nothing but rounding.",
        "Attacks on the network itself say more than images transferred from another network, which fool less the less "
        "the two have in common.",
    )
    models = [*groups.fixed_depth, *groups.fixed_time[1:], *groups.cancelled]
    return ExperimentPart(
        heading="Accuracy over the step size", text=text, figure=figure, tables=(_table(section, models),)
    )


def _table(section: Section, models: Sequence[ModelRuns]) -> Table:
    """A row per network, a column per attack and radius."""
    budgets = [budget for budget in section.budgets if budget.epsilon > 0]
    columns = [
        Column(heading="Model", numeric=False),
        Column(heading="Clean", note="same images"),
        *(Column(heading=f"{b.attack}, ε = {format_epsilon(b.epsilon)}", note=_sizes(models, b)) for b in budgets),
    ]
    rows: list[tuple[Cell, ...]] = []
    for model in models:
        clean = clean_accuracy(model, budgets[0].attack, budgets[0].norm)
        cells = [model.accuracy(budget) for budget in budgets]
        rows.append((
            text_cell(model.label),
            missing_cell() if clean is None else text_cell(format_share(clean.mean)),
            *(missing_cell() if c is None else text_cell(format_share(c.mean, kind="upper")) for c in cells),
        ))  # fmt: skip
    caption = "The numbers of the figure: accuracy under each attack, an upper bound of the robust accuracy."
    return Table(caption=caption, columns=tuple(columns), rows=tuple(rows))


def _sizes(models: Sequence[ModelRuns], budget: AttackBudget) -> str:
    """The n behind a column."""
    counts = {n for model in models if (found := model.accuracy(budget)) for n in found.counts if n is not None}
    return " or ".join(f"n = {count:,}" for count in sorted(counts))


FIGURE_1: Final = Experiment(
    key="fig1",
    title="Figure 1: the step size of a residual network",
    introduction=(
        "The paper claims that the smaller the step size h of a ResNet-56, the more accurate it is on FGSM images made "
        "on a network with three residual blocks, because a residual network with h → 0 is a Neural ODE.",
        "Where a label says another depth or width than ResNet-56, the network stands in for the paper's; the source "
        "of the transferred images, ResNet-8, has three residual blocks. All numbers under attack are upper bounds of "
        "the robust accuracy.",
    ),
    finders=(own_attacks, transferred, fixed_time, control, weak_against_strong, transfer_beats_own),
    parts=(steps_part,),
    claims=(
        Claim(
            text="Networks with smaller steps keep more accuracy on transferred FGSM images.",
            place="section 3, Figure 1",
            finding="figure1-transfer",
        ),
        Claim(
            text="Smaller steps at fixed T, the theorem's own limit, make the network more robust.",
            place="Theorem 3.2, not tested there",
            finding="figure1-fixed-time",
        ),
    ),
    curves=some_steps,
    curves_note="Of the networks only the two largest steps, the smallest one, those with T fixed and the control "
    "are drawn; the others are in the figure over the step size and in the tables.",
)
