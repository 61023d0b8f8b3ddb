"""Which images fall: does a quantity of an image tell fooled ones from kept ones?"""

import math
from collections.abc import Iterator, Mapping, Sequence

from natrob_empirical.display import Column, Part, measured
from natrob_empirical.display.formatting import format_budget, format_interval
from natrob_empirical.evidence.image_bounds import best_radii
from natrob_empirical.evidence.run import Model, Run, ordered_norms
from natrob_empirical.evidence.separation import separation
from natrob_empirical.records import TheoryResult
from natrob_empirical.reporting.parts.cells import count, key, quantity, table, words
from natrob_empirical.statistics.bootstrap import mid_ranks_within


def explanation(run: Run, model: Model) -> Part | None:
    """AUROC of each quantity the record has, oriented by the theory, with its interval over images."""
    theory = model.theory
    if theory is None:
        return None
    found = [
        (norm, name, *result)
        for norm in ordered_norms({budget.norm for budget in model.attacks})
        for name, scores in _scores(theory, norm)
        if (result := separation(model, norm, scores)) is not None
    ]
    lines = [
        (words(name), words(format_budget(norm, epsilon)), quantity(auroc.value),
         words(format_interval(auroc.value, auroc.low, auroc.high).partition(" ")[2]), count(auroc.n),
         words("yes" if auroc.low > 0.5 else "the reverse" if auroc.high < 0.5 else "not shown"))
        for norm, name, epsilon, auroc in found
    ]  # fmt: skip
    shown = table(
        key(run, model, what="explanation"), "All attacks together, where about half of the images fall.",
        ("Quantity·", "At·", Column(heading="AUROC", note="0.5 is chance"), "95 %·", "n", "Tells them apart·"), lines,
    )  # fmt: skip
    if shown is None:
        return None
    told = sum(auroc.low > 0.5 for *_, auroc in found)
    said = f"{measured(f'{told} of {len(found)}')} quantities tell fooled images from kept ones as the theory says."
    return Part(name="explanation", heading="Which images fall?", sentences=(said,), tables=(shown,), folded=True)


def _scores(theory: TheoryResult, norm: str) -> Iterator[tuple[str, Mapping[int, float]]]:
    """(quantity, position of an image → score), larger where the theory says that an image is easier to fool."""
    grown, margins = theory.amplification, theory.margins
    if grown is not None:
        for name, values in (
            ("growth in the trunk", grown.trunk_values),
            ("growth to the features", grown.feature_values),
        ):
            ranks = mid_ranks_within(values, list(grown.perturbations))  # found ones grow more than random ones
            yield name, dict(zip(grown.position_values, ranks, strict=True))
    constants = [each.constant_values for each in theory.certificates if each.norm == norm and each.constants]
    if constants:
        yield "local Lipschitz bound", dict(enumerate(map(min, zip(*constants, strict=False))))
    if margins is not None:
        yield "small margin of the logits", _small(margins.logit_values)
        yield "small normalised margin", _small(margins.normalised_values)
    if radii := best_radii(theory, norm):
        yield "small certified radius", _small(radii)


def _small(values: Sequence[float]) -> dict[int, float]:
    """Small values score high; images that could not be run have none."""
    return {position: -value for position, value in enumerate(values) if value > -math.inf}
