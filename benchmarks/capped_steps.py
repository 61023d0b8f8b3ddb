"""Certificates of a Neural ODE against the cap on its steps: `python -m benchmarks.capped_steps --models FOLDER`.

Writes `neural-ode.md` and its two figures into `--output`. The model is that of the preset `certified-ode-cpu`, read
from the folder of a run, or trained there.
"""

import argparse
import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import torch

from benchmarks.adaptive_bounds import LIPSCHITZ, pairs_across_a_jump, wave
from natrob_empirical import certified_accuracy
from natrob_empirical.benchmarks import preset_named
from natrob_empirical.benchmarks.cells import subset_of
from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.benchmarks.trained_models import TrainedModels
from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.display import Figure
from natrob_empirical.files.atomic_file import write_atomically
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier, trained_form
from natrob_empirical.reporting.drawing import svg_of
from natrob_empirical.reporting.parts.chart import (
    BLUE,
    GRAY,
    ORANGE,
    label,
    log_axis,
    make_figure,
    plot,
    rows,
    series,
    share_axis,
)
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    HEUN_EULER,
    ButcherTableau,
    NeuralODE,
    StackedNeuralODE,
    adaptive_affine_bound,
)

PRESET = "certified-ode-cpu"
EPSILON = 0.5
CAPS = (1.0, 0.67, 0.5, 0.4, 0.25, 0.2, 0.1, 0.05)
METHODS: tuple[ButcherTableau, ...] = (HEUN_EULER, BOGACKI_SHAMPINE, DOPRI5)
JUMP_TIME, JUMP_CAP, JUMP_TOLERANCE = 0.5, 0.2, 3e-3
TIMES_EULER = 20


@dataclass(frozen=True, kw_only=True)
class Point:
    """One method under one cap.

    Attributes:
        method: its name.
        largest_step: H.
        evaluations: of all fields together, the mean over the images.
        certified: a lower bound of the robust accuracy at `EPSILON`.
    """

    method: str
    largest_step: float
    evaluations: float
    certified: float


def with_cap(model: AbstractClassifier, tableau: ButcherTableau, largest_step: float) -> IntegratorClassifier:
    """The model with the same fields under another pair and another cap."""
    assert isinstance(model, IntegratorClassifier)
    trunk = model.trunk
    assert isinstance(trunk, StackedNeuralODE)
    part = trunk.parts[0]
    other = StackedNeuralODE(
        trunk.fields, trunk.end_time, tableau=tableau, max_step_size=largest_step, rtol=part.rtol, atol=part.atol
    )
    return copy.deepcopy(IntegratorClassifier(model.stem, other, model.pool, model.head)).eval()


def measured(model: AbstractClassifier, test: Dataset, tableau: ButcherTableau, largest_step: float) -> Point:
    """Certify the images, and count what a pass evaluates."""
    capped = with_cap(model, tableau, largest_step)
    images = test.to_images(test.test_x)
    found = certified_accuracy(capped, images, test.test_y, (EPSILON,))
    assert isinstance(capped.trunk, StackedNeuralODE)
    with torch.no_grad():
        capped(images)
    record = capped.trunk.last_solve
    assert record is not None
    return Point(
        method=tableau.name,
        largest_step=largest_step,
        evaluations=float(record.evaluations.double().mean()),
        certified=found.accuracies[0],
    )


def flow_limit(model: AbstractClassifier, test: Dataset) -> float:
    """What a solver without errors would certify: Euler's method at h = 1 − e^{−t} is the flow of orthonormal rows."""
    form = trained_form(model, preset_named(PRESET).models[0].specification)
    return certified_accuracy(form.eval(), test.to_images(test.test_x), test.test_y, (EPSILON,)).accuracies[0]


def figure_of_caps(points: Sequence[Point], limit: float, fields: int) -> Figure:
    """Certified share against evaluations, one line a method."""
    data: list[dict[str, object]] = [
        {"method": p.method, "evaluations": p.evaluations, "share": p.certified, "H": f"{p.largest_step:.3g}"}
        for p in points
    ]
    x = log_axis(alt.X, "evaluations", "field evaluations a pass", [p.evaluations for p in points])
    y = share_axis("share", "certified share of images (lower bound)")
    lines = plot(data, x).mark_line(point={"size": 60}).encode(y=y, **series("method", [m.name for m in METHODS]))
    flow = alt.Chart(rows([{"share": limit}])).mark_rule(strokeDash=[6, 4], color=GRAY).encode(y="share:Q")
    allowed = alt.Chart(rows([{"evaluations": TIMES_EULER * fields}])).mark_rule(strokeDash=[2, 3], color=GRAY)
    best = max(p.certified for p in points if p.evaluations <= TIMES_EULER * fields)
    name = f"{TIMES_EULER} × Euler"
    return make_figure(
        [
            lines,
            flow,
            allowed.encode(x=x),
            label(x, min(p.evaluations for p in points), limit + 0.045, "exact flow"),
            label(x, float(TIMES_EULER * fields), 0.06, name, dx=6),
        ],
        name="neural-ode-caps",
        title=f"Certified at L2 ε = {EPSILON:g} against what a pass costs",
        alt_text=(
            f"At {TIMES_EULER} times Euler's cost {best:.1%} are certified; a solver without errors would {limit:.1%}."
        ),
        caption=(
            "Each point is one cap on the step. Certified shares are lower bounds. "
            "The dashed line is a solver without errors. The dotted line is the cost allowed."
        ),
        zoom=False,
    )


def jump() -> list[dict[str, object]]:
    """Distances behind one accept/reject jump: measured, by the affine bound, and by one grid for both."""
    net = NeuralODE(
        wave, JUMP_TIME, tableau=HEUN_EULER, rtol=JUMP_TOLERANCE, atol=JUMP_TOLERANCE, max_step_size=JUMP_CAP
    )
    starts, differences = pairs_across_a_jump(net)
    gaps = (net(starts + differences) - net(starts)).abs()[:, 0]
    bounds = adaptive_affine_bound(net, starts, lipschitz=LIPSCHITZ)
    chosen = int((gaps / torch.as_tensor(bounds.constant)).argmax())
    start, difference = starts[chosen : chosen + 1], differences[chosen : chosen + 1]
    found: list[dict[str, object]] = []
    bound = adaptive_affine_bound(net, start, lipschitz=LIPSCHITZ)
    for power in range(-14, 0):
        size = 10.0**power
        distance = float((net(start + math.copysign(size, float(difference))) - net(start)).abs())
        one_grid = float(torch.as_tensor(net.growth_bound(LIPSCHITZ).value).max()) * size
        affine = float(torch.as_tensor(bound.at(size).value))
        for name, value in (("measured", distance), ("affine bound", affine), ("one grid for both", one_grid)):
            found.append({"epsilon": size, "distance": value, "what": name})
    return found


def figure_of_jump(data: list[dict[str, object]]) -> Figure:
    """A pair whose grids differ: its distance does not shrink with ε, and the affine bound says so."""
    sizes = [float(str(row["epsilon"])) for row in data]
    distances = [float(str(row["distance"])) for row in data]
    x = log_axis(alt.X, "epsilon", "distance ‖ε‖ of the starts", sizes)
    y = log_axis(alt.Y, "distance", "distance of the results", distances)
    names = ["measured", "affine bound", "one grid for both"]
    chart = alt.Chart(rows(data)).mark_line(point={"size": 40}).encode(x=x, y=y)
    smallest = min(distances[0::3])
    return make_figure(
        [chart.encode(**series("what", names, colours=(ORANGE, BLUE, GRAY)))],
        name="neural-ode-jump",
        title="Two starts, two grids: the results stay apart",
        alt_text=f"However near the starts, the results stay {smallest:.1e} apart: no multiple of ε bounds them.",
        caption="One start accepts a step that the other rejects. The bound for one common grid is broken by far.",
        zoom=False,
    )


def page(points: Sequence[Point], limit: float, fields: int, test: Dataset, figures: Sequence[Figure]) -> str:
    """The whole page, as Markdown."""
    here = current_environment(torch.device("cpu"))
    drawn = [f"![{f.alt}]({f.name}.svg)\n\n{f.caption}" for f in figures]
    table = [
        f"| {p.method} | {p.largest_step:.4g} | {p.evaluations:.0f} | {p.evaluations / fields:.1f} "
        f"| {100 * p.certified:.2f} |"
        for p in points
    ]
    return "\n".join(
        [
            "# A Neural ODE, certified as its solver runs",
            "",
            drawn[0],
            "",
            drawn[1],
            "",
            f"Model of the preset `{PRESET}`, the first {len(test.test_x)} test images of {test.title}, L2. "
            f"Euler's method at its largest step evaluates {fields} fields. The exact flow would certify "
            f"{100 * limit:.2f} %.",
            "",
            "| pair | cap H | evaluations | times Euler's | certified, % (lower bound) |",
            "|---|---:|---:|---:|---:|",
            *table,
            "",
            f"Hardware: {here.hardware}, {here.threads} threads. natrob {here.natrob}, torch {here.torch}, "
            f"Python {here.python}; commit {here.commit}, {here.created}.",
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capped_steps", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("output/models"), help="where the trained model is kept")
    parser.add_argument("--images", type=int, default=1000, help="how many test images")
    parser.add_argument("--output", type=Path, default=Path("reports/certificates"), help="folder of page and figures")
    chosen = parser.parse_args(arguments)
    preset = preset_named(PRESET)
    dataset = subset_of(preset, load_dataset(preset.dataset))
    model, _ = TrainedModels(dataset, chosen.models, torch.device("cpu")).get(preset.models[0], 0)
    test = dataset.subset(test=chosen.images)
    points = [measured(model, test, tableau, cap) for tableau in METHODS for cap in CAPS]
    assert isinstance(model, IntegratorClassifier)
    assert isinstance(model.trunk, StackedNeuralODE)
    fields, limit = len(model.trunk.parts), flow_limit(model, test)
    figures = [figure_of_caps(points, limit, fields), figure_of_jump(jump())]
    chosen.output.mkdir(parents=True, exist_ok=True)
    for figure in figures:
        write_atomically(chosen.output / f"{figure.name}.svg", svg_of(figure))
    text = page(points, limit, fields, test, figures)
    write_atomically(chosen.output / "neural-ode.md", text.encode())
    print(text)


if __name__ == "__main__":
    main()
