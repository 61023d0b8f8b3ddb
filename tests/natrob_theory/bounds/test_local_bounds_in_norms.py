"""Constants on balls in L∞ and L1: the Jacobian where no slope is in doubt, dead units, and a search of many pairs."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from costly_examples import examples, repeats
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    HamiltonianField,
    HeunNet,
    RevNet,
    SkewSymmetricField,
    SumField,
    convolutional_field,
    dense_field,
    diagonally_dominant_field,
    growth_upper_bound,
    lipschitz_upper_bound,
    local_lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.norms import Norm, per_sample_norm

OTHERS: tuple[Norm, ...] = ("Linf", "L1")


def tanh_chain() -> nn.Sequential:
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 4)).double().requires_grad_(False)


@examples(5)
@given(st.integers(0, 2**31), st.sampled_from(OTHERS))
def test_a_small_ball_has_the_norm_of_the_jacobian(seed: int, norm: Norm) -> None:
    torch.manual_seed(seed)
    chain, point = tanh_chain(), torch.randn(3, 5, dtype=torch.float64)
    bound = local_lipschitz_upper_bound(chain, point, 1e-9, norm=norm)
    jacobians = torch.stack([_jacobian(chain, one) for one in point])
    exact = jacobians.abs().sum(dim=2 if norm == "Linf" else 1).amax(dim=1)
    assert isinstance(bound.value, Tensor)
    assert (bound.norm, bound.kind) == (norm, "upper")
    assert bool((bound.value >= exact * (1.0 - 1e-12)).all())
    assert bool((bound.value <= exact * (1.0 + 1e-6)).all())


def _jacobian(chain: nn.Module, point: Tensor) -> Tensor:
    found = torch.autograd.functional.jacobian(lambda state: chain(state[None])[0], point)
    assert isinstance(found, Tensor)
    return found


def test_units_that_cannot_switch_on_do_not_count() -> None:
    """relu(x − 10) is off on the ball of radius 1 about 0, and x + 10 on: only the second row is left."""
    chain = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)).double().requires_grad_(False)
    for parameter, numbers in zip(
        chain.parameters(), ([[5.0], [1.0]], [-10.0, 10.0], [[3.0, 2.0]], [0.0]), strict=True
    ):
        parameter.copy_(torch.tensor(numbers, dtype=torch.float64))
    center = torch.zeros(1, 1, dtype=torch.float64)
    for norm in OTHERS:
        assert float(local_lipschitz_upper_bound(chain, center, 1.0, norm=norm)) == pytest.approx(2.0, rel=1e-12)
        assert float(local_lipschitz_upper_bound(chain, center, 3.0, norm=norm)) == pytest.approx(17.0, rel=1e-12)


def test_a_network_keeps_its_constant_on_all_inputs() -> None:
    net = EulerNet(dense_field(4, 5), 0.1, 2)
    bound = local_lipschitz_upper_bound(net, torch.zeros(2, 4), 0.1, norm="Linf")
    assert isinstance(bound.value, Tensor)
    everywhere = float(lipschitz_upper_bound(net, input_shape=(4,), norm="Linf"))
    assert bound.value.tolist() == [everywhere, everywhere]
    assert bound.source == "the constant on all inputs"


FIELDS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "dense": (lambda: dense_field(6, 9), (6,)),
    "tanh": (lambda: dense_field(6, 9, activation=nn.Tanh), (6,)),
    "gradient flow": (lambda: DissipativeField(GradientFlowField.dense(6, 4), 0.7), (6,)),
    "images": (lambda: DissipativeField(GradientFlowField.convolutional(1, 3), 1.0), (1, 4, 4)),
    "convolutions": (lambda: convolutional_field(1, 2), (1, 4, 4)),
    "dominant": (lambda: diagonally_dominant_field(6, 8, rate=2.0, margin=0.1), (6,)),
    "sum": (lambda: SumField([SkewSymmetricField.dense(6), GradientFlowField.dense(6, 5)]), (6,)),
    "Hamiltonian": (lambda: HamiltonianField.dense(3, 4), (6,)),
}
NETS: dict[str, Callable[[nn.Module, float], AbstractFixedStepNet]] = {
    "Euler": lambda field, size: EulerNet(field, size, 3),
    "Heun": lambda field, size: HeunNet(field, size, 2),
    "backward Euler": lambda field, size: BackwardEulerNet(field, size, 2),
}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("norm", OTHERS)
def test_no_searched_pair_exceeds_a_constant_or_a_growth(name: str, norm: Norm) -> None:
    """Pairs that climb the quotient; 10⁵ of them in all under the profile `long`."""
    build, shape = FIELDS[name]
    for _ in range(repeats(1, 8)):
        field = build().double().requires_grad_(False)
        constant = float(lipschitz_upper_bound(field, input_shape=shape, norm=norm))
        mu = float(one_sided_lipschitz_upper_bound(field, input_shape=shape, norm=norm))
        first, second = _climbed(partial(_values, field), shape, norm)
        rise, run = _values(field, second) - _values(field, first), second - first
        length = per_sample_norm(run, norm)
        noise = 1e-9 * (1.0 + constant)
        assert bool((per_sample_norm(rise, norm) / length <= constant + noise).all())
        assert bool((_one_sided(rise, run, norm) / length <= mu + noise).all())
        for method, make in NETS.items():
            net = make(field, 0.9 / max(constant, 0.1) if method == "backward Euler" else 1.5 / max(constant, 0.1))
            growth = float(growth_upper_bound(net, input_shape=shape, norm=norm))
            first, second = _climbed(net, shape, norm) if method == "Euler" else (first, second)
            grown = per_sample_norm(net(second) - net(first), norm) / per_sample_norm(second - first, norm)
            assert bool((grown <= growth + 1e-7 * (1.0 + growth)).all()), method


@pytest.mark.parametrize("norm", OTHERS)
def test_no_searched_pair_of_halves_exceeds_the_growth_of_a_coupled_network(norm: Norm) -> None:
    for _ in range(repeats(1, 8)):
        net = RevNet((dense_field(3, 5), dense_field(3, 4)), 0.3, 2).double().requires_grad_(False)
        growth = float(growth_upper_bound(net, input_shape=(6,), norm=norm))
        first, second = _climbed(net, (6,), norm)
        grown = per_sample_norm(net(second) - net(first), norm) / per_sample_norm(second - first, norm)
        assert bool((grown <= growth * (1.0 + 1e-9)).all())


def _values(field: nn.Module, states: Tensor) -> Tensor:
    return field(torch.zeros((), dtype=torch.float64), states)


def _one_sided(rise: Tensor, run: Tensor, norm: Norm) -> Tensor:
    """±Δf_i at the largest |e_i|, or the sum with the signs of e."""
    rise, run = rise.flatten(1), run.flatten(1)
    if norm == "L1":
        return torch.where(run == 0, rise.abs(), rise * run.sign()).sum(dim=1)
    peak = run.abs().argmax(dim=1, keepdim=True)
    return (rise * run.sign()).gather(1, peak)[:, 0]


def _climbed(function: Callable[[Tensor], Tensor], shape: tuple[int, ...], norm: Norm) -> tuple[Tensor, Tensor]:
    """Pairs whose quotient a few gradient steps have raised, from signs and single entries as directions."""
    count = repeats(48, 192)
    first = 2.0 * torch.randn(count, *shape, dtype=torch.float64)
    offset = torch.randn(count, *shape, dtype=torch.float64)
    if norm == "Linf":
        offset = offset.sign() * (1.0 - 1e-3 * torch.rand_like(offset))
    else:
        offset = offset * (torch.rand_like(offset) < 2.0 / offset[0].numel())
        offset.flatten(1)[:, 0] += 1e-3
    offset = offset * 10.0 ** (-3.0 * torch.rand(count, *[1] * len(shape), dtype=torch.float64))
    for _ in range(6):
        y, e = first.clone().requires_grad_(), offset.clone().requires_grad_()
        with torch.enable_grad():
            quotient = per_sample_norm(function(y + e) - function(y), norm) / per_sample_norm(e, norm)
            up = torch.autograd.grad(quotient.sum(), (y, e), allow_unused=True, materialize_grads=True)
        first = first + 0.3 * up[0].sign()
        offset = offset + 0.2 * offset.abs().amax() * torch.nan_to_num(up[1]).sign() * (offset != 0)
        offset = torch.where(offset.flatten(1).abs().amax(dim=1).view(-1, *[1] * len(shape)) > 0, offset, 1e-3)
    return first, first + offset
