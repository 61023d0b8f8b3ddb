"""What is published, judged: the ledger of all committed records and of the proofs' outcomes."""

from pathlib import Path
from typing import Final

from natrob_empirical.claims import Evidence, Ledger, judge_all
from natrob_empirical.evidence.folders import read_folders
from natrob_empirical.evidence.proofs import by_path, read_proofs
from natrob_empirical.reporting.page import Site
from natrob_empirical.reporting.site import build_site

FOLDER: Final = Path(__file__).parent
SITE: Final = FOLDER / "index"
TITLE: Final = "natrob"


def published_ledger() -> Ledger:
    """Judges every claim by `reports/*/records` and `reports/proofs.json`.

    Raises:
        OSError: the file of the proofs is not there.
        ValueError: a record cannot be read.
    """
    read = read_folders(sorted(records.parent for records in FOLDER.glob("*/records")))
    if read.unread:
        raise ValueError(f"every published record must be readable, got {[each.name for each in read.unread]}")
    return judge_all(Evidence(runs=read.runs, proofs=by_path(read_proofs(FOLDER / "proofs.json")), notes=read.notes))


def published_site(ledger: Ledger) -> Site:
    """The site in `reports/index` as plain data."""
    return build_site(ledger, ledger.evidence.runs, title=TITLE)
