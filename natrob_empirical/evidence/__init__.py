"""Evidence: records sorted into runs, proofs' outcomes, and what the two let anyone say; nothing here is an opinion."""
