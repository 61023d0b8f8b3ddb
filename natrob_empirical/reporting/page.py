"""The two pages, Markdown and HTML, from the same plain data."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from natrob_empirical.reporting import reading_guide
from natrob_empirical.reporting.claims import ClaimRow
from natrob_empirical.reporting.experiments import ExperimentPart
from natrob_empirical.reporting.figure_style import ReportFigure
from natrob_empirical.reporting.findings import Finding
from natrob_empirical.reporting.missing_cells import Completeness
from natrob_empirical.reporting.provenance import SectionSettings
from natrob_empirical.reporting.tables import Table

_TEMPLATES: Final = PackageLoader("natrob_empirical.reporting", "templates")
_MARKDOWN_SIGNS: Final = re.compile(r"([\\`*_\[\]|~$])")
_BLOCK_START: Final = re.compile(r"^(#{1,6}|[-+=]+|\d+[.)])(?=\s|$)")


@final
@dataclass(frozen=True, kw_only=True)
class StepSizePage:
    """The sweep over step sizes on the pages: its sentence, figure and table."""

    text: str
    figure: ReportFigure
    table: Table


@final
@dataclass(frozen=True, kw_only=True)
class SectionPage:
    """One section on the pages.

    Attributes:
        anchor: unique on the page.
        heading: data set and preset, after the figure or table of the paper where it is one.
        introduction: paragraphs on that figure or table.
        parts: of that figure or table alone.
        facts: (name, value).
        findings, claims: statements.
        completeness: what is missing.
        superseded: how many older records of the same cells or models are not shown.
        models, training, growth, checks, accuracies: tables; None where the records hold nothing for them.
        refusals: model → why it has no certificate.
        trajectories, accuracy, correlation: figures; None where the records have nothing to draw.
        samples: certificates and attacks image by image.
        step_sizes: the sweep over step sizes; None without one.
        settings: of every cell.
    """

    anchor: str
    heading: str
    introduction: Sequence[str]
    parts: Sequence[ExperimentPart]
    facts: Sequence[tuple[str, str]]
    findings: Sequence[Finding]
    claims: Sequence[ClaimRow]
    completeness: Completeness
    superseded: int
    models: Table
    training: Table | None
    growth: Table
    checks: Table | None
    accuracies: Sequence[Table]
    refusals: Mapping[str, str]
    trajectories: ReportFigure | None
    accuracy: ReportFigure | None
    correlation: ReportFigure | None
    samples: Sequence[ExperimentPart]
    step_sizes: StepSizePage | None
    settings: SectionSettings

    @property
    def figures(self) -> tuple[ReportFigure, ...]:
        """The figures that there are, in order."""
        sweep = None if self.step_sizes is None else self.step_sizes.figure
        own = [part.figure for part in self.parts]
        samples = [part.figure for part in self.samples]
        general = (self.trajectories, self.accuracy, self.correlation)
        return tuple(figure for figure in (*own, *general, *samples, sweep) if figure is not None)

    @property
    def first_number(self) -> int:
        """The number of the figure of trajectories, after those of the parts."""
        return 1 + sum(part.figure is not None for part in self.parts)

    @property
    def last_number(self) -> int:
        """The number of the figure of the sweep over step sizes, after those of the samples."""
        return self.first_number + 3 + sum(part.figure is not None for part in self.samples)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that must be shouted."""
        return tuple(finding for finding in self.findings if finding.level == "alarm")


@final
@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A record that could not be read: where it was, where it is now, and what was wrong with it."""

    path: str
    moved_to: str
    reason: str


@final
@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """The whole report as plain data.

    Attributes:
        title: of the page.
        facts: (name, value) of the environment.
        sections: one per data set and preset.
        unreadable: records that were set aside.
        command: that made the records; may be empty.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[SectionPage]
    unreadable: Sequence[SetAside]
    command: str


def render_html(page: ReportPage) -> str:
    """One self-contained HTML page; every value is escaped, figures are inline SVG."""
    environment = Environment(
        loader=_TEMPLATES, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["inline_svg"] = inline_svg
    return environment.get_template("report.html.j2").render(page=page, guide=reading_guide)


def render_markdown(page: ReportPage) -> str:
    """A Markdown page that links the figures; every value is escaped, unless a filter marks it as finished."""
    environment = Environment(
        loader=_TEMPLATES,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Runs on every value before the HTML escaping, which leaves finished markup alone.
        finalize=lambda value: value if isinstance(value, Markup) else escape_markdown(str(value)),
    )
    environment.filters["code_block"] = code_block
    text = environment.get_template("report.md.j2").render(page=page, guide=reading_guide)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escape_markdown(text: str) -> Markup:
    """Text that Markdown shows as it is, in a paragraph and in a table cell."""
    escaped = text.replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _MARKDOWN_SIGNS.sub(r"\\\1", escaped)
    escaped = _BLOCK_START.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", escaped)
    return Markup(escaped)


def code_block(text: str) -> Markup:
    """A fenced block, its fence longer than any run of backticks in the text."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return Markup(f"{fence}text\n{text}\n{fence}")


def inline_svg(figure: ReportFigure) -> Markup:
    """The figure's SVG for use inside a page: no prologue and metadata, ids of its own, a name for screen readers."""
    text = figure.svg.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{figure.name}-\1"', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{figure.name}-", text)
    label = Markup.escape(f"{figure.title}. {figure.caption}")
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))
