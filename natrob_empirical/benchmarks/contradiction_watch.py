"""Certified ≤ attacked, image by image, while a preset runs: the first contradiction stops it."""

from typing import final

from natrob_empirical.records import (
    AttackResult,
    CellRecord,
    CertificateContradictedError,
    SampleCertificates,
    TheoryResult,
    contradictions_between,
)


@final
class ContradictionWatch:
    """The records of one trained model, each held against those of the other side as soon as it is there.

    Whoever adds a record has written it before, so that both sides of a contradiction are on disk.
    """

    def __init__(self) -> None:
        self._theory: TheoryResult | None = None
        self._attacks: list[CellRecord] = []

    @property
    def certificates(self) -> list[SampleCertificates]:
        """Those of the model so far."""
        return [] if self._theory is None else self._theory.certificates

    def add(self, record: CellRecord) -> None:
        """Take the record of a finished cell of the model.

        Raises:
            CertificateContradictedError: an attack fooled the model inside a certified radius.
        """
        if isinstance(record.result, TheoryResult):
            self._theory = record.result
            new = self._attacks
        elif isinstance(record.result, AttackResult):
            self._attacks.append(record)
            new = [record]
        else:
            return
        if self._theory is not None:
            for attack in new:
                _require_agreement(self._theory, attack)


def _require_agreement(theory: TheoryResult, record: CellRecord) -> None:
    """Raise CertificateContradictedError for an image fooled inside its certified radius."""
    cell, attack = record.cell, record.result
    if not isinstance(attack, AttackResult) or cell.norm is None or cell.epsilon is None:
        return
    found = contradictions_between(theory, attack, norm=cell.norm, epsilon=cell.epsilon)
    if found:
        worst = min(found, key=lambda each: each.distance / each.radius)
        raise CertificateContradictedError(
            f"{cell.model}, seed {cell.seed}: {cell.attack} contradicts {len(found)} certified radii, the worst at "
            f"{worst.text}. The certificate or the attack is wrong; trust neither. Both records are written"
        )
