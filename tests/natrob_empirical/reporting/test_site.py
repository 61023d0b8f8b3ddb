"""The site's files: the same for the same records, linked to each other, safe against strange names."""

import csv
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from synthetic_runs import attack, evidence, proof, table_1, theory

from natrob_empirical.claims import Evidence, Verdict, judge_all
from natrob_empirical.display import Cell, Column, Figure, Part, Table
from natrob_empirical.evidence.folders import UnreadFile
from natrob_empirical.reporting import SiteFiles, write_site
from natrob_empirical.reporting.drawing import svg_of
from natrob_empirical.reporting.page import Page, Site, unique_slugs
from natrob_empirical.reporting.rendering import code_block, escape_markdown, paragraphs, render_page, sorted_by
from natrob_empirical.reporting.table_files import csv_of, json_of
from natrob_empirical.reporting.writer import files_of

NASTY = "<b>&\"'|`*_[x](y)$z$\\ {{ 7*7 }}</script>\x00 模型"
FIGURE = Figure(
    name="f", title="T", alt="Up.", caption="C.",
    specification={"data": {"values": [{"x": 1, "y": "</script>"}]}, "mark": {"type": "point", "clip": True},
                   "encoding": {"x": {"field": "x", "type": "quantitative"}}, "width": "container"},
)  # fmt: skip


def written(folder: Path, found: Evidence, **arguments: object) -> SiteFiles:
    return write_site(judge_all(found), found.runs, folder, title="natrob", **arguments)  # pyright: ignore[reportArgumentType]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    written(folder, evidence(*table_1()), command="natrob report table1")
    return folder


def test_the_same_records_give_the_same_bytes(site: Path, tmp_path: Path) -> None:
    written(tmp_path, evidence(*reversed(table_1())), command="natrob report table1")
    assert content(tmp_path) == content(site)


def test_every_link_leads_somewhere(site: Path) -> None:
    links = 0
    for page in (*site.rglob("*.html"), *site.glob("*.md")):
        text = page.read_text()
        for link in re.findall(r'(?:href|src)="([^"]+)"|\]\(([^)]+)\)', text):
            target = urlsplit(unquote(link[0] or link[1]))
            assert target.scheme in {"", "https"}, link
            if target.scheme == "" and target.path:
                assert (page.parent / target.path).is_file(), (page.name, link)
                links += 1
            if target.fragment:
                found = (page.parent / target.path if target.path else page).read_text()
                assert f'id="{target.fragment}"' in found, (page.name, link)
    assert links > 100


def test_markdown_keeps_its_headings_and_tables(site: Path) -> None:
    for page in site.glob("*.md"):
        lines = page.read_text().splitlines()
        assert lines[0].startswith("# "), page.name
        assert not [line for line in lines if re.match(r"\\?#+\\", line)], page.name
        starts = [place for place, line in enumerate(lines) if line[:1] == "|" and lines[place - 1][:1] != "|"]
        assert [lines[place] for place in starts if not re.fullmatch(r"\|( (---|---:) \|)+", lines[place + 1])] == []


def test_the_single_file_needs_no_other(tmp_path: Path) -> None:
    files = written(tmp_path, evidence(*table_1()), single_file=True)
    assert list(content(tmp_path)) == ["index.html"]
    html = files.index.read_text().partition("<script>")[0]
    assert not [
        link for link in re.findall(r'(?:href|src)="([^"]+)"', html) if not re.match(r"#|data:|https://arxiv", link)
    ]
    identifiers = re.findall(r'\bid="([^"]+)"', html)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(identifiers)


def test_what_an_earlier_site_left_is_taken_away_and_all_else_stays(tmp_path: Path) -> None:
    written(tmp_path, evidence(*table_1()))
    own = tmp_path / "models" / "mine.txt"
    own.write_text("mine")
    assert len(list((tmp_path / "models").glob("*.html"))) == 2
    written(tmp_path, evidence(theory("A")))
    assert len(list((tmp_path / "models").glob("*.html"))) == 1
    assert own.read_text() == "mine"


def test_an_alarm_is_on_every_page(tmp_path: Path) -> None:
    files = written(tmp_path, evidence(theory("A", violations=2)))
    assert len(files.alarms) == 1
    assert "comparisons exceed a proved bound" in files.alarms[0]
    for page in tmp_path.rglob("*.html"):
        assert 'role="alert"' in page.read_text()
    assert written(tmp_path, evidence(theory("A"))).alarms == ()


def test_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    place: dict[str, Any] = {"network": NASTY, "training": NASTY, "preset": NASTY, "dataset": NASTY}
    found = evidence(theory(NASTY, **place), attack(NASTY, NASTY, **place))
    written(tmp_path, found, unread=[UnreadFile(name=NASTY, reason=NASTY)], command=f"natrob '{NASTY[:30]}' ```")
    for page in (*tmp_path.rglob("*.html"), *tmp_path.glob("*.md")):
        text = page.read_text()
        assert "<b>&" not in re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert "</script>\x00" not in text
    assert "{{ 7*7 }}" in (tmp_path / "data.html").read_text()  # a value is not a template


def test_no_record_and_no_proof_is_a_site_that_says_so(tmp_path: Path) -> None:
    written(tmp_path, Evidence(runs=(), proofs={}))
    text = (tmp_path / "index.html").read_text()
    assert text.count(f"{Verdict.NO_EVIDENCE.sign} {Verdict.NO_EVIDENCE.words}") > 10


def test_the_verdicts_follow_the_proofs(tmp_path: Path) -> None:
    paths = ("proofs/symbolic/discrete_bound.py", "proofs/coq/theorem_3_1.v")
    written(tmp_path, evidence(theory("A"), proofs=[proof(path) for path in paths]))
    assert '<p class="pill good">✓ proved</p>' in (tmp_path / "claims" / "T2.html").read_text()


def test_two_things_of_one_name_are_refused() -> None:
    other = Figure(name="f", title="Another", alt="Up.", caption="C.", specification=FIGURE.specification)
    parts = tuple(Part(name=f"p{i}", heading="P", figure=each) for i, each in enumerate((FIGURE, other)))
    site = Site(title="t", pages=(Page(address="index.html", room="Index", title="t", parts=parts),))
    with pytest.raises(ValueError, match="unique in a site, got 'f' twice"):
        files_of(site)


def test_a_figure_cannot_end_its_script_and_is_the_same_again() -> None:
    page = Page(address="index.html", room="Index", title="t", picture=FIGURE)
    html = render_page(Site(title="t", pages=(page,)), page).decode()
    assert html.count("</script>") == 2
    assert json.loads(re.findall(r'<script type="application/json">(.*?)</script>', html)[0]) == FIGURE.specification
    assert svg_of(FIGURE) == svg_of(FIGURE)


def test_a_picture_holds_its_words_and_marks_and_nothing_for_scripts() -> None:
    svg = svg_of(FIGURE).decode()
    assert len(re.findall("<text", svg)) > 0
    for nothing in ("aria-", "role=", "class=", 'opacity="1"'):
        assert nothing not in svg
    assert re.findall(r'="[^"]*\.\d{3}', svg) == []


def test_a_cell_keeps_the_value_that_it_is_sorted_by_where_its_text_says_less() -> None:
    cells = [Cell(text="0.980", value=0.98), Cell(text="0.98", value=0.9843), Cell(text="1,200", value=1200.0),
             Cell(text="1", value=1, mark="good"), Cell(text="∞", value=float("inf")), Cell(text="a")]  # fmt: skip
    assert [sorted_by(cell) for cell in cells] == ["", "0.9843", "1200", "1", "inf", ""]


def test_tables_as_files() -> None:
    cells = (
        Cell(text="a, b", note="why"),
        Cell(text="1,200", value=1200.0),
        Cell(text="∞", value=float("inf"), mark="bad"),
    )
    table = Table(name="t", caption="C.", columns=tuple(Column(heading=h) for h in "xyz"), rows=(cells,))
    assert list(csv.reader(csv_of(table).decode().splitlines())) == [["x", "y", "z"], ["a, b", "1200", "inf"]]
    assert json.loads(json_of(table)) == {
        "caption": "C.",
        "columns": ["x", "y", "z"],
        "rows": [["a, b", 1200, "inf"]],
        "notes": {"why": [[0, 0]]},
    }


def test_markdown_escaping() -> None:
    assert str(escape_markdown("a|b\n<c> & *d* _e_ [f] `g` ~h $i")) == (
        r"a\|b &lt;c&gt; &amp; \*d\* \_e\_ \[f\] \`g\` \~h \$i"
    )
    assert str(escape_markdown("# no heading")) == r"\# no heading"
    assert str(code_block("a ```` b")).startswith("`````text\n")


def test_sentences_fill_paragraphs_of_sixty_words() -> None:
    assert [len(p.split()) for p in paragraphs(["word " * 24 + "word."] * 3)] == [50, 25]


def test_names_of_files_differ_even_without_case() -> None:
    assert unique_slugs(["ResNet, h = 1", "resnet h 1", "h = −1", "∞"]) == [
        "ResNet-h-1",
        "resnet-h-1-2",
        "h-minus-1",
        "inf",
    ]
