"""Structured fields and (μ, K) in balls: proofs for instances of the statements of theory, section 3."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    BallRefusedError,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    HamiltonianField,
    HeunNet,
    RevNet,
    ScaledField,
    SkewSymmetricField,
    SumField,
    check_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.layers.questions import ball_field


def seeded(build: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return build().double()


FIELDS = {
    "gradient flow": seeded(lambda: GradientFlowField.dense(4, 6, activation=nn.Tanh)),
    "skew": seeded(lambda: SkewSymmetricField.dense(4)),
    "damped skew": seeded(lambda: DissipativeField(SkewSymmetricField.dense(4), 0.75)),
    "scaled": seeded(lambda: ScaledField(GradientFlowField.dense(4, 3), 0.5)),
    "sum": seeded(lambda: SumField([SkewSymmetricField.dense(4), GradientFlowField.dense(4, 5)])),
    "Hamiltonian": seeded(lambda: HamiltonianField.dense(2, 3, activation=nn.Tanh)),
}


def pair(batch: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    y0 = torch.randn(batch, 4, generator=generator, dtype=torch.float64)
    return y0, 0.3 * torch.randn(batch, 4, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("network", [EulerNet, BackwardEulerNet])
def test_the_growth_from_both_constants_is_proved(name: str, network: type[EulerNet] | type[BackwardEulerNet]) -> None:
    field, (y0, perturbation) = FIELDS[name], pair()
    upper = float(lipschitz_upper_bound(field, input_shape=(4,)))
    one_sided = float(one_sided_lipschitz_upper_bound(field, input_shape=(4,)))
    net = network(field, 0.5 / upper, 4)
    proof = check_bound(net, y0, perturbation, lipschitz=upper, one_sided=one_sided, arithmetic="ball")
    assert proof.all_hold
    in_floats = check_bound(net, y0, perturbation, lipschitz=upper, one_sided=one_sided)
    torch.testing.assert_close(proof.bound, in_floats.bound, rtol=1e-10, atol=0.0)
    from_lipschitz = check_bound(net, y0, perturbation, lipschitz=upper, arithmetic="ball")
    assert bool((proof.bound[1:] < from_lipschitz.bound[1:]).all())


def test_a_one_sided_constant_one_percent_too_small_is_refuted() -> None:
    """f = −y + skew part attains 1 + 2hμ + h²K² at every state; μ = −1.01 is refuted, μ = −1 is tight."""
    skew = SkewSymmetricField.dense(2).double()
    nn.init.zeros_(skew.linear_map.weight)
    skew.linear_map.weight.data[0, 1] = 2.0
    net = EulerNet(DissipativeField(skew, 1.0), 0.25, 3)
    y0, perturbation = torch.ones(1, 2, dtype=torch.float64), torch.tensor([[0.5, 0.25]], dtype=torch.float64)
    constant = 5.0**0.5 * (1 + 1e-15)
    assert check_bound(net, y0, perturbation, lipschitz=constant, one_sided=-1.0, arithmetic="ball").all_hold
    wrong = check_bound(net, y0, perturbation, lipschitz=constant, one_sided=-1.01, arithmetic="ball")
    assert bool(wrong.violated[1:].all())


def test_a_method_without_a_formula_leaves_the_one_sided_constant_aside() -> None:
    net, (y0, perturbation) = HeunNet(FIELDS["skew"], 0.1, 3), pair()
    with_both = check_bound(net, y0, perturbation, lipschitz=2.0, one_sided=0.0, arithmetic="ball")
    alone = check_bound(net, y0, perturbation, lipschitz=2.0, arithmetic="ball")
    assert torch.equal(with_both.bound, alone.bound)


def test_revnet_on_a_hamiltonian_pair_is_proved() -> None:
    field = FIELDS["Hamiltonian"]
    assert isinstance(field, HamiltonianField)
    upper = float(lipschitz_upper_bound(field, input_shape=(4,)))
    y0, perturbation = pair()
    assert check_bound(RevNet(field.pair, 0.2, 4), y0, perturbation, lipschitz=upper, arithmetic="ball").all_hold


def test_convolutional_ones_are_refused_by_name() -> None:
    with pytest.raises(BallRefusedError, match="SkewSymmetricField with Conv2d: ball arithmetic takes dense fields"):
        ball_field(SkewSymmetricField.convolutional(2))
