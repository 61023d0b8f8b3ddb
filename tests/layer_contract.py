"""What natrob promises of every layer and every field: a class names itself and inherits these tests.

class TestTanh(LayerContract):
    layers = (nn.Tanh(),)
    input_shape = (3,)

class TestGradientFlow(FieldContract):
    fields = (lambda: GradientFlowField.dense(4, 6),)
    input_shape = (4,)
"""

import copy
import math
from collections.abc import Callable
from itertools import product
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    ActivationRefusedError,
    BallRefusedError,
    EulerNet,
    LayerRefusedError,
    activation_slopes,
    ball_field,
    growth_upper_bound,
    layer_lipschitz,
    layer_lipschitz_in,
    lipschitz_upper_bound,
    local_lipschitz_upper_bound,
    one_sided_lipschitz,
    one_sided_lipschitz_in,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.checks.structure_check import check_structure
from natrob_theory.layers.operators import AbstractOperator
from natrob_theory.layers.questions import chain_of, evaluated, layer_operations, output_shape
from natrob_theory.layers.runs import takes_time
from natrob_theory.layers.statements import Activation, AffineMap, Evaluated, Opaque, Piece, Shape
from natrob_theory.numbers.balls import ball, exact_matrix, matrix, working_precision
from natrob_theory.numbers.norms import Norm, per_sample_l2, per_sample_norm

Build = Callable[[], nn.Module]
SINGLE = 2.0**-24
PAIRS, CLIMBS = 24, 30
OTHER_NORMS: tuple[Norm, ...] = ("Linf", "L1")


def normal(*shape: int, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, dtype=torch.float64)


def evaluated_at(module: nn.Module, state: Tensor) -> Tensor:
    return module(torch.zeros((), dtype=state.dtype), state) if takes_time(module) else module(state)


def value(module: nn.Module, state: Tensor) -> Tensor:
    with torch.no_grad():
        return evaluated_at(module, state)


def unit(vectors: Tensor) -> Tensor:
    """Each sample with length 1; zero stays zero."""
    length = per_sample_l2(vectors).clamp_min(1e-30)
    return vectors / length.view(-1, *[1] * (vectors.dim() - 1)).to(vectors)


class AnswersContract:
    """Tests of every answer that a module gives; what it refuses is refused by name."""

    input_shape: ClassVar[Shape]
    size: ClassVar[float] = 2.0
    """Of the entries of random inputs."""
    above_rows: ClassVar[dict[str, float]] = {"Linf": 1.0, "L1": 1.0}
    """By which factor the constants of an affine module may exceed its row and column sums."""

    @pytest.fixture
    def module(self, build: Build) -> nn.Module:
        """A new one with weights of its own, in float64, in eval mode."""
        return build().double().eval().requires_grad_(False)

    def pairs(self, module: nn.Module) -> tuple[Tensor, Tensor]:
        """Pairs of inputs, near and far; those of the first half have climbed to where the module is steep."""
        start, direction = normal(PAIRS, *self.input_shape, size=self.size), normal(PAIRS, *self.input_shape)
        for step in torch.logspace(0, -2, CLIMBS, dtype=torch.float64) * self.size / 2:
            point, along = start.requires_grad_(True), direction.requires_grad_(True)
            change = evaluated_at(module, point + 1e-3 * unit(along)) - evaluated_at(module, point)
            steepness = change.flatten(1).square().sum(dim=1).clamp_min(1e-30).log().sum()
            uphill = torch.autograd.grad(steepness, (point, along), materialize_grads=True)
            start = point.detach() + step * unit(uphill[0])
            direction = unit(along.detach()) + step * unit(uphill[1])
        start[PAIRS // 2 :] = normal(PAIRS - PAIRS // 2, *self.input_shape, size=self.size)
        near, far = torch.full((PAIRS // 2,), 1e-3), torch.logspace(-3, 1, PAIRS - PAIRS // 2)
        length = torch.cat([near, far]).double().view(-1, *[1] * len(self.input_shape))
        return start, start + length * unit(direction)

    def test_no_pair_exceeds_the_constants(self, module: nn.Module) -> None:
        start, end = self.pairs(module)
        rise, run = (value(module, end) - value(module, start)).flatten(1), (end - start).flatten(1)
        length = run.norm(dim=1)
        constant = float(lipschitz_upper_bound(module, input_shape=self.input_shape))
        noise = 1e-12 * (1.0 + constant) * (1.0 + self.size / length)
        assert (rise.norm(dim=1) / length <= constant + noise).all()
        if rise.shape == run.shape:
            mu = float(one_sided_lipschitz_upper_bound(module, input_shape=self.input_shape))
            assert ((rise * run).sum(dim=1) / length**2 <= mu + noise).all()
            assert mu <= constant * (1.0 + 1e-12)

    def test_no_pair_and_no_jacobian_exceeds_the_constants_of_the_other_norms(self, module: nn.Module) -> None:
        start, end = self.pairs(module)
        start, end = _with_tight_directions(start, end)
        rise, run = value(module, end) - value(module, start), end - start
        jacobians = torch.stack([_jacobian(module, point) for point in start[:3]])
        for norm in OTHER_NORMS:
            constant = _constant(module, self.input_shape, norm)
            if constant is None:
                continue
            length = per_sample_norm(run, norm)
            noise = 1e-12 * (1.0 + constant) * (1.0 + self.size / length) * run[0].numel()
            assert (per_sample_norm(rise, norm) / length <= constant + noise).all()
            across = 2 if norm == "Linf" else 1
            assert (jacobians.abs().sum(dim=across) <= constant * (1.0 + 1e-9) + 1e-12).all()
            if rise.shape == run.shape:
                mu = float(one_sided_lipschitz_upper_bound(module, input_shape=self.input_shape, norm=norm))
                assert mu <= constant * (1.0 + 1e-12)
                assert (one_sided_quotient(rise, run, norm) <= mu + noise).all()
                diagonal = torch.diagonal(jacobians, dim1=1, dim2=2)
                sums = jacobians.abs().sum(dim=across) - diagonal.abs() + diagonal
                assert (sums <= mu + 1e-9 * (1.0 + constant)).all()

    def test_an_affine_module_has_the_norm_of_its_matrix(self, module: nn.Module) -> None:
        pieces = chain_of(module, self.input_shape)
        if not all(isinstance(piece, AffineMap) for piece in pieces):
            return
        matrix = torch.eye(math.prod(self.input_shape), dtype=torch.float64)
        for piece in pieces:
            matrix = piece.matrix @ matrix  # type: ignore[union-attr]
        for norm, across in zip(OTHER_NORMS, (1, 0), strict=True):
            exact = float(matrix.abs().sum(dim=across).max())
            constant = float(lipschitz_upper_bound(module, input_shape=self.input_shape, norm=norm))
            assert exact * (1.0 - 1e-15) <= constant <= exact * self.above_rows[norm] * (1.0 + 1e-9)

    def test_parts_without_a_matrix_compute_what_the_module_computes(self, module: nn.Module) -> None:
        operations = layer_operations(module, self.input_shape)
        if operations is None:
            return
        state = normal(3, *self.input_shape, size=self.size)
        found = state.flatten(1)
        for part in operations:
            if isinstance(part, AbstractOperator):
                matrix_of_operator = part.product(torch.eye(part.inputs, dtype=torch.float64)).T
                back = part.transposed(torch.eye(part.outputs, dtype=torch.float64))
                sizes = part.magnitude(torch.eye(part.inputs, dtype=torch.float64)).T
                assert torch.allclose(back, matrix_of_operator, rtol=1e-14, atol=1e-15)
                assert torch.allclose(sizes, matrix_of_operator.abs(), rtol=1e-14, atol=1e-15)
                used = matrix_of_operator != 0
                assert int(torch.maximum(used.sum(dim=0).max(), used.sum(dim=1).max())) <= part.terms
                found = part.product(found) + part.bias
            elif isinstance(part, Activation):
                found = value(part.module, found)
            else:
                found = found[:, part.entries].amax(dim=1)
        assert torch.allclose(found, value(module, state).flatten(1), rtol=1e-12, atol=1e-12)

    def test_local_constants_hold_for_pairs_in_the_ball_and_follow_a_permutation(self, module: nn.Module) -> None:
        center = normal(4, *self.input_shape, size=self.size)
        radius = torch.tensor([0.0, 1e-3, 0.1, 2.0], dtype=torch.float64)
        bound = local_lipschitz_upper_bound(module, center, radius).value
        assert isinstance(bound, Tensor)
        assert (bound <= float(lipschitz_upper_bound(module, input_shape=self.input_shape)) * (1.0 + 1e-12)).all()
        order = torch.tensor([2, 0, 3, 1])
        permuted = local_lipschitz_upper_bound(module, center[order], radius[order]).value
        torch.testing.assert_close(permuted, bound[order], rtol=1e-12, atol=0.0)
        for sample, (point, reach) in enumerate(zip(center, radius, strict=True)):
            directions = normal(2 * PAIRS, *self.input_shape)
            unit = per_sample_l2(directions).view(-1, *[1] * len(self.input_shape))
            inside = point + reach * torch.rand_like(unit) * directions / unit
            first, second = inside.chunk(2)
            run = per_sample_l2(second - first)
            rise = per_sample_l2(value(module, second) - value(module, first))
            noise = 1e-13 * (1.0 + float(bound[sample])) * (1.0 + self.size)
            assert (rise <= float(bound[sample]) * run * (1.0 + 1e-12) + noise * 100).all()

    def test_local_constants_of_the_other_norms_hold_for_pairs_in_the_ball(self, module: nn.Module) -> None:
        center = normal(3, *self.input_shape, size=self.size)
        radius = torch.tensor([0.0, 0.05, 2.0], dtype=torch.float64)
        for norm in OTHER_NORMS:
            everywhere = _constant(module, self.input_shape, norm)
            if everywhere is None:
                continue
            bound = local_lipschitz_upper_bound(module, center, radius, norm=norm).value
            assert isinstance(bound, Tensor)
            assert (bound <= everywhere * (1.0 + 1e-12)).all()
            for sample, (point, reach) in enumerate(zip(center, radius, strict=True)):
                directions = normal(2 * PAIRS, *self.input_shape)
                directions[::2] = directions[::2].sign()  # corners of the ball in L∞
                size = per_sample_norm(directions, norm).view(-1, *[1] * len(self.input_shape))
                first, second = (point + 0.999 * reach * directions / size).chunk(2)
                run = per_sample_norm(second - first, norm)
                rise = per_sample_norm(value(module, second) - value(module, first), norm)
                noise = 1e-11 * (1.0 + float(bound[sample])) * (1.0 + self.size) * point.numel()
                assert (rise <= float(bound[sample]) * run * (1.0 + 1e-12) + noise).all()
            steepest = torch.stack([_jacobian(module, point) for point in center[:1]]).abs()
            rows = steepest.sum(dim=2 if norm == "Linf" else 1).amax(dim=1)
            assert (rows <= bound[:1] * (1.0 + 1e-9) + 1e-12).all()

    def test_the_pieces_one_after_the_other_are_the_module(self, module: nn.Module) -> None:
        state = normal(5, *self.input_shape, size=self.size)
        flat = state.flatten(1)
        for piece in chain_of(module, self.input_shape):
            flat = _through(piece, flat)
        torch.testing.assert_close(flat, value(module, state).flatten(1), rtol=1e-9, atol=1e-9)

    def test_single_precision_stays_within_its_rounding(self, module: nn.Module) -> None:
        module = module.float()  # weights that both precisions hold
        state = normal(5, *self.input_shape, size=self.size).float()
        rounded = value(module, state).double()
        module = module.double()
        exact = value(module, state.double())
        before = Evaluated(torch.tensor([1.0, 0.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64))
        after = evaluated(module, self.input_shape, before, SINGLE)
        norms = per_sample_l2(state.double())
        assert (per_sample_l2(rounded - exact) <= after.error[0] * norms + after.error[1]).all()
        assert (per_sample_l2(exact) <= after.norm[0] * norms + after.norm[1]).all()

    def test_balls_hold_the_value_or_are_refused_by_name(self, module: nn.Module) -> None:
        if len(self.input_shape) != 1:
            return
        state = normal(3, *self.input_shape, size=self.size)
        enclosure = _unless_refused(lambda: ball_field(module), BallRefusedError)
        if enclosure is None:
            return
        with working_precision(128):
            exact = enclosure(ball(0.0), exact_matrix(state.T)).transpose()
            middle = torch.tensor([float(entry.mid()) for entry in exact.entries()], dtype=torch.float64)
            torch.testing.assert_close(middle, value(module, state).flatten(), rtol=1e-13, atol=1e-13)
            wide = [ball(float(x)).union(ball(float(x) + 0.5)) for x in state.T.flatten()]
            image = enclosure(ball(0.0), matrix(state.shape[1], len(state), wide)).transpose()
            moved = enclosure(ball(0.0), exact_matrix((state + 0.25).T)).transpose()
            pairs = zip(image.entries(), moved.entries(), strict=True)
            assert all(wider.lower() <= inner.upper() and inner.lower() <= wider.upper() for wider, inner in pairs)

    def test_the_shape_is_that_of_a_run(self, module: nn.Module) -> None:
        run = value(module, normal(2, *self.input_shape))
        assert output_shape(module, self.input_shape) == tuple(run.shape[1:])

    def test_constants_do_not_depend_on_the_precision_of_the_weights(self, module: nn.Module) -> None:
        single = float(lipschitz_upper_bound(module.float(), input_shape=self.input_shape))
        assert single == pytest.approx(float(lipschitz_upper_bound(module.double(), input_shape=self.input_shape)))

    def test_altered_forms_are_refused(self, module: nn.Module) -> None:
        name = type(module).__name__
        module.register_forward_hook(_doubled)
        for ask in (
            lambda: layer_lipschitz(module, self.input_shape),
            lambda: one_sided_lipschitz(module, self.input_shape),
            lambda: chain_of(module, self.input_shape),
        ):
            with pytest.raises(LayerRefusedError, match=f"{name} with forward hooks"):
                ask()
        for norm, ask_in in product(OTHER_NORMS, (layer_lipschitz_in, one_sided_lipschitz_in)):
            with pytest.raises(LayerRefusedError, match=name):  # hooks, or that nothing is known in this norm
                ask_in(module, norm, self.input_shape)
        with pytest.raises(BallRefusedError, match=f"{name} with forward hooks"):
            ball_field(module)
        with pytest.raises(ActivationRefusedError):
            activation_slopes(module, torch.zeros(1).double(), torch.ones(1).double())

    def test_a_subclass_with_another_forward_inherits_nothing(self, module: nn.Module) -> None:
        kind = type(module)
        module.__class__ = type("Altered", (kind,), {"forward": lambda self, *a: 2 * kind.forward(self, *a)})
        with pytest.raises(LayerRefusedError, match="Altered with a forward other than"):
            layer_lipschitz(module, self.input_shape)
        with pytest.raises(LayerRefusedError, match="Altered"):
            layer_lipschitz_in(module, "Linf", self.input_shape)

    @pytest.mark.gpu
    def test_on_a_gpu_as_on_the_cpu(self, module: nn.Module) -> None:
        center = normal(2, *self.input_shape)
        here = local_lipschitz_upper_bound(module, center, 0.1).value
        there = local_lipschitz_upper_bound(module.cuda(), center.cuda(), 0.1).value
        assert isinstance(there, Tensor)
        torch.testing.assert_close(there.cpu(), here, rtol=1e-9, atol=0.0)


def _constant(module: nn.Module, input_shape: Shape, norm: Norm) -> float | None:
    """The constant in a norm; None where it is refused by name."""
    bound = lambda: lipschitz_upper_bound(module, input_shape=input_shape, norm=norm)  # noqa: E731
    found = _unless_refused(bound, LayerRefusedError)
    return None if found is None else float(found)


def _with_tight_directions(start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs, and as many whose ends differ by signs (tight in L∞), and in one entry (tight in L1)."""
    signs = start.sign() * (torch.randint(0, 2, start.shape) * 2 - 1) + (start == 0)
    single = torch.zeros_like(start).flatten(1)
    single[torch.arange(len(start)), torch.randint(0, single.shape[1], (len(start),))] = 1.0
    ends = [end, start + 1e-3 * signs, start + 1e-3 * single.view_as(start)]
    return torch.cat([start] * 3), torch.cat(ends)


def one_sided_quotient(rise: Tensor, run: Tensor, norm: Norm) -> Tensor:
    """A lower bound of μ from each pair: ±Δf_i/‖e‖ at the largest |e_i| in L∞, Σ sign(e_i)Δf_i/‖e‖ in L1."""
    rise, run = rise.flatten(1), run.flatten(1)
    length = per_sample_norm(run, norm)
    if norm == "Linf":
        peak = run.abs().argmax(dim=1, keepdim=True)
        return (rise.gather(1, peak) * run.gather(1, peak).sign())[:, 0] / length
    along = torch.where(run == 0, rise.abs(), rise * run.sign())
    return along.sum(dim=1) / length


def _jacobian(module: nn.Module, point: Tensor) -> Tensor:
    """At one sample, (outputs, inputs)."""
    found = torch.autograd.functional.jacobian(lambda state: evaluated_at(module, state[None])[0], point)
    assert isinstance(found, Tensor)
    return found.reshape(-1, point.numel())


def _doubled(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
    return 2 * output


def _through(piece: Piece, flat: Tensor) -> Tensor:
    """The piece on flat vectors."""
    if isinstance(piece, AffineMap):
        return flat @ piece.matrix.T + piece.bias
    if isinstance(piece, Activation):
        return piece.module(flat)
    assert isinstance(piece, Opaque)
    return value(piece.module, flat.view(-1, *piece.input_shape)).flatten(1)


def _unless_refused(ask: Callable[[], Any], refusal: type[Exception]) -> Any:
    """The answer; None where it is refused, which must be by name."""
    try:
        return ask()
    except refusal:
        with pytest.raises(refusal, match="known"):
            ask()
        return None


class LayerContract(AnswersContract):
    """For a kind of layer. An elementwise activation has its slopes tested as well."""

    layers: ClassVar[tuple[nn.Module | Build, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every test for every layer."""
        _parametrize(metafunc, getattr(metafunc.cls, "layers", ()))

    def slopes_on(self, module: nn.Module, lower: Tensor, upper: Tensor) -> Any:
        """The slopes; None where the layer is no activation, which it must say by its name."""
        return _unless_refused(lambda: activation_slopes(module, lower, upper), ActivationRefusedError)

    def test_every_sampled_secant_lies_between_the_slopes(self, module: nn.Module) -> None:
        ends = normal(64, 2, size=4.0).sort(dim=1).values
        lower, upper = ends[:, 0], ends[:, 1]
        slopes = self.slopes_on(module, lower, upper)
        if slopes is None:
            return
        points = lower[:, None] + (upper - lower)[:, None] * torch.linspace(0.0, 1.0, 41, dtype=torch.float64)
        secants = value(module, points).diff(dim=1) / points.diff(dim=1)
        noise = 1e-13 / (upper - lower)
        assert (slopes.low <= secants.amin(dim=1) + noise).all()
        assert (slopes.high >= secants.amax(dim=1) - noise).all()

    def test_the_slopes_on_the_whole_line_and_on_short_intervals_are_attained(self, module: nn.Module) -> None:
        line = torch.tensor([math.inf], dtype=torch.float64)
        slopes = self.slopes_on(module, -line, line)
        if slopes is None:
            return
        x = torch.linspace(-60.0, 60.0, 200_001, dtype=torch.float64)
        secants = value(module, x).diff() / x.diff()
        noise = 60.0 * 4 * torch.finfo(torch.float64).eps / 6e-4
        assert float(slopes.low) == pytest.approx(float(secants.min()), abs=2e-3)
        assert float(slopes.high) == pytest.approx(float(secants.max()), abs=2e-3)
        assert float(slopes.low) <= float(secants.min()) + noise
        assert float(slopes.high) >= float(secants.max()) - noise
        steepest = max(float(slopes.high), -float(slopes.low))
        assert layer_lipschitz(module, self.input_shape) == steepest
        assert all(layer_lipschitz_in(module, norm, self.input_shape) == steepest for norm in OTHER_NORMS)
        point = torch.tensor([-2.1, -0.31, 0.43, 0.57, 2.9], dtype=torch.float64, requires_grad=True)
        (exact,) = torch.autograd.grad(module(point).sum(), point)
        near = activation_slopes(module, point.detach() - 1e-9, point.detach() + 1e-9)
        torch.testing.assert_close(near.low, exact, rtol=0, atol=1e-8)
        torch.testing.assert_close(near.high, exact, rtol=0, atol=1e-8)


class FieldContract(AnswersContract):
    """For a kind of field: it keeps the state's shape, and its Jacobian has the structure that it states."""

    fields: ClassVar[tuple[Build, ...]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Every test for every field."""
        _parametrize(metafunc, getattr(metafunc.cls, "fields", ()))

    def test_its_jacobian_has_the_structure_that_it_states(self, module: nn.Module) -> None:
        generator = torch.Generator().manual_seed(0)
        found = check_structure(module, normal(4, *self.input_shape), generator=generator)
        assert all(defect.holds for defect in found)

    def test_a_step_of_its_network_grows_no_pair_beyond_the_bound(self, module: nn.Module) -> None:
        start, end = self.pairs(module)
        constant = float(lipschitz_upper_bound(module, input_shape=self.input_shape))
        net = EulerNet(module, 1.5 / max(constant, 1e-3), 1)
        growth = float(lipschitz_upper_bound(net, input_shape=self.input_shape))
        run, rise = per_sample_l2(end - start), per_sample_l2(net(end) - net(start))
        assert (rise <= growth * run * (1.0 + 1e-12) + 1e-11 * self.size).all()

    def test_a_step_grows_no_pair_beyond_the_bound_in_the_other_norms(self, module: nn.Module) -> None:
        start, end = _with_tight_directions(*self.pairs(module))
        for norm, share in product(OTHER_NORMS, (0.4, 1.5)):
            constant = _constant(module, self.input_shape, norm)
            if constant is None:
                continue
            net = EulerNet(module, share / max(constant, 1e-3), 1)
            bound = growth_upper_bound(net, input_shape=self.input_shape, norm=norm)
            assert bound.norm == norm
            run, rise = per_sample_norm(end - start, norm), per_sample_norm(net(end) - net(start), norm)
            noise = 1e-11 * self.size * start[0].numel()
            assert (rise <= float(bound) * run * (1.0 + 1e-12) + noise).all()


def _parametrize(metafunc: pytest.Metafunc, cases: tuple[nn.Module | Build, ...]) -> None:
    if "build" not in metafunc.fixturenames:
        return
    builds = [_builder(case) for case in cases]
    names = [f"{build()}".replace("\n", "")[:60] for build in builds]
    metafunc.parametrize("build", builds, ids=names)


def _builder(case: nn.Module | Build) -> Build:
    """A function that makes a module with weights drawn anew: of the test's own random numbers."""
    if not isinstance(case, nn.Module):
        return case
    return lambda: _redrawn(case)


def _redrawn(case: nn.Module) -> nn.Module:
    module = copy.deepcopy(case)
    for part in module.modules():
        if callable(getattr(part, "reset_parameters", None)):
            part.reset_parameters()  # type: ignore[operator]
    return module
