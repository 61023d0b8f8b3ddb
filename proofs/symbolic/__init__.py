"""Proofs by computer algebra, one claim a file: `CLAIM` says what, `check()` derives it or raises `ProofError`."""
