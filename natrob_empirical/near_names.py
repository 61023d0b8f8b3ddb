"""What to say of a name that is not known: the names that are near it."""

import difflib
from collections.abc import Iterable


def near_names(name: str, known: Iterable[str]) -> str:
    """The words "; did you mean a or b?" with the known names near `name`, or nothing where none is near."""
    by_lower_case = {one.lower(): one for one in sorted(known)}
    near = [by_lower_case[one] for one in difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.5)]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def unknown_name(what: str, name: str, known: Iterable[str]) -> ValueError:
    """A ValueError that names the unknown `what`, the near names if any, and all known ones."""
    names = sorted(known)
    return ValueError(f"unknown {what} {name!r}{near_names(name, names)} (known: {', '.join(names)})")
