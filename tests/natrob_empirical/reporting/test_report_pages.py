import itertools
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from synthetic_records import attack_record, key, record, run_records, theory_record

import natrob_empirical.reporting
from natrob_empirical.records import CellRecord, UnreadableRecord
from natrob_empirical.reporting import ReportFiles, write_report
from natrob_empirical.reporting.page import code_block, escape_markdown
from natrob_empirical.reporting.provenance import environment_facts, section_settings
from natrob_empirical.reporting.reading_guide import PAPER_ADDRESS
from natrob_empirical.reporting.record_groups import group_records

NASTY = "<b>&\"'|`*_[x](y)$z$\\ {{ 7*7 }}</script>\x00 模型"


def parse(html: str) -> ET.Element:
    """The page is written so that an XML parser accepts it, which is stricter than HTML."""
    return ET.fromstring(html.removeprefix("<!DOCTYPE html>").strip())


def written(records: list[CellRecord], folder: Path, **arguments: object) -> tuple[str, str, ReportFiles]:
    files = write_report(records, folder, title="A title", **arguments)  # pyright: ignore[reportArgumentType]
    html, markdown = files.html.read_text(encoding="utf-8"), files.markdown.read_text(encoding="utf-8")
    parse(html[html.index("<!DOCTYPE") :])
    return html, markdown, files


def test_the_files(report: ReportFiles) -> None:
    assert report.markdown.name == "report.md"
    assert report.html.name == "report.html"
    names = [path.name for path in report.figures]
    assert names == [
        f"{name}.{ending}" for name in ("trajectories", "accuracy", "bound-accuracy") for ending in ("svg", "png")
    ]
    assert all(path.parent == report.html.parent / "figures" and path.stat().st_size for path in report.figures)
    assert not list(report.html.parent.rglob("*.partial"))


def test_two_runs_are_the_same_bytes(run: list[CellRecord], report: ReportFiles, tmp_path: Path) -> None:
    again = write_report(list(reversed(run)), tmp_path, title="A made-up run", command="natrob bench quick")
    first = [report.markdown, report.html, *report.figures]
    second = [again.markdown, again.html, *again.figures]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_page_is_well_formed_and_ids_are_unique(report: ReportFiles) -> None:
    html = report.html.read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    root = parse(html)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:xlink:href="|href="|url\()#([^")]+)', html)
    assert used
    assert set(used) <= set(ids)


def test_the_page_needs_no_other_file(report: ReportFiles) -> None:
    html = report.html.read_text(encoding="utf-8")
    root = parse(html)
    for element in root.iter():
        for name, value in element.attrib.items():
            if name.rsplit("}", 1)[-1] in {"src", "href", "data", "srcset", "action"}:
                assert value.startswith("#") or value == PAPER_ADDRESS, (element.tag, name, value)  # loads nothing
        assert element.tag.rsplit("}", 1)[-1] not in {"link", "script", "iframe", "img", "object", "embed"}
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    outside = set(re.findall(r"https?://[^\s\"'<>]+", html))
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert outside == namespaces | {PAPER_ADDRESS}
    assert len(root.findall(".//{http://www.w3.org/2000/svg}svg")) == 3


def test_the_page_adapts(report: ReportFiles) -> None:
    html = report.html.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert 'name="viewport"' in html
    tables = re.findall(r"<table>", html)
    assert len(re.findall(r'<div class="scroll"[^>]*>\s*<table>', html)) == len(tables)


def test_the_order_of_the_contents(report: ReportFiles) -> None:
    headings = [
        "Findings",
        "Models",
        "Perturbations against their bounds",
        "Accuracy under attack and certified",
        "Bound against accuracy",
        "Claims of the paper",
        "How every number was made",
        "How to read it",
        "Reproduce it",
    ]
    markdown = report.markdown.read_text(encoding="utf-8")
    assert re.findall(r"^#{2,3} (.+)$", markdown, flags=re.MULTILINE) == ["digits, preset quick", *headings]
    html = report.html.read_text(encoding="utf-8")
    assert re.findall(r"<h[23][^>]*>([^<]+)<", html) == ["digits, preset quick", *headings]
    for text in ("Imaginary CPU, 2 cores", "0123456789ab", "2026-01-02T03:04:05+00:00", "natrob bench quick", "n = 64"):
        assert text in markdown
        assert text in html


def test_markdown_links_its_figures(report: ReportFiles) -> None:
    markdown = report.markdown.read_text(encoding="utf-8")
    links = re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown)
    assert links == ["figures/trajectories.png", "figures/accuracy.png", "figures/bound-accuracy.png"]
    assert all((report.markdown.parent / link).is_file() for link in links)


def test_markdown_tables_are_rectangular(report: ReportFiles) -> None:
    lines = report.markdown.read_text(encoding="utf-8").splitlines()
    tables = 0
    for above, line in itertools.pairwise(lines):
        if re.fullmatch(r"\|( :?---:? \|)+", line):
            tables += 1
        if above.startswith("|") and line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", above)) == len(re.findall(r"(?<!\\)\|", line))
    assert tables >= 6


def test_nasty_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    place = {"network": NASTY, "training": NASTY, "preset": NASTY, "dataset": NASTY}
    records = [
        theory_record(NASTY, key_changes=place),
        attack_record(NASTY, attack=NASTY, key_changes=place),
        record(key(NASTY, attack="PGD-20", norm="Linf", epsilon=0.5, **place), attack_record().result,
               settings={NASTY: NASTY}),
    ]  # fmt: skip
    moved = UnreadableRecord(path=Path(f"/tmp/{NASTY}"), moved_to=Path(f"/tmp/{NASTY}.unreadable"), reason=NASTY)
    html, markdown, files = written(
        records, tmp_path, unreadable=[moved], command=f"natrob report '{NASTY[:30]}' ``` x"
    )
    assert "<b>" not in html
    assert "</script>" not in html
    assert "&lt;b&gt;&amp;" in html
    assert "{{ 7*7 }}" in html  # a value is not a template
    outside_code = re.sub(r"^(`{3,})text\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert "<b>" not in outside_code
    assert r"\|\`\*\_\[x\](y)\$z\$" in outside_code
    assert "````text" in markdown
    assert len(files.figures) == 6


def test_markdown_escaping() -> None:
    assert str(escape_markdown("a|b\n<c> & *d* _e_ [f] `g` ~h $i")) == (
        r"a\|b &lt;c&gt; &amp; \*d\* \_e\_ \[f\] \`g\` \~h \$i"
    )
    assert str(escape_markdown("# no heading")) == r"\# no heading"
    assert str(escape_markdown("1. no list")) == r"1\. no list"
    assert str(escape_markdown("0.95 (measured)")) == "0.95 (measured)"
    assert str(code_block("a ```` b")).startswith("`````text\n")


def test_a_violation_is_shouted_at_the_top(tmp_path: Path) -> None:
    html, markdown, _ = written([theory_record(violations=2), attack_record()], tmp_path)
    assert 'role="alert"' in html
    assert html.index("ALARM") < html.index("Hardware")
    assert markdown.index("**ALARM**") < markdown.index("Hardware")


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([theory_record()], id="one model, no attack"),
        pytest.param([attack_record()], id="one attack, no theory"),
        pytest.param([theory_record(lipschitz=0.0), attack_record()], id="K = 0"),
        pytest.param([theory_record(lipschitz=1e9, steps=500), attack_record()], id="bounds overflow"),
        pytest.param([theory_record(curves=[], bound_checks=[], vacuity=[], certified=[])], id="bare theory"),
        pytest.param([attack_record(accuracy=math.nan), theory_record()], id="not a number"),
        pytest.param([attack_record(epsilon=0.0)], id="radius 0"),
    ],
)
def test_thin_and_strange_records_make_a_page(records: list[CellRecord], tmp_path: Path) -> None:
    html, markdown, _ = written(records, tmp_path)
    assert "Findings" in html
    assert "Findings" in markdown


def test_no_record_at_all(tmp_path: Path) -> None:
    html, markdown, files = written([], tmp_path)
    assert "There is no readable record" in html
    assert "There is no readable record" in markdown
    assert files.figures == ()


def test_an_interrupted_run_says_what_is_missing(run: list[CellRecord], tmp_path: Path) -> None:
    html, markdown, _ = written(run[:-2], tmp_path)
    for text in (html, markdown):
        assert "64 cells are there; 2 more" in text
        assert "Neural ODE, T = 1" in text
        assert "PGD-20, L2 ε = 0.3" in text


def test_unreadable_records_are_named(tmp_path: Path) -> None:
    moved = UnreadableRecord(path=Path("runs/a.json"), moved_to=Path("runs/a.json.unreadable"), reason="2 problem(s)")
    html, markdown, _ = written([theory_record()], tmp_path, unreadable=[moved])
    for text in (html, markdown):
        assert "runs/a.json.unreadable" in text
        assert "2 problem(s)" in text


def test_several_data_sets_and_seeds(tmp_path: Path) -> None:
    records = run_records(seeds=(0, 1)) + run_records(dataset="mnist")
    html, markdown, files = written(records, tmp_path)
    assert re.findall(r"^## (.+)$", markdown, flags=re.MULTILINE) == [
        "digits, preset quick",
        "mnist, preset quick",
        "How to read it",
    ]
    assert 'href="#mnist-quick"' in html
    assert "0.735 (0.730 – 0.740)" in html
    assert [path.name for path in files.figures[:2]] == [
        "digits-quick-trajectories.svg",
        "digits-quick-trajectories.png",
    ]
    assert len(files.figures) == 12


def test_older_records_of_a_cell_are_counted(tmp_path: Path) -> None:
    newer = record(key(), theory_record().result, settings={"pairs": 1}, environment={"created": "2026-03-01"})
    html, markdown, _ = written([theory_record(), newer], tmp_path)
    assert "1 older record(s)" in html
    assert "1 older record(s)" in markdown


def test_settings_are_given_once() -> None:
    settings = section_settings(group_records(run_records())[0])
    assert '"test_images": 200' in settings.common
    assert settings.models[0].model == "Heun, h = 0.2, plain"
    first = settings.models[0]
    assert '"label": "Heun, h = 0.2"' in first.common
    assert [cell.cell for cell in first.cells][:2] == ["theory, seed 0", "FGSM, L∞ ε = 0.05, seed 0"]
    assert first.cells[0].settings == "{}"
    assert first.cells[1].settings == '{"attack": {"epsilon": 0.05, "label": "FGSM", "steps": 20}}'


def test_environments_that_differ_are_all_listed() -> None:
    other = record(key(seed=1), theory_record().result, environment={"torch": "9.9", "created": "2026-05-01"})
    facts = dict(environment_facts([theory_record(), other]))
    assert "torch 2.11.0" in facts["Versions"]
    assert "torch 9.9" in facts["Versions"]
    assert facts["Created"] == "2026-01-02T03:04:05+00:00 to 2026-05-01"
    assert dict(environment_facts([]))["Commit"] == "–"


def test_the_report_itself_needs_no_torch() -> None:
    # The package's __init__ hands on names that need torch; an empty stand-in shows what the report needs.
    code = f"""
import sys, types
root = types.ModuleType("natrob_empirical")
root.__path__ = [{str(Path(natrob_empirical.reporting.__file__).parents[1])!r}]
sys.modules["natrob_empirical"] = root
import natrob_empirical.reporting
sys.exit(", ".join(name for name in ("torch", "natrob_theory", "matplotlib.pyplot") if name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
