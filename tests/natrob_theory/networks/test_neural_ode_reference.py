"""NeuralODE with torchdiffeq, the reference solver."""

import itertools
import math
import warnings

import pytest
import torch
import torchdiffeq
from torch import Tensor

from natrob_theory import DOPRI5, IntegrationError, LinearField, NeuralODE, RungeKuttaStepper, dense_field


def wave(time: Tensor, state: Tensor) -> Tensor:
    return torch.cos(3 * time) * torch.sin(state) - 0.5 * state


def start(batch: int = 4) -> Tensor:
    return torch.randn(batch, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_agrees_with_torchdiffeq(tolerance: float) -> None:
    net = NeuralODE(wave, 2.0, rtol=tolerance, atol=tolerance, solver="torchdiffeq")
    times = torch.tensor([0.0, 2.0], dtype=torch.float64)
    # torchdiffeq left to itself steps past T and interpolates: the same up to the tolerances.
    plain = torchdiffeq.odeint(wave, start(), times, rtol=tolerance, atol=tolerance, method="dopri5")
    torch.testing.assert_close(net(start()), plain[-1], rtol=10 * tolerance, atol=10 * tolerance)
    # Made to end at T it takes the very same steps.
    exact = torchdiffeq.odeint(
        wave, start(), times, rtol=tolerance, atol=tolerance, method="dopri5", options={"step_t": times[1:]}
    )
    torch.testing.assert_close(net(start()), exact[-1], rtol=1e-13, atol=1e-13)


def test_closed_form_and_tolerance() -> None:
    rotation = LinearField(torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64))
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    exact = torch.tensor([[math.cos(3.0), -math.sin(3.0)]], dtype=torch.float64)
    errors = []
    for tolerance in (1e-3, 1e-5, 1e-7, 1e-9):
        with torch.no_grad():
            errors.append(
                float(
                    (NeuralODE(rotation, 3.0, rtol=tolerance, atol=tolerance, solver="torchdiffeq")(y0) - exact).norm()
                )
            )
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-7


@pytest.mark.parametrize(("start_time", "end_time"), [(0.0, 1.0), (-2.0, 0.5), (0.1, 0.1 + 1e-3), (1.0, 8.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_grid_starts_and_ends_exactly(start_time: float, end_time: float, dtype: torch.dtype) -> None:
    net = NeuralODE(wave, end_time, start_time=start_time, solver="torchdiffeq")
    trajectory = net.trajectory(start().to(dtype))
    record = net.last_solve
    assert record is not None
    assert record.times[0] == start_time
    assert record.times[-1] == end_time
    assert record.times.tolist() == sorted(set(record.times.tolist()))
    assert torch.equal(trajectory.times, record.times)
    assert record.samples == 4
    assert int(record.evaluations.min()) >= 6 * (len(record.times) - 1)


def test_states_are_dormand_prince_steps_on_the_grid() -> None:
    net = NeuralODE(wave, 2.0, solver="torchdiffeq")
    trajectory = net.trajectory(start())
    stepper = RungeKuttaStepper(DOPRI5)
    grid = trajectory.times.tolist()
    for n, (time, later) in enumerate(itertools.pairwise(grid)):
        expected = stepper.step(wave, time, trajectory.states[n], later - time)
        assert torch.equal(trajectory.states[n + 1], expected)


def test_rejected_steps_are_counted() -> None:
    def switch(time: Tensor, state: Tensor) -> Tensor:
        return torch.where(time < 0.5, state, -30 * state)

    net = NeuralODE(switch, 1.0, rtol=1e-6, atol=1e-6, solver="torchdiffeq")
    net(start())
    assert net.last_solve is not None
    assert int(net.last_solve.rejected.min()) > 0


def test_the_field_sees_time() -> None:
    net = NeuralODE(lambda t, y: (2 * t).expand_as(y), 3.0, start_time=1.0, solver="torchdiffeq")
    assert net(torch.zeros(1, 1, dtype=torch.float64)).item() == pytest.approx(8.0, rel=1e-13)


def test_the_growth_bound_is_that_of_the_recorded_grid() -> None:
    net = NeuralODE(wave, 2.0, solver="torchdiffeq")
    with pytest.raises(ValueError, match="no grid on record yet: run it on a batch first"):
        net.growth_bound(1.5)
    net(start())
    assert net.last_solve is not None
    grid = net.last_solve.times.tolist()
    product = 1.0
    for time, later in itertools.pairwise(grid):
        product *= RungeKuttaStepper(DOPRI5).growth_factor(step_size=later - time, lipschitz=1.5)
    bound = net.growth_bound(1.5)
    assert float(bound) == pytest.approx(product, rel=1e-12)
    assert any("recorded grid" in assumption for assumption in bound.assumptions)
    # A second run with looser tolerances is another grid and another bound.
    net.rtol = net.atol = 1e-9
    net(start())
    assert float(net.growth_bound(1.5)) != float(bound)


def test_values_do_not_depend_on_gradients() -> None:
    net = NeuralODE(dense_field(3, 5, activation=torch.nn.Tanh).double(), 2.0, solver="torchdiffeq")
    with torch.no_grad():
        without = net(start())
    assert torch.equal(without, net(start()).detach())


def test_a_batch_shares_its_grid_as_documented() -> None:
    """One error norm over the batch: a hard neighbour refines everybody's grid, within the tolerances."""
    net = NeuralODE(lambda _t, y: torch.sin(5 * y), 1.0, rtol=1e-6, atol=1e-6, solver="torchdiffeq")
    easy, hard = torch.full((1, 3), 1e-3, dtype=torch.float64), torch.full((1, 3), 2.0, dtype=torch.float64)
    net(easy)
    alone = net.last_solve
    net(torch.cat([easy, hard]))
    together = net.last_solve
    assert alone is not None
    assert together is not None
    assert len(together.times) > len(alone.times)


def test_too_many_steps() -> None:
    message = r"the solve stopped near t = .* before end_time = 50 \(.*max_num_steps.*\); loosen `rtol`"
    with pytest.raises(IntegrationError, match=message):
        NeuralODE(wave, 50.0, max_num_steps=3, solver="torchdiffeq")(start())


def test_blow_up_and_overflow() -> None:
    """y′ = y² from y = 10 is infinite at t = 0.1."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(IntegrationError, match=r"stopped near t = 0\.1"):
            NeuralODE(lambda _t, y: y**2, 1.0, solver="torchdiffeq")(torch.full((1, 1), 10.0, dtype=torch.float64))
        with pytest.raises(IntegrationError):
            NeuralODE(lambda _t, y: 1e300 * y, 1.0, solver="torchdiffeq")(
                torch.full((1, 1), 1e300, dtype=torch.float64)
            )


def test_a_field_that_changes_the_shape_is_named() -> None:
    def shrinking(time: Tensor, state: Tensor) -> Tensor:
        return state[:, :1]

    with pytest.raises(ValueError, match=r"must keep the shape of the state \(4, 3\), got \(4, 1\)"):
        NeuralODE(shrinking, solver="torchdiffeq")(start())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_states_of_16_bits_are_refused_below_their_rounding(dtype: torch.dtype) -> None:
    """torchdiffeq 0.2.5 gives back 0.99 for e^−1 in bfloat16: its steps add less than a rounding."""
    net = NeuralODE(lambda _t, y: -y, rtol=1e-7, atol=1e-7, solver="torchdiffeq")
    with pytest.raises(ValueError, match=rf"`rtol` must be at least .* states of {dtype}"):
        net(torch.ones(1, 1, dtype=dtype))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "rk45"}, "`solver` must be one of natrob, torchdiffeq, got 'rk45'"),
        ({"end_time": 0.0}, r"`end_time` must differ from `start_time` = 0\.0, got 0\.0"),
        ({"end_time": -1.0, "solver": "torchdiffeq"}, r'`solver` = "torchdiffeq" goes forward in time'),
        ({"end_time": math.inf}, "`end_time` must be finite, got inf"),
        ({"rtol": 0.0}, r"`rtol` must be greater than 0, got 0\.0"),
        ({"atol": -1e-3}, r"`atol` must be greater than 0, got -0\.001"),
        ({"max_num_steps": 0}, "`max_num_steps` must be at least 1, got 0"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NeuralODE(wave, **settings)  # type: ignore[arg-type]
