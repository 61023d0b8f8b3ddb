"""Tolerances for each entry of the state."""

from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from natrob_theory import NeuralODE


def scales(_time: Tensor, state: Tensor) -> Tensor:
    """Two oscillators, one of size 1 and one of size 10⁻⁶ and ten times as fast."""
    p, q = state[:, :2], state[:, 2:]
    return torch.cat([torch.stack([p[:, 1], -p[:, 0]], 1), 10 * torch.stack([q[:, 1], -q[:, 0]], 1)], dim=1)


def start() -> Tensor:
    return torch.tensor([[1.0, 0.0, 1e-6, 0.0], [0.5, 0.5, 2e-6, 0.0]], dtype=torch.float64)


def test_a_number_in_every_entry_is_the_number() -> None:
    net = NeuralODE(scales, 2.0, rtol=1e-5, atol=1e-7)
    expected = net(start())
    for rtol, atol in (
        (torch.full((4,), 1e-5, dtype=torch.float64), torch.full((1,), 1e-7, dtype=torch.float64)),
        (torch.tensor(1e-5, dtype=torch.float64), 1e-7),
    ):
        other = NeuralODE(scales, 2.0, rtol=rtol, atol=atol)
        torch.testing.assert_close(other(start()), expected, rtol=1e-12, atol=1e-16)
        assert other.last_solve is not None
        assert net.last_solve is not None
        torch.testing.assert_close(other.last_solve.times, net.last_solve.times, rtol=1e-12, atol=1e-12)


def test_a_small_entry_with_its_own_tolerance_is_solved_to_it() -> None:
    exact = NeuralODE(scales, 2.0, rtol=1e-12, atol=1e-18)(start())
    atol = torch.tensor([1e-4, 1e-4, 1e-10, 1e-10], dtype=torch.float64)
    own = (NeuralODE(scales, 2.0, rtol=1e-12, atol=atol)(start()) - exact).abs()
    common = (NeuralODE(scales, 2.0, rtol=1e-12, atol=1e-4)(start()) - exact).abs()
    assert float(own[:, 2:].max()) < 5e-9
    assert float(common[:, 2:].max()) > 1e-7


def test_per_entry_tolerances_follow_the_state_s_dtype_and_are_no_parameters() -> None:
    tolerance = torch.full((4,), 1e-4, dtype=torch.float64, requires_grad=True)
    net = NeuralODE(scales, 1.0, rtol=tolerance, atol=tolerance)
    assert net(start().float()).dtype == torch.float32
    assert not list(net.parameters())
    assert "rtol=per entry, atol=per entry" in repr(net)
    with torch.no_grad():
        tolerance.mul_(1e3)
    assert isinstance(net.rtol, Tensor)
    assert net.rtol.tolist() == [1e-4] * 4


@pytest.mark.parametrize("gradients", ["direct", "checkpointed", "adjoint"])
def test_gradients_with_per_entry_tolerances(gradients: Literal["direct", "checkpointed", "adjoint"]) -> None:
    y0 = start().requires_grad_()
    net = NeuralODE(scales, 1.0, rtol=1e-9, atol=torch.tensor([1e-9, 1e-9, 1e-15, 1e-15]).double(), gradients=gradients)
    (gradient,) = torch.autograd.grad(net(y0)[:, 0].sum(), y0)
    expected = torch.tensor([1.0, 1.0]).cos()[:, None].double()
    torch.testing.assert_close(gradient[:, :1], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("tolerance", "error", "message"),
    [
        (torch.tensor([1e-3, 0.0, 1e-3, 1e-3]), ValueError, "must be finite and greater than 0 in every entry"),
        (torch.tensor([1e-3, -1.0, 1e-3, 1e-3]), ValueError, "must be finite and greater than 0 in every entry"),
        (torch.tensor([1e-3, float("nan"), 1e-3, 1e-3]), ValueError, "must be finite and greater than 0"),
        (torch.tensor([1, 2, 3, 4]), TypeError, "must be a number or a floating-point tensor, got dtype torch.int64"),
        (torch.full((3,), 1e-3), ValueError, r"broadcast to the state's shape \(4,\) \(without the batch axis\)"),
        (torch.full((2, 4), 1e-3), ValueError, r"broadcast to the state's shape \(4,\)"),
        (torch.full((4,), 1e-60, dtype=torch.float64), ValueError, "must be representable in the state's dtype"),
    ],
)
@pytest.mark.parametrize("name", ["rtol", "atol"])
def test_per_entry_tolerances_are_checked(name: str, tolerance: Tensor, error: type[Exception], message: str) -> None:
    settings: dict[str, Any] = {name: tolerance}
    with pytest.raises(error, match=f"`{name}` {message}" if message.startswith("must") else f"`{name}` .*{message}"):
        NeuralODE(scales, **settings)(start().float())
