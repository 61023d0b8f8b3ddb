"""Claims of natrob itself, N1 and on, held to the same standard."""
