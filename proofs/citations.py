"""Where the code names its proofs: "Proof: proofs/coq/theorem_3_1.v (discrete_bound), proofs/symbolic/….py." """

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from proofs.catalogue import FOLDER

ROOT = FOLDER.parent
CODE = ("natrob_theory", "natrob_empirical")

_CITATION = re.compile(r"(proofs/(?:symbolic|coq)/\w+\.(?:py|v))(?:\s+\(([\w,\s]+)\))?")


class Citation(NamedTuple):
    """A proof that a text names: its file from the repository's root, and the theorems in it, if any are named."""

    path: str
    theorems: tuple[str, ...]


def citations_in(text: str) -> tuple[Citation, ...]:
    """The proofs that a docstring or a source file names."""
    return tuple(
        Citation(path, tuple(name.strip() for name in theorems.split(",")) if theorems else ())
        for path, theorems in _CITATION.findall(text)
    )


def code_by_proof(packages: Iterable[str] = CODE) -> dict[str, tuple[str, ...]]:
    """Of each proof file, the source files that name it, from the repository's root."""
    found: dict[str, set[str]] = {}
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            for citation in citations_in(file.read_text(encoding="utf-8")):
                found.setdefault(citation.path, set()).add(_from_root(file))
    return {proof: tuple(sorted(files)) for proof, files in found.items()}


def _from_root(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()
