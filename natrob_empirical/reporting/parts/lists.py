"""The parts of every page, in order: a new part is its file and its place here."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from natrob_empirical.display import Part
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.reporting.parts.accuracy_tables import ACCURACY_TABLES, distances
from natrob_empirical.reporting.parts.attacked_accuracy import ATTACKED
from natrob_empirical.reporting.parts.bounds_against_growth import bounds_against_growth, growth_table
from natrob_empirical.reporting.parts.checks_and_constants import bound_checks, certificates, constants, reliability
from natrob_empirical.reporting.parts.comparisons import comparisons, growth_against_accuracy
from natrob_empirical.reporting.parts.explanation import explanation
from natrob_empirical.reporting.parts.growth_curves import growth_curves
from natrob_empirical.reporting.parts.model_facts import model_facts, models_table
from natrob_empirical.reporting.parts.provenance import missing_cells, provenance, settings
from natrob_empirical.reporting.parts.sandwich import SANDWICHES, best_sandwich
from natrob_empirical.reporting.parts.step_sizes import accuracy_over_steps, step_size_sweep

ModelPart: TypeAlias = Callable[[Run, Model], Part | None]
RunPart: TypeAlias = Callable[[Run], Part | None]
IndexPart: TypeAlias = Callable[[Sequence[Run]], Part | None]

MODEL_PARTS: Final[tuple[ModelPart, ...]] = (
    model_facts, reliability, *ATTACKED, *SANDWICHES, growth_curves, certificates, explanation,
    bound_checks, constants, settings,
)  # fmt: skip
RUN_PARTS: Final[tuple[RunPart, ...]] = (
    models_table, *ACCURACY_TABLES, comparisons, accuracy_over_steps, growth_table, growth_against_accuracy,
    step_size_sweep, distances, missing_cells, provenance,
)  # fmt: skip
INDEX_PARTS: Final[tuple[IndexPart, ...]] = (bounds_against_growth, best_sandwich)
