"""Proofs of the bounds that natrob_theory implements: by computer algebra (`symbolic`) and by Coq (`coq`)."""
