"""The page of the certified table: a picture a data set and norm, the numbers, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from natrob_empirical.display import Part, measured
from natrob_empirical.display.formatting import format_budget, format_percent
from natrob_empirical.evidence.certified_table import Panel, certified_panels
from natrob_empirical.evidence.run import Run, titled
from natrob_empirical.records.schema import CertificateFile, SmoothingFile
from natrob_empirical.reporting.page import ROOMS, Page
from natrob_empirical.reporting.parts.cells import only
from natrob_empirical.reporting.parts.certified_panels import leading, panel_figure, panel_place
from natrob_empirical.reporting.parts.certified_tables import all_numbers, panel_table, smoothing, whole_test_sets


@final
@dataclass(frozen=True, kw_only=True)
class TravellingFiles:
    """Holds the files that the page shows beside the records.

    Attributes:
        certificates: files of `natrob certify --output`.
        smoothed: files of `natrob smooth --output`.
    """

    certificates: tuple[CertificateFile, ...] = ()
    smoothed: tuple[SmoothingFile, ...] = ()


def certified_pages(runs: Sequence[Run], files: TravellingFiles) -> list[Page]:
    """The page, or none where nothing is certified.

    Args:
        runs: with certificates and attacks image by image.
        files: that are shown beside them.
    """
    panels = certified_panels(runs)
    return [_page(panels, files)] if panels else []


def _page(panels: Sequence[Panel], files: TravellingFiles) -> Page:
    others = (whole_test_sets(files.certificates), smoothing(files.smoothed), all_numbers(panels))
    return Page(
        address=ROOMS["Certified"],
        room="Certified",
        title="Which networks are robust because of their mathematics?",
        lead=says(max(panels, key=separation)),
        parts=(
            *(
                Part(name=f"panel-{n}", heading=panel_place(panel), figure=panel_figure(panel))
                for n, panel in enumerate(panels, start=1)
            ),
            Part(name="table", heading="In numbers", tables=only(*map(panel_table, panels))),
            *(part for part in others if part is not None),
        ),
    )


def says(panel: Panel) -> tuple[str, ...]:
    """Names a network that is certified, one that falls, and one that is only undecided."""
    best, standing = leading(panel)
    epsilon = standing.epsilon
    place = format_budget(panel.norm, epsilon)
    proved = measured(format_percent(standing.certified, kind="lower"))
    sentences = [
        f"Certified: {best.label}. Of the images of {titled(panel.dataset)} {proved} are proved at {place}, "
        "whatever the attack."
    ]
    others = [(row, each) for row in panel.rows if row is not best and (each := row.at(epsilon))]
    if others:
        fallen, there = min(others, key=lambda pair: pair[1].attacked)
        left = measured(format_percent(there.attacked, kind="upper"))
        sentences.append(f"Fallen: {fallen.label}. There attacks leave {left} at most.")
    open_ones = [(row, each) for row in panel.rows if not row.any_certified for each in row.standings]
    if open_ones:
        row, each = max(open_ones, key=lambda pair: pair[1].undecided / pair[0].images)
        left = measured(format_percent(each.attacked, kind="upper"))
        place = format_budget(panel.norm, each.epsilon)
        sentences.append(f"Undecided: {row.label}. At {place} attacks leave {left} at most, and nothing is proved.")
    return tuple(sentences)


def separation(panel: Panel) -> float:
    """How far the best proved share is above what attacks leave of another network at the same radius."""
    _, standing = leading(panel)
    return standing.certified - min(each.attacked for row in panel.rows if (each := row.at(standing.epsilon)))
