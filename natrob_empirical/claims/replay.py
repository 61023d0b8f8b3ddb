"""The judgement where the paper's own network was not run: what the nearest smaller Neural ODE keeps."""

from collections.abc import Sequence

from natrob_empirical.claims.claim import Evidence
from natrob_empirical.claims.judgement import Judgement, Source
from natrob_empirical.claims.network_numbers import numbers_of
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_epsilon, format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.run import Model, Run, titled


def nearest_replay(
    evidence: Evidence, *, dataset: str, epsilon: float, norm: str = "Linf", attack: str = ""
) -> Judgement:
    """Says that the paper's network was not run, and what the nearest plainly trained Neural ODE keeps.

    The nearest is on the same data set, at the nearest radius, met the same attack, with the most channels and images.

    Args:
        evidence: with its runs.
        dataset: the claim's.
        epsilon: the radius; 0 for the accuracy without an attack.
        norm: of the attacks.
        attack: the claim's, by its label; none for the accuracy without one.
    """
    models = [(run, m) for run in evidence.runs for m in run.models if m.is_neural_ode and m.plain and m.clean_accuracy]
    found = [each for each in models if not epsilon or _radii(each[1], norm)]
    if not found:
        return Judgement(verdict=Verdict.NOT_RUN, reason="The paper’s network was not run, and no smaller one either.")
    run, model = max(found, key=lambda each: (each[0].dataset == dataset, *_nearness(*each, norm, epsilon, attack)))
    place = "" if run.dataset == dataset else f" on {titled(run.dataset)}"
    network = f"The paper’s network was not run; one of {model.specification.get('channels', 'fewer')} channels"
    if epsilon:
        radius = _nearest(_radii(model, norm), epsilon)
        numbers = numbers_of(run, model, norm, radius)
        left = numbers["attacked"]
        share = "" if left is None else measured(format_percent(left.value, kind="upper"))
        reason = f"{network} keeps at most {share}{place} at ε = {format_epsilon(radius)}"
        reason += "." if left is None else f" (n = {left.n:,})."
        return Judgement(verdict=Verdict.NOT_RUN, reason=reason, **numbers)
    source = Source(kind="records", name=f"{run.name}: {model.label}", says="clean accuracy")
    clean = model.clean_accuracy
    share = (
        "" if clean is None else f"{measured(format_percent(clean.value))}{place} without an attack (n = {clean.n:,})."
    )
    return Judgement(verdict=Verdict.NOT_RUN, reason=f"{network} classifies {share}", sources=[source])


def _nearness(run: Run, model: Model, norm: str, epsilon: float, attack: str) -> tuple[float, bool, int, int, int]:
    met = any((named := run.attack_of(budget.attack)) and named.label == attack for budget in model.attacks)
    images = max((r.accuracy.n or 0 for b, r in model.attacks.items() if b.norm == norm), default=0)
    off = abs(_nearest(_radii(model, norm), epsilon) - epsilon) if epsilon else 0.0
    return -off, met, int(model.specification.get("channels", 0)), len(model.attacks), images


def _radii(model: Model, norm: str) -> list[float]:
    return [b.epsilon for b, r in model.attacks.items() if b.norm == norm and b.epsilon > 0 and r.accuracy.n]


def _nearest(radii: Sequence[float], epsilon: float) -> float:
    return min(radii, key=lambda radius: abs(radius - epsilon))
