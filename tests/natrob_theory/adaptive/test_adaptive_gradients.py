"""Gradients through the adaptive solver: direct, checkpointed and by the continuous adjoint."""

from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    ButcherTableau,
    IntegrationWarning,
    NeuralODE,
    broadcast_time,
)
from natrob_theory.adaptive.adjoint_sweep import AdjointSweep

Gradients = Literal["direct", "checkpointed", "adjoint"]


class Pendulums(nn.Module):
    """W₂ tanh(W₁y + t b): smooth, time-dependent, with parameters."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.first = nn.Parameter(torch.randn(6, 3, generator=generator, dtype=torch.float64))
        self.second = nn.Parameter(torch.randn(3, 6, generator=generator, dtype=torch.float64))
        self.shift = nn.Parameter(torch.randn(6, generator=generator, dtype=torch.float64))
        self.unused = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return torch.tanh(state @ self.first.T + broadcast_time(time, state) * self.shift) @ self.second.T


def start(batch: int = 5) -> Tensor:
    return 2.0 * torch.randn(batch, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def gradients_of(
    gradients: Gradients, *, tolerance: float, tableau: ButcherTableau = DOPRI5
) -> tuple[Tensor, list[Tensor | None]]:
    """y(T) and the gradients of a weighted sum of it in y_0 and the parameters."""
    field = Pendulums()
    net = NeuralODE(field, 1.5, rtol=tolerance, atol=tolerance, tableau=tableau, gradients=gradients)
    y0 = start().requires_grad_()
    final = net(y0)
    (final * torch.arange(15.0).view(5, 3)).sum().backward()
    return final.detach(), [y0.grad, *(parameter.grad for parameter in field.parameters())]


@pytest.mark.parametrize(
    "tableau", [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE, HEUN_EULER], ids=lambda tableau: tableau.name
)
def test_checkpointed_gradients_are_the_direct_ones(tableau: ButcherTableau) -> None:
    final, direct = gradients_of("direct", tolerance=1e-4, tableau=tableau)
    again, checkpointed = gradients_of("checkpointed", tolerance=1e-4, tableau=tableau)
    assert torch.equal(final, again)
    for one, other in zip(direct, checkpointed, strict=True):
        if one is None:
            assert other is None
        else:
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def exact() -> list[Tensor | None]:
    """The gradients to twelve digits; the solution's own, whichever method is to find them."""
    return gradients_of("direct", tolerance=1e-12)[1]


@pytest.mark.parametrize(
    ("tableau", "tolerance"),
    [
        *((tableau, tolerance) for tableau in (DOPRI5, FEHLBERG45) for tolerance in (1e-4, 1e-7)),
        (BOGACKI_SHAMPINE, 1e-4),
        (BOGACKI_SHAMPINE, 1e-6),
        pytest.param(BOGACKI_SHAMPINE, 1e-7, marks=pytest.mark.long),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_adjoint_gradients_tend_to_the_direct_ones(
    tableau: ButcherTableau, tolerance: float, exact: list[Tensor | None]
) -> None:
    final, adjoint = gradients_of("adjoint", tolerance=tolerance, tableau=tableau)
    net = NeuralODE(Pendulums(), 1.5, rtol=tolerance, atol=tolerance, tableau=tableau)
    assert torch.equal(final, net(start().requires_grad_()))
    for one, other in zip(exact[:-1], adjoint[:-1], strict=True):
        assert one is not None
        assert other is not None
        assert float((one - other).norm() / one.norm()) < 500 * tolerance


@pytest.mark.parametrize("tableau", [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE], ids=lambda tableau: tableau.name)
def test_the_adjoint_counts_every_accepted_step_once(tableau: ButcherTableau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backward, trials are rejected for some samples here, and some end before others."""
    verdicts: list[Tensor] = []
    settle = AdjointSweep._settle

    def noted(self: AdjointSweep, stages: Any, step: Tensor, accepted: Tensor, all_accepted: bool) -> None:
        verdicts.append(accepted)
        settle(self, stages, step, accepted, all_accepted)

    monkeypatch.setattr(AdjointSweep, "_settle", noted)
    field, found = Pendulums(), {}
    tolerance = 1e-5 if tableau is BOGACKI_SHAMPINE else 1e-8
    # Fehlberg's pair carries on the lower order, so that its global error falls like the tolerance to the power 4/5.
    allowed = 500 * tolerance ** (0.8 if tableau is FEHLBERG45 else 1.0)
    for gradients in ("direct", "adjoint"):
        net = NeuralODE(field, 1.5, rtol=tolerance, atol=tolerance, tableau=tableau, gradients=gradients)
        y0 = start().requires_grad_()
        found[gradients] = torch.autograd.grad(net(y0).sum(), [y0, field.first, field.second, field.shift])
    assert len({len(accepted) for accepted in verdicts}) > 1
    assert any(0 < int(accepted.sum()) < len(accepted) for accepted in verdicts)
    for direct, adjoint in zip(found["direct"], found["adjoint"], strict=True):
        assert float((direct - adjoint).norm() / direct.norm()) < allowed


def test_direct_gradients_against_differences() -> None:
    """Step sizes are constants to the gradient, and vary smoothly with y_0, so differences agree to the tolerance."""
    net = NeuralODE(Pendulums(), 1.5, rtol=1e-10, atol=1e-10)
    y0 = start(2).requires_grad_()
    (gradient,) = torch.autograd.grad(net(y0)[0, 0], y0)
    with torch.no_grad():
        for entry in range(3):
            shift = torch.zeros_like(y0)
            shift[0, entry] = 1e-5
            difference = (net(y0 + shift)[0, 0] - net(y0 - shift)[0, 0]) / 2e-5
            assert float(gradient[0, entry]) == pytest.approx(float(difference), rel=1e-6, abs=1e-8)
    assert bool((gradient[1] == 0).all())  # a neighbour has no part in it


def saved_entries(gradients: Gradients, end_time: float) -> int:
    """How many tensor entries autograd keeps between forward and backward."""
    net = NeuralODE(Pendulums(), end_time, rtol=1e-6, atol=1e-6, gradients=gradients)
    total = 0

    def pack(tensor: Tensor) -> Tensor:
        nonlocal total
        total += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(start(64).requires_grad_())
    return total


def test_what_each_kind_of_gradient_keeps() -> None:
    direct, checkpointed = saved_entries("direct", 4.0), saved_entries("checkpointed", 4.0)
    assert checkpointed < 0.4 * direct
    assert saved_entries("direct", 8.0) > 1.2 * direct
    assert saved_entries("adjoint", 4.0) < checkpointed
    assert saved_entries("adjoint", 8.0) > 1.2 * saved_entries("adjoint", 4.0)  # one state a step


@pytest.mark.parametrize("gradients", ["direct", "checkpointed"])
def test_a_rejected_row_that_is_nan_does_not_spoil_the_gradients(gradients: Gradients) -> None:
    """A large trial makes √y NaN for one sample and is rejected; its neighbours are accepted in the same trial."""
    rate = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

    class Draining(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rate = rate

        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return 0.1 - self.rate * torch.sqrt(state)

    net = NeuralODE(Draining(), 8.0, rtol=1e-2, atol=1e-2, gradients=gradients)
    y0 = torch.tensor([[1.0], [0.01], [4.0]], dtype=torch.float64)
    (gradient,) = torch.autograd.grad(net(y0).sum(), rate)
    record = net.last_solve
    assert record is not None
    assert int(record.rejected.max()) > 0
    alone = [torch.autograd.grad(net(row[None]).sum(), rate)[0] for row in y0]
    assert bool(torch.isfinite(gradient))
    torch.testing.assert_close(gradient, sum(alone, torch.zeros_like(gradient)), rtol=1e-10, atol=1e-12)


def test_a_failed_sample_takes_no_part_in_the_adjoint() -> None:
    class Square(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rate = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return self.rate * state**2

    field = Square()
    net = NeuralODE(field, 1.0, rtol=1e-8, atol=1e-8, gradients="adjoint", on_failure="warn")
    y0 = torch.tensor([[0.5], [10.0]], dtype=torch.float64, requires_grad=True)
    with pytest.warns(IntegrationWarning):
        final = net(y0)
    final[0].sum().backward()
    assert y0.grad is not None
    assert field.rate.grad is not None
    assert y0.grad.flatten().tolist() == pytest.approx([4.0, 0.0], rel=1e-6)  # y(1) = y₀/(1 − ry₀)
    assert float(field.rate.grad) == pytest.approx(1.0, rel=1e-6)
