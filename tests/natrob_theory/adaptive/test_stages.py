"""The closed-form backward of the stages' sums, against plain operations, differences and forward mode."""

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import BOGACKI_SHAMPINE, DOPRI5, FEHLBERG45, HEUN_EULER, ButcherTableau, NeuralODE, dense_field
from natrob_theory.adaptive import embedded_method

PAIRS = [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE, HEUN_EULER]


def start(batch: int = 5) -> Tensor:
    return 2.0 * torch.randn(batch, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def network(tableau: ButcherTableau = DOPRI5) -> NeuralODE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        field = dense_field(3, 8, activation=nn.Tanh).double()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.mul_(3.0)
    return NeuralODE(field, 4.0, rtol=1e-4, atol=1e-4, tableau=tableau)


def gradients(net: NeuralODE) -> tuple[Tensor, tuple[Tensor, ...]]:
    y0 = start().requires_grad_()
    final = net(y0)
    return final, torch.autograd.grad((final * torch.arange(15.0).view(5, 3)).sum(), [y0, *net.parameters()])


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_the_closed_form_is_what_autograd_finds(tableau: ButcherTableau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples end and are rejected at different steps here, so that selections and masks take part."""
    net = network(tableau)
    final, closed = gradients(net)
    record = net.last_solve
    assert record is not None
    assert len(set(record.accepted.tolist())) > 1
    monkeypatch.setattr(embedded_method, "is_transformed", lambda *_: True)
    plain_final, plain = gradients(net)
    torch.testing.assert_close(final, plain_final, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(closed, plain, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_states_are_the_same_bits_with_and_without_gradients(tableau: ButcherTableau) -> None:
    net = network(tableau)
    recorded = net(start().requires_grad_())
    with torch.no_grad():
        assert torch.equal(net(start()), recorded)


def test_autograd_keeps_nothing_of_the_sums() -> None:
    """Of all tensors only those that the field itself saves; besides, the loop in C++ holds on to y_0, the caller's."""
    saved: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor.data_ptr())
        return tensor

    net, y0 = NeuralODE(lambda _t, y: torch.neg(y), 2.0, rtol=1e-4, atol=1e-4), start(1)  # −y saves nothing
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(y0.requires_grad_())
    assert set(saved) <= {y0.data_ptr()}


def test_second_derivatives_agree_with_differences_of_the_first() -> None:
    """Step sizes are constants to both derivatives, which costs them no more than the tolerance."""
    net = NeuralODE(lambda _t, y: torch.sin(y), 1.0, rtol=1e-11, atol=1e-11)
    y0, shift = start(1).requires_grad_(), 1e-5

    def slope(point: Tensor, *, again: bool) -> Tensor:
        return torch.autograd.grad(net(point).square().sum(), point, create_graph=again)[0]

    (second,) = torch.autograd.grad(slope(y0, again=True)[0, 0], y0)
    moved = [(y0.detach() + torch.tensor([[sign * shift, 0.0, 0.0]])).requires_grad_() for sign in (1, -1)]
    difference = (slope(moved[0], again=False) - slope(moved[1], again=False)) / (2 * shift)
    torch.testing.assert_close(second, difference, rtol=1e-5, atol=1e-7)


def test_forward_mode_agrees_with_reverse_mode() -> None:
    net, y0, direction = network(), start(), torch.ones(5, 3, dtype=torch.float64)
    pulled = torch.func.vjp(net, y0)[1](direction)[0]
    pushed = torch.func.jvp(net, (y0,), (direction,))[1]
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.unpack_dual(net(torch.autograd.forward_ad.make_dual(y0, direction))).tangent
    torch.testing.assert_close(dual, pushed, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close((pushed * direction).sum(), (pulled * direction).sum(), rtol=1e-10, atol=1e-12)
    point = y0.clone().requires_grad_()
    torch.testing.assert_close(torch.autograd.grad(net(point).sum(), point)[0], pulled, rtol=1e-12, atol=1e-12)
