"""Row and column sums of at most 1 by construction, and the fields in L∞ and L1 that are made of them."""

from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    EulerNet,
    constrain_norm,
    diagonally_dominant_convolutional_field,
    diagonally_dominant_field,
    growth_upper_bound,
    lipschitz_upper_bound,
    materialised,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.norm_constraints import NormConstraint
from natrob_theory.numbers.norms import Norm, per_sample_norm

OTHERS: tuple[Norm, ...] = ("Linf", "L1")
METHODS: tuple[NormConstraint, ...] = ("exact", "rescaled")


def constrained(method: NormConstraint, norm: Norm, weight: Tensor) -> nn.Linear | nn.Conv2d:
    if weight.dim() == 2:
        dense = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        dense.weight.data = weight
        return constrain_norm(dense, method=method, norm=norm)
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, dtype=weight.dtype)
    convolution.weight.data = weight
    return constrain_norm(convolution, method=method, norm=norm)


def exact_sums(weight: Tensor, norm: Norm) -> Tensor:
    sizes = weight.detach().double().abs()
    kept = 0 if norm == "Linf" else 1
    return sizes.transpose(0, kept).flatten(1).sum(dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@given(st.integers(0, 2**31), st.sampled_from(METHODS), st.sampled_from(OTHERS), st.integers(-30, 30), st.booleans())
def test_sums_are_at_most_one_for_parameters_of_every_size(
    dtype: torch.dtype, seed: int, method: NormConstraint, norm: Norm, exponent: int, image: bool
) -> None:
    torch.manual_seed(seed)
    shape = (4, 3, 3, 3) if image else (4, 9)
    weight = constrained(method, norm, (torch.randn(shape, dtype=torch.float64) * 10.0**exponent).to(dtype)).weight
    assert bool((exact_sums(weight, norm) <= 1.0).all())
    assert bool(weight.isfinite().all())
    if exponent > 3 or (method == "exact" and exponent > -25):
        assert float(exact_sums(weight, norm).max()) > 1.0 - 64 * torch.finfo(dtype).eps


def test_rows_within_the_bound_stay_as_they_are_and_longer_ones_are_divided() -> None:
    raw = torch.tensor([[0.25, -0.5], [3.0, -1.0]], dtype=torch.float64)
    weight = constrained("rescaled", "Linf", raw.clone()).weight
    assert torch.equal(weight[0], raw[0])
    torch.testing.assert_close(weight[1], raw[1] / 4.0, rtol=1e-14, atol=0.0)
    torch.testing.assert_close(constrained("exact", "Linf", raw.clone()).weight, raw / 4.0, rtol=1e-14, atol=0.0)
    torch.testing.assert_close(constrained("exact", "L1", raw.clone()).weight, raw / 3.25, rtol=1e-14, atol=0.0)
    zeros = constrained("rescaled", "L1", torch.zeros(2, 2)).weight
    assert torch.equal(zeros, torch.zeros(2, 2))


@pytest.mark.parametrize("norm", OTHERS)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_those_of_differences(method: NormConstraint, norm: Norm) -> None:
    layer = constrained(method, norm, 2.0 * torch.randn(3, 4, dtype=torch.float64))
    constraint: Any = cast(Any, layer).parametrizations["weight"][0]
    raw = cast(Any, layer).parametrizations["weight"].original.detach().requires_grad_()
    assert torch.autograd.gradcheck(constraint, (raw,))


def test_what_has_no_such_constraint_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match='`method` must be "exact" or "rescaled" for `norm` = "Linf", got "gram"'):
        constrain_norm(nn.Linear(2, 2), method="gram", norm="Linf")
    with pytest.raises(ValueError, match='`state_sides` is for `norm` = "L2"'):
        constrain_norm(nn.Conv2d(2, 2, 3, padding=1), method="exact", state_sides=(4, 4), norm="L1")
    with pytest.raises(ValueError, match="`margin` must be at most `rate` = 1, got 2"):
        diagonally_dominant_field(2, 2, margin=2.0)


@given(
    seed=st.integers(0, 2**31),
    norm=st.sampled_from(OTHERS),
    rate=st.floats(0.1, 3.0),
    share=st.floats(0.0, 1.0),
    size=st.sampled_from([0.1, 10.0]),
    image=st.booleans(),
)
def test_dominant_fields_contract_whatever_their_parameters(
    seed: int, norm: Norm, rate: float, share: float, size: float, image: bool
) -> None:
    torch.manual_seed(seed)
    margin, shape = rate * share, (2, 3, 4) if image else (5,)
    if image:
        field = diagonally_dominant_convolutional_field(2, 3, rate=rate, margin=margin, norm=norm)
    else:
        field = diagonally_dominant_field(5, 4, rate=rate, margin=margin, norm=norm)
    field = field.double().requires_grad_(False)
    for parameter in field.parameters():
        parameter.mul_(size)
    mu = float(one_sided_lipschitz_upper_bound(field, input_shape=shape, norm=norm))
    assert mu <= -margin + 1e-12 * rate
    assert float(lipschitz_upper_bound(field, input_shape=shape, norm=norm)) <= 2 * rate - margin + 1e-12
    step_size = 1.0 / rate
    net = EulerNet(field, step_size, 3)
    growth = float(growth_upper_bound(net, input_shape=shape, norm=norm))
    assert growth <= (1.0 - share) ** 3 + 1e-9
    implicit = float(growth_upper_bound(BackwardEulerNet(field, 2 * step_size, 1), input_shape=shape, norm=norm))
    assert implicit <= 1.0 / (1.0 + 2 * share) + 1e-9
    start, change = torch.randn(8, *shape).double(), torch.randn(8, *shape).double().sign()
    grown = per_sample_norm(net(start + change) - net(start), norm)
    assert bool((grown <= (growth + 1e-12) * per_sample_norm(change, norm)).all())


def test_a_rate_above_the_theorem_expands_and_is_counted() -> None:
    """W₂ = W₁ = 1 with a ReLU that is off: f = −ρy, so a step with hρ = 2.5 multiplies by 1.5."""
    field = diagonally_dominant_field(1, 1, rate=2.5, margin=0.5).double().requires_grad_(False)
    for parameter in field.parameters():
        parameter.fill_(-5.0 if parameter.dim() == 1 else 1.0)
    net = EulerNet(field, 1.0, 1)
    bound = float(growth_upper_bound(net, input_shape=(1,), norm="Linf"))
    start = torch.zeros(1, 1, dtype=torch.float64)
    assert float((net(start + 1.0) - net(start)).abs()) == pytest.approx(1.5)
    assert 1.5 <= bound <= 3.5 + 1e-12


def test_a_dominant_field_is_trained_end_to_end_and_stays_contracting() -> None:
    torch.manual_seed(0)
    field = diagonally_dominant_field(6, 12, margin=0.1)
    net, target = EulerNet(field, 1.0, 2), torch.randn(6)
    states = torch.randn(32, 6)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (net(states) - target).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    plain = materialised(net).double()
    assert float(growth_upper_bound(plain, input_shape=(6,), norm="Linf")) <= 0.81 + 1e-6
