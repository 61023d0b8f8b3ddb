"""Structured fields: the transposes are exact adjoints, the constants hold, and what would break them is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    ActivationRefusedError,
    DissipativeField,
    GradientFlowField,
    HamiltonianField,
    LayerRefusedError,
    LinearField,
    RevNet,
    ScaledField,
    SkewSymmetricField,
    SumField,
    dense_field,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.fields.linear_map import apply_transpose

TIME = torch.tensor(0.0)
WRONG_MAP: Any = nn.Conv1d(2, 3, 3)
WRONG_HALF: Any = dense_field(2, 2)
FUNCTION: Any = lambda _t, y: y  # noqa: E731


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build().double()


@pytest.mark.parametrize("name", ["dense", "images"])
def test_the_transpose_is_the_adjoint(name: str) -> None:
    linear_map: Any
    if name == "dense":
        linear_map, shapes = nn.Linear(4, 7).double(), ((3, 4), (3, 7))
    else:
        linear_map = nn.Conv2d(2, 3, (3, 5), padding=(1, 2)).double()
        shapes = ((3, 2, 6, 7), (3, 3, 6, 7))
    y, u = normal(*shapes[0]), normal(*shapes[1], seed=1)
    with torch.no_grad():
        image = linear_map(y) - linear_map(torch.zeros_like(y))
        back = apply_transpose(linear_map, u)
    torch.testing.assert_close((image * u).flatten(1).sum(1), (y * back).flatten(1).sum(1), rtol=1e-12, atol=1e-12)


def test_a_gradient_flow_is_minus_the_gradient_of_its_potential() -> None:
    field = seeded(lambda: GradientFlowField.dense(4, 6, activation=nn.ReLU))
    y = normal(3, 4).requires_grad_()
    assert isinstance(field, GradientFlowField)
    potential = 0.5 * torch.relu(field.linear_map(y)).square().sum()
    (gradient,) = torch.autograd.grad(potential, y)
    torch.testing.assert_close(field(TIME, y), -gradient, rtol=1e-12, atol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_gradient_flows_are_cocoercive(seed: int) -> None:
    field = seeded(lambda: GradientFlowField.dense(3, 5, activation=nn.Tanh), seed)
    beta = float(lipschitz_upper_bound(field, input_shape=(3,)))
    y, z = normal(20, 3, seed=seed), normal(20, 3, seed=seed + 1)
    with torch.no_grad():
        rise = field(TIME, z) - field(TIME, y)
    assert ((rise * (z - y)).sum(dim=1) <= -rise.square().sum(dim=1) / beta + 1e-12).all()


@pytest.mark.parametrize("build", [lambda: SkewSymmetricField.dense(5), lambda: SkewSymmetricField.convolutional(3)])
def test_skew_fields_turn_at_right_angles(build: Callable[[], nn.Module]) -> None:
    field = seeded(build)
    y = normal(4, 5) if next(field.parameters()).dim() == 2 else normal(4, 3, 5, 6)
    with torch.no_grad():
        assert ((field(TIME, y) * y).flatten(1).sum(dim=1).abs() <= 1e-13 * y.flatten(1).square().sum(dim=1)).all()


@given(st.integers(0, 2**32 - 1))
def test_constants_in_closed_form(seed: int) -> None:
    """Equal to the dense matrix's own numbers, to rounding: bounds 1 % smaller would be wrong."""
    skew = seeded(lambda: SkewSymmetricField.dense(4), seed)
    matrix = next(skew.parameters()).detach()
    norm = float(torch.linalg.matrix_norm(matrix - matrix.T, ord=2))
    assert norm <= float(lipschitz_upper_bound(skew, input_shape=(4,))) <= norm * (1 + 1e-12)
    damped = DissipativeField(skew, 0.5)
    exact = float(torch.linalg.matrix_norm(matrix - matrix.T - 0.5 * torch.eye(4), ord=2))
    value = float(lipschitz_upper_bound(damped, input_shape=(4,)))
    assert exact * (1 - 1e-14) <= value <= exact * (1 + 1e-12)
    assert float(one_sided_lipschitz_upper_bound(damped, input_shape=(4,))) == pytest.approx(-0.5, rel=1e-14)


def test_the_norm_of_a_skew_convolution_is_that_of_its_torus() -> None:
    field = seeded(lambda: SkewSymmetricField.convolutional(2))
    size = 2 * 5 * 4
    with torch.no_grad():
        columns = field(TIME, torch.eye(size, dtype=torch.float64).view(size, 2, 5, 4)).flatten(1)
    torch.testing.assert_close(columns, -columns.T, rtol=0.0, atol=1e-14)
    exact = float(torch.linalg.matrix_norm(columns, ord=2))
    assert exact <= float(lipschitz_upper_bound(field, input_shape=(2, 5, 4))) <= 1.5 * exact


def test_the_one_sided_constant_of_a_hamiltonian_is_attained() -> None:
    """∇U active, ∇V flat: the Jacobian is [[0, β], [0, 0]], whose symmetric part has the eigenvalue β/2."""
    first, second = (GradientFlowField(nn.Linear(1, 1).double(), nn.ReLU()) for _ in range(2))
    with torch.no_grad():
        for part, bias in ((first, 1.0), (second, -1.0)):
            part.linear_map.weight.fill_(2.0)  # type: ignore[union-attr]
            part.linear_map.bias.fill_(bias)  # type: ignore[union-attr]
        field = HamiltonianField(first, second)
        e = torch.full((1, 2), 1e-3, dtype=torch.float64)
        rise = field(TIME, e) - field(TIME, torch.zeros_like(e))
    quotient = float((rise * e).sum() / e.square().sum())
    bound = float(one_sided_lipschitz_upper_bound(field, input_shape=(2,)))
    assert quotient == pytest.approx(2.0, rel=1e-12)
    assert quotient <= bound * (1 + 1e-12)
    assert quotient > 0.99 * bound
    assert float(lipschitz_upper_bound(field, input_shape=(2,))) == pytest.approx(4.0, rel=1e-12)


def test_the_pair_of_a_hamiltonian_is_what_revnet_steps_with() -> None:
    field = seeded(lambda: HamiltonianField.dense(2, 3))
    assert isinstance(field, HamiltonianField)
    net = RevNet(field.pair, 0.1, 1)
    y = normal(5, 4)
    a, b = y[:, :2], y[:, 2:]
    with torch.no_grad():
        moved = a + 0.1 * field(TIME, y)[:, :2]
        expected = torch.cat([moved, b + 0.1 * field(TIME, torch.cat([moved, b], dim=1))[:, 2:]], dim=1)
        torch.testing.assert_close(net(y), expected, rtol=1e-13, atol=1e-13)
    assert {id(p) for p in net.parameters()} == {id(p) for p in field.parameters()}


def test_sums_and_multiples_evaluate_as_written() -> None:
    first, second = (LinearField(normal(3, 3, seed=seed)) for seed in (0, 1))
    y = normal(2, 3)
    with torch.no_grad():
        torch.testing.assert_close(SumField([first, second])(TIME, y), first(TIME, y) + second(TIME, y))
        torch.testing.assert_close(ScaledField(first, -2.0)(TIME, y), -2.0 * first(TIME, y))
        torch.testing.assert_close(DissipativeField(first, 0.5)(TIME, y), first(TIME, y) - 0.5 * y)
    assert "rate=0.5" in repr(DissipativeField(first, 0.5))
    assert "factor=-2" in repr(ScaledField(first, -2.0))


class Kinked(nn.Module):
    def forward(self, state: Tensor) -> Tensor:
        return state.abs()


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: GradientFlowField(nn.Linear(2, 3), nn.LeakyReLU(-0.1)), ValueError, "slopes from -0.1 to 1"),
        (lambda: GradientFlowField(nn.Linear(2, 3), nn.LeakyReLU(2.0)), ValueError, "slopes from 1 to 2"),
        (lambda: GradientFlowField(nn.Linear(2, 3), Kinked()), ActivationRefusedError, "Kinked"),
        (lambda: GradientFlowField(WRONG_MAP, nn.ReLU()), TypeError, "`linear_map` must be an nn.Linear or"),
        (lambda: GradientFlowField(nn.Conv2d(2, 3, 3), nn.ReLU()), ValueError, "zero padding of half its size"),
        (lambda: GradientFlowField(nn.Conv2d(2, 3, 3, 2, 1), nn.ReLU()), ValueError, "stride 1"),
        (lambda: GradientFlowField.convolutional(2, 3, kernel_size=2), ValueError, "`kernel_size` must be odd, got 2"),
        (lambda: GradientFlowField.dense(0, 3), ValueError, "`features` must be at least 1, got 0"),
        (lambda: SkewSymmetricField(nn.Linear(2, 3, bias=False)), ValueError, "keep the state's shape"),
        (lambda: SkewSymmetricField(nn.Linear(2, 2)), ValueError, "have no bias"),
        (lambda: DissipativeField(LinearField(torch.eye(2)), -1.0), ValueError, "`rate` must be at least 0, got -1.0"),
        (lambda: DissipativeField(FUNCTION, 1.0), TypeError, "`field` must be an nn.Module with forward"),
        (lambda: SumField([]), ValueError, "`fields` must hold at least one field"),
        (lambda: SumField([FUNCTION]), TypeError, "`fields` must be an nn.Module"),
        (lambda: ScaledField(LinearField(torch.eye(2)), float("nan")), ValueError, "`factor` must be finite"),
        (lambda: HamiltonianField(WRONG_HALF, WRONG_HALF), TypeError, "`first` must be a Gr"),
        (lambda: HamiltonianField.dense(2, 2)(TIME, torch.ones(1, 3)), ValueError, "its length must be even, got 3"),
    ],
)
def test_what_would_break_the_constants_is_refused(
    build: Callable[[], object], error: type[Exception], message: str, unchecked: None
) -> None:
    with pytest.raises(error, match=message):
        build()


def test_altered_parts_have_no_constant() -> None:
    swapped = GradientFlowField.dense(2, 3)
    swapped.activation = nn.LeakyReLU(-1.0)
    with pytest.raises(ValueError, match="slopes from -1 to 1"):
        one_sided_lipschitz_upper_bound(swapped, input_shape=(2,))
    for part in ("activation", "linear_map"):
        hooked = GradientFlowField.dense(2, 3)
        getattr(hooked, part).register_forward_hook(lambda _module, _inputs, output: -output)
        with pytest.raises(LayerRefusedError, match="forward hooks"):
            one_sided_lipschitz_upper_bound(hooked, input_shape=(2,))
    with pytest.raises(ValueError, match="even first axis for HamiltonianField"):
        lipschitz_upper_bound(HamiltonianField.dense(2, 2), input_shape=(3,))
