"""What is published, judged: the ledger of all committed records and of the proofs' outcomes."""

from pathlib import Path
from typing import Final

from natrob_empirical.certificate_files import read_certificates, read_smoothing
from natrob_empirical.claims import Evidence, Ledger, judge_all
from natrob_empirical.evidence.folders import read_folders
from natrob_empirical.evidence.proofs import by_path, read_proofs
from natrob_empirical.reporting.certified_page import TravellingFiles
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


def travelling_files() -> TravellingFiles:
    """Certificates of whole test sets in `reports/certificates`, and smoothed radii in `reports/smoothing`.

    Raises:
        ValueError: one of them has not today's form.
    """
    return TravellingFiles(
        certificates=tuple(map(read_certificates, sorted(FOLDER.glob("certificates/*.json")))),
        smoothed=tuple(map(read_smoothing, sorted(FOLDER.glob("smoothing/*.json")))),
    )


def published_site(ledger: Ledger) -> Site:
    """The site in `reports/index` as plain data."""
    return build_site(ledger, ledger.evidence.runs, title=TITLE, files=travelling_files())
