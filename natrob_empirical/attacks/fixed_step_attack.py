"""The base of attacks that take gradient steps of one size."""

from dataclasses import KW_ONLY, dataclass

from natrob_theory.numbers.argument_checks import require_count, require_positive

from .abstract_attack import AbstractAttack


@dataclass(frozen=True)
class AbstractFixedStepAttack(AbstractAttack):
    """An attack of `steps` gradient steps, each of length `step_size` in the ball's norm; None means `2.5·ε/steps`.

    Raises:
        TypeError, ValueError: a step size that is not greater than 0, or steps that are no integer of at least 1.
    """

    _: KW_ONLY
    step_size: float | None = None
    steps: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.step_size is not None:
            object.__setattr__(self, "step_size", require_positive("step_size", self.step_size))
        require_count("steps", self.steps)

    @property
    def alpha(self) -> float:
        """α, the step size, the default resolved."""
        return 2.5 * self.ball.epsilon / self.steps if self.step_size is None else self.step_size

    @property
    def reach(self) -> float:
        """How far the steps lead together."""
        return 2.5 * self.ball.epsilon if self.step_size is None else self.steps * self.step_size
