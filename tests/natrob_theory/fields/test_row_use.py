"""Which batches a field takes: fields with a parameter for each sample, for one sample, and fields that couple."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    AutonomousField,
    BackwardEulerNet,
    ButcherTableau,
    EulerNet,
    NeuralODE,
    RevNet,
    broadcast_time,
    check_bound,
    dense_field,
    measure_divergence,
)
from natrob_theory.fields import RowUse, row_use

RATES = torch.tensor([[1.0], [2.0], [3.0], [0.5], [8.0]], dtype=torch.float64)


def own_rates(_time: Tensor, state: Tensor) -> Tensor:
    return -RATES * state


def own_rates_cut_to_fit(_time: Tensor, state: Tensor) -> Tensor:
    """Takes any smaller batch, but with the rates of the first samples."""
    return -RATES[: len(state)] * state


def own_rates_in_time(time: Tensor, state: Tensor) -> Tensor:
    return -RATES * (2.0 * broadcast_time(time, state)) * state


def one_pendulum(_time: Tensor, state: Tensor) -> Tensor:
    angle, speed = state[0]
    return torch.stack([speed, -torch.sin(angle)])[None]


def one_pendulum_in_time(time: Tensor, state: Tensor) -> Tensor:
    angle, speed = state[0]
    return torch.stack([speed, -torch.sin(angle) + time]).reshape(1, 2)


def ones(batch: int = 5, width: int = 1) -> Tensor:
    return torch.ones(batch, width, dtype=torch.float64)


@pytest.mark.parametrize("tableau", [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE], ids=lambda tableau: tableau.name)
@pytest.mark.parametrize("field", [own_rates, own_rates_cut_to_fit, own_rates_in_time])
def test_every_sample_keeps_its_own_parameter(
    tableau: ButcherTableau, field: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """The samples end after different numbers of steps, so that others are left with the wrong rows if rows shift."""
    net = NeuralODE(field, 1.0, rtol=1e-7, atol=1e-7, tableau=tableau)
    torch.testing.assert_close(net(ones()), torch.exp(-RATES), rtol=1e-5, atol=1e-6)
    record = net.last_solve
    assert record is not None
    assert len(set(record.accepted.tolist())) > 1


def test_gradients_reach_every_sample_s_own_parameter() -> None:
    rates, y0 = RATES.clone().requires_grad_(), ones().requires_grad_()
    for gradients in ("direct", "checkpointed"):
        net = NeuralODE(lambda _t, y: -rates * y, 1.0, rtol=1e-9, atol=1e-9, gradients=gradients)
        by_rate, by_state = torch.autograd.grad(net(y0).sum(), (rates, y0))
        torch.testing.assert_close(by_rate, -torch.exp(-RATES), rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(by_state, torch.exp(-RATES), rtol=1e-6, atol=1e-8)


def test_a_batch_of_another_size_is_tried_again() -> None:
    """A field that has its parameters set between calls takes any batch when it is first seen with one sample."""

    class Conditioned(nn.Module):
        rates = RATES[:1]

        def forward(self, _time: Tensor, state: Tensor) -> Tensor:
            return -self.rates * state

    field = Conditioned()
    net = NeuralODE(field, 1.0, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(net(ones(1)), torch.exp(-RATES[:1]), rtol=1e-5, atol=1e-6)
    field.rates = RATES
    torch.testing.assert_close(net(ones()), torch.exp(-RATES), rtol=1e-5, atol=1e-6)


def test_fields_for_one_sample_are_given_one() -> None:
    """Also where they take t as a scalar only; a second sample is refused by the field's own error."""
    y0 = torch.tensor([[0.5, 0.0]], dtype=torch.float64)
    for field in (one_pendulum, one_pendulum_in_time):
        expected = NeuralODE(field, 1.0, rtol=1e-10, atol=1e-10, solver="torchdiffeq")(y0)
        net = NeuralODE(field, 1.0, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(net(y0), expected, rtol=1e-8, atol=1e-8)
        states = net.trajectory(y0).states
        for n, step in enumerate(net.plan()):
            after = net.stepper.step(step.field, step.time, states[n], step.step_size)
            torch.testing.assert_close(after, states[n + 1], rtol=1e-13, atol=1e-13)
        with pytest.raises(ValueError, match=r"field one_pendulum.* must keep the shape of the state \(2, 2\)"):
            NeuralODE(field)(y0.expand(2, 2))


@pytest.mark.parametrize(
    ("field", "batch", "expected"),
    [
        (lambda _t, y: -y, 1, RowUse.ANY_BATCH),
        (lambda _t, y: -y, 7, RowUse.ANY_BATCH),
        (lambda t, y: broadcast_time(t, y) * y, 3, RowUse.ANY_BATCH),
        (own_rates, 5, RowUse.WHOLE_BATCH),
        (own_rates_cut_to_fit, 5, RowUse.WHOLE_BATCH),
        (own_rates_in_time, 5, RowUse.WHOLE_BATCH),
        (one_pendulum, 1, RowUse.WHOLE_BATCH),
        (one_pendulum_in_time, 1, RowUse.ONE_SAMPLE),
    ],
)
def test_what_fields_take(field: Callable[[Tensor, Tensor], Tensor], batch: int, expected: RowUse) -> None:
    state = torch.randn(batch, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert row_use(field, 0.25, 0.5, state) is expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [1, 2, 3, 64, 257])
def test_networks_take_any_batch_whatever_kernels_round(dtype: torch.dtype, batch: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        field = dense_field(64, 128, activation=nn.Tanh).to(dtype)
    state = torch.randn(batch, 64, dtype=dtype, generator=torch.Generator().manual_seed(1))
    assert row_use(field, 0.0, 0.5, state) is RowUse.ANY_BATCH


def test_a_random_field_takes_any_batch_and_is_not_disturbed_by_the_trial() -> None:
    field = AutonomousField(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))).double()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    assert row_use(field, 0.0, 0.5, ones(4, 2)) is RowUse.ANY_BATCH
    assert torch.equal(torch.rand(4), expected)


def test_a_trial_leaves_running_statistics_alone() -> None:
    layer = nn.BatchNorm1d(2, dtype=torch.float64)
    before = [buffer.clone() for buffer in layer.buffers()]
    state = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for field in (AutonomousField(layer), lambda _t, y: layer(y)):
        assert row_use(field, 0.0, 0.5, state) is RowUse.ANY_BATCH
        assert all(torch.equal(one, other) for one, other in zip(list(layer.buffers())[:2], before[:2], strict=True))


@pytest.mark.parametrize("batch", [2, 3, 5, 8])
@pytest.mark.parametrize(
    "field",
    [
        lambda _t, y: y - y.mean(dim=0),
        lambda _t, y: torch.roll(y, 1, dims=0),
        lambda _t, y: torch.cat([y[:-1], y[-1:] + 1e-3 * y[:1]]),
        lambda _t, y: y.flip(0),
        lambda _t, y: torch.softmax(y, dim=0),
    ],
)
def test_fields_that_couple_samples_are_refused(field: Callable[[Tensor, Tensor], Tensor], batch: int) -> None:
    state = torch.randn(batch, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with pytest.raises(ValueError, match=r"must treat the samples of a batch independently"):
        NeuralODE(field)(state)


def test_a_system_laid_along_the_batch_axis_is_refused() -> None:
    """y of shape (2, 1) is two samples, each with steps of its own, and no pendulum."""
    with pytest.raises(ValueError, match=r"a single system of d equations has shape \(1, d\)"):
        NeuralODE(lambda _t, y: torch.stack([y[1], -y[0]]))(ones(2, 1))


def test_a_time_of_the_wrong_axis_is_found_in_a_field_with_own_parameters() -> None:
    rates = torch.ones(3, 3, dtype=torch.float64) * torch.arange(1.0, 4.0)[:, None]

    def careless(time: Tensor, state: Tensor) -> Tensor:
        return -rates * time * state

    with pytest.raises(ValueError, match=r"field careless must take t of shape \(batch,\).*broadcast_time"):
        NeuralODE(careless)(ones(3, 3))


def test_the_adjoint_refuses_fields_with_own_parameters() -> None:
    with pytest.raises(ValueError, match=r'`gradients` must be "direct" or "checkpointed" for a field that takes the'):
        NeuralODE(own_rates, gradients="adjoint")(ones().requires_grad_())


def test_an_event_may_have_a_threshold_for_each_sample() -> None:
    levels = torch.tensor([0.9, 0.5, 0.2, 0.7, 0.1], dtype=torch.float64)
    for event in (lambda _t, y: y[:, 0] - levels, lambda _t, y: y[:, 0] - levels[: len(y)]):
        net = NeuralODE(lambda _t, y: -y, 9.0, rtol=1e-9, atol=1e-9, event=event)
        torch.testing.assert_close(net(ones())[:, 0], levels, rtol=1e-12, atol=1e-12)
        record = net.last_solve
        assert record is not None
        torch.testing.assert_close(record.times[-1], -levels.log(), rtol=1e-7, atol=1e-7)


def test_other_networks_give_the_whole_batch_anyway() -> None:
    euler = EulerNet(own_rates, 0.01, 100)(ones())
    torch.testing.assert_close(euler, (1 - 0.01 * RATES) ** 100, rtol=1e-12, atol=1e-12)
    implicit = BackwardEulerNet(own_rates, 0.1, 10)(ones())
    torch.testing.assert_close(implicit, (1 + 0.1 * RATES) ** -10.0, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("field", [own_rates, own_rates_cut_to_fit])
def test_pairs_are_run_half_by_half_where_a_field_takes_no_double_batch(
    field: Callable[[Tensor, Tensor], Tensor],
) -> None:
    perturbation = 0.01 * ones()
    for net in (EulerNet(field, 0.1, 10), NeuralODE(field, 1.0), BackwardEulerNet(field, 0.1, 10)):
        measured = measure_divergence(net, ones(), perturbation)
        torch.testing.assert_close(measured.secant_constants.amax(dim=0), RATES[:, 0], rtol=1e-6, atol=1e-6)
    assert check_bound(EulerNet(field, 0.1, 10), ones(), perturbation, lipschitz=8.0).all_hold
    coupled = RevNet((field, field), 0.1, 10)
    distance = measure_divergence(coupled, ones(5, 2), 0.01 * ones(5, 2)).distance
    assert bool(torch.isfinite(distance).all())
