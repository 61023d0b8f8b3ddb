"""Every proof of the folder, with its claim: Python modules that have a `CLAIM`, and Coq files with a claim header."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proofs.claim import Claim, Verdict

FOLDER = Path(__file__).parent

HEADER_KEYS = ("Statement", "Assumptions", "Source", "Verdict", "Theorems")
_KEY = re.compile(rf"^\s*({'|'.join(HEADER_KEYS)})\.\s+(.*)$")


@dataclass(frozen=True, kw_only=True)
class SymbolicProof:
    """A module of `proofs/symbolic` with a claim.

    Attributes:
        path: of the file, from the repository's root, such as "proofs/symbolic/impossibility.py".
        title: the first line of the module's docstring, without its full stop.
        claim: what is claimed.
        check: derives it, or raises.
    """

    path: str
    title: str
    claim: Claim
    check: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class CoqProof:
    """A file of `proofs/coq` with a claim header.

    Attributes:
        path: of the file, from the repository's root.
        title: the title of its header.
        claim: what is claimed.
        theorems: the names of the theorems that the claim rests on.
    """

    path: str
    title: str
    claim: Claim
    theorems: tuple[str, ...]


Proof = SymbolicProof | CoqProof


def symbolic_proofs() -> tuple[SymbolicProof, ...]:
    """All symbolic proofs, by name. A module without `CLAIM` is a library that others use."""
    found = []
    for file in sorted((FOLDER / "symbolic").glob("[a-z]*.py")):
        module = importlib.import_module(f"proofs.symbolic.{file.stem}")
        if hasattr(module, "CLAIM"):
            title = (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
            found.append(
                SymbolicProof(path=f"proofs/symbolic/{file.name}", title=title, claim=module.CLAIM, check=module.check)
            )
    return tuple(found)


def coq_proofs(folder: Path = FOLDER / "coq") -> tuple[CoqProof, ...]:
    """All Coq files of a folder that make a claim, by name."""
    read = (read_coq_header(file) for file in sorted(folder.glob("*.v")))
    return tuple(proof for proof in read if proof is not None)


def read_coq_header(file: Path) -> CoqProof | None:
    """The claim in a file's first comment, or None if the comment has no keys: a library.

    Raises:
        ValueError: a header with some of the keys but not all, or with a verdict that is none.
    """
    comment = re.match(r"\(\*\*(.*?)\*\)", file.read_text(encoding="utf-8"), re.DOTALL)
    if comment is None:
        raise ValueError(f"{file.name} must begin with a comment (** … *) that says what the file is")
    title, *lines = comment.group(1).strip().splitlines()
    entries: dict[str, list[str]] = {}
    for line in lines:
        key = _KEY.match(line)
        if key:
            entries[key.group(1)] = [key.group(2)]
        elif entries and line.strip():
            entries[next(reversed(entries))].append(line.strip())
    if not entries:
        return None
    missing = [key for key in HEADER_KEYS if key not in entries]
    if missing:
        raise ValueError(f"the header of {file.name} must have {', '.join(missing)}")
    text = {key: " ".join(parts).strip() for key, parts in entries.items()}
    claim = Claim(
        statement=text["Statement"],
        assumptions=tuple(part.strip() for part in text["Assumptions"].split(";")),
        source=text["Source"],
        verdict=Verdict(text["Verdict"].rstrip(".")),
    )
    return CoqProof(
        path=f"proofs/coq/{file.name}",
        title=title.lstrip("* ").rstrip("."),
        claim=claim,
        theorems=tuple(name.strip() for name in text["Theorems"].rstrip(".").split(",")),
    )
