"""`python -m reports`: write the site and the blocks of the pages anew, from the committed records and proofs."""

from natrob_empirical.files.atomic_file import write_atomically
from natrob_empirical.reporting import write_site
from reports.blocks import filled, pages
from reports.published import SITE, TITLE, published_ledger, travelling_files


def main() -> None:
    """Writes everything; where a block cannot be written, nothing is."""
    ledger = published_ledger()
    texts = {page: filled(page.read_text(encoding="utf-8"), ledger) for page in pages()}
    files = write_site(ledger, ledger.evidence.runs, SITE, title=TITLE, files=travelling_files())
    for page, text in texts.items():
        if text != page.read_text(encoding="utf-8"):
            write_atomically(page, text.encode("utf-8"))
    print(f"{len(files.written)} files of the site in {SITE.parent.name}/{SITE.name}, {len(texts)} pages read")


if __name__ == "__main__":
    main()
