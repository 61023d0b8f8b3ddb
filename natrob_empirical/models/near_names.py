"""The error for a name that is not known, with the names that are near it."""

import difflib
from collections.abc import Iterable


def unknown_name(what: str, name: str, known: Iterable[str]) -> ValueError:
    """A ValueError that names the unknown `what`, the near names if any, and all known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return ValueError(f"unknown {what} {name!r}{hint} (known: {', '.join(names)})")
