"""The one seam of every page: a part has a heading, sentences, a figure and tables, each of which may be missing."""

from dataclasses import dataclass
from typing import final

from natrob_empirical.display.figure import Figure
from natrob_empirical.display.table import Table


@final
@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a page: findings, tables, figures and claims all come as parts.

    A page is a list of functions that return a part, or None where the records have nothing for it.

    Attributes:
        name: its anchor, letters, digits and hyphens; unique on its page.
        heading: a few words.
        sentences: at most 25 words each; measured values marked by `measured`.
        figure: None for a part without one.
        tables: in order.
        code: a command or a file's text, shown as it is.
        more: (words, address) of pages of the site that say more.
        folded: whether the page hides it until it is asked for.
    """

    name: str
    heading: str
    sentences: tuple[str, ...] = ()
    figure: Figure | None = None
    tables: tuple[Table, ...] = ()
    code: str = ""
    more: tuple[tuple[str, str], ...] = ()
    folded: bool = False
