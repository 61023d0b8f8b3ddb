"""Networks whose trunk cannot expand a perturbation, against the plain networks and the best control."""

from collections.abc import Callable, Sequence
from typing import Final

from natrob_empirical.display.formatting import (
    format_budget,
    format_number,
    format_sample_size,
    format_share,
    join_words,
)
from natrob_empirical.records import share_certified
from natrob_empirical.reporting.contractive_pairs import ContractivePair, contractive_models, contractive_pairs
from natrob_empirical.reporting.finding import Finding, Verdict
from natrob_empirical.reporting.image_bounds import best_radii
from natrob_empirical.reporting.model_pairs import BudgetComparison, p_phrase
from natrob_empirical.reporting.record_groups import ModelRuns, Section

LANDMARKS: Final = {"digits": (0.3,), "mnist": (0.5, 1.58), "cifar10": (36 / 255,)}
"""L2 radii at which certified accuracies of a data set are usually compared."""


def contractive_networks(section: Section) -> Finding | None:
    """Says what is proved of the networks' order, what else differs between them, and what attacks leave."""
    own = contractive_models(section)
    pairs = contractive_pairs(section)
    sentences = [text for text in (_proofs(pairs), _confounders(pairs)) if text]
    sentences += _attack_sentences(pairs)
    sentences += [text for model in own if (text := _certified_sentence(section, model))]
    if not sentences:
        return None
    text = f"Networks whose trunk cannot expand a perturbation: {' '.join(sentences)}"
    return Finding(name="contractive", text=text, summary=_summary(pairs), verdict=_verdict(pairs))


def _proofs(pairs: Sequence[ContractivePair]) -> str:
    """Where a lower bound of one exceeds an upper bound of the other, so that no attack could turn the two round."""
    if not pairs:
        return ""
    proofs = [(pair.first, pair.second, pair.proved) for pair in pairs if pair.proved]
    proofs += [(pair.second, pair.first, pair.refuted) for pair in pairs if pair.refuted]
    if not proofs:
        return "At no radius does a certified accuracy exceed an accuracy under attack of another."
    sentences = []
    for label in dict.fromkeys(first.label for first, _, _ in proofs):
        own = [(second, proved) for first, second, proved in proofs if first.label == label]
        images = format_sample_size(tuple(each.comparison.n for _, proved in own for each in proved))
        listed = join_words([_proved_phrase(second, proved) for second, proved in own])
        sentences.append(
            f"The certified accuracy (lower) of {label} exceeds the attacked accuracy (upper, all attacks together, "
            f"the same images, {images}) of {listed}."
        )
    text = f"{' '.join(sentences)} There the order of the true robust accuracies on these images is proved, whatever "
    return text + "the attack; p (exact McNemar tests adjusted by Holm's method) is about the choice of images."


def _proved_phrase(second: ModelRuns, proved: Sequence[BudgetComparison]) -> str:
    """The other network, at how many radii, and the one at which the two are farthest apart."""
    most = max(proved, key=lambda each: each.comparison.difference)
    where = "1 radius (" if len(proved) == 1 else f"{len(proved)} radii (the most at "
    return (
        f"{second.label} at {where}{format_budget(most.norm, most.epsilon)}: "
        f"{format_share(most.comparison.first, kind='lower')} against "
        f"{format_share(most.comparison.second, kind='upper')}, {p_phrase(most.adjusted)})"
    )


def _confounders(pairs: Sequence[ContractivePair]) -> str:
    """In what else the compared networks differ; empty if the records show no difference."""
    known: tuple[tuple[str, Callable[[ModelRuns], str]], ...] = (
        ("parameters", _parameters),
        ("epochs", lambda model: str(model.recipe.get("epochs", ""))),
        ("training method", lambda model: model.training),
    )
    phrases = []
    for name, value in known:
        if any(value(pair.first) != value(pair.second) for pair in pairs):
            sides = [_values([value(model) for model in side]) for side in (_firsts(pairs), _seconds(pairs))]
            phrases.append(f"{name} ({sides[0]} against {sides[1]})")
    if not phrases:
        return ""
    return f"The networks compared differ in {join_words(phrases)}, so the trunk's structure is not all that differs."


def _firsts(pairs: Sequence[ContractivePair]) -> list[ModelRuns]:
    return [pair.first for pair in pairs]


def _seconds(pairs: Sequence[ContractivePair]) -> list[ModelRuns]:
    return [pair.second for pair in pairs]


def _values(found: Sequence[str]) -> str:
    """Every value once."""
    return join_words(list(dict.fromkeys(value or "not recorded" for value in found)))


def _parameters(model: ModelRuns) -> str:
    """The number of parameters, of the lowest seed."""
    return f"{model.theory[min(model.theory)].parameters:,}" if model.theory else ""


def _attack_sentences(pairs: Sequence[ContractivePair]) -> list[str]:
    """One sentence a contractive network and attack, on all that it is compared with."""
    groups: dict[tuple[str, str, str], list[ContractivePair]] = {}
    for pair in pairs:
        if pair.compared:
            images = format_sample_size(tuple(each.comparison.n for each in pair.compared))
            groups.setdefault((pair.first.label, pair.compared[0].attack, images), []).append(pair)
    return [
        f"Under {attack} (upper bounds, {images}, exact McNemar tests adjusted by Holm's method) {label} keeps more "
        f"than {join_words([_attack_phrase(pair) for pair in own])}."
        for (label, attack, images), own in groups.items()
    ]


def _attack_phrase(pair: ContractivePair) -> str:
    """At how many radii it keeps more than the other, at how many beyond chance, and the range of the differences."""
    compared = pair.compared
    higher = sum(each.comparison.difference > 0 for each in compared)
    beyond, behind = (sum(each.direction == sign for each in compared) for sign in (1, -1))
    where = "every radius" if higher == len(compared) else f"{higher} of {len(compared)} radii"
    counts = f"beyond chance at {beyond}" + (f", behind beyond chance at {behind}" if behind else "")
    differences = [each.comparison.difference for each in compared]
    low, high = (format_number(pick(differences), digits=2) for pick in (min, max))
    spread = f"differences {low} to {high}" if low != high else f"difference {low}"
    second = f"{pair.second.label} (the control that keeps most)" if pair.control else pair.second.label
    return f"{second} at {where} ({counts}; {spread})"


def _certified_sentence(section: Section, model: ModelRuns) -> str:
    """Clean and certified accuracy at the data set's landmarks, of the lowest seed; empty without radii."""
    for seed, theory in sorted(model.theory.items()):
        radii = best_radii(theory, "L2")
        if not radii:
            continue
        shares = [
            f"{format_share(share_certified(radii, e), kind='lower')} at {format_budget('L2', e)}"
            for e in LANDMARKS.get(section.dataset, ())
        ]
        if shares:
            clean = format_share(theory.clean_accuracy.value)
            return (
                f"{model.label} (seed {seed}) is certified on {join_words(shares)} (lower, n = {len(radii):,}) at a "
                f"clean accuracy of {clean}."
            )
    return ""


def _summary(pairs: Sequence[ContractivePair]) -> str:
    """For the table of claims: of how many pairs it holds, of how many it is proved, and that more differs."""
    if not pairs:
        return ""
    ahead = sum(pair.verdict == "holds" for pair in pairs)
    proved = sum(any(each.direction == 1 for each in pair.proved) for pair in pairs)
    text = f"ahead beyond chance, and nowhere behind, in {ahead} of {len(pairs)} pairs; certified above the other's "
    text += f"attacked accuracy, beyond chance, in {proved}"
    return f"{text}; other things differ too" if _confounders(pairs) else text


def _verdict(pairs: Sequence[ContractivePair]) -> Verdict:
    """The verdict that all pairs agree on."""
    verdicts: set[Verdict] = {pair.verdict for pair in pairs}
    if not verdicts:
        return "not tested here"
    return verdicts.pop() if len(verdicts) == 1 else "undecided"
