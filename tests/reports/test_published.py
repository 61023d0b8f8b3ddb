"""What is published is what the committed records and proofs give today, to the last byte."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from natrob_empirical.claims import Ledger, judge_all
from natrob_empirical.records import share_certified
from natrob_empirical.reporting.writer import files_of
from reports.blocks import BLOCKS, ROOT, filled, pages
from reports.published import FOLDER, SITE, published_ledger, published_site, travelling_files

STALE = "is stale: run `make publish`"
NOT_OURS = (".svg", ".png", "natrob.js")
"""Fonts of the machine and versions of Vega decide them; the descriptions that they are drawn from are compared."""
LIST = "assets/files.txt"
"""What the writer knows its own files by."""
MOST_BYTES = 40_000_000


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return published_ledger()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_are_fresh(page: Path, ledger: Ledger) -> None:
    text = page.read_text(encoding="utf-8")
    assert filled(text, ledger) == text, f"{page.name} {STALE}"


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_stands_on_a_page_and_follows_the_records(name: str, ledger: Ledger) -> None:
    assert any(f"<!-- generated: {name} -->" in page.read_text(encoding="utf-8") for page in pages())
    if name not in {"certificates", "glossary"}:
        fewer = judge_all(replace(ledger.evidence, runs=ledger.evidence.runs[-1:], proofs={}))
        assert block(name, fewer) != block(name, ledger)


def block(name: str, ledger: Ledger) -> str:
    """The block, or why it cannot be written."""
    try:
        return filled(f"<!-- generated: {name} -->\n<!-- end -->", ledger)
    except ValueError as refusal:
        return str(refusal)


def test_a_block_that_nothing_writes_is_refused(ledger: Ledger) -> None:
    with pytest.raises(KeyError, match="weather"):
        filled("<!-- generated: weather -->\n<!-- end -->", ledger)


def test_every_published_file_of_certificates_and_of_smoothing_has_todays_form(ledger: Ledger) -> None:
    files = travelling_files()
    assert len(files.certificates) == len(list(FOLDER.glob("certificates/*.json"))) > 0
    assert len(files.smoothed) == len(list(FOLDER.glob("smoothing/*.json")))
    for file in files.certificates:
        assert [point.accuracy for point in file.certified] == [
            share_certified(file.radii, point.epsilon) for point in file.certified
        ]
    page = {part.name: part for page in published_site(ledger).pages if page.room == "Certified"
            for part in page.parts}  # fmt: skip
    for name, shown in (("test-sets", files.certificates), ("smoothing", files.smoothed)):
        assert sum(len(table.rows) for table in (page[name].tables if shown else ())) == len(shown)


@pytest.mark.slow
def test_the_site_is_fresh(ledger: Ledger) -> None:
    content = files_of(published_site(ledger))
    there = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file()}
    assert there == {*content, LIST}, STALE
    texts = [name for name in content if not name.endswith(NOT_OURS)]
    assert [name for name in texts if own((SITE / name).read_bytes()) != own(content[name])] == [], STALE


def own(text: bytes) -> bytes:
    """A file without the version of Vega-Lite that altair names."""
    return re.sub(rb"vega-lite/v[\d.]+\.json", b"", text)


def test_the_published_folder_is_small_enough() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= MOST_BYTES
