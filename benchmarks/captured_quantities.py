"""Constants, bounds, certificates and trajectories of seeded subjects, each under a name of its own.

Only names that packages hand on are used here, so that files below the packages may move.
"""

import copy
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import natrob_theory as theory
from benchmarks.quantity_record import Captured, Record, handed_on
from benchmarks.random_networks import (
    ACTIVATIONS,
    ADAPTIVE,
    BATCH,
    FIXED,
    LAYERS,
    REFUSED_ACTIVATIONS,
    Draw,
    Shape,
    random_network,
)  # fmt: skip
from natrob_empirical.certification import PRECISIONS, certificate_constants, certified_with, classifier_bounds
from natrob_empirical.datasets import load_dataset
from natrob_empirical.models import ContractiveSpecification as Contractive
from natrob_empirical.models import ModelSpecification as Integrator
from natrob_empirical.models import ResidualSpecification as Residual
from natrob_empirical.models import build_classifier
from natrob_empirical.records import CellRecord

RADII = (0.0, 0.01, 0.1, 1.0)
IMAGES = 8
REPORTS = Path(__file__).parents[1] / "reports"
CLASSIFIERS = (
    Integrator(label="", network="euler", channels=4, hidden=4, num_steps=2),
    Integrator(label="", network="backward_euler", channels=4, hidden=4, num_steps=2, step_size=0.1),
    Integrator(label="", network="revnet", channels=4, hidden=4, num_steps=2),
    Contractive(label="", network="gradient_flow", layout="dense", num_steps=3),
    Contractive(label="", network="dissipative", layout="convolutional", downscale=2, num_steps=2),
    Residual(label="", network="resnet", blocks=1, width=2),
)

CLASSIFIER_PARTS = {"stem": "upper", "field": "upper", "trunk": "upper", "features": "upper"}

LOCAL_MAP = handed_on("local_map_lipschitz_upper_bound", "natrob_theory.local_map")
EVALUATED, EVALUATED_LAYER, EVALUATED_STATES, SOLVER_RESIDUAL = (
    handed_on(name, "natrob_theory.evaluation_error")
    for name in ("Evaluated", "evaluated", "evaluated_states", "solver_residual")
)
UNIT = 2.0**-53


def _numbers(record: Record) -> None:
    """Bounds from numbers alone."""
    for n in range(40):
        _formulas(record, f"numbers {n} / formula", Draw(1_000 + n), steps=n + 1)
    for tableau in theory.TABLEAUS:
        record.note(f"{tableau.name} / growth polynomial", "text", tableau.growth_polynomial)


def _formulas(record: Record, name: str, draw: Draw, steps: int) -> None:
    h, k = draw.number(0.01, 1.0), draw.number(0.0, 3.0)
    mu = -k * draw.number(0.0, 1.0)
    record.note(f"{name} / discrete", "upper", lambda: theory.discrete_bound(h, k, steps))
    record.note(f"{name} / exponential", "upper", lambda: theory.exponential_bound(k, 0.0, h))
    record.note(f"{name} / exact flow", "upper", lambda: theory.exponential_bound(k, 0.0, h, one_sided=mu))
    record.note(f"{name} / gradient flow", "upper", lambda: theory.gradient_flow_bound(h, k, steps, one_sided=mu))


def _slopes(record: Record) -> None:
    """Slope intervals of every activation: on intervals of all sizes, half lines and the line."""
    for number, kind in enumerate((*ACTIVATIONS, *REFUSED_ACTIVATIONS)):
        draw = Draw(2_000 + number)
        activation = draw.layer(kind())
        middle, half = 3.0 * draw.tensor(60), torch.exp(3.0 * draw.tensor(60) - 2.0)
        lower, upper = middle - half, middle + half
        lower[:2], upper[1:3], upper[3] = -math.inf, math.inf, lower[3]
        record.note(
            f"activation {number} {activation} / slopes",
            {"low": "lower", "high": "upper"},
            lambda a=activation, u=lower, v=upper: theory.activation_slopes(a, u, v),
        )


def _layers(record: Record) -> None:
    """Every kind of layer alone, also where it is refused, and in training."""
    for number, (shape, make) in enumerate(LAYERS):
        draw = Draw(3_000 + number)
        layer, center = draw.layer(make()), draw.tensor(BATCH, *shape)
        name = f"layer {number} {type(layer).__name__}"
        record.note(f"{name} / layer constant", "upper", lambda a=layer, s=shape: theory.layer_lipschitz(a, s))
        _module(record, name, layer, shape, center)
        for radius in RADII:
            around = f"{name} / local map of a layer / radius {radius:g}"
            record.note(around, "upper", lambda a=layer, c=center, r=radius: LOCAL_MAP([a], c, r))
        layer.train()
        record.note(f"{name} / layer in training", "upper", lambda a=layer, s=shape: theory.layer_lipschitz(a, s))


def _module(record: Record, name: str, module: nn.Module, shape: Shape, center: Tensor) -> None:
    """Constants of a layer, chain or field: on all inputs, and on balls; and what it rounds."""
    one_sided = theory.one_sided_lipschitz_upper_bound
    record.note(f"{name} / constant", "upper", lambda: theory.lipschitz_upper_bound(module, input_shape=shape))
    record.note(f"{name} / one-sided constant", "upper", lambda: one_sided(module, input_shape=shape))
    for radius in RADII:
        local: dict[str, Callable[..., Any]] = {
            "local constant": lambda r=radius: theory.local_lipschitz_upper_bound(module, center, r),
            "local one-sided constant": lambda r=radius: one_sided(module, input_shape=shape, center=center, radius=r),
        }
        for group, make in local.items():
            record.note(f"{name} / {group} / radius {radius:g}", "upper", make)
    record.note(
        f"{name} / evaluation error of a field or layer",
        {"norm": "upper", "error": "upper"},
        lambda: EVALUATED_LAYER(_double(module), shape, _exact(), UNIT),
    )


def _double(module: nn.Module) -> nn.Module:
    """A copy in float64."""
    return copy.deepcopy(module).double()


def _exact() -> Any:
    """A state that is exact, of the norm that the bound is a multiple of."""
    return EVALUATED(torch.tensor([1.0, 0.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64))


def _networks(record: Record) -> None:
    """The random networks, each with its fields."""
    for number in range(FIXED + ADAPTIVE):
        net, fields, shape, y0 = random_network(number)
        name = f"network {number} {type(net).__name__}"
        for n, field in enumerate(fields):
            if isinstance(field, nn.Module):
                _module(record, f"{name}, field {n}", field, shape, y0[:, : shape[0]])
                _structure(record, f"{name}, field {n}", field, shape)
                if number % 12 == 1:
                    _lower_bounds(record, f"{name}, field {n} / lower bound", field, y0[:, : shape[0]])
        _passage(record, name, net, y0, number)  # first: a Neural ODE must have run
        _growth(record, name, net, tuple(y0.shape[1:]))
        if number < FIXED:
            _around(record, name, net, y0)


def _structure(record: Record, name: str, field: nn.Module, shape: Shape) -> None:
    """What the field states of itself."""
    stated = {"symmetric": "text", "skew_symmetric": "text", "one_sided": "upper"}
    record.note(f"{name} / stated structure", stated, lambda: theory.stated_structure(field, shape))
    record.note(f"{name} / convex potential", "text", lambda: theory.follows_convex_potential(field))


def _lower_bounds(record: Record, name: str, field: nn.Module, points: Tensor) -> None:
    """Constants that a search from a seed finds."""
    lower, one_sided = theory.lipschitz_lower_bound, theory.one_sided_lipschitz_lower_bound
    seeded = torch.Generator().manual_seed
    record.note(f"{name} / K", "nearly lower", lambda: lower(field, points, radius=0.1, generator=seeded(1)))
    record.note(f"{name} / μ", "nearly lower", lambda: one_sided(field, points, generator=seeded(1)))


def _growth(record: Record, name: str, net: Any, shape: Shape) -> None:
    """Growth from numbers and from the fields' own constants."""
    h = getattr(net, "step_size", 0.1)
    for k, mu in ((0.5, None), (0.5, -0.25), (2.5, None), (2.5, 0.5), (2.5, -1.0)):
        numbers: dict[str, Callable[..., Any]] = {
            "growth factor": lambda k=k, mu=mu: net.stepper.growth_factor(step_size=h, lipschitz=k, one_sided=mu),
            "growth from numbers": lambda k=k, mu=mu: net.growth_bound(k, one_sided=mu),
        }
        for group, make in numbers.items():
            record.note(f"{name} / {group} / K = {k}, μ = {mu}", "upper", make)
    each = [0.3 + 0.2 * n for n in range(len(net.plan()))]
    record.note(f"{name} / growth from numbers / a K for every step", "upper", lambda: net.growth_bound(each))
    if isinstance(net, theory.RevNet):
        record.note(f"{name} / growth from numbers / K₁ and K₂", "upper", lambda: net.growth_bound((0.5, 1.5)))
    record.note(f"{name} / network growth", "upper", lambda: theory.growth_upper_bound(net, input_shape=shape))
    record.note(f"{name} / network constant", "upper", lambda: theory.lipschitz_upper_bound(net, input_shape=shape))
    record.note(
        f"{name} / step structure",
        {"factor": "upper", "one_sided": "upper", "gradient_flow": "text"},
        lambda: theory.step_structures(net, input_shape=shape),
    )


def _passage(record: Record, name: str, net: Any, y0: Tensor, number: int) -> None:
    """States, and a pair of solutions beside its bounds; in ball arithmetic where it is cheap."""
    record.note(f"{name} / trajectory", "close", lambda: net.trajectory(y0).states)
    record.note(f"{name} / output", "close", lambda: net(y0)[None])
    if isinstance(net, theory.RevNet):
        record.note(f"{name} / inverse", "close", lambda: net.inverse(net(y0))[None])
    perturbation = 0.5 * Draw(4_000 + number, y0.dtype).tensor(*y0.shape)
    nearly = "nearly" if y0.dtype == torch.float64 else "in float32 nearly"
    measured = {"distance": f"{nearly} equal", "ratio": f"{nearly} lower", "allowance": f"{nearly} upper"}
    verdict = {"holds": "text", "undecided": "text", "kind": "text"}
    constants = {"secants": {}, "K": {"lipschitz": 1.5}, "K and μ": {"lipschitz": 1.5, "one_sided": 0.5}}
    for which, given in constants.items():
        bound = {"bound": f"{nearly} equal" if which == "secants" else "upper"}
        for arithmetic in ("float", "ball") if y0.dim() == 2 and number % 4 == 0 else ("float",):
            record.note(
                f"{name} / check of a pair, {arithmetic} / {which}",
                measured | verdict | bound,
                lambda given=given, a=arithmetic: theory.check_bound(net, y0, perturbation, arithmetic=a, **given),
            )


def _around(record: Record, name: str, net: Any, y0: Tensor) -> None:
    """What holds around the clean trajectory, and what the network rounds."""
    shape = tuple(y0.shape[1:])
    tube = {"radii": "upper", "constants": "upper", "growth": "upper"}
    for radius in RADII:
        record.note(
            f"{name} / local map / radius {radius:g}", "upper", lambda r=radius: LOCAL_MAP([_double(net)], y0, r)
        )
    for radius in (0.01, 0.3):
        record.note(f"{name} / tube / radius {radius:g}", tube, lambda r=radius: theory.tube_bound(net, y0, r))
        record.note(
            f"{name} / tube with structure / radius {radius:g}",
            tube,
            lambda r=radius: theory.tube_bound(net, y0, r, structure=theory.step_structures(net, input_shape=shape)),
        )
    record.note(
        f"{name} / evaluation error", {"norm": "upper", "error": "upper"}, lambda: _evaluated(_double(net), shape)
    )


def _evaluated(net: Any, shape: Shape) -> list[Any]:
    structure = theory.step_structures(net, input_shape=shape)
    residual = SOLVER_RESIDUAL(net.stepper, torch.float64)
    return list(EVALUATED_STATES(net, shape, _exact(), UNIT, structure=structure, relative_residual=residual))


def _classifiers(record: Record) -> None:
    """Certified radii of untrained classifiers on digits, with their own answers as labels."""
    digits = load_dataset("digits")
    x = digits.to_images(digits.test_x[:IMAGES])
    shape = (x.shape[1], x.shape[2], x.shape[3])
    for number, specification in enumerate(CLASSIFIERS):
        generator = torch.Generator().manual_seed(number)
        model = build_classifier(specification, image_shape=shape, num_classes=10, generator=generator)
        model = model.double().eval()
        name = f"classifier {number} {specification.network}"
        record.note(f"{name} / classifier constant", CLASSIFIER_PARTS, lambda m=model: classifier_bounds(m, shape))
        for precision in PRECISIONS:
            record.note(
                f"{name} / certified radius / {precision}",
                "lower",
                lambda m=model, p=precision: _radii(certificate_constants(m, shape, precision=p), x),
            )


def _radii(constants: Any, x: Tensor) -> list[Tensor]:
    labels = constants.model(x.double()).argmax(dim=1)
    return [certified_with(constants, x, labels, (0.01, 0.1), method=m).radii for m in ("global", "tube", "local")]


def _records(record: Record) -> None:
    """The committed records are read; no weights are committed, so nothing is computed from them."""
    paths = sorted(REPORTS.glob("*/records/*.json"))
    record.note("reports / records", "text", lambda: len(paths))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        record.note(
            f"{path.parent.parent.name}/{path.name} / record read",
            "text",
            lambda t=text: CellRecord.model_validate_json(t).cell.model_dump_json(),
        )


PARTS: dict[str, Callable[[Record], None]] = {
    "numbers": _numbers,
    "slopes": _slopes,
    "layers": _layers,
    "networks": _networks,
    "classifiers": _classifiers,
    "records": _records,
}
"""What a capture is made of. Networks take some two minutes on one core, classifiers one, the others seconds."""


def captured(parts: Iterable[str] = PARTS) -> dict[str, Captured]:
    """The quantities of these parts, all by default."""
    torch.set_num_threads(1)
    print(f"the theory of {Path(theory.__file__).parent}")
    record = Record()
    for part in parts:
        start = time.process_time()
        PARTS[part](record)
        print(f"{part}: {time.process_time() - start:.0f} s of CPU time")
    return record.values
