"""Whether what the theorem bounds tells which images an attack fools, in words, and only as far as intervals go."""

from collections.abc import Sequence

from natrob_empirical.display.formatting import (
    NORM_SIGNS,
    format_budget,
    format_interval,
    format_number,
    format_sample_size,
    join_words,
)
from natrob_empirical.reporting.across_models import AcrossModels, across_models, judged_accuracy
from natrob_empirical.reporting.explanation import (
    GROWTH_OF_TRUNK,
    GROWTH_TO_FEATURES,
    HIGHEST_SHARE,
    LOWEST_SHARE,
    QUANTITIES,
    Explanation,
    Quantity,
    explanations,
)
from natrob_empirical.reporting.finding import Finding, Verdict, count_of
from natrob_empirical.reporting.record_groups import Section, ordered_norms
from natrob_empirical.statistics.bootstrap import RESAMPLES, RESAMPLING_SEED, Interval
from natrob_empirical.statistics.rank_correlation import FEW_MODELS


def sample_explanation(section: Section) -> Finding | None:
    """Norm by norm, which quantities tell fooled from kept images, for how many models, with the intervals."""
    found = [each for each in explanations(section) if each.separation is not None]
    if not found:
        return None
    text = "Which images do the attacks fool? Judged at the radius at which the attacks of a norm that saw the most "
    text += "images, together, fool nearest to half of those classified correctly, and only where they fool between "
    text += f"{100 * LOWEST_SHARE:g} % and {100 * HIGHEST_SHARE:g} %; AUROC with 95 % bootstrap intervals over images "
    text += f"(B = {RESAMPLES:,}, seed {RESAMPLING_SEED}), models and seeds apart, what orders a model's images alike "
    text += "counted once. The growth bound is one number a model and cannot tell its images apart. "
    norms = ordered_norms({each.norm for each in found})
    text += " ".join(_norm_sentence([each for each in found if each.norm == norm], norm) for norm in norms)
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
    text += f"(upper, the same {judged.images:,} images), p-values adjusted over the quantities: "
    text += f"{'; '.join(map(_model_phrase, found))}."
    count = max(each.models for each in found)
    if count < FEW_MODELS:
        text += f" A correlation over {count} models says little."
    return Finding(name="model-explanation", text=text)


def _norm_sentence(found: Sequence[Explanation], norm: str) -> str:
    """Which quantities tell fooled from kept images in every case of one norm, which in some, which in none."""
    words = {
        "everywhere": "in every case that could be judged by",
        "somewhere": "in some cases only by",
        "nowhere": "in no case by",
    }
    phrases: dict[str, list[str]] = {word: [] for word in words}
    for quantity in QUANTITIES:
        own = [each for each in found if each.quantity == quantity]
        if own:
            shown = sum(each.support == "explains" for each in own)
            where = "everywhere" if shown == len(own) else "somewhere" if shown else "nowhere"
            phrases[where].append(_quantity_phrase(quantity, own, shown))
    parts = [f"{words[where]} the {join_words(listed)}" for where, listed in phrases.items() if listed]
    return f"In {NORM_SIGNS.get(norm, norm)} fooled images are told from kept ones {'; '.join(parts)}."


def _quantity_phrase(quantity: Quantity, own: Sequence[Explanation], shown: int) -> str:
    """ "normalised margin (3 of 3 trained models, n = 958 to 989, AUROC 0.95 [0.93, 0.97] to 1 [0.99, 1])"."""
    images = format_sample_size(tuple(each.images for each in own))
    judged = [each.separation for each in own if each.separation is not None]
    text = f"{quantity.name} ({count_of(shown, len(own), 'trained model')}, {images}, AUROC {_range(judged)}"
    reverse = sum(each.support == "the reverse" for each in own)
    return f"{text}, the reverse of what the theory says for {reverse:,})" if reverse else f"{text})"


def _range(found: Sequence[Interval]) -> str:
    """The lowest and the highest value, each with its interval."""
    low, high = (pick(found, key=lambda interval: interval.value) for pick in (min, max))
    return _shown(low) if low is high else f"{_shown(low)} to {_shown(high)}"


def _shown(interval: Interval) -> str:
    return format_interval(interval.value, interval.low, interval.high)


def _summary(growth: Sequence[Explanation]) -> str:
    """For the table of claims: in how many cases amplification tells fooled from kept images."""
    if not growth:
        return ""
    counts = {support: sum(each.support == support for each in growth) for support in ("explains", "the reverse")}
    return (
        f"measured amplification tells fooled from kept images in {counts['explains']} of {len(growth)} distinct "
        f"cases that could be judged, says the reverse in {counts['the reverse']}"
    )


def _verdict(growth: Sequence[Explanation]) -> Verdict:
    """Judges that amplification decides which images are fooled: shown in every case, or only the reverse."""
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
    text += f"p = {format_number(each.adjusted, digits=2)} after Holm's method): "
    if not each.decided:
        return text + "no association is shown"
    agrees = each.correlation.rho * each.direction > 0
    return text + ("an association as the theory suggests" if agrees else "an association AGAINST what the theory says")
