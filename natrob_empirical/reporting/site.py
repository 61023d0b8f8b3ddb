"""The whole site as plain data: which pages there are."""

from collections.abc import Sequence

from altair.utils.schemapi import debug_mode

from natrob_empirical.claims import Ledger
from natrob_empirical.display.formatting import clean_text
from natrob_empirical.evidence.folders import UnreadFile
from natrob_empirical.evidence.run import Run
from natrob_empirical.reporting.alarms import alarms_of
from natrob_empirical.reporting.certified_page import TravellingFiles, certified_pages
from natrob_empirical.reporting.ledger_pages import claim_pages, claims_page, index_page
from natrob_empirical.reporting.method_page import method_page
from natrob_empirical.reporting.model_pages import model_pages
from natrob_empirical.reporting.page import Site
from natrob_empirical.reporting.run_pages import data_page, run_addresses, run_pages


def build_site(
    ledger: Ledger,
    runs: Sequence[Run],
    *,
    title: str,
    command: str = "",
    unread: Sequence[UnreadFile] = (),
    files: TravellingFiles | None = None,
) -> Site:
    """Builds every page from the ledger and the runs, and from nothing else.

    Args:
        ledger: every claim judged.
        runs: that the pages show.
        title: of the site.
        command: that makes the records anew; may be empty.
        unread: files that count for nothing; the data page names them.
        files: certificates and smoothed radii, for the certified page.
    """
    with debug_mode(False):  # altair would check every piece of a figure; Vega checks the whole when it is drawn
        pages = (
            index_page(ledger, runs),
            claims_page(ledger),
            *claim_pages(ledger, run_addresses(runs)),
            *certified_pages(runs, files or TravellingFiles()),
            *model_pages(runs),
            data_page(runs, unread, ledger.evidence.notes, "\n".join(map(clean_text, command.strip().splitlines()))),
            *run_pages(runs),
            method_page(ledger),
        )
    return Site(title=clean_text(title), pages=pages, alarms=tuple(text for run in runs for text in alarms_of(run)))
