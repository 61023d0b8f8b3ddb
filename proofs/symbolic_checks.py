"""Runs the symbolic proofs."""

from collections.abc import Iterator, Sequence

from proofs.catalogue import SymbolicProof, symbolic_proofs
from proofs.outcome import Outcome


def check_symbolic(proofs: Sequence[SymbolicProof] | None = None) -> Iterator[Outcome]:
    """The outcome of each proof, as it comes. Whatever a `check()` raises counts as a failure."""
    for proof in symbolic_proofs() if proofs is None else proofs:
        failure = ""
        try:
            proof.check()
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        yield Outcome(path=proof.path, subject=f"{proof.claim.verdict}: {proof.title}", failure=failure)
