"""How much a reader is asked to read: words, sentences, values and bytes of the pages as they are written."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_runs import attack, evidence, sweep, table_1, theory

from natrob_empirical.claims import Evidence, judge_all
from natrob_empirical.evidence.folders import read_folders
from natrob_empirical.evidence.packaged import packaged_proofs
from natrob_empirical.evidence.proofs import by_path
from natrob_empirical.reporting import write_site

WORDS, SENTENCE, PARAGRAPH = 350, 25, 60
PAGE, SITE = 1_000_000, 3_000_000
SHARED = "natrob.js"
_SILENT = {"script", "style", "table", "title", "head"}
_BLOCKS = {"p", "li", "h1", "h2", "h3", "pre", "summary", "nav"}


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
        return [" ".join(text.split()) for tag, text in self.blocks if text and tag in {"p", "li"}]


def sentences(paragraph: str) -> list[str]:
    """Splits behind a full stop or question mark that a capital letter or a number follows."""
    return re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý“0-9])", paragraph)


def _made_up() -> Evidence:
    """Table 1 on MNIST, digits with a certificate, and a sweep."""
    attacks = (("PGD-40", 0.3, 0.5), ("FGSM", 0.3, 0.6))
    return evidence(
        *table_1(),
        theory("A", certified=[("L2", 0.3, 0.3)]),
        *(attack("A", label, epsilon, left, norm="L2") for label, epsilon, left in attacks),
        sweep(),
    )


def _quick() -> Evidence:
    """The committed records of `natrob report`."""
    runs = read_folders([Path(__file__).parents[3] / "reports" / "quick"]).runs
    return Evidence(runs=runs, proofs=by_path(packaged_proofs()))


@pytest.fixture(scope="module", params=[_made_up, _quick], ids=["made up", "quick"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = request.param()
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
    html = "<p>One two. Three <data value='1'>1</data></p><table><p>four</p></table><li>1</li>"
    read = Reader(html)
    assert read.words == ["One", "two.", "Three", "1", "1"]
    assert read.values == ["1"]
    assert [sentences(p) for p in read.paragraphs] == [["One two.", "Three 1"], ["1"]]
