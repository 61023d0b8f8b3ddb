"""Euler's growth on fields of which a gradient flow, a skew-symmetric field and dissipation are parts."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_empirical.models import ContractiveSpecification, build_classifier
from natrob_theory import (
    DissipativeField,
    EulerNet,
    GradientFlowField,
    LayerRefusedError,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    SumField,
    growth_upper_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.fields.centred_fields import centred_constants

CONSTANTS = {"largest": st.floats(0.1, 3.0), "turn": st.floats(0.1, 3.0), "rate": st.floats(0.0, 2.0)}


def growth(net: EulerNet, features: int) -> float:
    return float(growth_upper_bound(net, input_shape=(features,)))


def factor(step_size: float, largest: float, turn: float, rate: float) -> float:
    """√((1 − hρ − hK/2)² + h²s²) + hK/2."""
    return math.hypot(1.0 - step_size * (rate + largest / 2), step_size * turn) + step_size * largest / 2


def quarter_turn(speed: float) -> SkewSymmetricField:
    field = SkewSymmetricField.dense(2).double()
    with torch.no_grad():
        field.linear_map.weight.copy_(torch.tensor([[0.0, -speed], [0.0, 0.0]], dtype=torch.float64))
    return field


def stiffest_direction(step_size: float, largest: float, turn: float, rate: float) -> GradientFlowField:
    """f = −Ky along the one direction that turns (1, 0) as the rest of the step does; every unit is active."""
    angle = math.atan2(step_size * turn, 1.0 - step_size * (rate + largest / 2))
    field = GradientFlowField.dense(2, 1).double()
    with torch.no_grad():
        # I − H with H the reflection at angle/2: 2uuᵀ with u at right angles to that mirror
        direction = torch.tensor([[-math.sin(angle / 2), math.cos(angle / 2)]], dtype=torch.float64)
        field.linear_map.weight.copy_(math.sqrt(largest) * direction)
        field.linear_map.bias.fill_(100.0)  # pyright: ignore[reportOptionalMemberAccess]
    return field


@given(step_size=st.floats(0.01, 2.0), **CONSTANTS)
def test_the_factor_is_attained_whatever_the_constants(
    step_size: float, largest: float, turn: float, rate: float
) -> None:
    flow = stiffest_direction(step_size, largest, turn, rate)
    net = EulerNet(DissipativeField(SumField([flow, quarter_turn(turn)]), rate), step_size, 1)
    with torch.no_grad():
        apart = net(torch.tensor([[0.1, 0.0]], dtype=torch.float64)) - net(torch.zeros((1, 2), dtype=torch.float64))
    measured = float(apart.norm()) / 0.1
    assert measured == pytest.approx(factor(step_size, largest, turn, rate), rel=1e-9)
    assert measured <= growth(net, 2) * (1 + 1e-11)
    assert growth(net, 2) == pytest.approx(measured, rel=1e-9)


@given(
    seed=st.integers(0, 2**32 - 1),
    step_size=st.floats(0.01, 1.0),
    scale=st.floats(-1.0, 2.0),
    rate=st.floats(0.0, 2.0),
)
def test_no_pair_moves_apart_by_more(seed: int, step_size: float, scale: float, rate: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    flow, skew = GradientFlowField.dense(3, 5).double(), SkewSymmetricField.dense(3).double()
    with torch.no_grad():
        for parameter in (*flow.parameters(), *skew.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    field = DissipativeField(SumField([ScaledField(flow, scale), ScaledField(skew, 0.5)]), rate)
    net = EulerNet(field, step_size, 2)
    one, other = (torch.randn((32, 3), generator=generator, dtype=torch.float64) for _ in range(2))
    with torch.no_grad():
        ratio = (net(other) - net(one)).norm(dim=1) / (other - one).norm(dim=1)
    assert float(ratio.max()) <= growth(net, 3) * (1 + 1e-9)


def test_the_dissipative_network_s_bound_is_its_closed_form_and_below_that_of_its_constants() -> None:
    wanted = ContractiveSpecification(label="a model", network="dissipative", constraint="orthogonal", num_steps=3)
    generator = torch.Generator().manual_seed(0)
    model = build_classifier(wanted, image_shape=(1, 8, 8), num_classes=10, generator=generator).double()
    trunk = model.trunk
    assert isinstance(trunk, EulerNet)
    constants = [lipschitz_upper_bound(field, input_shape=(64,)) for field in trunk.fields]
    mu = [one_sided_lipschitz_upper_bound(field, input_shape=(64,)) for field in trunk.fields]
    before = trunk.growth_bound(constants, one_sided=mu)
    after = growth_upper_bound(trunk, input_shape=(64,))
    parts = [centred_constants(field, (64,)) for field in trunk.fields]
    assert all(part.centre == pytest.approx(1.5) and part.radius == pytest.approx(0.5) for part in parts)
    assert all(0.5 < part.skew <= 1.0 + 1e-9 for part in parts)
    expected = math.prod(factor(trunk.step_size, 1.0, part.skew, 1.0) for part in parts)
    assert float(after) == pytest.approx(expected, rel=1e-6)
    assert float(after) < 0.6
    assert float(before) > 0.9
    assert after.source == "Euler's method from (μ, K): Π (√((1 − hγ)² + h²s²) + hr) from the fields' parts"
    assert after.kind == "upper"


def test_parts_add_up() -> None:
    flow = stiffest_direction(0.5, 2.0, 1.0, 0.0)
    diagonal = LinearField(torch.diag(torch.tensor([-1.0, -3.0], dtype=torch.float64)))
    field = SumField([ScaledField(flow, -0.5), quarter_turn(1.5), ScaledField(quarter_turn(1.0), -2.0), diagonal])
    # the flow's K is 2, so −½ of it has γ = −½, r = ½; the diagonal has γ = 2, r = 1
    assert centred_constants(DissipativeField(field, 0.25), (2,)) == pytest.approx((1.75, 3.5, 1.5), rel=1e-12)
    assert centred_constants(LinearField(torch.eye(2, dtype=torch.float64)), (2,)) == pytest.approx((0.0, 0.0, 1.0))


def test_the_centre_s_own_rounding_is_in_the_radius() -> None:
    """A gradient flow without weights, less ρ = 0.1 and then less 1: no float is 1.1's exact sum."""
    empty = GradientFlowField.dense(2, 1).double()
    nn.init.zeros_(empty.linear_map.weight)
    # an altered scale of 1 keeps the sum from being recognised as one gradient flow
    field = DissipativeField(SumField([ScaledField(empty, -1.0), DissipativeField(empty, 0.1)]), 1.0)
    found = centred_constants(field, (2,))
    assert found.centre == pytest.approx(1.1, rel=1e-15)
    assert found.radius >= 2.0**-53


def test_different_steps_name_their_formulas() -> None:
    fields = [stiffest_direction(0.5, 2.0, 1.0, 0.0), SumField([quarter_turn(1.0), stiffest_direction(0.5, 2.0, 1, 0)])]
    bound = growth_upper_bound(EulerNet([*fields, quarter_turn(1.0)], 0.5), input_shape=(2,))
    assert (
        "max(|1 − hK|, |1 + hμ|) for gradient flows (1 steps), (√((1 − hγ)² + h²s²) + hr) from the fields' parts "
        "(1 steps), else √(1 + 2hμ + h²K²)"
    ) in bound.source


def test_an_altered_skew_part_has_no_right_angle() -> None:
    skew = quarter_turn(1.0)
    skew.register_forward_hook(lambda module, inputs, output: -output.flip(1))
    with pytest.raises(LayerRefusedError, match="forward hooks"):
        centred_constants(SumField([skew, skew]), (2,))
