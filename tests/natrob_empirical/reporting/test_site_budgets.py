"""How much a reader is asked to read: words, sentences, values and bytes of the pages as they are written."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_runs import attack, evidence, sweep, table_1, theory

from natrob_empirical.claims import judge_all
from natrob_empirical.reporting import write_site

WORDS, SENTENCE, PARAGRAPH = 350, 25, 60
PAGE, SITE = 1_000_000, 3_000_000
SHARED = "natrob.js"
_SILENT = {"script", "style", "table", "title", "head"}
_BLOCKS = {"p", "li", "figcaption", "h1", "h2", "h3", "pre", "summary", "nav"}


class Reader(HTMLParser):
    """Collects the blocks of words outside tables, and the measured values in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.blocks: list[tuple[str, str]] = [("", "")]
        self.values: list[str] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.blocks.append((tag, ""))
        if tag == "data" and not self._silent:
            self.values.append(dict(attrs)["value"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT
        if tag in _BLOCKS:
            self.blocks.append(("", ""))

    def handle_data(self, data: str) -> None:
        if not self._silent:
            tag, text = self.blocks[-1]
            self.blocks[-1] = (tag, text + data)

    @property
    def words(self) -> list[str]:
        return " ".join(text for _, text in self.blocks).split()

    @property
    def paragraphs(self) -> list[str]:
        return [" ".join(text.split()) for tag, text in self.blocks if text and tag in {"p", "li", "figcaption"}]


def sentences(paragraph: str) -> list[str]:
    """Splits behind a full stop, question mark or semicolon-free colon, never inside "e.g." or a number."""
    return re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý“])", paragraph)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three runs: Table 1 on MNIST, digits with certificates, and a sweep."""
    attacks = (("PGD-40", 0.3, 0.5), ("FGSM", 0.3, 0.6))
    found = evidence(
        *table_1(),
        theory("A", certified=[("L2", 0.3, 0.3)]),
        *(attack("A", label, epsilon, left, norm="L2") for label, epsilon, left in attacks),
        sweep(),
    )
    folder = tmp_path_factory.mktemp("site")
    write_site(judge_all(found), found.runs, folder, title="natrob")
    return folder


def test_the_index_can_be_read_in_a_minute(site: Path) -> None:
    assert 50 < len(Reader((site / "index.html").read_text()).words) <= WORDS


def test_sentences_and_paragraphs_are_short(site: Path) -> None:
    read = {page: Reader(page.read_text()).paragraphs for page in site.rglob("*.html")}
    long = [
        (page.name, s) for page, found in read.items() for p in found for s in sentences(p) if len(s.split()) > SENTENCE
    ]
    assert long == []
    assert [(page.name, p) for page, found in read.items() for p in found if len(p.split()) > PARAGRAPH] == []


def test_a_measured_value_stands_once_on_a_page(site: Path) -> None:
    found = {page.name: Reader(page.read_text()).values for page in site.rglob("*.html")}
    assert sum(map(len, found.values())) > 3
    assert {name: values for name, values in found.items() if len(set(values)) < len(values)} == {}


def test_pages_are_small(site: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < SITE
    assert {name: size for name, size in sizes.items() if size > PAGE} == {}
    assert sizes[SHARED] > 500_000  # what draws the figures is there, once


def test_the_reader_sees_what_is_too_long() -> None:
    html = "<p>One two. Three <data value='1'>1</data></p><table><p>four</p></table><figcaption>1</figcaption>"
    read = Reader(html)
    assert read.words == ["One", "two.", "Three", "1", "1"]
    assert read.values == ["1"]
    assert [sentences(p) for p in read.paragraphs] == [["One two.", "Three 1"], ["1"]]
