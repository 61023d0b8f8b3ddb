"""The picture of the index."""

from collections.abc import Sequence

from natrob_empirical.display import Figure
from natrob_empirical.evidence.run import Run


def picture(runs: Sequence[Run]) -> Figure | None:
    """Nothing yet."""
    return None
