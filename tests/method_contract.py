"""What the library promises of every method: a method's own test class names the method and inherits the rest."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, ClassVar, final

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    AutonomousField,
    DissipativeField,
    GradientFlowField,
    LinearField,
    SkewSymmetricField,
    SumField,
    ball_field,
    dense_field,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
    tube_bound,
)
from natrob_theory.fields.centred_fields import centred_constants
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.balls import ball, exact_matrix, root, working_precision
from natrob_theory.steppers import AbstractStepper, CoupledField, FieldConstants
from natrob_theory.steppers.ball_arithmetic import BallStep
from natrob_theory.steppers.growth_factors import BallConstants, step_constants

STEP, SIZE = 0.3, 4
PRODUCTS = (0.0, 1e-50, 1e-6, 0.02, 0.35, 0.8)
"""x = hK at which growth factors are compared."""


@final
class MethodNet(AbstractFixedStepNet):
    """The method as a network."""


def polynomial(*coefficients: str | int | Fraction) -> Callable[[Fraction], Fraction]:
    return lambda x: sum((Fraction(c) * x**k for k, c in enumerate(coefficients)), Fraction(0))


def taylor(order: int) -> Callable[[Fraction], Fraction]:
    return polynomial(*(Fraction(1, math.factorial(k)) for k in range(order + 1)))


class MethodContract:
    """Everything the library promises of a stepper.

    Members that a method's test class gives:
        stepper: the method.
        order: its order on y' = Ay; None where it is no discretisation of dy/dt = f.
        growth: G(x) from K as it is printed, in exact fractions; None where it is no function of one K.
        attained: whether f = Ky with K > 0 reaches G.
    """

    stepper: ClassVar[AbstractStepper[Any]]
    order: ClassVar[int | None]
    growth: ClassVar[Callable[[Fraction], Fraction] | None] = None
    attained: ClassVar[bool] = True

    @property
    def coupled(self) -> bool:
        return self.stepper.couplings == 2

    def of_parts(self, make: Callable[[int], nn.Module]) -> Any:
        """The field of a step from one field, or from one for each half of the state."""
        return CoupledField(make(SIZE // 2), make(SIZE // 2)) if self.coupled else make(SIZE)

    def network(self, field: nn.Module, steps: int = 1, step_size: float = STEP) -> MethodNet:
        return MethodNet(field, self.stepper, step_size=step_size, num_steps=steps)

    def test_a_step_in_balls_encloses_the_step(self) -> None:
        field, state = self.of_parts(tanh_field), states(3)
        after = self.stepper.step(field, 0.25, state, STEP).detach()
        with working_precision(200):
            step = BallStep(
                field=field,
                maps=tuple(ball_field(part) for part in self.stepper.fields_of(field)),
                time=Fraction(0.25),
                step_size=Fraction(STEP),
                end=after,
            )
            enclosed, evaluations = self.stepper.step_in_balls(step, exact_matrix(state.T))
            for entry, computed in zip(enclosed.entries(), after.T.flatten().tolist(), strict=True):
                assert entry.rad() < 1e-40
                assert abs(float(entry) - computed) <= 1e-12
        _, taken = self.stepper.step_with_evaluations(field, 0.25, state, STEP)
        for evaluation, (point, value) in zip(evaluations, taken, strict=True):
            assert largest_gap(evaluation.point, point) < 1e-12
            assert largest_gap(evaluation.value, value) < 1e-12

    def test_growth_is_the_printed_one_rounded_outward_and_enclosed_in_balls(self) -> None:
        if self.growth is None:
            return
        for x in PRODUCTS:
            exact = type(self).growth(Fraction(x))  # type: ignore[misc] - a function kept on the class
            for value in self.stepper.growth(torch.tensor([x], dtype=torch.float64)).tolist():
                assert exact <= Fraction(value) <= exact * (1 + Fraction(1e-12))
            with working_precision(256):
                square = self.stepper.squared_growth([[ball(x)]])[-1]
                assert (square - ball(exact**2)).contains(0)

    def test_growth_over_steps_rises_with_the_constant_and_is_just_above_its_ball(self) -> None:
        x = torch.tensor(PRODUCTS[:1] + PRODUCTS[2:], dtype=torch.float64)
        assert self.stepper.growth(x).diff().min() >= 0
        bounds = self.stepper.cumulative_growth(x[:, None].expand(-1, self.stepper.couplings)).tolist()
        squares = self.stepper.squared_growth([[ball(float(one))] * self.stepper.couplings for one in x])
        for above, square in zip(bounds, squares, strict=True):
            assert ball(above) >= root(square)
            assert above <= float(root(square)) * (1 + 1e-12) + 1e-280

    def test_overflow_gives_infinity(self) -> None:
        x = torch.tensor([0.5, math.inf, 0.5], dtype=torch.float64)[:, None, None].expand(3, self.stepper.couplings, 2)
        assert self.stepper.cumulative_growth(x)[2:].eq(math.inf).all()

    def test_growth_bounds_what_is_measured(self) -> None:
        for seed in range(4):
            field = self.of_parts(lambda size, seed=seed: tanh_field(size, seed=seed))
            parts = self.stepper.fields_of(field)
            x = [STEP * float(lipschitz_upper_bound(part, input_shape=(SIZE // len(parts),))) for part in parts]
            if max(x) >= self.stepper.smallest_unbounded_x:
                continue
            bound = self.stepper.cumulative_growth(torch.tensor([x], dtype=torch.float64))[-1]
            assert self.measured(field, seed=seed).max() <= bound * (1 + 1e-10)

    def test_the_field_that_multiplies_by_the_constant_reaches_the_growth_where_the_method_says_so(self) -> None:
        if self.coupled:
            return
        field, x = (
            LinearField(2.0 * torch.eye(SIZE, dtype=torch.float64)),
            torch.tensor([2.0 * STEP], dtype=torch.float64),
        )
        reached = float(self.measured(field).max()) / float(self.stepper.growth(x))
        assert (reached == pytest.approx(1.0, rel=1e-11)) == self.attained

    def test_factors_from_structure_bound_what_is_measured_and_are_just_above_their_balls(self) -> None:
        for seed in range(4):
            field, lipschitz, known = structured_field(seed)
            x = torch.tensor([STEP * lipschitz], dtype=torch.float64)
            steps = step_constants([STEP], x, [known])
            mu = ball(STEP * float(known.one_sided))  # type: ignore[arg-type] - it is known here
            exact = BallConstants(
                step_size=ball(STEP), x=ball(float(x)), scaled_one_sided=mu.min(ball(float(x))),
                gradient_flow=known.gradient_flow, centred=known.centred,
            )  # fmt: skip
            for factor in self.stepper.growth_factors:
                if not factor.applies_to(steps):
                    continue
                above, square = float(factor.growth(steps)), factor.squared_growth(exact)
                assert (square is None) == math.isinf(above)
                if square is not None:
                    assert self.measured(field, seed=seed).max() <= above * (1 + 1e-10)
                    value = float(root(square))
                    assert value <= above <= value + 1e-13 * max(1.0, value)

    def test_the_tube_holds_perturbed_steps(self) -> None:
        field, state, radius = self.of_parts(tanh_field), states(2), 0.4
        net = self.network(field, steps=2, step_size=0.1)
        offsets = torch.randn((20, *state.shape), generator=seeded(5), dtype=torch.float64)
        offsets = radius * offsets / offsets.norm(dim=2, keepdim=True)
        tube = tube_bound(net, state, radius)
        with torch.no_grad():
            moved = net((state + offsets).flatten(0, 1)).view(20, *state.shape) - net(state)
        assert (moved.norm(dim=2) <= tube.radii[-1] * (1 + 1e-10)).all()

    def test_the_tube_of_a_linear_field_grows_as_the_method_does(self) -> None:
        net = self.network(self.of_parts(lambda size: LinearField(2.0 * torch.eye(size).double())), steps=2)
        tube = tube_bound(net, states(2), 0.4)
        torch.testing.assert_close(tube.growth.value, torch.full((2,), float(net.growth_bound(2.0))).double())

    def test_evaluations_are_those_of_the_step_at_its_nodes(self) -> None:
        def moving(time: Tensor, state: Tensor) -> Tensor:
            return torch.sin(state) + time

        field: Any = CoupledField(as_module(moving), as_module(moving)) if self.coupled else moving
        state = states(3)
        after, notes = self.stepper.step_with_evaluations(field, 0.5, state, 0.1)
        assert torch.equal(after, self.stepper.step(field, 0.5, state, 0.1))
        for node, (point, value) in zip(self.stepper.nodes, notes, strict=True):
            torch.testing.assert_close(value - torch.sin(point), torch.full_like(point, 0.5 + 0.1 * node))

    def test_samples_have_step_sizes_of_their_own(self) -> None:
        if self.stepper.implicit:
            return
        field, state = self.of_parts(tanh_field), states(3)
        sizes, times = (torch.tensor(row, dtype=torch.float64) for row in ([0.1, 0.0, -0.3], [0.0, 1.0, 2.0]))
        together = self.stepper.step(field, times, state, sizes)  # type: ignore[arg-type] - explicit ones take tensors
        for n in range(3):
            alone = self.stepper.step(field, float(times[n]), state[n : n + 1], float(sizes[n]))
            torch.testing.assert_close(together[n : n + 1], alone, rtol=1e-14, atol=1e-14)

    def test_a_step_keeps_the_dtype_and_permutes_with_the_batch(self) -> None:
        field, state = self.of_parts(tanh_field), states(4)
        after, order = self.stepper.step(field, 0.0, state, STEP), torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(self.stepper.step(field, 0.0, state[order], STEP), after[order], rtol=1e-12, atol=0)
        assert self.stepper.step(field.float(), 0.0, state.float(), STEP).dtype == torch.float32

    def test_gradients_are_those_of_finite_differences(self) -> None:
        if self.stepper.implicit:  # by the implicit function theorem: test_backward_euler_stepper.py
            return
        field, state = self.of_parts(tanh_field), states(1).requires_grad_()
        weight = next(field.parameters()).detach().clone().requires_grad_()
        name = next(name for name, _ in field.named_parameters())

        def after(start: Tensor, weight: Tensor) -> Tensor:
            return torch.func.functional_call(Stepping(self.stepper, field), {f"field.{name}": weight}, (start,))

        assert torch.autograd.gradcheck(after, (state, weight), eps=1e-6, atol=1e-6, fast_mode=True)

    @torch.no_grad()
    def test_the_order_on_a_linear_problem(self) -> None:
        first, second = (torch.randn((2, 2), generator=seeded(n), dtype=torch.float64) for n in (1, 2))
        zero, state = torch.zeros((2, 2), dtype=torch.float64), states(1)
        if self.coupled:
            matrix = torch.cat([torch.cat([zero, first], dim=1), torch.cat([second, zero], dim=1)])
            field: Any = CoupledField(LinearField(first), LinearField(second))
        else:
            matrix = torch.block_diag(first, second)
            field = LinearField(matrix)
        errors = []
        for step_size in (0.08, 0.04):
            exact = state @ torch.linalg.matrix_exp(step_size * matrix).T
            errors.append(float((self.stepper.step(field, 0.0, state, step_size) - exact).norm()))
        measured = math.log2(errors[0] / errors[1]) - 1
        if self.order is None:
            assert measured < 0.5
        else:
            assert abs(measured - self.order) <= 0.2

    def measured(self, field: Any, *, seed: int = 0) -> Tensor:
        """‖Δy_1‖/‖Δy_0‖ of random pairs, near and far."""
        one = torch.randn((64, SIZE), generator=seeded(seed), dtype=torch.float64)
        apart = torch.randn((64, SIZE), generator=seeded(seed + 1), dtype=torch.float64)
        apart = apart * torch.logspace(-4, 1, 64, dtype=torch.float64)[:, None]
        with torch.no_grad():
            after = [self.stepper.step(field, 0.0, state, STEP) for state in (one, one + apart)]
        return (after[1] - after[0]).norm(dim=1) / apart.norm(dim=1)


class Stepping(nn.Module):
    """One step as a module, so that its field's weights can be other tensors."""

    def __init__(self, stepper: AbstractStepper[Any], field: nn.Module) -> None:
        super().__init__()
        self.stepper, self.field = stepper, field

    def forward(self, state: Tensor) -> Tensor:
        return self.stepper.step(self.field, 0.0, state, STEP)


class _Written(nn.Module):
    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.function(time, state)


def as_module(function: Callable[[Tensor, Tensor], Tensor]) -> nn.Module:
    return _Written(function)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def states(samples: int) -> Tensor:
    return torch.randn((samples, SIZE), generator=seeded(9), dtype=torch.float64)


def tanh_field(size: int, *, seed: int = 0) -> AutonomousField:
    """A field of one hidden layer with hK of about 1/2 for the contract's step size."""
    field = dense_field(size, 5, activation=nn.Tanh).double()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=seeded(seed), dtype=torch.float64))
    return field


def structured_field(seed: int) -> tuple[nn.Module, float, FieldConstants]:
    """A gradient flow, alone or with a skew part and dissipation; its K, and what else is known of it."""
    flow, skew = GradientFlowField.dense(SIZE, 5).double(), SkewSymmetricField.dense(SIZE).double()
    with torch.no_grad():
        for parameter in (*flow.parameters(), *skew.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(seed), dtype=torch.float64))
    field = flow if seed % 2 == 0 else DissipativeField(SumField([flow, skew]), 0.5)
    mu = float(one_sided_lipschitz_upper_bound(field, input_shape=(SIZE,)))
    known = FieldConstants(
        one_sided=min(mu, 0.0), gradient_flow=field is flow, centred=centred_constants(field, (SIZE,))
    )
    return field, float(lipschitz_upper_bound(field, input_shape=(SIZE,))), known


def largest_gap(enclosed: Any, computed: Tensor) -> float:
    """The farthest that an entry of (d, samples) balls is from one of a (samples, d) tensor."""
    pairs = zip(enclosed.entries(), computed.detach().T.flatten().tolist(), strict=True)
    return max(abs(float(entry) - number) for entry, number in pairs)
