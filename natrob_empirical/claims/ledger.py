"""The ledger: every claim with its judgement, from records and proofs."""

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, final

from natrob_empirical.claims import experiments, own, theory
from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement
from natrob_empirical.display.text import plain
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.proofs import ProofOutcome, by_path
from natrob_empirical.records import CellRecord, Number

_ROOMS: Final = (theory, experiments, own)


@final
@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim and what became of it."""

    claim: Claim
    judgement: Judgement

    def to_json(self) -> dict[str, Any]:
        """Returns the entry as plain data; marks of measured values are taken off."""
        judged, claim = self.judgement, self.claim
        return {
            "id": claim.id,
            "statement": claim.statement,
            "place": claim.place,
            "paper": claim.paper,
            "rule": list(claim.rule),
            "verdict": judged.verdict.value,
            "reason": plain(judged.reason),
            "budget": judged.budget,
            "attacked_at_most": _number(judged.attacked),
            "certified_at_least": _number(judged.certified),
            "flags": [{"name": f.name, "model": f.model, "attack": f.attack, "reason": f.reason} for f in judged.flags],
            "evidence": [{"kind": s.kind, "name": s.name, "says": plain(s.says)} for s in judged.sources],
            "replay": claim.replay,
        }


@final
@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Every claim judged.

    Attributes:
        entries: T1 … T16, E1 … E12, N1 ….
        evidence: what they were judged by.
    """

    entries: tuple[Entry, ...]
    evidence: Evidence

    def __getitem__(self, claim_id: str) -> Entry:
        """Returns the entry of one claim. Raises KeyError for an unknown one."""
        for entry in self.entries:
            if entry.claim.id == claim_id:
                return entry
        raise KeyError(claim_id)

    def to_json(self) -> dict[str, Any]:
        """Returns {"claims": [...], "notes": [...]}, the same for the same evidence."""
        return {"claims": [entry.to_json() for entry in self.entries], "notes": [plain(n) for n in self.evidence.notes]}


@cache
def all_claims() -> tuple[Claim, ...]:
    """Finds every claim: the `CLAIM` of each file of the three rooms.

    Raises:
        ValueError: a file without a claim, or two with one identifier.
    """
    found: list[Claim] = []
    for room in _ROOMS:
        for module in pkgutil.iter_modules(room.__path__):
            claim = getattr(importlib.import_module(f"{room.__name__}.{module.name}"), "CLAIM", None)
            if not isinstance(claim, Claim):
                raise ValueError(f"the file {module.name}.py must hold a `CLAIM`, got {claim!r}")
            found.append(claim)
    names = [claim.id for claim in found]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"every claim must have an identifier of its own, got {sorted(repeated)} twice")
    return tuple(sorted(found, key=lambda claim: claim.order))


def judge_all(evidence: Evidence) -> Ledger:
    """Judges every claim by this evidence."""
    return Ledger(
        entries=tuple(Entry(claim=claim, judgement=claim.judge(evidence)) for claim in all_claims()), evidence=evidence
    )


def evaluate(records: Iterable[CellRecord], proofs: Iterable[ProofOutcome]) -> Ledger:
    """Judges every claim by records of one folder and proofs' outcomes.

    Args:
        records: of any presets, data sets and seeds; none is no error.
        proofs: as `evidence.proofs.read_proofs` reads them; none is no error.
    """
    return judge_all(Evidence(runs=runs_of(records), proofs=by_path(proofs)))


def _number(number: Number | None) -> dict[str, Any] | None:
    return None if number is None else number.model_dump(mode="json")
