"""From records to files on disk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from natrob_empirical.display.formatting import clean_text
from natrob_empirical.files.atomic_file import write_atomically
from natrob_empirical.records import CellRecord, UnreadableRecord
from natrob_empirical.reporting.experiments import ExperimentPart, claims_of, experiment_of, findings_of
from natrob_empirical.reporting.figure_accuracy import accuracy_figure
from natrob_empirical.reporting.figure_correlation import correlation_figure
from natrob_empirical.reporting.figure_step_sizes import step_sizes_figure
from natrob_empirical.reporting.figure_style import ModelStyle, model_styles
from natrob_empirical.reporting.figure_trajectories import trajectories_figure
from natrob_empirical.reporting.findings.step_size_growth import describe_step_sizes
from natrob_empirical.reporting.missing_cells import completeness
from natrob_empirical.reporting.page import (
    ReportPage,
    SectionPage,
    SetAside,
    StepSizePage,
    render_html,
    render_markdown,
)
from natrob_empirical.reporting.provenance import environment_facts, section_facts, section_settings
from natrob_empirical.reporting.record_groups import Section, group_records
from natrob_empirical.reporting.sample_parts import sample_parts
from natrob_empirical.reporting.tables import (
    accuracy_tables,
    certificate_refusals,
    checks_table,
    growth_table,
    models_table,
    step_sizes_table,
    training_table,
)


@final
@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """The files of a report.

    Attributes:
        markdown: report.md, which links the figures.
        html: report.html, which needs no other file.
        figures: figures/NAME.svg and figures/NAME.png, in the order of the page.
        alarms: the texts of the findings that a proved inequality is broken; none in a run without a bug.
    """

    markdown: Path
    html: Path
    figures: tuple[Path, ...]
    alarms: tuple[str, ...] = ()


def write_report(
    records: Sequence[CellRecord],
    output: Path,
    *,
    title: str,
    unreadable: Sequence[UnreadableRecord] = (),
    command: str = "",
) -> ReportFiles:
    """Write the report of these records: a Markdown page, a self-contained HTML page, and the figures.

    The files depend on the arguments alone, not on the order of the records or the clock. Each is written
    to a temporary file and renamed, the pages after their figures, so a reader never sees half of one.

    Args:
        records: of any presets and data sets, complete or not; none gives a page that says so.
        output: the folder, created if it is missing. Files of the same name are replaced, others left alone.
        title: of the page.
        unreadable: records that the store set aside; the page names them.
        command: what to run for the same records; shown if given.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    page = build_page(records, title=title, unreadable=unreadable, command=command)
    folder = output / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for figure in (figure for section in page.sections for figure in section.figures):
        for ending, content in (("svg", figure.svg), ("png", figure.png)):
            path = folder / f"{figure.name}.{ending}"
            write_atomically(path, content)
            written.append(path)
    markdown, html = output / "report.md", output / "report.html"
    write_atomically(markdown, render_markdown(page).encode("utf-8"))
    write_atomically(html, render_html(page).encode("utf-8"))
    alarms = tuple(f"({section.heading}) {finding.text}" for section in page.sections for finding in section.alarms)
    return ReportFiles(markdown=markdown, html=html, figures=tuple(written), alarms=alarms)


def build_page(
    records: Sequence[CellRecord], *, title: str, unreadable: Sequence[UnreadableRecord], command: str
) -> ReportPage:
    """Everything that the pages show, as plain data."""
    sections = group_records(records)
    selected = [(experiment, s) for s in sections if (experiment := experiment_of(s))]
    styles = model_styles(sections, first=[model.label for each, s in selected for model in each.curves(s)])
    anchors = _anchors(sections)
    return ReportPage(
        title=_title(clean_text(title), sections),
        facts=environment_facts(records),
        sections=[
            _section_page(section, anchor, styles, alone=len(sections) == 1)
            for section, anchor in zip(sections, anchors, strict=True)
        ],
        unreadable=[
            SetAside(path=clean_text(str(r.path)), moved_to=clean_text(str(r.moved_to)), reason=clean_text(r.reason))
            for r in sorted(unreadable, key=lambda record: str(record.path))
        ],
        command="\n".join(clean_text(line) for line in command.strip().splitlines()),
    )


def _section_page(section: Section, anchor: str, styles: Mapping[str, ModelStyle], *, alone: bool) -> SectionPage:
    """One section's findings, tables and figures; its name is in the figures' names unless it is alone."""
    prefix = "" if alone else f"{anchor}-"
    findings = findings_of(section)
    experiment = experiment_of(section)
    return SectionPage(
        anchor=anchor,
        heading=_heading(section),
        introduction=experiment.introduction if experiment else (),
        facts=section_facts(section),
        findings=findings,
        claims=claims_of(section, findings),
        parts=_parts(section, prefix, styles),
        completeness=completeness(section),
        superseded=len(section.superseded),
        models=models_table(section),
        training=training_table(section),
        growth=growth_table(section),
        checks=checks_table(section),
        accuracies=accuracy_tables(section),
        refusals=certificate_refusals(section),
        trajectories=trajectories_figure(section, name=f"{prefix}trajectories", styles=styles),
        accuracy=accuracy_figure(
            section,
            name=f"{prefix}accuracy",
            styles=styles,
            models=experiment.curves(section) if experiment else None,
            note=experiment.curves_note if experiment else "",
        ),
        correlation=correlation_figure(section, name=f"{prefix}bound-accuracy", styles=styles),
        samples=sample_parts(section, prefix, styles),
        step_sizes=_step_size_page(section, f"{prefix}step-sizes"),
        settings=section_settings(section),
    )


def _heading(section: Section) -> str:
    """Data set and preset, after the figure or table of the paper where it is one."""
    experiment = experiment_of(section)
    place = f"{section.dataset}, preset {section.preset}"
    return place if experiment is None else f"{experiment.title} ({place})"


def _parts(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> tuple[ExperimentPart, ...]:
    """The experiment's own parts."""
    experiment = experiment_of(section)
    built = (build(section, prefix, styles) for build in (experiment.parts if experiment else ()))
    return tuple(part for part in built if part is not None)


def _title(title: str, sections: Sequence[Section]) -> str:
    """The given title, with the figure or table that all sections are about."""
    titles = {experiment.title if (experiment := experiment_of(section)) else "" for section in sections}
    return f"{title}. {titles.pop()}" if len(titles) == 1 and titles != {""} else title


def _step_size_page(section: Section, name: str) -> StepSizePage | None:
    """The sweep over step sizes, if the section has one."""
    result = section.step_sizes
    figure = None if result is None else step_sizes_figure(result, name=name)
    if result is None or figure is None:
        return None
    return StepSizePage(text=describe_step_sizes(result), figure=figure, table=step_sizes_table(result))


def _anchors(sections: Sequence[Section]) -> list[str]:
    """A name per section for links and files: letters, digits, dots and hyphens; unique."""
    anchors: list[str] = []
    for section in sections:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", f"{section.dataset}-{section.preset}").strip("-").lower() or "section"
        anchors.append(plain if plain not in anchors else f"{plain}-{len(anchors) + 1}")
    return anchors
