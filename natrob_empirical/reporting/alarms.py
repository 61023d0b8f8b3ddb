"""Proved inequalities that the records break: never any, but for a bug."""

from natrob_empirical.display.formatting import format_number
from natrob_empirical.evidence.certificate_checks import certificate_checks
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import Number

_ROUNDING = 1e-6  # relative; records round bounds outward, measured growth is float arithmetic


def alarms_of(run: Run) -> tuple[str, ...]:
    """Says of each broken inequality where it is: growth above a bound, lower above upper, a certificate fooled."""
    broken = [text for model in run.models for text in _growth(model)]
    broken += [f"{text}: a certificate is contradicted" for text in certificate_checks(run).broken]
    return tuple(f"{run.name}: {text}." for text in broken)


def _growth(model: Model) -> list[str]:
    theory = model.theory
    if theory is None:
        return []
    found = [
        f"{model.label}: {check.violations:,} of {check.comparisons:,} comparisons exceed a proved bound "
        f"({check.constant})"
        for check in theory.bound_checks
        if check.kind == "upper" and check.violations
    ]
    pairs: list[tuple[str, Number | None, Number]] = [
        ("the lower bound of K is above its upper bound", theory.field_lipschitz_lower, theory.field_lipschitz_upper),
        ("the measured growth is above its bound", theory.measured_growth_largest, theory.growth_bound),
        ("the growth found by search is above its bound", theory.trunk_lipschitz_lower, theory.growth_bound),
    ]
    for complaint, low, high in pairs:
        if low is not None and low.value > high.value * (1 + _ROUNDING):
            found.append(f"{model.label}: {complaint} ({format_number(low.value)} > {format_number(high.value)})")
    return found
