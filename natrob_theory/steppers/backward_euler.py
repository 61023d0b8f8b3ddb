"""Backward Euler, the paper's (16): implicit, differentiated by the implicit function theorem."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor
from torch.autograd import forward_ad

from natrob_theory.fields import evaluate_field, field_name
from natrob_theory.implicit_solve import AbstractFixedPointSolver, Anderson, NewtonKrylov, Solution
from natrob_theory.implicit_solve.contraction_system import solve_by_gmres, solve_contraction
from natrob_theory.implicit_solve.solution import FailureAction, FixedPointMap, SolveStatus, finish, report_failure
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.numbers.balls import Ball, BallMatrix, ball, infinite_ball
from natrob_theory.numbers.jacobian_products import NotDifferentiableError
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.abstract_stepper import AbstractStepper, running_product, running_squares
from natrob_theory.steppers.ball_arithmetic import BallArithmetic, BallEvaluation, BallStep
from natrob_theory.steppers.coefficient import ONE
from natrob_theory.steppers.growth_factors import BackwardEulerOneSided
from natrob_theory.steppers.implicit_root import enclosed_root
from natrob_theory.steppers.increment_predictor import IncrementPredictor
from natrob_theory.steppers.kept_slope import Pull, kept_slope
from natrob_theory.steppers.tensor_arithmetic import Evaluation


@final
class BackwardEulerStepper(AbstractStepper[Field]):
    """y_{n+1} = y_n + h f(t_{n+1}, y_{n+1}).

    G = 1/(1 − hK) for hK < 1, attained by f = Ky, and G = 1/(1 − hμ) for every hμ < 1, whatever K
    (theory, section 1; Dekker and Verwer 1984).

    Proof: proofs/coq/backward_euler.v, proofs/symbolic/backward_euler_growth.py,
        proofs/symbolic/backward_euler_one_sided.py; with residuals proofs/coq/backward_euler_residuals.v.

    Args:
        solver: the inner solver; None takes `NewtonKrylov()`, which needs no hK < 1. `Anderson()` is cheaper
            where hK is well below 1.
        on_failure: "raise" `ImplicitSolveError` or "warn" `ImplicitSolveWarning` when a solve, forward or backward,
            has not converged. The residual then enters the bound (theory, section 1, inexact solves).
    """

    implicit = True
    smallest_unbounded_x = 1.0
    growth_factors = (BackwardEulerOneSided(),)
    growth_factors_in_other_norms = growth_factors
    growth_assumptions = ("the implicit equations are solved exactly",)

    def __init__(self, solver: AbstractFixedPointSolver | None = None, *, on_failure: FailureAction = "raise") -> None:
        if on_failure not in ("raise", "warn"):
            raise ValueError(f'`on_failure` must be "raise" or "warn", got {on_failure!r}')
        if solver is not None and not isinstance(solver, AbstractFixedPointSolver):
            raise TypeError(f"`solver` must be NewtonKrylov(), Anderson() or another such solver, got {solver!r}")
        self.solver = NewtonKrylov() if solver is None else solver
        self.on_failure: FailureAction = on_failure
        self._roots: IncrementPredictor | None = None
        self._cotangents: IncrementPredictor | None = None
        self._steps_taken = 0

    def begun(self) -> "BackwardEulerStepper":
        """A stepper whose solves begin where those of the steps before point to; under `Anderson()` alone."""
        if not isinstance(self.solver, Anderson):
            return self
        own = BackwardEulerStepper(self.solver, on_failure=self.on_failure)
        own._roots, own._cotangents = IncrementPredictor(), IncrementPredictor()
        return own

    @property
    def name(self) -> str:
        """Backward Euler."""
        return "backward Euler"

    @property
    def growth_formula(self) -> str:
        """1/(1 − hK) per step."""
        return "backward Euler: Π 1/(1 − h_n K_n)"

    @property
    def nodes(self) -> tuple[float, ...]:
        """The end of the step."""
        return (1.0,)

    @property
    def keeps_errors(self) -> bool:
        """An error in f at the root enters with the step's own factor."""
        return True

    def solve(self, field: Field, time: float, state: Tensor, step_size: float) -> Solution:
        """The implicit equation of one step solved without gradients; `Solution.value` is flat, (batch, d)."""
        return self._solve(field, time, state, step_size)[0]

    def _solve(self, field: Field, time: float, state: Tensor, step_size: float) -> tuple[Solution, Tensor | None]:
        """The solution, and f there where that was the last evaluation of the solver."""
        flat = state.detach().flatten(1)
        last: tuple[Tensor, Tensor] | None = None

        def fixed_point_map(point: Tensor) -> Tensor:
            nonlocal last
            slope = evaluate_field(field, time + step_size, point.view_as(state))
            last = (point, slope)
            return torch.add(flat, slope.flatten(1), alpha=step_size)

        with torch.no_grad():
            try:
                solution = self._solved(fixed_point_map, flat, (field, step_size))
            except NotDifferentiableError as error:
                raise NotDifferentiableError(
                    f"field {field_name(field)} under {self.name}: {error}; `solver` = Anderson() needs no Jacobian"
                ) from error
        known = last is not None and last[0] is solution.value
        return solution, last[1] if known and last is not None else None

    def _solved(self, fixed_point_map: FixedPointMap, flat: Tensor, kind: tuple[Field, float]) -> Solution:
        """The solution, from the predicted start where there is one and it converges, else from y_n."""
        if self._roots is None:
            return self.solver.solve(fixed_point_map, flat)
        start = self._roots.predicted(flat, after=kind)
        solution = None if start is None else self.solver.solve(fixed_point_map, start)
        if solution is None or solution.status is not SolveStatus.CONVERGED:
            solution = self.solver.solve(fixed_point_map, flat)
        self._roots.note(kind, solution.value - flat, after=kind)
        return solution

    def step(self, field: Field, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_{n+1} from y_n.

        The gradient is (I − hJᵀ)⁻¹ applied to the incoming one, J = ∂f/∂y at the solution, by GMRES: nothing of
        the forward iteration is kept. Second derivatives, forward mode and torch.func are refused.
        """
        # torch has no public way to ask whether a torch.func transform is at work, and its stubs leave this one out.
        transformed = torch._C._functorch.is_functorch_wrapped_tensor(state)  # type: ignore[attr-defined]
        if transformed or forward_ad.unpack_dual(state).tangent is not None:
            raise NotImplementedError(
                f"{self.name} is differentiated by the implicit function theorem in reverse mode only; use "
                f"torch.autograd instead of forward-mode differentiation or torch.func"
            )
        solution, known = self._solve(field, time, state, step_size)
        report_failure(solution, what=f"the implicit solve of {self.name}", on_failure=self.on_failure)
        root = solution.value.view_as(state)
        if not torch.is_grad_enabled():
            return root
        kept = None if known is None else kept_slope(field, time + step_size, root, known)
        if kept is not None and not kept.needs_parameters:
            if not state.requires_grad:
                return root
            image, pull = state.view_as(state), kept.pull
        else:
            image = state + step_size * evaluate_field(field, time + step_size, root)
            if not image.requires_grad:
                return root
            pull = kept.pull if kept is not None else self._pull_at(field, time, step_size, state, image, root)
        self._steps_taken += 1
        number = self._steps_taken
        image.register_hook(lambda gradient: self._implicit_gradient(pull, step_size, gradient, number))
        return root + (image - image.detach())

    def _require_repeated(self, field: Field, one: Tensor, other: Tensor) -> None:
        """Raise ValueError unless two evaluations at the root agree: a random field has no root to differentiate at."""
        tolerance = torch.finfo(one.dtype).eps ** 0.5
        if not torch.allclose(one, other, rtol=tolerance, atol=tolerance * float(other.abs().max()), equal_nan=True):
            raise ValueError(
                f"{self.name} needs a field that repeats itself, and field {field_name(field)} gave two values at the "
                f"same t and y; switch random layers to eval()"
            )

    def _pull_at(
        self, field: Field, time: float, step_size: float, state: Tensor, image: Tensor, root: Tensor
    ) -> Pull | None:
        """v ↦ Jᵀv with J = ∂f/∂y at the root; None where f depends on nothing that has a gradient."""
        point = root.detach().requires_grad_()
        slope = evaluate_field(field, time + step_size, point)  # now: f's parameters may be others at backward time
        self._require_repeated(field, state.detach() + step_size * slope.detach(), image.detach())
        if not slope.requires_grad:
            return None
        return lambda vector: torch.autograd.grad(
            slope, point, vector, retain_graph=True, allow_unused=True, materialize_grads=True
        )[0]

    def _implicit_gradient(
        self, pull: Pull | None, step_size: float, gradient: Tensor | None, number: int
    ) -> Tensor | None:
        """(I − hJᵀ)⁻¹ gradient for the step of this number; the gradient itself where nothing is pulled back."""
        if torch.is_grad_enabled():
            raise NotImplementedError("backward Euler has no second derivatives; call backward without create_graph")
        if gradient is None or pull is None:
            return gradient
        right, later = gradient.flatten(1), number + 1
        tolerance = 100 * torch.finfo(gradient.dtype).eps

        def product(vector: Tensor) -> Tensor:
            return pull(vector.view_as(gradient)).flatten(1)

        if isinstance(self.solver, Anderson):
            start = None if self._cotangents is None else self._cotangents.predicted(right, after=later)
            flat, residual, iterations = solve_contraction(
                product, step_size, right, relative_tolerance=tolerance, start=start
            )
        else:
            flat, residual, iterations = solve_by_gmres(product, step_size, right, relative_tolerance=tolerance)
        if self._cotangents is not None:
            self._cotangents.note(number, flat - right, after=later)
        report_failure(
            finish(value=flat, residual=residual, converged=residual <= 10 * tolerance, iterations=iterations),
            what=f"the gradient's linear solve of {self.name}",
            on_failure=self.on_failure,
        )
        return flat.view_as(gradient)

    def step_with_evaluations(
        self, field: Field, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and f there, the only point the implicit equation mentions."""
        root = self.step(field, time, state, step_size)
        return root, [Evaluation(root, evaluate_field(field, time + step_size, root))]

    def growth(self, x: Tensor) -> Tensor:
        """1/(1 − x) below x = 1, ∞ from there on; 1 − x is exact to within u, which the added 2u covers."""
        room = 1.0 - x - EPSILON
        return torch.where(room > 0, round_up(1.0 / room.clamp_min(EPSILON / 2), 2), torch.inf)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π 1/(1 − h_i K_i)."""
        return running_product(self.growth(x[:, 0]))

    def squared_growth(self, steps: Sequence[Sequence[Ball]]) -> list[Ball]:
        """1/(1 − x)² for x < 1, no bound (+∞) for x ≥ 1; where the ball of x reaches across 1, so does the result."""
        return running_squares([infinite_ball() if x >= 1 else 1 / (1 - x) for (x,) in steps], ball(1.0))

    def step_in_balls(self, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
        """The root, found by contraction around the network's own, and f there."""
        arithmetic = BallArithmetic(step)
        time = step.time + step.step_size
        root = enclosed_root(step.field, step.maps[0], time, step.step_size, state, step.end)
        arithmetic.slope(ONE, root)
        return root, arithmetic.evaluations

    def relative_residual(self, dtype: torch.dtype) -> float:
        """The solver's tolerance. Raises LayerRefusedError where failed solves are let pass with a warning."""
        if self.on_failure != "raise":
            raise LayerRefusedError(
                f'{self.name} with `on_failure` = "{self.on_failure}" lets failed solves pass, so nothing bounds '
                f'their residual; build it with on_failure="raise"'
            )
        return self.solver.relative_tolerance(dtype)
