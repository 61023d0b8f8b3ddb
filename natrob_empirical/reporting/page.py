"""A page of the site as plain data, and the addresses by which pages know each other."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.claims import Verdict
from natrob_empirical.display import Figure, Part, Table

Room: TypeAlias = Literal["Index", "Claims", "Certified", "Models", "Data", "Method"]
ROOMS: Final[dict[Room, str]] = {
    "Index": "index.html",
    "Claims": "claims.html",
    "Certified": "certified.html",
    "Models": "models.html",
    "Data": "data.html",
    "Method": "method.html",
}
"""Entry of the navigation → the page that it opens."""


@final
@dataclass(frozen=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        address: from the site's root, such as "claims/T6.html"; also of links in cells.
        room: the entry of the navigation that it belongs to.
        title: its one main heading.
        headline: the sentence that must be read; empty for none.
        evidence: (name, address) of the pages that the headline rests on.
        verdict: of the claim that it is about.
        lead: sentences below.
        tally: how often each verdict was reached; empty for none.
        picture: beside heading and lead.
        parts: in order; their names are unique on the page.
    """

    address: str
    room: Room
    title: str
    headline: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    verdict: Verdict | None = None
    lead: tuple[str, ...] = ()
    tally: tuple[tuple[Verdict, int], ...] = ()
    picture: Figure | None = None
    parts: tuple[Part, ...] = ()

    @property
    def slug(self) -> str:
        """The page's anchor where all pages are one file: "claims-T6"."""
        return slug(self.address.removesuffix(".html"))

    @property
    def pictured(self) -> bool:
        """Whether its figures come as files too: those of models are many, and drawn by the page alone."""
        return self.room != "Models"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All its figures, in order."""
        own = (self.picture, *(part.figure for part in self.parts))
        return tuple(figure for figure in own if figure is not None)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All its tables, in order."""
        return tuple(table for part in self.parts for table in part.tables)


@final
@dataclass(frozen=True, kw_only=True)
class Site:
    """All pages.

    Attributes:
        title: of the site.
        pages: the index first.
        alarms: sentences on proved inequalities that the records break; shown on every page.
    """

    title: str
    pages: tuple[Page, ...]
    alarms: tuple[str, ...] = field(default=())


def slug(text: str) -> str:
    """Letters, digits and hyphens: "ResNet, h = 0.5" as "ResNet-h-0-5", "h = −1" as "h-minus-1"."""
    spoken = text.replace("−", "minus ").replace("∞", "inf").replace("μ", "mu").replace("²", "2")
    return re.sub(r"[^A-Za-z0-9]+", "-", spoken).strip("-") or "unnamed"


def unique_slugs(texts: list[str]) -> list[str]:
    """One slug a text, all different even where case does not count; a repeated one gets a number."""
    found: list[str] = []
    for text in texts:
        base, count = slug(text), 1
        name = base
        while name.lower() in {each.lower() for each in found}:
            count += 1
            name = f"{base}-{count}"
        found.append(name)
    return found
