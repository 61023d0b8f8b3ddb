"""Softplus, SELU, PReLU, Mish and softmax: slopes against derivatives, closed forms, what is refused."""

import math

import pytest
import torch
from torch import nn

from natrob_theory import (
    ActivationRefusedError,
    BallRefusedError,
    EulerNet,
    GradientFlowField,
    HamiltonianField,
    LayerRefusedError,
    local_lipschitz_upper_bound,
    tube_bound,
)
from natrob_theory.bounds.local.ball_image import Box, activation_box, activation_value
from natrob_theory.layers.answers import answers_of
from natrob_theory.layers.mish import MISH_LEAST, MISH_STEEPEST, MISH_TURNS
from natrob_theory.layers.questions import activation_slopes, ball_field, layer_error, layer_lipschitz, layer_pieces
from natrob_theory.layers.selu import SELU_ALPHA, SELU_SCALE
from natrob_theory.layers.statements import Opaque
from natrob_theory.numbers.balls import ball
from tests.natrob_theory.layers.matrices import jacobian_norm

ACTIVATIONS = [
    nn.Softplus(),
    nn.Softplus(beta=3.0),
    nn.SELU(),
    nn.Mish(),
    nn.PReLU().double(),
    nn.PReLU(init=-1.5).double(),
]
ONE = torch.ones(1, dtype=torch.float64)


def derivative(activation: nn.Module, points: torch.Tensor) -> torch.Tensor:
    points = points.clone().requires_grad_()
    (slope,) = torch.autograd.grad(activation(points).sum(), points)
    return slope


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_slopes_hold_the_derivatives_between_and_no_more_in_a_short_interval(activation: nn.Module) -> None:
    ends = torch.linspace(-6.0, 6.0, 1201, dtype=torch.float64)
    lower, upper = ends[:-1], ends[1:]
    slopes = activation_slopes(activation, lower, upper)
    for share in (0.0, 0.3, 0.5, 1.0):
        inside = derivative(activation, lower + share * (upper - lower))
        assert (inside <= slopes.high + 1e-15).all()
        assert (inside >= slopes.low - 1e-15).all()
    kinks = (lower <= 0) & (upper >= 0)
    assert (slopes.high - slopes.low)[~kinks].max() < 0.025


@pytest.mark.parametrize(
    ("activation", "steepest"),
    [
        (nn.Softplus(beta=0.5), 1.0),
        (nn.SELU(), 1.0507009873554805 * 1.6732632423543772),
        (nn.Mish(), 1.0884981612517279),
        (nn.PReLU(init=0.3), 1.0),
        (nn.PReLU(init=-1.5), 1.5),
        (nn.PReLU(3, init=2.0), 2.0),
        (nn.PReLU(3, init=-0.5), 1.0),
    ],
    ids=repr,
)
def test_the_constant_is_the_steepest_slope(activation: nn.Module, steepest: float) -> None:
    constant = layer_lipschitz(activation, (3, 2))
    assert steepest * (1 - 1e-15) <= constant <= steepest * (1 + 1e-12)


def test_mish_is_least_and_most_steep_at_its_turns() -> None:
    slopes = derivative(nn.Mish(), torch.tensor(MISH_TURNS, dtype=torch.float64))
    assert slopes.tolist() == pytest.approx([MISH_LEAST, MISH_STEEPEST], abs=1e-12)
    around = [torch.tensor([turn + far for turn in MISH_TURNS], dtype=torch.float64) for far in (-0.5, 0.5)]
    found = activation_slopes(nn.Mish(), *around)
    assert float(found.low[0]) <= float(slopes[0])
    assert float(found.high[1]) >= float(slopes[1])


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_the_ball_of_a_number_holds_its_value(activation: nn.Module) -> None:
    for point in (-30.0, -3.0, -0.25, 0.0, 0.75, 5.0):
        enclosed = answers_of(activation).ball(ball(point))  # type: ignore[attr-defined]
        value = float(activation(torch.tensor(point, dtype=torch.float64)).detach())
        assert abs(float(enclosed.mid()) - value) <= 1e-14 * max(1.0, abs(value))


def test_what_softplus_drops_beyond_its_threshold_counts_as_an_error() -> None:
    activation = nn.Softplus(beta=2.0, threshold=3.0)
    point = torch.tensor([1.49, 1.5000001, 40.0], dtype=torch.float64)
    value = activation(point)
    exact = torch.log1p(torch.exp(2.0 * point)) / 2.0
    error = answers_of(activation).evaluation_error(point, value)
    assert ((value - exact).abs() <= error).all()
    jump = math.log1p(math.exp(-3.0)) / 2.0
    assert float(error[1]) == pytest.approx(jump, rel=1e-8)
    assert float((value - exact).abs()[1]) == pytest.approx(jump, rel=1e-5)
    assert float(error[0]) < 1e-13
    norm = torch.tensor([1.0, 0.0], dtype=torch.float64)
    assert float(layer_error(activation, (4, 4), norm, 2.0**-53)[1]) == pytest.approx(4 * jump, rel=1e-8)


def test_a_threshold_at_which_the_exponential_overflows_has_no_rounding() -> None:
    assert nn.Softplus(threshold=1e3)(torch.tensor(100.0)).isinf()
    with pytest.raises(LayerRefusedError, match="its exponential may overflow"):
        layer_error(nn.Softplus(threshold=1e3), (2,), torch.tensor([1.0, 0.0], dtype=torch.float64), 2.0**-24)


def test_the_numbers_of_selu_are_those_that_torch_uses() -> None:
    above, below = nn.SELU()(torch.tensor([1.0, -1e3], dtype=torch.float64)).tolist()
    assert above == SELU_SCALE
    assert below == pytest.approx(-SELU_SCALE * SELU_ALPHA, rel=4e-16)


def test_several_weights_are_known_by_their_constant_alone() -> None:
    activation = nn.PReLU(3, init=2.0)
    (piece,) = layer_pieces(activation, (3, 2))
    assert isinstance(piece, Opaque)
    assert piece.lipschitz == 2.0
    with pytest.raises(ActivationRefusedError, match="PReLU with 3 weights differ by channel"):
        activation_slopes(activation, -ONE, ONE)
    with pytest.raises(BallRefusedError, match="PReLU with more than one weight"):
        answers_of(activation).ball(ball(1.0))  # type: ignore[attr-defined]


@pytest.mark.parametrize("beta", [0.0, -1.0])
def test_softplus_that_does_not_rise_is_refused(beta: float) -> None:
    with pytest.raises(ActivationRefusedError, match=f"Softplus with beta={beta}"):
        activation_slopes(nn.Softplus(beta=beta), -ONE, ONE)
    with pytest.raises(BallRefusedError, match=f"Softplus with beta={beta}"):
        answers_of(nn.Softplus(beta=beta)).ball(ball(1.0))  # type: ignore[attr-defined]
    assert callable(ball_field(nn.Softplus()))


def test_softmax_has_the_constant_one_half_and_attains_it() -> None:
    layer = nn.Softmax(dim=-1)
    assert jacobian_norm(layer, torch.zeros(2, dtype=torch.float64)) == pytest.approx(0.5, rel=1e-14)
    for kind, shape in ((layer, (3, 4)), (nn.Softmin(dim=1), (4,)), (nn.Softmax2d(), (2, 3, 3))):
        assert layer_lipschitz(kind, shape) == 0.5
    point = torch.randn((3, 4), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert jacobian_norm(layer, point) <= 0.5
    assert layer_lipschitz(nn.Softmax(dim=1), (1, 4)) == 0.0


def test_softmax_rounds_no_more_than_is_said() -> None:
    norm = torch.tensor([1.0, 0.0], dtype=torch.float64)
    slope, offset = layer_error(nn.Softmax(dim=2), (3, 5), norm, 2.0**-24).tolist()
    points = 30 * torch.randn((200, 3, 5), generator=torch.Generator().manual_seed(0))
    exact = torch.softmax(points.double(), dim=2)
    error = (torch.softmax(points, dim=2).double() - exact).flatten(1).norm(dim=1)
    assert (error <= slope * points.double().flatten(1).norm(dim=1) + offset).all()


def test_boxes_hold_the_exact_softplus_across_the_jump_of_the_computed_one() -> None:
    activation = nn.Softplus(beta=1.0, threshold=2.0)
    box = Box(*torch.tensor([[[2.5]], [[2.4]], [[2.6]]], dtype=torch.float64))
    moved = activation_box(
        box,
        activation,
        activation_slopes(activation, box.lower, box.upper),
        activation_value(activation, box.center)[0],
    )
    for point in (2.4, 2.5, 2.6):
        assert float(moved.lower) <= math.log1p(math.exp(point)) <= float(moved.upper)
    assert math.log1p(math.exp(2.6)) > 2.6 + 0.05


def test_a_local_bound_is_a_number_where_the_activation_is_trained() -> None:
    torch.manual_seed(0)
    chain = nn.Sequential(nn.Linear(4, 4), nn.PReLU(), nn.Linear(4, 4)).double()
    field = GradientFlowField(nn.Linear(4, 4), nn.PReLU()).double()
    center = torch.randn((2, 4), dtype=torch.float64)
    for module in (chain, EulerNet(field, 0.1, 2)):
        bound = local_lipschitz_upper_bound(module, center, 0.1).value
        assert isinstance(bound, torch.Tensor)
        assert not bound.requires_grad


def test_a_gradient_flow_follows_its_trained_slope_and_is_refused_where_it_turns_negative() -> None:
    weight = torch.eye(2, dtype=torch.float64)
    field = GradientFlowField(nn.Linear(2, 2), nn.PReLU()).double()
    with torch.no_grad():
        field.linear_map.weight.copy_(weight)
    assert layer_lipschitz(field, (2,)) == pytest.approx(1.0, rel=1e-12)
    for slope in (-0.01, 1.01):
        with torch.no_grad():
            field.activation.weight.fill_(slope)  # type: ignore[union-attr, operator]
        with pytest.raises(ValueError, match="must be nondecreasing and 1-Lipschitz"):
            layer_lipschitz(field, (2,))


def test_a_tube_holds_the_exact_solution_beside_a_computed_softplus_that_jumps() -> None:
    torch.manual_seed(0)
    computed, exact = (GradientFlowField(nn.Linear(2, 2), nn.Softplus(threshold=t)).double() for t in (0.5, 60.0))
    exact.linear_map.load_state_dict(computed.linear_map.state_dict())
    start = torch.tensor([[3.0, -2.0], [1.0, 4.0]], dtype=torch.float64)
    tube = tube_bound(EulerNet(computed, 0.2, 5), start, 0.0)
    with torch.no_grad():
        paths = [EulerNet(field, 0.2, 5).trajectory(start).states for field in (computed, exact)]
    apart = torch.stack([(first - second).norm(dim=1) for first, second in zip(*paths, strict=True)])
    assert float(apart.max()) > 0.01
    assert (apart <= tube.radii).all()


def test_a_rounding_that_is_derived_knows_no_jump() -> None:
    field = HamiltonianField.dense(2, 3, activation=nn.Softplus).double()
    with pytest.raises(LayerRefusedError, match="not computed as its function is"):
        layer_error(field, (4,), torch.tensor([1.0, 0.0], dtype=torch.float64), 2.0**-53)
