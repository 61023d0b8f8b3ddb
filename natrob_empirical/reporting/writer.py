"""From a ledger and runs to files on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Final, TypeVar, final

from natrob_empirical.claims import Ledger
from natrob_empirical.display import Figure, Table
from natrob_empirical.evidence.folders import UnreadFile
from natrob_empirical.evidence.run import Run
from natrob_empirical.files.atomic_file import require_writable, write_atomically
from natrob_empirical.reporting.certified_page import TravellingFiles
from natrob_empirical.reporting.drawing import png_of, script, svg_of
from natrob_empirical.reporting.page import ROOMS, Page, Site
from natrob_empirical.reporting.rendering import render_markdown, render_page, render_single
from natrob_empirical.reporting.site import build_site
from natrob_empirical.reporting.table_files import csv_of, json_of

_LIST: Final = "assets/files.txt"
Named = TypeVar("Named", Figure, Table)


@final
@dataclass(frozen=True, kw_only=True)
class SiteFiles:
    """The files that were written.

    Attributes:
        index: the page to open.
        written: every file.
        alarms: proved inequalities that the records break; none in a run without a bug.
    """

    index: Path
    written: tuple[Path, ...]
    alarms: tuple[str, ...]


def write_site(
    ledger: Ledger,
    runs: Sequence[Run],
    output: Path,
    *,
    title: str,
    command: str = "",
    unread: Sequence[UnreadFile] = (),
    files: TravellingFiles | None = None,
    single_file: bool = False,
) -> SiteFiles:
    """Writes the site of this ledger and these runs; the same arguments give the same bytes.

    Args:
        ledger: every claim judged.
        runs: that the pages show.
        output: the folder, created if it is missing. Files that an earlier site left there are replaced or, where this
            one has none of their name, deleted; others stay.
        title: of the site.
        command: that makes the records anew; may be empty.
        unread: files that count for nothing; the data page names them.
        files: certificates and smoothed radii, for the certified page.
        single_file: whether to write one page that needs no other file, instead of a page each.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    require_writable(output)
    site = build_site(ledger, runs, title=title, command=command, unread=unread, files=files)
    content = {"index.html": render_single(site)} if single_file else files_of(site)
    listed = output / _LIST
    earlier = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    if not single_file:
        content[_LIST] = "".join(f"{name}\n" for name in sorted(content)).encode("utf-8")
        for name in set(earlier) - content.keys():
            if ".." not in Path(name).parts and not Path(name).is_absolute():
                (output / name).unlink(missing_ok=True)
    for name, text in content.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output / name, text, flushed=False)
    written = tuple(output / name for name in content)
    return SiteFiles(index=output / "index.html", written=written, alarms=site.alarms)


def write_page(page: Page, output: Path, name: str) -> tuple[Path, Path]:
    """Writes one page as NAME.html, which needs no other file, and as NAME.md.

    Raises:
        OSError: the folder cannot be created or written to.
    """
    require_writable(output)
    output.mkdir(parents=True, exist_ok=True)
    site = Site(title=page.title, pages=(page,))
    html, markdown = output / f"{name}.html", output / f"{name}.md"
    write_atomically(html, render_single(site))
    write_atomically(markdown, render_markdown(site, [page]))
    return html, markdown


def files_of(site: Site) -> dict[str, bytes]:
    """Address → content of every file of a site; pages come after what they show."""
    figures = _by_name([figure for page in site.pages for figure in page.figures])
    pictured = dict.fromkeys(figure.name for page in site.pages if page.pictured for figure in page.figures)
    tables = _by_name([table for page in site.pages for table in page.tables])
    templates = package_files("natrob_empirical.reporting").joinpath("templates")
    content = {
        "assets/natrob.js": script().encode("utf-8"),
        "assets/natrob.css": templates.joinpath("natrob.css").read_bytes(),
    }
    content |= {f"figures/{name}.svg": svg_of(figures[name]) for name in pictured}
    if site.pages[0].picture is not None:
        content[f"figures/{site.pages[0].picture.name}.png"] = png_of(site.pages[0].picture)
    content |= {f"data/{name}.csv": csv_of(table) for name, table in tables.items()}
    content |= {f"data/{name}.json": json_of(table) for name, table in tables.items()}
    for room, address in ROOMS.items():
        if pages := [page for page in site.pages if page.room == room]:
            content[address.replace(".html", ".md")] = render_markdown(site, pages)
    return content | {page.address: render_page(site, page) for page in reversed(site.pages)}


def _by_name(named: Sequence[Named]) -> Mapping[str, Named]:
    """Raises ValueError where two different things have one name."""
    found: dict[str, Named] = {}
    for each in named:
        if found.setdefault(each.name, each) != each:
            raise ValueError(f"`name` of figures and tables must be unique in a site, got {each.name!r} twice")
    return found
