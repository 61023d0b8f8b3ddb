"""A figure as a description in Vega-Lite: the page draws it, and the same description gives SVG and PNG."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that is not drawn yet.

    Attributes:
        name: of its files, letters, digits and hyphens; unique in its site.
        title: a few words.
        alt: the finding that the figure shows, for those who cannot see it.
        caption: what is drawn, with kinds and n, in sentences of at most 25 words.
        specification: Vega-Lite, with its data inside.
    """

    name: str
    title: str
    alt: str
    caption: str
    specification: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError(f"`alt` of the figure {self.name!r} must say what the figure shows, got nothing")
