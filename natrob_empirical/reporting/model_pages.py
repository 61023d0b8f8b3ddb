"""The list of models and a page for each model of each run."""

from collections.abc import Sequence
from typing import Final

from natrob_empirical.display import Cell, Part
from natrob_empirical.display.formatting import join_words
from natrob_empirical.evidence.flags import reliability_flags
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.reporting.page import ROOMS, Page, unique_slugs
from natrob_empirical.reporting.parts import MODEL_PARTS
from natrob_empirical.reporting.parts.cells import count, share, table, words

_HEADINGS: Final = ("Model·", "Run·", "Training·", "Parameters", "Clean accuracy", "Attacks", "Signs of masking·")


def model_pages(runs: Sequence[Run]) -> list[Page]:
    """The list, then the pages."""
    pairs = [(run, model) for run in runs for model in run.models]
    slugs = unique_slugs([f"{run.name} {model.label}" for run, model in pairs])
    rows = [(run, model, f"models/{name}.html") for (run, model), name in zip(pairs, slugs, strict=True)]
    shown = table("models", "Every model of every run.", _HEADINGS, [_row(*row) for row in rows])
    listed = Page(
        address=ROOMS["Models"],
        room="Models",
        title="Models",
        lead=("A model’s name leads to its bounds, attacks and certificates.",),
        parts=(Part(name="all", heading="All models", tables=(shown,)),) if shown else (),
    )
    return [listed, *(_page(*row) for row in rows)]


def _page(run: Run, model: Model, address: str) -> Page:
    return Page(
        address=address,
        room="Models",
        title=model.label,
        lead=(f"One model of the run {run.name}.",),
        parts=tuple(part for make in MODEL_PARTS if (part := make(run, model)) is not None),
    )


def _row(run: Run, model: Model, address: str) -> tuple[Cell, ...]:
    flags = reliability_flags(run, model)
    names = join_words(list(dict.fromkeys(flag.name for flag in flags)))
    return (
        Cell(text=model.label, link=address),
        words(run.name),
        words(model.training),
        count(model.parameters),
        share(model.clean_accuracy.value if model.clean_accuracy else None),
        count(len(model.attacks)),
        words(names, mark="caution", note="; ".join(flag.reason for flag in flags)) if flags else words("none found"),
    )
