"""Whether what the theorem bounds tells which images an attack fools, in words, and only as far as intervals go."""

from collections.abc import Sequence

from natrob_empirical.reporting.across_models import AcrossModels, across_models, judged_accuracy
from natrob_empirical.reporting.correlation import FEW_MODELS
from natrob_empirical.reporting.explanation import (
    GROWTH_OF_TRUNK,
    GROWTH_TO_FEATURES,
    QUANTITIES,
    Explanation,
    Support,
    explanations,
)
from natrob_empirical.reporting.findings.finding import Finding, Verdict, count_of
from natrob_empirical.reporting.formatting import NORM_SIGNS, format_budget, format_number, join_words
from natrob_empirical.reporting.record_groups import Section, ordered_norms
from natrob_empirical.reporting.resampling import RESAMPLES, RESAMPLING_SEED, Interval


def sample_explanation(section: Section) -> Finding | None:
    """Per quantity: for how many models it tells fooled from kept images, with the intervals."""
    found = [each for each in explanations(section) if each.separation is not None]
    if not found:
        return None
    text = "Which images do the attacks fool? The attacks of a norm that saw the most images, together, at the radius "
    text += "at which they fool nearest to half; "
    text += f"AUROC with 95 % bootstrap intervals over images (B = {RESAMPLES:,}, seed {RESAMPLING_SEED}), "
    text += "models and seeds apart. The growth bound is one number a model and cannot tell its images apart. "
    norms = ordered_norms({each.norm for each in found})
    text += " ".join(_norm_sentence([each for each in found if each.norm == norm], norm) for norm in norms)
    text += f" In short: {_conclusion(found)}."
    growth = [each for each in found if each.quantity in {GROWTH_OF_TRUNK, GROWTH_TO_FEATURES}]
    return Finding(name="sample-explanation", text=text, summary=_summary(growth), verdict=_verdict(growth))


def model_explanation(section: Section) -> Finding | None:
    """Across models: do bound, growth, margin and certified radius rank the accuracy under the strongest attack?"""
    judged = judged_accuracy(section)
    found = across_models(section, judged) if judged is not None else ()
    if judged is None or not found:
        return None
    attack = judged.attacks[0] if len(judged.attacks) == 1 else f"{join_words(judged.attacks)} together"
    text = f"Across models, against the accuracy under {attack} at {format_budget(judged.norm, judged.epsilon)} "
    text += f"(upper, the same {judged.images:,} images): {'; '.join(map(_model_phrase, found))}."
    count = max(each.models for each in found)
    if count < FEW_MODELS:
        text += f" A correlation over {count} models says little."
    return Finding(name="model-explanation", text=text)


def _norm_sentence(found: Sequence[Explanation], norm: str) -> str:
    """One norm, quantity by quantity."""
    parts = []
    for quantity in QUANTITIES:
        own = [each for each in found if each.quantity == quantity]
        if own:
            parts.append(f"the {quantity.name} {_support_phrase(own)}")
    return f"In {NORM_SIGNS.get(norm, norm)}: {'; '.join(parts)}."


def _conclusion(found: Sequence[Explanation]) -> str:
    """Which quantities explain it everywhere, which in no case, which in some."""
    words = {"everywhere": "told in every case by", "somewhere": "in some cases only by", "nowhere": "in no case by"}
    names: dict[str, list[str]] = {word: [] for word in words}
    for quantity in QUANTITIES:
        shown = [each.support == "explains" for each in found if each.quantity == quantity]
        if shown:
            names["everywhere" if all(shown) else "somewhere" if any(shown) else "nowhere"].append(quantity.name)
    parts = [f"{words[where]} the {join_words(listed)}" for where, listed in names.items() if listed]
    return f"fooled images are told from kept ones {'; '.join(parts).removeprefix('told ')}"


def _support_phrase(own: Sequence[Explanation]) -> str:
    """ "explains it for 2 of 3 models (AUROC 0.71 [0.60, 0.82] to …), for 1 of 3 models nothing is shown"."""
    words: dict[Support, str] = {
        "explains": "explains it for",
        "the reverse": "says the reverse of what the theory suggests for",
        "not shown": "is not shown to explain it for",
    }
    parts = []
    for support, word in words.items():
        some = [each for each in own if each.support == support]
        if some:
            shown = [each.separation for each in some if each.separation is not None]
            parts.append(f"{word} {count_of(len(some), len(own), 'trained model')} (AUROC {_range(shown)})")
    return ", ".join(parts)


def _range(found: Sequence[Interval]) -> str:
    """The lowest and the highest value, each with its interval."""
    low, high = (pick(found, key=lambda interval: interval.value) for pick in (min, max))
    return _shown(low) if low is high else f"{_shown(low)} to {_shown(high)}"


def _shown(interval: Interval) -> str:
    low = format_number(interval.low, kind="lower", digits=2)
    high = format_number(interval.high, kind="upper", digits=2)
    return f"{format_number(interval.value, digits=2)} [{low}, {high}]"


def _summary(growth: Sequence[Explanation]) -> str:
    """For the table of claims: of how many (model, norm) pairs amplification tells fooled from kept images."""
    if not growth:
        return ""
    counts = {support: sum(each.support == support for each in growth) for support in ("explains", "the reverse")}
    return (
        f"measured amplification tells fooled from kept images in {counts['explains']} of {len(growth)} cases, "
        f"says the reverse in {counts['the reverse']}"
    )


def _verdict(growth: Sequence[Explanation]) -> Verdict:
    """Of the claim that amplification decides which images are fooled: shown in every case, or only the reverse is."""
    supports = {each.support for each in growth}
    if not growth:
        return "not tested here"
    if supports == {"explains"}:
        return "holds"
    return "does not hold" if "the reverse" in supports and "explains" not in supports else "undecided"


def _model_phrase(each: AcrossModels) -> str:
    """One quantity over the models, claimed only where neither interval nor permutation allows chance."""
    if each.correlation is None or each.interval is None:
        return f"the {each.quantity} has no rank correlation (all alike)"
    text = f"the {each.quantity} has ρ = {_shown(each.interval)} (n = {each.models} models, permutation "
    text += f"p = {format_number(each.correlation.p_value, digits=2)}): "
    if not each.decided:
        return text + "no association is shown"
    agrees = each.correlation.rho * each.direction > 0
    return text + ("an association as the theory suggests" if agrees else "an association AGAINST what the theory says")
