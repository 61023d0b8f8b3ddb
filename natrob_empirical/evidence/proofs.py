"""The outcome of every proof, as `python -m proofs --json` writes it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

ProofVerdict = Literal[
    "proved as stated", "proved for every h", "proved only for linear f", "refuted with a counterexample", "repaired"
]


class ProofOutcome(BaseModel):
    """One proof file, and whether it was checked.

    Attributes:
        path: of the file, from the repository's root.
        title, statement, source: as in the file.
        system: what checks it.
        verdict: what the proof says of the statement.
        passed: whether the check went through.
        failure: why not, or empty.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    title: str
    system: Literal["sympy", "coq"]
    verdict: ProofVerdict
    statement: str
    source: str
    passed: bool
    failure: str = ""


def by_path(outcomes: Iterable[ProofOutcome]) -> Mapping[str, ProofOutcome]:
    """Orders outcomes by the proof's path."""
    return {outcome.path: outcome for outcome in sorted(outcomes, key=lambda each: each.path)}


def read_proofs(path: Path) -> tuple[ProofOutcome, ...]:
    """Reads the file that `python -m proofs --json FILE` writes.

    Raises:
        OSError: there is no such file.
        ValueError: it holds something else.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return tuple(ProofOutcome.model_validate(each) for each in content["proofs"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} must hold what `python -m proofs --json FILE` writes") from error
