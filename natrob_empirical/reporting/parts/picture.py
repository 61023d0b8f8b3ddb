"""The picture of the index: what the paper prints, what working attacks leave of such networks, and what is proved."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

import altair as alt

from natrob_empirical.claims.network_numbers import kept_at
from natrob_empirical.display import Figure
from natrob_empirical.display.formatting import format_epsilon, format_percent
from natrob_empirical.evidence.image_bounds import best_radii
from natrob_empirical.evidence.kept import KeptImages
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.paper import PrintedAccuracy, clean_accuracies, table_1
from natrob_empirical.records import Number
from natrob_empirical.reporting.parts.cells import data_name
from natrob_empirical.reporting.parts.chart import GRAY, budget_axis, drawn, label, make_figure, plot, tips
from natrob_empirical.reporting.parts.sandwich import ATTACKED, CERTIFIED
from natrob_empirical.reporting.parts.step_curve import StepCurve

_END: Final = 0.6
"""A little past ε = 0.5, so that the ceiling, which starts there, has a place."""
_PAPER: Final = GRAY
_FORBIDDEN: Final = "#cc79a7"


@final
@dataclass(frozen=True, kw_only=True)
class _Left:
    """The shares that working attacks leave of one model at every budget, ε = 0 first."""

    model: Model
    points: tuple[tuple[float, KeptImages], ...]

    def crossing(self, share: float) -> float:
        """Where the thin line between the points falls to this share first, to place words beside it; else 0."""
        for (start, before), (stop, after) in pairwise((epsilon, kept.share) for epsilon, kept in self.points):
            if after <= share < before:
                return start + (stop - start) * (before - share) / (before - after)
        return 0.0


def picture(runs: Sequence[Run]) -> Figure | None:
    """The picture, from the runs on MNIST if a Neural ODE was attacked there, else from another data set.

    None where no plainly trained Neural ODE was attacked in L∞.
    """
    main = max(runs, key=_fitness, default=None)
    if main is None or not _fitness(main)[0]:
        return None
    same = [main, *(run for run in runs if run.dataset == main.dataset and run is not main)]
    left = [_left(each, same) for each in _pair(main) if each is not None]
    attacked = [point for point in left[0].points if point[0] > 0]
    if not attacked:
        return None
    certified, ceiling = _certified(same), next((found for run in same if (found := run.largest_class_share)), None)
    x = budget_axis("Linf", _END, ticks=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    x = x.title("ε in L∞: largest change of a pixel (1 = black to white)")
    layers = [
        *(_forbidden(ceiling, x) if ceiling else ()),
        *_paper_rows(x, main),
        *(_certified_steps(certified[1], left[0], x) if certified else ()),
        *(layer for each in reversed(left) for layer in _attacked_points(each, x, lead=each is left[0])),
    ]
    title, alt_text = _finding(main, attacked)
    caption = _caption(main, left[0], certified)
    return make_figure(layers, name="picture", title=title, alt_text=alt_text, caption=caption, zoom=False, height=255)


def _finding(run: Run, attacked: Sequence[tuple[float, KeptImages]]) -> tuple[str, str]:
    """The finding as a title and as one sentence, at the paper's largest radius and the attacked one nearest to it."""
    paper = _printed("neural_ode", "PGD")[-1]
    epsilon, kept = min(attacked, key=lambda point: (abs(point[0] - paper.epsilon), point[0]))
    keeps, at = format_percent(kept.share, kind="upper"), f"at ε = {format_epsilon(epsilon)}"
    high = format_percent(_printed("neural_ode", "FGSM")[-1].accuracy, decimals=0)
    title = f"At ε = {paper.epsilon_printed} the paper’s attacks leave {100 * paper.accuracy:.0f} to {high}. "
    title += f"Ours, on our own Neural ODE, leave {keeps}{'' if epsilon == paper.epsilon else f' {at}'}"
    sentence = f"The paper prints {format_percent(paper.accuracy, decimals=2)} for its Neural ODE under PGD at L∞ "
    sentence += f"ε = {paper.epsilon_printed} (MNIST); all attacks together leave ours ({data_name(run)}) at most "
    return title, f"{sentence}{keeps} of {kept.n:,} images {at}."


def _fitness(run: Run) -> tuple[int, bool, bool, int]:
    """Sorts the runs by how well they answer Table 1: budgets met, data set, experiment."""
    model, _ = _pair(run)
    radii = sum(1 for budget in model.attacks if budget.norm == "Linf" and budget.epsilon > 0) if model else 0
    return (min(radii, 1), run.dataset == "mnist", run.experiment == "table1", radii)


def _pair(run: Run) -> tuple[Model | None, Model | None]:
    """The run's plainly trained Neural ODE and residual network with the most attacks."""
    plain = sorted((m for m in run.models if m.plain and m.attacks), key=lambda each: -len(each.attacks))
    ode = next((model for model in plain if model.is_neural_ode), None)
    return ode, next((model for model in plain if model.residual or model.network == "euler"), None)


def _left(model: Model, runs: Sequence[Run]) -> _Left:
    """All attacks together, at each budget from the run of this network with the most images there; ε = 0 is clean."""
    found: dict[float, KeptImages] = {}
    for run in runs:
        place = (model.label, model.network, model.training)
        same = [m for m in run.models if (m.label, m.network, m.training) == place]
        for norm, epsilon in run.radii():
            kept = kept_at(same[0], norm, epsilon) if same and norm == "Linf" else None
            if kept and (epsilon not in found or kept.n > found[epsilon].n):
                found[epsilon] = kept
    clean = model.clean_accuracy
    if clean is not None and clean.n:
        found[0.0] = KeptImages(share=clean.value, n=clean.n, outcomes="", attacks=("no attack",))
    return _Left(model=model, points=tuple(sorted((e, kept) for e, kept in found.items() if e < _END)))


def _certified(runs: Sequence[Run]) -> tuple[Model, list[float]] | None:
    """The network with the largest mean certified radius in L∞, with its radii."""
    found = [(m, list(best_radii(m.theory, "Linf"))) for run in runs for m in run.models if m.theory]
    found = [pair for pair in found if pair[1] and max(pair[1]) > 0]
    return max(found, key=lambda pair: sum(pair[1]) / len(pair[1]), default=None)


def _printed(network: str, attack: str) -> list[PrintedAccuracy]:
    """A row of the paper's Table 1 on MNIST, after the accuracy without an attack."""
    clean = [each for each in clean_accuracies() if (each.dataset, each.network) == ("mnist", network)]
    row = [each for each in table_1("mnist") if (each.network, each.attack) == (network, attack)]
    return [*clean, *row]


def _paper_rows(x: alt.X, run: Run) -> list[alt.Chart]:
    """The paper's rows in gray: the Neural ODE's with lines and names, ResNet50's as faint squares."""
    where = "paper" if run.dataset == "mnist" else "paper, MNIST"
    layers: list[alt.Chart] = []
    told = tips(what="network", attack="attack", epsilon="ε", share="printed %")
    for network, attack in (("resnet50", "FGSM"), ("resnet50", "PGD"), ("neural_ode", "FGSM"), ("neural_ode", "PGD")):
        lead, row = network == "neural_ode", _printed(network, attack)
        data = [{"epsilon": each.epsilon, "share": each.accuracy, "what": f"{where}: {each.model}",
                 "attack": each.attack or "no attack"} for each in row]  # fmt: skip
        base = plot(data, x, told)
        layers.append(
            base.mark_point(color=_PAPER, opacity=1 if lead else 0.5, size=55, shape="circle" if lead else "square")
        )
        if attack == "FGSM" and not lead:
            layers.append(label(x, row[1].epsilon, row[1].accuracy, f"{where}, {row[1].model}", dx=8))
        if lead:
            text = f"{where}, {attack}: {format_percent(row[-1].accuracy, decimals=0)}"
            layers.append(base.mark_line(color=_PAPER, strokeWidth=1.5, strokeDash=[5, 3]))
            layers.append(label(x, row[-1].epsilon, row[-1].accuracy, text, align="right", dx=-6, dy=14))
    return layers


def _attacked_points(left: _Left, x: alt.X, *, lead: bool) -> list[alt.Chart]:
    """One model's points, joined by a thin line between measured ones; the other network stands back."""
    data = [
        {"epsilon": drawn(epsilon), "share": drawn(kept.share, "upper"), "n": kept.n, "network": left.model.label,
         "attacks": ", ".join(kept.attacks)}
        for epsilon, kept in left.points
    ]  # fmt: skip
    told = tips(network="network", attacks="attacks", epsilon="ε", share="left at most %", n="images")
    base = plot(data, x, told)
    if not lead:
        return [base.mark_point(filled=True, size=55, shape="square", color=ATTACKED, opacity=0.45)]
    return [
        base.mark_line(strokeWidth=1, color=ATTACKED),
        base.mark_point(filled=True, size=85, shape="circle", color=ATTACKED, opacity=1),
        label(x, left.crossing(0.3), 0.36, "ours: Neural ODE under all attacks", dx=22, ink=ATTACKED),
    ]


def _certified_steps(radii: Sequence[float], beside: _Left, x: alt.X) -> list[alt.Chart]:
    """The certified accuracy of the best certified network."""
    curve = StepCurve.over(radii, "lower")
    base = plot([{"epsilon": e, "share": curve.share(e)} for e in curve.steps(_END)], x)
    at = max(curve.crossing(0.44, _END), beside.crossing(0.42))
    return [
        base.mark_line(interpolate="step-after", color=CERTIFIED, strokeWidth=2),
        label(x, at, 0.56, ["proved, for another network", "that is built not to expand"], dx=8, ink=CERTIFIED),
    ]


def _forbidden(ceiling: Number, x: alt.X) -> list[alt.Chart]:
    """The accuracies that no classifier can have from ε = 0.5 on: those above the largest class's share."""
    data = [{"epsilon": IMPOSSIBLE_RADIUS, "to": _END, "share": drawn(ceiling.value, "upper"), "top": 1}]
    most = f"no classifier keeps more than {format_percent(ceiling.value, kind='upper', decimals=2)}"
    zone = plot(data, x).mark_rect(color=_FORBIDDEN, opacity=0.3)
    zone = zone.encode(x2="to:Q", y2="top:Q", tooltip=alt.value(most))
    middle = (IMPOSSIBLE_RADIUS + _END) / 2
    upright = label(x, middle, 0.56, "no classifier can be here", align="center")
    upright.mark.angle = 270  # so that it fits on a phone
    return [zone, upright]


def _caption(run: Run, left: _Left, certified: tuple[Model, list[float]] | None) -> str:
    """Says what is drawn: which networks, n, kinds."""
    counts = sorted({kept.n for epsilon, kept in left.points if epsilon > 0})
    n = f"{counts[0]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
    text = "Circles: Neural ODEs; squares: ResNets. Gray: the paper’s Table 1 (MNIST). "
    text += f"Orange: ours ({left.model.label}, on {data_name(run)}), upper bounds on {n} images. "
    if certified:
        text += f"Blue: {certified[0].label}, a lower bound (n = {len(certified[1]):,}), not comparable with orange."
    return text
