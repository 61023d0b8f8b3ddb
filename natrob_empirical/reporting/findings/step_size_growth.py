"""The finding of the sweep over step sizes: small steps matter for fields whose exact flow does not expand."""

from natrob_empirical.display.formatting import clean_text, format_number, join_words
from natrob_empirical.records import FieldGrowth, Number, StepSizePoint, StepSizeResult
from natrob_empirical.reporting.finding import Finding
from natrob_empirical.reporting.record_groups import Section

_ROUNDING = 1e-6  # relative: the growth found is float64 arithmetic over many steps


def step_size_growth(section: Section) -> Finding | None:
    """Growth at h near 1 against growth at the finest step, at fixed T; an alarm if a bound is exceeded."""
    result = section.step_sizes
    if result is None or not any(field.points for field in result.fields):
        return None
    broken = sorted({clean_text(field.label) for field in result.fields if any(map(_breaks, field.points))})
    text = describe_step_sizes(result)
    if broken:
        text = f"BUG: growth above a proved bound in the sweep over step sizes ({join_words(broken)}). {text}"
        return Finding(name="step-size-growth", text=text, level="alarm", verdict="does not hold")
    return Finding(name="step-size-growth", text=text)


def describe_step_sizes(result: StepSizeResult) -> str:
    """The sweep in sentences."""
    fields = [field for field in result.fields if field.points]
    sentences = [sentence for field in fields if (sentence := _sentence(field))]
    if fields:
        coarse, fine = nearest_one(fields[0]), finest(fields[0])
        sentences.append(
            f"(1 + hK)^n cannot tell these fields apart and goes the other way, from "
            f"{format_number(coarse.from_lipschitz.value, kind='upper')} to "
            f"{format_number(fine.from_lipschitz.value, kind='upper')}."
        )
    contractive = [field for field in fields if field.exact_flow.value < 1 < nearest_one(field).measured.value]
    if contractive:
        size = format_number(nearest_one(contractive[0]).step_size)
        sentences.append(f"So Euler's method can expand at h = {size} where every two exact solutions approach.")
    return " ".join(
        [f"At T = {format_number(result.total_time)}, Euler's method on untrained fields of equal K.", *sentences]
    )


def _sentence(field: FieldGrowth) -> str:
    """One field whose exact flow does not expand; "" for the others, whose growth no step size removes."""
    if field.exact_flow.value > 1 + _ROUNDING:
        return ""
    coarse, fine = nearest_one(field), finest(field)
    found, bound = coarse.measured.value, best_bound(coarse)
    return (
        f"The field “{clean_text(field.label)}”: at h = {format_number(coarse.step_size)} some pair grows by "
        f"{format_number(found, kind='lower')} (bound {format_number(bound, kind='upper')}), "
        f"at h = {format_number(fine.step_size)} none by more than {format_number(best_bound(fine), kind='upper')}, "
        f"in the exact flow none by more than {format_number(field.exact_flow.value, kind='upper')}."
    )


def nearest_one(field: FieldGrowth) -> StepSizePoint:
    """The point whose step size is nearest to 1, the residual network's; the coarser of two."""
    return min(field.points, key=lambda point: (abs(point.step_size - 1.0), -point.step_size))


def finest(field: FieldGrowth) -> StepSizePoint:
    """The point with the smallest step."""
    return min(field.points, key=lambda point: point.step_size)


def best_bound(point: StepSizePoint) -> float:
    """The smallest upper bound at this step size."""
    return min(bound.value for bound in _bounds(point))


def exceeds(found: Number, bound: Number) -> bool:
    """Whether a growth that was found contradicts an upper bound."""
    return bound.kind == "upper" and found.value > bound.value * (1 + _ROUNDING)


def _bounds(point: StepSizePoint) -> list[Number]:
    bounds = (point.from_lipschitz, point.from_one_sided, point.from_gradient_flow)
    return [bound for bound in bounds if bound is not None]


def _breaks(point: StepSizePoint) -> bool:
    return any(exceeds(point.measured, bound) for bound in _bounds(point))
