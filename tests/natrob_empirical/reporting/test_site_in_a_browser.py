"""The site in a real browser, read from files: figures, tables, colours, print, phone, and axe-core's checks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from synthetic_runs import attack, evidence, table_1, theory

from natrob_empirical.claims import judge_all
from natrob_empirical.reporting import write_site

pytestmark = pytest.mark.browser

PAGES = ("index.html", "claims.html", "claims/E4.html", "models.html", "data.html", "method.html")
Opener: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The site as files, and in one file."""
    found = evidence(*table_1(), theory("A"), *(attack("A", "PGD-40", epsilon) for epsilon in (0.1, 0.2)))
    made = {name: tmp_path_factory.mktemp(name) for name in ("site", "single")}
    for name, folder in made.items():
        write_site(judge_all(found), found.runs, folder, title="natrob", single_file=name == "single")
    return made


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - loaded only where there is a browser

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, folders: dict[str, Path]) -> Iterator[Opener]:
    """Opens a page; at the end it must have said nothing on the console and asked for nothing but files."""
    said: list[str] = []
    with ExitStack() as pages:

        def open_page(address: str, *, width: int = 1280, height: int = 900, scheme: str = "light") -> Any:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            pages.callback(page.close)
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: said.append(request.url) if "://" in request.url[:8] and
                    not request.url.startswith("file:") else None)  # fmt: skip
            name, _, rest = address.partition("/")
            page.goto(f"file://{folders[name]}/{rest}")
            return page

        yield open_page
    assert said == []


def drawn(page: Any) -> int:
    """How many figures are drawn once every one has been in sight."""
    figures = page.locator(".figure:visible")
    for position in range(figures.count()):
        figures.nth(position).scroll_into_view_if_needed()
        page.wait_for_function(f"document.querySelectorAll('.figure')[{position}].querySelector('.live svg')")
    return figures.count()


@pytest.mark.parametrize("address", [f"site/{page}" for page in PAGES] + ["single/index.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened: Opener, address: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    page = opened(address, scheme=scheme)
    drawn(page)
    found = Axe().run(page, options={"preload": False})
    broken = [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]
    assert broken == []


def test_every_figure_is_drawn_and_drawn_anew_in_other_colours(opened: Opener, folders: dict[str, Path]) -> None:
    models = sorted(path.name for path in (folders["site"] / "models").iterdir())
    page = opened(f"site/models/{models[0]}")
    assert drawn(page) > 0
    before = page.locator(".live svg").first.inner_html()
    page.get_by_role("button", name="Use dark colours").click()
    page.wait_for_function("before => document.querySelector('.live svg')?.innerHTML !== before", arg=before)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("address", ["site/index.html", "single/index.html"])
def test_the_ledger_sorts_and_filters(opened: Opener, address: str) -> None:
    page = opened(address)
    table = page.locator("[data-name=ledger]").first
    names = "rows => rows.map(row => row.cells[0].textContent.trim()).filter((_, i) => !rows[i].hidden)"
    rows = table.locator("tbody tr")
    heading = table.get_by_role("button", name="Id")
    heading.click()
    assert rows.evaluate_all(names)[:2] == ["T1", "T2"]
    assert table.locator("th[aria-sort=ascending]").count() == 1
    heading.click()
    assert rows.evaluate_all(names)[0].startswith("N")
    table.get_by_role("searchbox").fill("relu")
    found = rows.evaluate_all(names)
    assert "T4" in found
    assert len(found) < 10
    assert f"{len(found)} of" in table.get_by_role("status").inner_text()


def test_a_table_of_the_single_file_can_be_saved(opened: Opener) -> None:
    page = opened("single/index.html")
    with page.expect_download() as waiting:
        page.locator("[data-name=ledger]").get_by_role("button", name="CSV").click()
    text = Path(waiting.value.path()).read_text()
    assert waiting.value.suggested_filename == "ledger.csv"
    assert text.startswith("Id,Claim,")


def test_the_single_file_shows_one_page_at_a_time_and_all_in_print(opened: Opener) -> None:
    page = opened("single/index.html")
    assert page.locator("h1:visible").count() == 1
    page.get_by_role("link", name="Method").click()
    page.locator("h1:visible", has_text="Method").wait_for()
    assert page.locator("nav a[aria-current=page]").inner_text() == "Method"
    page.emulate_media(media="print")
    assert page.locator("h1:visible").count() > 30


@pytest.mark.parametrize("address", [f"site/{page}" for page in PAGES])
def test_a_phone_never_scrolls_sideways(opened: Opener, address: str) -> None:
    page = opened(address, width=400, height=800)
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_print_opens_what_is_folded_and_shows_no_controls(opened: Opener, folders: dict[str, Path]) -> None:
    models = sorted(path.name for path in (folders["site"] / "models").iterdir())
    page = opened(f"site/models/{models[0]}")
    drawn(page)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("header button:visible, .tools:visible, nav:visible").count() == 0
    assert page.locator(".figure svg:visible").count() == page.locator(".figure").count() > 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() > 0


def test_the_first_screen_holds_the_question_the_finding_the_picture_and_rows(opened: Opener) -> None:
    page = opened("site/index.html")
    bottoms = "nodes => nodes.map(node => node.getBoundingClientRect().bottom)"
    for part in ("h1", ".headline", ".tally", ".figure"):
        assert max(page.locator(part).first.evaluate_all(bottoms)) <= 900, part
    rows = page.locator("[data-name=ledger] tbody tr").evaluate_all(bottoms)
    assert sum(bottom <= 900 for bottom in rows) >= 3
