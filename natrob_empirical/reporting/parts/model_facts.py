"""The first part of a model's page, and the table of all models of a run: network, training, grid, accuracy."""

from typing import Final

from natrob_empirical.display import Cell, Column, Part, measured
from natrob_empirical.display.formatting import clean_text, format_count, format_number, format_share
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.reporting.parts.cells import count, data_name, key, number, only, quantity, table, words


def model_facts(run: Run, model: Model) -> Part:
    """Says what was trained, how large it is, on which grid it runs and how accurate it is without an attack."""
    sentences = [f"{network_name(model)}, trained by the method “{model.training}” on {data_name(run)}."]
    if model.clean_accuracy is not None:
        clean = model.clean_accuracy
        n = "" if clean.n is None else f" on {clean.n:,} test images"
        sentences.append(f"Its accuracy without an attack is {measured(format_share(clean.value))}{n}.")
    if model.refusal is not None:
        sentences.append("It has no theory side; the table says why.")
    facts = [(heading, cell) for heading, cell in _facts(model) if cell.mark != "missing"]
    facts_table = table(
        key(run, model, what="facts"), "The network.", ("Fact·", Column(heading="Value")),
        [(words(heading), cell) for heading, cell in facts],
    )  # fmt: skip
    return Part(name="network", heading="The network", sentences=tuple(sentences), tables=only(facts_table))


def network_name(model: Model) -> str:
    """The network class in words."""
    return _NETWORKS.get(model.network, model.network.replace("_", " ").capitalize())


def models_table(run: Run) -> Part | None:
    """Sets the same facts of every model of a run side by side, a row each."""
    if not run.models:
        return None
    facts = [_facts(model) for model in run.models]
    headings = [f"{heading}·" if heading in _WORDS else heading for heading, _ in facts[0]]
    rows = [(Cell(text=model.label), *(cell for _, cell in own)) for model, own in zip(run.models, facts, strict=True)]
    shown = table(key(run, what="models"), "Every model. Three numbers: smallest / median / largest over images.",
                  ("Model·", *headings), rows)  # fmt: skip
    return Part(name="models", heading="Models", tables=only(shown))


_NETWORKS: Final = {
    "neural_ode": "Neural ODE", "euler": "ResNet (Euler’s method)", "resnet": "ResNet with batch normalisation",
    "resnet50": "ResNet-50", "preact_resnet18": "PreAct-ResNet-18", "runge_kutta": "Runge–Kutta network",
    "polynet": "PolyNet", "fractalnet": "FractalNet", "revnet": "RevNet",
}  # fmt: skip
_WORDS: Final = {"Network", "Training", "No theory because", "Left out", "No certificate because"}


def _facts(model: Model) -> list[tuple[str, Cell]]:
    theory, trained = model.theory, model.trained
    refused = "" if model.refusal is None else model.refusal.reason
    return [
        ("Network", words(network_name(model))),
        ("Training", words(model.training)),
        ("h", _step_size(model)),
        ("N", _steps(model)),
        ("T", quantity(theory.total_time if theory else None)),
        ("Parameters", count(model.parameters)),
        ("Field evaluations", _evaluations(model)),
        ("Rejected steps", _rejected(model)),
        ("Training accuracy", number(trained.train_accuracy if trained else None, accuracy=True)),
        ("Clean accuracy", number(model.clean_accuracy, accuracy=True)),
        ("Training seconds", quantity(trained.training_seconds if trained else None)),
        ("No theory because", _said(refused)),
        ("No certificate because", _said(theory.certificate_refusal if theory else "")),
        ("Left out", _said(theory.left_out if theory else "")),
    ]


def _said(reason: str) -> Cell:
    return words(clean_text(reason)) if reason else Cell(text="", mark="missing")


def _three(smallest: int | float, middle: float, largest: int | float) -> Cell:
    """ "20 / 26 / 44", or one number where all are alike; sorted by the median."""
    values = (smallest, largest) if smallest == largest else (smallest, middle, largest)
    return Cell(text=" / ".join(format_count(float(value)) for value in dict.fromkeys(values)), value=middle)


def _evaluations(model: Model) -> Cell:
    if model.theory is None:
        return count(None)
    cost = model.theory.evaluations_per_sample
    return count(model.theory.evaluations) if cost is None else _three(cost.smallest, cost.median, cost.largest)


def _rejected(model: Model) -> Cell:
    cost = model.theory.evaluations_per_sample if model.theory else None
    if cost is None or not cost.rejected_largest:
        return count(None)
    return _three(cost.rejected_smallest, cost.rejected_median, cost.rejected_largest)


def _steps(model: Model) -> Cell:
    if model.theory is None:
        return count(None)
    grid = model.theory.grid
    if grid is None:
        return count(model.theory.num_steps)
    return _three(grid.steps_smallest, grid.steps_median, grid.steps_largest)


def _step_size(model: Model) -> Cell:
    """h; the smallest and the largest step of an adaptive grid; of a residual network where h stands, if it says."""
    if model.step_size is not None:
        cancelled = model.specification.get("step_placement") == "before_norm"
        note = "before the normalisation, which divides it out again" if cancelled else ""
        return quantity(model.step_size, note=note)
    grid = model.theory.grid if model.theory else None
    if grid is None:
        return words("adaptive") if model.theory else count(None)
    taken = [format_number(size) for size in (grid.step_size_smallest, grid.step_size_largest)]
    return words(f"adaptive, {taken[0]} to {taken[1]}")
