"""Pages as HTML, one file each or all in one, and as Markdown."""

import base64
import re
from collections.abc import Callable, Sequence
from functools import cache
from posixpath import relpath
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from natrob_empirical.display import Cell, Figure, pieces, plain
from natrob_empirical.reporting.drawing import live_json, script, svg_of
from natrob_empirical.reporting.page import ROOMS, Page, Site
from natrob_empirical.reporting.words import PAPER_ADDRESS

LONGEST_PARAGRAPH: Final = 60
_SIGNS: Final = {"good": "✓", "bad": "✗", "caution": "⚠"}
_MARKDOWN_SIGNS: Final = re.compile(r"([\\`*_\[\]|~$])")
_TOPIC: Final = re.compile(r"[\w -]{1,24}: ")
_BLOCK_START: Final = re.compile(r"^(#{1,6}|[-+=]+|\d+[.)])(?=\s|$)")


def render_page(site: Site, page: Page) -> bytes:
    """One page of the site, whose style, script and figures lie beside it."""
    root = "../" * page.address.count("/")
    return _html(
        site,
        [page],
        root=root,
        address=lambda target: relpath(target, page.address.rpartition("/")[0] or "."),
        source=lambda figure: f"{root}figures/{figure.name}.svg",
    )


def render_single(site: Site) -> bytes:
    """All pages in one file that needs no other; it shows one at a time, and all of them in print."""
    slugs = {page.address: page.slug for page in site.pages}
    return _html(
        site,
        site.pages,
        root=None,
        address=lambda target: f"#{slugs[target]}",
        source=lambda figure: f"data:image/svg+xml;base64,{base64.b64encode(svg_of(figure)).decode()}",
    )


def render_markdown(site: Site, pages: Sequence[Page]) -> bytes:
    """Pages under each other for a repository, with links to the files of figures and tables."""
    environment = _environment(lambda value: value if isinstance(value, Markup) else escape_markdown(str(value)))
    environment.filters |= {"code_block": code_block}
    text = environment.get_template("page.md.j2").render(site=site, pages=pages, address=markdown_address)
    return (re.sub(r"\n{3,}", "\n\n", text).strip() + "\n").encode("utf-8")


def markdown_address(target: str) -> str:
    """The place of a page in the Markdown files: "claims/T6.html" is a section of claims.md."""
    folder, _, name = target.removesuffix(".html").rpartition("/")
    room = {"runs": "data"}.get(folder, folder)
    return f"{room}.md#{folder}-{name}" if folder else f"{name}.md"


def escape_markdown(text: str) -> Markup:
    """Text that Markdown shows as it is, in a paragraph and in a table cell."""
    escaped = text.replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _MARKDOWN_SIGNS.sub(r"\\\1", escaped)
    escaped = _BLOCK_START.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", escaped)
    return Markup(escaped)


def code_block(text: str) -> Markup:
    """A fenced block, its fence longer than any run of backticks in the text."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return Markup(f"{fence}text\n{text}\n{fence}")


def _html(
    site: Site,
    pages: Sequence[Page],
    *,
    root: str | None,
    address: Callable[[str], str],
    source: Callable[[Figure], str],
) -> bytes:
    there = {page.address for page in site.pages}
    rooms = {room: target for room, target in ROOMS.items() if target in there}
    template = _html_environment().get_template("page.html.j2")
    text = template.render(
        site=site, pages=pages, rooms=rooms, root=root, address=address, source=source, single=root is None,
        script=Markup(script()) if root is None else "", paper=PAPER_ADDRESS,
    )  # fmt: skip
    return text.encode("utf-8")


@cache
def _html_environment() -> Environment:
    environment = _environment()
    environment.filters |= {
        "marked": _marked,
        "with_topic": _with_topic,
        "sorted_by": sorted_by,
        "live_json": lambda figure: Markup(live_json(figure)),
    }
    return environment


def _environment(finalize: Callable[[Any], Any] | None = None) -> Environment:
    """Every value is escaped; `finalize` runs before that, which leaves finished markup alone."""
    environment = Environment(
        loader=PackageLoader("natrob_empirical.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    environment.filters |= {"paragraphs": paragraphs, "signed": signed, "plain": plain, "closed": closed}
    return environment


def paragraphs(sentences: Sequence[str]) -> list[str]:
    """Joins sentences to paragraphs of at most 60 words; one that says of what it speaks, "n: …", has its own."""
    found: list[str] = []
    for sentence in sentences:
        alone = _TOPIC.match(sentence) or (found and _TOPIC.match(found[-1]))
        if found and not alone and len(f"{found[-1]} {sentence}".split()) <= LONGEST_PARAGRAPH:
            found[-1] = f"{found[-1]} {sentence}"
        else:
            found.append(sentence)
    return found


def closed(title: str) -> str:
    """The title of a figure with one full stop behind it."""
    return title if title.endswith((".", "!", "?")) else f"{title}."


def signed(cell: Cell) -> str:
    """The cell's text after the sign of its mark, so that colour says nothing alone; one that has a sign keeps it."""
    sign = _SIGNS.get(cell.mark, "")
    return f"{sign} {cell.text}" if sign and cell.text[:1].isalnum() else cell.text


def sorted_by(cell: Cell) -> str:
    """The value that a cell is sorted by, to seven digits; empty where there is none or its text says the same."""
    if cell.value is None:
        return ""
    value = f"{cell.value:.7g}"
    plain_number = re.fullmatch(r"\d+(\.\d+)?", signed(cell))
    return "" if plain_number and float(plain_number[0]) == float(value) else value


def _marked(sentence: str) -> Markup:
    """The sentence with its measured values as `data` elements."""
    template = Markup('<data class="measured" value="{0}">{0}</data>')
    return Markup().join(template.format(text) if value else text for text, value in pieces(sentence))


def _with_topic(sentence: str) -> Markup:
    """Sets what a sentence speaks of in bold."""
    topic = _TOPIC.match(sentence)
    if topic is None:
        return _marked(sentence)
    return Markup("<strong>{}</strong> {}").format(topic[0].strip(), _marked(sentence[topic.end() :]))
