"""The seam for one figure or table of the paper: what its report says and shows besides what every report has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, final

from natrob_empirical.reporting.figure_style import ModelStyle, ReportFigure
from natrob_empirical.reporting.finding import Finding
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.tables.table import Table

Finder: TypeAlias = Callable[[Section], Finding | None]


@final
@dataclass(frozen=True, kw_only=True)
class ExperimentPart:
    """A part of the page of its own.

    Attributes:
        heading: a few words.
        text: paragraphs before the figure and the tables.
        figure: None for a part without one.
        tables: in order.
    """

    heading: str
    text: tuple[str, ...]
    figure: ReportFigure | None = None
    tables: tuple[Table, ...] = ()


Part: TypeAlias = Callable[[Section, str, Mapping[str, ModelStyle]], ExperimentPart | None]
"""Section, the prefix of its figures' file names, styles → a part; None where the records have nothing for it."""


@final
@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim of the paper in our words, where it stands, and the name of the finding that judges it."""

    text: str
    place: str
    finding: str


def all_models(section: Section) -> tuple[ModelRuns, ...]:
    """Every model: the curves of accuracy over the budget leave none out."""
    return section.models


@final
@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One figure or table of the paper, or a claim that it does not test.

    Attributes:
        key: how its presets' names start.
        title: its heading.
        introduction: what the paper claims there, and what stands in for its networks here.
        finders: its findings; one with the name of a general finding takes that one's place.
        parts: shown after the findings.
        claims: besides those of every report.
        curves: the models whose curves of accuracy over the budget are drawn.
        curves_note: which these are, in words; empty for all.
    """

    key: str
    title: str
    introduction: tuple[str, ...]
    finders: tuple[Finder, ...] = ()
    parts: tuple[Part, ...] = ()
    claims: tuple[Claim, ...] = ()
    curves: Callable[[Section], tuple[ModelRuns, ...]] = field(default=all_models)
    curves_note: str = ""
