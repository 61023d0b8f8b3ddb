"""Table 1, Figures 2 and 3: is the Neural ODE more robust than the ResNet, and under which attacks?"""

from collections.abc import Callable, Mapping, Sequence

from natrob_empirical.display.formatting import format_sample_size, format_share, join_words
from natrob_empirical.reporting.experiments.experiment import ExperimentPart
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.finding import Finding, Verdict
from natrob_empirical.reporting.model_pairs import (
    STRONGEST,
    BudgetComparison,
    common_seed,
    compare_strongest,
    compare_under,
    judge,
    most_telling,
    verdict_sentence,
)
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.tables.comparisons import comparison_table
from natrob_empirical.reporting.tables.table import Table

_GRADIENT_ATTACKS_OF_THE_PAPER = frozenset({"FGSM", "PGD", "DI2FGSM"})


def is_neural_ode(model: ModelRuns) -> bool:
    """Whether it is a Neural ODE."""
    return model.network == "neural_ode"


def neural_ode_pairs(section: Section) -> list[tuple[ModelRuns, ModelRuns]]:
    """Every Neural ODE with every other model that was attacked under the same seed."""
    return [
        (ode, other)
        for ode in section.models
        for other in section.models
        if is_neural_ode(ode) and not is_neural_ode(other) and common_seed(ode, other) is not None
    ]


def attack_labels(section: Section) -> list[str]:
    """The attacks of the section, each once."""
    return list(dict.fromkeys(budget.attack for budget in section.budgets))


def under_strongest(section: Section) -> Finding | None:
    """The Neural ODE against the others under everything that was tried, image by image."""
    return _finding(
        section,
        name="neural-ode",
        claim="The Neural ODE is more robust than {other} under the strongest attack run",
        compare=lambda ode, other: [compare_strongest(section, ode, other)],
        remark="The accuracies are the best upper bounds that the records give: an image counts as robust only if no "
        "attack on that model fooled it.",
    )


def under_own_attacks(section: Section) -> Finding | None:
    """Compares attack by attack, for FGSM, PGD and DI²-FGSM on the model itself."""
    return _finding(
        section,
        name="neural-ode-gradient",
        claim="The Neural ODE is more robust than {other} under {attack}",
        compare=lambda ode, other: [
            compare_under(section, ode, other, attack)
            for attack in attack_labels(section)
            if section.source_of(attack) is None and section.identity_of(attack) in _GRADIENT_ATTACKS_OF_THE_PAPER
        ],
        remark="What an attack leaves is an upper bound; a model can be ahead here because its gradients are worse to "
        "follow.",
    )


def without_gradients(section: Section) -> Finding | None:
    """Compares under attacks that see no gradient."""
    return _finding(
        section,
        name="neural-ode-queries",
        claim="The Neural ODE is more robust than {other} under {attack}",
        compare=lambda ode, other: [
            compare_under(section, ode, other, attack)
            for attack in attack_labels(section)
            if section.kind_of(attack) in {"score", "decision"}
        ],
        remark="A walk with few queries ends far from the nearest wrong image: a weak upper bound.",
    )


def under_transfer(section: Section) -> Finding | None:
    """Each model under the images that were made on the other."""
    return _finding(
        section,
        name="neural-ode-transfer",
        claim="The Neural ODE is more robust than {other} under {attack}",
        compare=lambda ode, other: _transfers(section, ode, other),
        remark="Transferred images need no gradient of the model that they are shown to.",
    )


def _transfers(section: Section, ode: ModelRuns, other: ModelRuns) -> list[list[BudgetComparison]]:
    """Pairs each attack with the one made on the other model, both ways."""
    made_on = [
        {
            section.identity_of(attack): attack
            for attack in attack_labels(section)
            if section.source_of(attack) == model.name
        }
        for model in (other, ode)
    ]
    return [
        compare_under(
            section, ode, other, onto_ode, second_attack=made_on[1][kind], name=f"{kind} images from each other"
        )
        for kind, onto_ode in made_on[0].items()
        if kind in made_on[1]
    ]


def _finding(
    section: Section,
    *,
    name: str,
    claim: str,
    compare: Callable[[ModelRuns, ModelRuns], Sequence[list[BudgetComparison]]],
    remark: str,
) -> Finding | None:
    """One sentence per pair of models and attack, with the comparison that tells most."""
    sentences: list[str] = []
    verdicts: set[Verdict] = set()
    summaries: list[str] = []
    for ode, other in neural_ode_pairs(section):
        for compared in filter(None, compare(ode, other)):
            said = claim.format(other=other.label, attack=compared[0].attack)
            telling = most_telling(compared)
            sentences.append(f"{verdict_sentence(said, compared)} The clearest is {telling.text}.")
            summaries.append(f"{telling.attack} {telling.text}")
            verdicts.add(judge(compared))
    if not sentences:
        return None
    seed = "" if len(section.seeds) == 1 else " Seeds share their images, so that only the first one is compared."
    verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "undecided"
    return Finding(
        name=name,
        text=f"{' '.join(sentences)} {remark}{seed} {clean_accuracies(section)}",
        summary="; ".join(summaries) if len(summaries) < 3 else f"{len(summaries)} comparisons, see the findings",
        verdict=verdict,
    )


def clean_accuracies(section: Section) -> str:
    """ "Clean accuracy: Neural ODE 0.962 (n = 500), ResNet-50 0.981 (n = 500)."; empty without theory records."""
    found = [(model, model.theory_number("clean_accuracy")) for model in section.models]
    parts = [
        f"{model.label} {format_share(summary.mean)} ({format_sample_size(summary.counts)})"
        for model, summary in found
        if summary is not None
    ]
    return f"Without an attack: {join_words(parts)}." if parts else ""


def pairs_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Tables of every attack and budget, Neural ODE beside each other model."""
    del prefix, styles
    tables = [_pair_table(section, ode, other) for ode, other in neural_ode_pairs(section)]
    shown = tuple(table for table in tables if table.rows)
    if not shown:
        return None
    text = (
        "Every row compares both models on the same images, image by image where the outcomes were kept. What an "
        f"attack leaves is an upper bound of the robust accuracy. “{STRONGEST}” counts an image as robust only if no "
        "attack run on that model, transferred images among them, fooled it: the best upper bound there is here.",
    )
    return ExperimentPart(heading="Neural ODE and ResNet on the same images", text=text, tables=shown)


def _pair_table(section: Section, ode: ModelRuns, other: ModelRuns) -> Table:
    """Every comparison of one pair, the strongest last."""
    compared = [row for attack in attack_labels(section) for row in compare_under(section, ode, other, attack)]
    compared += [row for rows in _transfers(section, ode, other) for row in rows]
    return comparison_table(ode.label, other.label, [*compared, *compare_strongest(section, ode, other)])
