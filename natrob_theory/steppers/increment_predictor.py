"""Where to begin the equations of consecutive steps: their solutions change smoothly from step to step."""

from typing import final

from torch import Tensor


@final
class IncrementPredictor:
    """Extrapolates how far the solution of a step lies from the value that it begins with.

    After one step the increment is taken to be the same again, after two to change as it did, which leaves errors of
    orders h² and h³.
    """

    def __init__(self) -> None:
        self._last: object = None
        self._increments: list[Tensor] = []

    def predicted(self, base: Tensor, *, after: object) -> Tensor | None:
        """The solution from `base`; None unless `after` is the step that was noted last."""
        if not self._increments or self._last != after:
            return None
        if len(self._increments) == 1:
            return base + self._increments[0]
        before, last = self._increments
        return base + (2 * last - before)

    def note(self, step: object, increment: Tensor, *, after: object) -> None:
        """Keep the increment of a step; those before it are dropped unless `after` was the last one noted."""
        earlier = self._increments[-1:] if self._last == after else []
        self._increments = [*earlier, increment]
        self._last = step
