"""The norms that bound an attack, by name, and the L∞ radius from which on no classifier can be robust."""

from typing import Final, Literal, TypeAlias

Norm: TypeAlias = Literal["Linf", "L2"]
CertificateNorm: TypeAlias = Literal["L2", "Linf", "L1"]

IMPOSSIBLE_RADIUS: Final = 0.5
"""With pixels in [0, 1] the constant image ½ lies in every ball of this L∞ radius, so that no deterministic classifier
has a robust accuracy above the share of the largest class.

Source: theory, section 2 (Impossibility).
Proof: proofs/coq/impossibility.v, proofs/symbolic/impossibility.py.
"""
