"""Networks whose trunk cannot expand a perturbation, against the plain ResNet and the Neural ODE."""

from typing import Final

from natrob_empirical.reporting.findings.finding import Finding, Verdict
from natrob_empirical.reporting.formatting import format_budget, format_share, join_words
from natrob_empirical.reporting.image_bounds import best_radii
from natrob_empirical.reporting.model_pairs import (
    BudgetComparison,
    compare_strongest,
    compare_under,
    judge,
    p_phrase,
)
from natrob_empirical.reporting.record_groups import ModelRuns, Section

CONTRACTIVE_NETWORKS: Final = ("gradient_flow", "skew_gradient_flow", "dissipative")
RIVALS: Final = {"euler": "the plain ResNet", "neural_ode": "the Neural ODE"}
LANDMARKS: Final = {"digits": (0.3,), "mnist": (0.5, 1.58), "cifar10": (36 / 255,)}
"""L2 radii at which certified accuracies of a data set are usually compared."""


def contractive_networks(section: Section) -> Finding | None:
    """Each against each rival under AutoAttack at every radius, with the certified accuracies."""
    own = contractive_models(section)
    if not own:
        return None
    pairs = contractive_pairs(section)
    sentences = [_pair_sentence(first, second, compared) for first, second, compared in pairs]
    sentences += [text for model in own if (text := _certified_sentence(section, model))]
    if not sentences:
        return None
    text = f"Networks whose trunk cannot expand a perturbation: {' '.join(sentences)}"
    verdicts: set[Verdict] = {judge(compared) for _, _, compared in pairs}
    verdict: Verdict = "undecided"
    if len(verdicts) < 2:
        verdict = verdicts.pop() if verdicts else "not tested here"
    summary = "; ".join(f"{first.label} against {second.label}: {judge(found)}" for first, second, found in pairs)
    return Finding(name="contractive", text=text, summary=summary, verdict=verdict)


def contractive_models(section: Section) -> list[ModelRuns]:
    """The attacked or certified models whose trunk is contractive by construction."""
    return [model for model in section.models if model.network in CONTRACTIVE_NETWORKS]


def contractive_pairs(section: Section) -> list[tuple[ModelRuns, ModelRuns, list[BudgetComparison]]]:
    """(contractive, rival, comparisons at every radius): under AutoAttack where both met it, else under all attacks."""
    rivals = [rival for network in RIVALS if (rival := _rival(section, network)) is not None]
    autoattack = next((label for label in section.attacks if section.kind_of(label) == "AutoAttack"), None)
    found = []
    for model in contractive_models(section):
        for rival in rivals:
            compared = [] if autoattack is None else compare_under(section, model, rival, autoattack)
            compared = compared or compare_strongest(section, model, rival)
            if compared:
                found.append((model, rival, compared))
    return found


def _rival(section: Section, network: str) -> ModelRuns | None:
    """The plainly trained network of this class, of several the one with the largest step: h = 1 is the ResNet."""
    found = [model for model in section.models if model.network == network and model.attacks]
    plain = [model for model in found if model.training in {"standard", "plain"}]
    return max(plain or found, key=lambda model: model.step_size or 0.0, default=None)


def _pair_sentence(first: ModelRuns, second: ModelRuns, compared: list[BudgetComparison]) -> str:
    """At how many radii it keeps more, at how many beyond chance, and the numbers radius by radius."""
    higher = sum(each.comparison.difference > 0 for each in compared)
    beyond, behind = (sum(each.direction == sign for each in compared) for sign in (1, -1))
    listed = join_words(
        [
            f"{format_share(each.comparison.first, kind='upper')} against "
            f"{format_share(each.comparison.second, kind='upper')} at {format_budget(each.norm, each.epsilon)} "
            f"({p_phrase(each.adjusted)})"
            for each in compared
        ]
    )
    where = "every radius" if higher == len(compared) else f"{higher} of {len(compared)} radii"
    counts = f"beyond chance at {beyond}" + (f", behind beyond chance at {behind}" if behind else "")
    images = sorted({each.comparison.n for each in compared})
    n = f"n = {images[0]:,}" + (f" to {images[-1]:,}" if len(images) > 1 else "")
    return (
        f"Under {compared[0].attack} {first.label} keeps more than {second.label} at {where} ({counts}; upper bounds, "
        f"{n}, exact McNemar tests adjusted by Holm's method): {listed}."
    )


def _certified_sentence(section: Section, model: ModelRuns) -> str:
    """Clean and certified accuracy at the data set's landmarks, of the lowest seed; empty without radii."""
    for seed, theory in sorted(model.theory.items()):
        radii = best_radii(theory, "L2")
        if not radii:
            continue
        shares = [
            f"{format_share(sum(0 < r >= e for r in radii) / len(radii), kind='lower')} at {format_budget('L2', e)}"
            for e in LANDMARKS.get(section.dataset, ())
        ]
        if shares:
            clean = format_share(theory.clean_accuracy.value)
            return (
                f"{model.label} (seed {seed}) is certified on {join_words(shares)} (lower, n = {len(radii):,}) at a "
                f"clean accuracy of {clean}."
            )
    return ""
