"""The parts of every page, in order: a new part is its file and its place here."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from natrob_empirical.display import Part
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.reporting.parts.bounds_against_growth import bounds_against_growth, growth_table
from natrob_empirical.reporting.parts.model_facts import model_facts, models_table
from natrob_empirical.reporting.parts.sandwich import SANDWICHES, best_sandwich

ModelPart: TypeAlias = Callable[[Run, Model], Part | None]
RunPart: TypeAlias = Callable[[Run], Part | None]
IndexPart: TypeAlias = Callable[[Sequence[Run]], Part | None]

MODEL_PARTS: Final[tuple[ModelPart, ...]] = (model_facts, *SANDWICHES)
RUN_PARTS: Final[tuple[RunPart, ...]] = (models_table, growth_table)
INDEX_PARTS: Final[tuple[IndexPart, ...]] = (bounds_against_growth, best_sandwich)
