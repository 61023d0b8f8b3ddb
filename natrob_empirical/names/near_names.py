"""The words for a name that is not known: the names that are near it."""

import difflib
from collections.abc import Iterable
from pathlib import Path


def near_names(name: str, known: Iterable[str]) -> str:
    """The words "; did you mean a or b?" with the known names near `name`, or nothing where none is near."""
    by_lower_case: dict[str, list[str]] = {}
    for one in sorted(known):
        by_lower_case.setdefault(one.lower(), []).append(one)
    close = difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.5)
    near = [one for lower in close for one in by_lower_case[lower]]
    return f"; did you mean {' or '.join(near)}?" if near else ""


def unknown_name(what: str, name: str, known: Iterable[str]) -> ValueError:
    """A ValueError that names the unknown `what`, the near names if any, and all known ones."""
    names = sorted(known)
    return ValueError(f"unknown {what} {name!r}{near_names(name, names)} (known: {', '.join(names)})")


def near_files(path: Path, *, suffix: str) -> str:
    """The words for a file that is not there: those of this suffix beside it whose names are near."""
    if not path.parent.is_dir():
        existing = next((folder for folder in path.parents if folder.is_dir()), None)
        return f"; there is no folder {path.parent}" + (f" in {existing}" if existing else "")
    here = [one.name for one in path.parent.iterdir() if one.suffix.lower() == suffix]
    return near_names(path.name, here)
