"""The step size: accuracy of residual networks over h, and the growth of untrained fields over h at fixed T."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import altair as alt

from natrob_empirical.display import Figure, Part, measured
from natrob_empirical.display.formatting import clean_text, format_budget, format_number, format_percent
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.records import FieldGrowth, Number
from natrob_empirical.reporting.parts.ceiling_line import ceiling_note, ceiling_rules
from natrob_empirical.reporting.parts.cells import key, number, only, quantity, table, words
from natrob_empirical.reporting.parts.chart import (
    GRAY,
    PALETTE,
    SHAPES,
    drawn,
    log_axis,
    make_figure,
    rows,
    series,
    share_axis,
    tips,
)

_FEWEST: Final = 3
_LINES: Final = {"found at least": [1, 0], "bound from (μ, K)": [6, 3], "(1 + hK)ⁿ": [2, 3]}
_CLEAN: Final = "without an attack"


def accuracy_over_steps(run: Run) -> Part | None:
    """Accuracy of residual networks that differ in h, clean and under each attack; None for under three of them."""
    networks = [m for m in run.models if m.network == "resnet" and m.attacks and m.step_size]
    after = [m for m in networks if m.specification.get("step_placement") != "before_norm"]
    depth = max(Counter(map(_depth, after)).items(), key=lambda pair: (pair[1], -pair[0]), default=(0, 0))[0]
    fixed_depth = [m for m in after if _depth(m) == depth]
    if len({m.step_size for m in fixed_depth}) < _FEWEST:
        return None
    budgets = _chosen(run, fixed_depth)
    large, small = (pick(fixed_depth, key=lambda m: m.step_size or 0.0) for pick in (max, min))
    clean = [format_percent(m.clean_accuracy.value) if m.clean_accuracy else "–" for m in (large, small)]
    sizes = [format_number(m.step_size or 0.0) for m in (large, small)]
    places = [(b.norm, b.epsilon, m.attacks[b].accuracy.n or 0) for b in budgets for m in networks if b in m.attacks]
    ceiling = ceiling_rules(run, places)
    layers = [*_accuracy_layers(networks, depth, budgets), *ceiling]
    figure = make_figure(
        layers, name=key(run, what="steps"), title="Accuracy over the step size",
        alt_text=f"From h = {sizes[0]} to {sizes[1]} clean accuracy goes from {clean[0]} to {clean[1]}; "
        "attacked lines are upper bounds.",
        caption="Lines: depth fixed. Hollow: other depths with T fixed, or h before a normalisation. Upper bounds."
        + ceiling_note(ceiling),
    )  # fmt: skip
    sentence = f"Without any attack h = {sizes[1]} leaves {measured(clean[1])}, h = {sizes[0]} {measured(clean[0])}."
    return Part(name="steps", heading="Accuracy over the step size", sentences=(sentence,), figure=figure)


def step_size_sweep(run: Run) -> Part | None:
    """Growth of untrained fields of equal K over T against h; None without a sweep."""
    fields = [field for field in (run.sweep.fields if run.sweep else ()) if field.points]
    if run.sweep is None or not fields:
        return None
    shown = table(
        key(run, what="sweep"),
        f"Euler’s method to T = {format_number(run.sweep.total_time)}, n steps of h = T/n.",
        ("Field·", "h", "n", "Growth found at least", "(1 + hK)ⁿ", "From (μ, K)", "Gradient flow", "Exact flow"),
        [(words(clean_text(f.label)), quantity(p.step_size), quantity(p.num_steps), number(p.measured),
          number(p.from_lipschitz), number(p.from_one_sided), number(p.from_gradient_flow), number(f.exact_flow))
         for f in fields for p in f.points],
    )  # fmt: skip
    coarse, fine = _ends(fields[0])
    sentence = f"(1 + hK)ⁿ cannot tell these fields apart: {measured(coarse)} at the largest h, then {measured(fine)}."
    return Part(name="sweep", heading="What the step size does without training", sentences=(sentence,),
                figure=_sweep_figure(run, fields), tables=only(shown))  # fmt: skip


def _depth(model: Model) -> int:
    """Blocks a stage, 0 where the record does not say."""
    blocks = model.specification.get("blocks")
    return blocks if isinstance(blocks, int) else 0


def _chosen(run: Run, models: Sequence[Model]) -> list[AttackBudget]:
    """Each attack at the radius at which its accuracies differ most over the networks."""

    def spread(budget: AttackBudget) -> float:
        left = [model.attacks[budget].accuracy.value for model in models if budget in model.attacks]
        return max(left) - min(left) if left else -1.0

    attacks = dict.fromkeys(budget.attack for budget in run.budgets)
    return [max((b for b in run.budgets if b.attack == attack), key=spread) for attack in attacks]


def _accuracy_layers(models: Sequence[Model], depth: int, budgets: Sequence[AttackBudget]) -> list[alt.Chart]:
    """Lines over h at fixed depth, hollow points for the other networks."""
    points: list[dict[str, object]] = []
    for model in models:
        fixed = _depth(model) == depth and model.specification.get("step_placement") != "before_norm"
        left: dict[str, Number] = {b.attack + ", " + format_budget(b.norm, b.epsilon): model.attacks[b].accuracy
                                   for b in budgets if b in model.attacks}  # fmt: skip
        clean = {_CLEAN: model.clean_accuracy} if model.clean_accuracy else {}
        points += [
            {"h": model.step_size, "share": drawn(found.value, found.kind), "series": name, "network": model.label,
             "fixed": fixed, "n": found.n}
            for name, found in (clean | left).items()
        ]  # fmt: skip
    names = list(dict.fromkeys(str(point["series"]) for point in points))
    sizes = [model.step_size for model in models if model.step_size]
    base = alt.Chart(rows(points)).encode(
        x=log_axis(alt.X, "h", "step size h", sizes),
        y=share_axis("share"),
        **series("series", names, colours=(GRAY, *PALETTE), shapes=SHAPES),
        tooltip=tips(network="network", series="attack", h="h", share="accuracy %", n="images"),
    )
    fixed, other = base.transform_filter("datum.fixed"), base.transform_filter("!datum.fixed")
    return [fixed.mark_line(strokeWidth=1.5, clip=True), fixed.mark_point(filled=True, size=60, opacity=1),
            other.mark_point(size=70, opacity=1)]  # fmt: skip


def _ends(field: FieldGrowth) -> tuple[str, str]:
    """(1 + hK)ⁿ at the largest and at the smallest step."""
    coarse, fine = (pick(field.points, key=lambda point: point.step_size).from_lipschitz.value for pick in (max, min))
    return format_number(coarse, kind="upper"), format_number(fine, kind="upper")


def _sweep_figure(run: Run, fields: Sequence[FieldGrowth]) -> Figure:
    """Found solid, bounded by (μ, K) dashed, a colour a field; (1 + hK)ⁿ, the same for all, in gray."""
    points: list[dict[str, object]] = []
    shared = "all fields"
    for field in fields:
        for point in field.points:
            kinds = {"found at least": point.measured, "bound from (μ, K)": point.from_one_sided}
            if field is fields[0]:
                kinds["(1 + hK)ⁿ"] = point.from_lipschitz
            points += [
                {"h": drawn(point.step_size), "growth": drawn(found.value, found.kind), "what": what,
                 "field": shared if what == "(1 + hK)ⁿ" else clean_text(field.label)}
                for what, found in kinds.items()
                if found.value > 0 and math.isfinite(found.value)
            ]  # fmt: skip
    names = [*(clean_text(field.label) for field in fields), shared]
    values = [float(str(point["growth"])) for point in points]
    sizes = [point.step_size for field in fields for point in field.points]
    colours = [*(PALETTE[index % (len(PALETTE) - 1)] for index, _ in enumerate(fields)), GRAY]
    lines = alt.Chart(rows(points)).mark_line(point=alt.OverlayMarkDef(size=30, filled=True), clip=True).encode(
        x=log_axis(alt.X, "h", "step size h", sizes),
        y=log_axis(alt.Y, "growth", "growth over T", values),
        **series("field", names, colours=colours),
        strokeDash=series("what", list(_LINES), dashes=list(_LINES.values()))["strokeDash"],
        tooltip=tips(field="field", what="what", h="h", growth="growth"),
    )  # fmt: skip
    coarse, fine = _ends(fields[0])
    return make_figure(
        [lines], name=key(run, what="sweep"), title="Growth over the step size at fixed T",
        alt_text=f"Fields of equal K grow differently; (1 + hK)ⁿ is the same for all, {coarse} to {fine} as h falls.",
        caption="Solid: found by search, a lower bound. Dashed: proved. Dotted: the paper’s (10).",
    )  # fmt: skip
