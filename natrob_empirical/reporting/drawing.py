"""Figures drawn from their Vega-Lite description: SVG, PNG, and what the page's script needs to draw them itself."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import vl_convert

from natrob_empirical.display import Figure
from natrob_empirical.reporting.parts import look

_WIDTH: Final = 680
_SHAPES: Final = re.compile(r'<path [^>]*(?:\bd="(?:M0,0h0v0h0Z)?"|\bopacity="0")[^>]*/>')
"""Empty shapes, and those that only a live figure asks about."""
_ATTRIBUTES: Final = re.compile(
    r' (?:opacity="1"|stroke-width="1"|pointer-events="none"|aria-hidden="true"|'
    r'(?:role|aria-roledescription|class)="[^"]*")'
)
_LONG_NUMBERS: Final = re.compile(r"(?<![\d.])\d+\.\d{3,}(?:e-\d+)?(?![^<>]*</text>)")


def svg_of(figure: Figure) -> bytes:
    """Draws the figure on white. The same description gives the same bytes, whatever was drawn before."""
    text = _lean(vl_convert.vegalite_to_svg(_static(figure)))
    names: dict[str, str] = {}
    for name in re.findall(r'\bid="([^"]+)"', text):  # Vega counts on from figure to figure
        names.setdefault(name, f"{figure.name}-{len(names) + 1}")
    return re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda m: m[1] + names.get(m[2], m[2]), text).encode("utf-8")


def _lean(svg: str) -> str:
    """The picture without what nobody sees: shapes, defaults, scripts’ names, digits below 1/100 of a pixel."""
    svg = _ATTRIBUTES.sub("", _SHAPES.sub("", svg))
    return _LONG_NUMBERS.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), svg)


def png_of(figure: Figure) -> bytes:
    """Draws the figure on white."""
    return vl_convert.vegalite_to_png(_static(figure), scale=1)


def live_json(figure: Figure) -> str:
    """The description for the page's own script, each data set with the names of its columns once.

    "<" is escaped, so that no text in it ends the script element.
    """
    spec = dict(figure.specification)
    if "datasets" in spec:
        spec["datasets"] = {name: _columns(rows) for name, rows in spec["datasets"].items()}
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c")


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as names and lists of values; a name that a row lacks is null.

    A column of texts that repeat holds their places in `texts`.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = {name: found for name in names if (found := _repeated(rows, name))}
    values = [[_place(row.get(name), texts.get(name)) for name in names] for row in rows]
    return {"names": names, "rows": values, **({"texts": texts} if texts else {})}


def _repeated(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """The different texts of a column; none where it holds other values, or each text about once."""
    values = [row.get(name) for row in rows]
    found = [value for value in dict.fromkeys(values) if isinstance(value, str)]
    return found if 2 * len(found) <= len(values) and all(isinstance(value, str) for value in values) else []


def _place(value: Any, texts: list[str] | None) -> Any:
    return value if texts is None else texts.index(value)


@cache
def script() -> str:
    """The one script that all pages share: Vega's libraries, light and dark colours, and natrob's own lines.

    It is a classic script, since a browser loads no module from a file.
    """
    bundle = vl_convert.javascript_bundle("window.natrobEmbed=vegaEmbed;")
    own = files("natrob_empirical.reporting").joinpath("templates", "natrob.js").read_text(encoding="utf-8")
    themes = json.dumps({"light": look(), "dark": look(dark=True)}, sort_keys=True)
    return f"(()=>{{{bundle}}})();\nwindow.natrobThemes={themes};\n{own}".replace("</script", "<\\/script")


def _static(figure: Figure) -> dict[str, Any]:
    """The description with a fixed width and the light colours; the picture's own alternative text stands beside it."""
    spec = dict(figure.specification)
    if spec.get("width") == "container":
        spec["width"] = _WIDTH
    return spec | {"background": "white", "config": look() | {"aria": False}}
