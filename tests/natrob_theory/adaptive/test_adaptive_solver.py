"""The per-sample adaptive solver: exact ends, records, independence of the batch, accuracy, and every way to fail."""

import copy
import itertools
import math
import pickle
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN,
    HEUN_EULER,
    ButcherTableau,
    IntegrationError,
    IntegrationWarning,
    LinearField,
    NeuralODE,
    PIController,
    RungeKuttaStepper,
    SolveRecord,
    SolveStatus,
    broadcast_time,
    dense_field,
)

PAIRS = [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE, HEUN_EULER]


def wave(time: Tensor, state: Tensor) -> Tensor:
    return torch.cos(3 * broadcast_time(time, state)) * torch.sin(state) - 0.5 * state


def start(batch: int = 4, width: int = 3, seed: int = 0) -> Tensor:
    return torch.randn(batch, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def record_of(net: NeuralODE) -> SolveRecord:
    assert net.last_solve is not None
    return net.last_solve


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 5), tolerance=st.sampled_from([1e-2, 1e-5]))
def test_a_result_does_not_depend_on_the_batch(seed: int, cut: int, tolerance: float) -> None:
    """An entrywise field has no sums to round differently, so permuting and splitting changes no bit."""
    net = NeuralODE(wave, 2.0, rtol=tolerance, atol=tolerance)
    y0 = 3.0 * start(6, seed=seed)
    whole, record = net(y0), record_of(net)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    permuted, other = net(y0[order]), record_of(net)
    assert torch.equal(permuted, whole[order])
    assert torch.equal(other.times, record.times[:, order])
    assert torch.equal(other.evaluations, record.evaluations[order])
    assert torch.equal(torch.cat([net(y0[:cut]), net(y0[cut:])]), whole)


def test_matrix_fields_do_not_depend_on_the_batch_but_for_rounding() -> None:
    net = NeuralODE(dense_field(16, 32, activation=torch.nn.Tanh).double(), 3.0, rtol=1e-6, atol=1e-6)
    y0 = 2.0 * start(9, 16)
    torch.testing.assert_close(torch.cat([net(row[None]) for row in y0]), net(y0), rtol=1e-12, atol=1e-12)


def test_a_hard_neighbour_does_not_refine_an_easy_sample() -> None:
    net = NeuralODE(lambda _t, y: torch.sin(5 * y), 1.0, rtol=1e-6, atol=1e-6)
    easy, hard = torch.full((1, 3), 1e-3, dtype=torch.float64), torch.full((1, 3), 2.0, dtype=torch.float64)
    net(easy)
    alone = record_of(net)
    net(torch.cat([easy, hard]))
    together = record_of(net)
    assert int(together.accepted[1]) > int(together.accepted[0]) == int(alone.accepted[0])
    assert int(together.evaluations[0]) == int(alone.evaluations[0])


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
@pytest.mark.parametrize(("start_time", "end_time"), [(0.0, 1.0), (-2.0, 0.5), (0.1, 0.1 + 1e-3), (1.0, 8.0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_grids_start_and_end_exactly(
    tableau: ButcherTableau, start_time: float, end_time: float, dtype: torch.dtype
) -> None:
    net = NeuralODE(wave, end_time, start_time=start_time, tableau=tableau)
    trajectory = net.trajectory((3.0 * start()).to(dtype))
    record = record_of(net)
    assert torch.equal(trajectory.times, record.times)
    assert record.times[0].tolist() == [start_time] * 4
    assert record.times[-1].tolist() == [end_time] * 4
    assert record.status == (SolveStatus.REACHED_END,) * 4
    steps = record.times.diff(dim=0)
    for sample in range(4):
        own = int(record.accepted[sample])
        assert bool((steps[:own, sample] > 0).all())
        assert bool((steps[own:, sample] == 0).all())
        assert bool((trajectory.states[own:, sample] == trajectory.states[own, sample]).all())
        assert record.error_estimates is not None
        assert bool((record.error_estimates[own:, sample] == 0).all())


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_states_are_the_tableau_s_steps_on_the_grid(tableau: ButcherTableau) -> None:
    net = NeuralODE(wave, 2.0, tableau=tableau)
    y0 = 3.0 * start()
    trajectory, stepper = net.trajectory(y0), RungeKuttaStepper(tableau)
    for n, step in enumerate(net.plan()):
        expected = stepper.step(wave, step.time, trajectory.states[n], step.step_size)
        torch.testing.assert_close(trajectory.states[n + 1], expected, rtol=1e-14, atol=1e-15)
    assert torch.equal(trajectory.states[-1], net(y0))


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_evaluations_on_record_are_those_made(tableau: ButcherTableau) -> None:
    rows = 0

    def counted(time: Tensor, state: Tensor) -> Tensor:
        nonlocal rows
        rows += len(state)
        return torch.where(broadcast_time(time, state) < 0.5, state, -30 * state)

    net = NeuralODE(counted, 1.0, rtol=1e-6, atol=1e-6, tableau=tableau)
    net(start(1))
    rows = 0
    net(start(1))
    record = record_of(net)
    assert int(record.rejected[0]) > 0
    assert int(record.evaluations[0]) == rows


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_the_error_follows_the_tolerance(tableau: ButcherTableau) -> None:
    rotation = LinearField(torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64))
    y0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    exact = torch.tensor([[math.cos(3.0), -math.sin(3.0)]], dtype=torch.float64)
    # A pair of order 2(1) needs more than the largest number of steps for the last of them.
    errors, tolerances = [], (1e-3, 1e-5, 1e-7, 1e-9)[: 2 if tableau is HEUN_EULER else 4]
    for tolerance in tolerances:
        net = NeuralODE(rotation, 3.0, rtol=tolerance, atol=tolerance, tableau=tableau)
        errors.append(float((net(y0) - exact).norm().detach()))
    assert errors == sorted(errors, reverse=True)
    # Fehlberg's pair carries on the lower order, so that its global error falls like the tolerance to the power 4/5.
    allowed = [10 * tolerance ** (0.8 if tableau is FEHLBERG45 else 1.0) for tolerance in tolerances]
    assert all(error < most for error, most in zip(errors, allowed, strict=True))


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_agrees_with_torchdiffeq(tableau: ButcherTableau) -> None:
    reference = NeuralODE(wave, 2.0, rtol=1e-10, atol=1e-10, solver="torchdiffeq")(start())
    for tolerance in (1e-3, 1e-6):
        net = NeuralODE(wave, 2.0, rtol=tolerance, atol=tolerance, tableau=tableau)
        torch.testing.assert_close(net(start()), reference, rtol=10 * tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_a_field_is_never_asked_about_no_samples(tableau: ButcherTableau) -> None:
    """Also where every sample's step was rejected, and the pair has no slope at hand for the next one."""
    sizes: set[int] = set()

    def field(_time: Tensor, state: Tensor) -> Tensor:
        sizes.add(len(state))
        return -50.0 * state

    net = NeuralODE(field, 5.0, rtol=1e-2, atol=1e-2, tableau=tableau)
    net(torch.tensor([[1.0], [3.0]], dtype=torch.float64))
    assert int(record_of(net).rejected.min()) > 0
    assert min(sizes) > 0


def test_the_field_sees_its_own_time() -> None:
    net = NeuralODE(lambda t, y: (2 * broadcast_time(t, y)).expand_as(y), 3.0, start_time=1.0)
    assert net(torch.zeros(2, 1, dtype=torch.float64)).flatten().tolist() == pytest.approx([8.0, 8.0], rel=1e-13)


def test_the_samples_that_fail_do_not_stop_the_others() -> None:
    """y′ = y² from 10 has a pole at 0.1, from 0.5 none before 2; and a field that turns into NaN above 100."""

    def square(_time: Tensor, state: Tensor) -> Tensor:
        return state**2

    def broken(_time: Tensor, state: Tensor) -> Tensor:
        return torch.where(state > 100.0, torch.nan, state**2)

    y0 = torch.tensor([[0.5], [10.0]], dtype=torch.float64)
    for field, expected in ((square, SolveStatus.STEP_SIZE_UNDERFLOW), (broken, SolveStatus.NON_FINITE)):
        net = NeuralODE(field, 1.0, on_failure="warn")
        with pytest.warns(
            IntegrationWarning, match=r"1 of 2 samples stopped before end_time = 1, the first at t = 0\."
        ) as told:
            result = net(y0)
        assert expected.reason in str(told[0].message)
        record = record_of(net)
        assert record.status == (SolveStatus.REACHED_END, expected)
        assert result[0].item() == pytest.approx(1.0, rel=1e-2)
        assert math.isnan(result[1].item())
        assert record.times[-1, 0] == 1.0
        assert float(record.times[-1, 1]) <= 0.1
        with pytest.warns(IntegrationWarning):
            states = net.trajectory(y0).states
        assert bool(torch.isnan(states[-1, 1]).all())
        assert bool(torch.isfinite(states[:-1]).all())
        with pytest.raises(IntegrationError, match="1 of 2 samples stopped") as raised:
            NeuralODE(field, 1.0)(y0)
        assert raised.value.status == record.status


def test_a_field_that_is_not_finite_at_the_start() -> None:
    with pytest.raises(
        IntegrationError, match=r"1 of 2 samples stopped .* at t = 0: the field or the state became NaN"
    ):
        NeuralODE(lambda _t, y: torch.sqrt(y))(torch.tensor([[-1.0], [1.0]]))


def test_too_many_steps() -> None:
    net = NeuralODE(wave, 50.0, max_num_steps=3, on_failure="warn")
    with pytest.warns(
        IntegrationWarning, match="4 of 4 samples stopped .* `max_num_steps` trial steps were not enough"
    ):
        result = net(start())
    record = record_of(net)
    assert set(record.status) == {SolveStatus.TOO_MANY_STEPS}
    assert (record.accepted + record.rejected).tolist() == [3, 3, 3, 3]
    assert bool(torch.isnan(result).all())


@pytest.mark.parametrize(
    "field",
    [
        lambda _t, y: -1e7 * (y - 1.0),
        lambda _t, y: torch.where(y > 0.3, -1.0, 1.0).to(y),
        lambda _t, y: -1000.0 * torch.relu(y) + torch.relu(0.1 - y),
    ],
    ids=["stiff", "sliding", "kink"],
)
def test_stiff_and_discontinuous_fields_end_with_a_status(field) -> None:
    net = NeuralODE(field, 1.0, rtol=1e-8, atol=1e-8, max_num_steps=300, on_failure="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        result = net(start())
    ended = torch.tensor([status is SolveStatus.REACHED_END for status in record_of(net).status])
    assert torch.equal(torch.isfinite(result).all(dim=1), ended)


def test_a_relu_kink_on_the_way_costs_no_more_than_it_costs_the_reference() -> None:
    """y′ = 1 + relu(y − ½) is e^{t − ½} − ½ from the kink on; a kink breaks the order, so tolerances are exceeded."""
    y0, exact = torch.zeros(1, 1, dtype=torch.float64), math.exp(1.5) - 0.5

    def kinked(_time: Tensor, state: Tensor) -> Tensor:
        return 1 + torch.relu(state - 0.5)

    for tolerance in (1e-4, 1e-5, 1e-7):
        own = float(NeuralODE(kinked, 2.0, rtol=tolerance, atol=tolerance)(y0)) - exact
        peer = float(NeuralODE(kinked, 2.0, rtol=tolerance, atol=tolerance, solver="torchdiffeq")(y0)) - exact
        assert abs(own) < max(abs(peer), 10 * tolerance)


def test_growth_bounds_are_those_of_each_sample_s_grid() -> None:
    net = NeuralODE(wave, 2.0)
    with pytest.raises(ValueError, match="no grid on record yet"):
        net.growth_bound(1.5)
    net(3.0 * start())
    bound = net.growth_bound(1.5)
    assert isinstance(bound.value, Tensor)
    for sample, grid in enumerate(record_of(net).times.T.tolist()):
        product = 1.0
        for time, later in itertools.pairwise(grid):
            if later > time:
                product *= RungeKuttaStepper(DOPRI5).growth_factor(step_size=later - time, lipschitz=1.5)
        assert float(bound.value[sample]) == pytest.approx(product, rel=1e-12)
    assert float(bound.over_samples()) == float(bound.value.max())


def test_a_run_network_can_be_copied_and_saved() -> None:
    net = NeuralODE(dense_field(3, 4).double(), 1.0)
    with torch.no_grad():
        result = net(start())
        for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            assert torch.equal(twin(start()), result)
    net(start().requires_grad_())
    assert copy.deepcopy(net).last_solve is not None


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_field_that_cannot_take_one_time_for_each_sample_is_told_so(width: int) -> None:
    """For a batch as long as the state's last axis `t * y` would be wrong in silence."""

    def careless(time: Tensor, state: Tensor) -> Tensor:
        return time * state

    with pytest.raises(ValueError, match=r"field careless must take t of shape \(batch,\).*broadcast_time"):
        NeuralODE(careless)(start(width, width))
    assert NeuralODE(careless, solver="torchdiffeq")(start(width, width)).shape == (width, width)


def test_a_field_that_is_wrong_for_every_time_is_told_that_instead() -> None:
    def narrow(_time: Tensor, state: Tensor) -> Tensor:
        return state[:, :1]

    with pytest.raises(ValueError, match=r"field narrow must keep the shape of the state"):
        NeuralODE(narrow)(start())
    with pytest.raises(TypeError, match=r"must keep the dtype of the state torch\.float64, got torch\.float32"):
        NeuralODE(lambda _t, y: y.float())(start())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tableau": HEUN}, "`tableau` must have embedded weights for error control, Heun"),
        ({"gradients": "none"}, "`gradients` must be one of direct, checkpointed, adjoint, got 'none'"),
        ({"on_failure": "ignore"}, "`on_failure` must be one of raise, warn, got 'ignore'"),
        ({"solver": "torchdiffeq", "gradients": "adjoint"}, '`solver` = "torchdiffeq" takes only'),
        ({"solver": "torchdiffeq", "tableau": FEHLBERG45}, '`solver` = "torchdiffeq" takes only'),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_settings_of_the_solver(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NeuralODE(wave, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("beta", "safety"), [(0.2, 0.92), (0.01, 0.01), (0.15, 0.92), (0.01, 0.92)])
def test_with_an_estimate_of_zero_a_far_end_is_reached_just_where_steps_do_not_shrink(
    beta: float, safety: float
) -> None:
    """q = safety · 10^{10α} · 10^{−4β} with α = 1/5 − ¾β for dopri5, as the controller's docstring says."""
    q = safety * 10 ** (10 * (0.2 - 0.75 * beta)) * 10 ** (-4 * beta)
    controller = PIController(beta=beta, safety=safety, smallest_factor=0.01, largest_factor=1.5)
    net = NeuralODE(lambda _, y: 0.0 * y, 1e4, controller=controller, max_num_steps=300)
    try:
        net(start())
        arrived = True
    except IntegrationError:
        arrived = False
    assert arrived is (q >= 1)


def test_the_controller() -> None:
    one = torch.ones(3, dtype=torch.float64)
    ratio = torch.tensor([1.0, 1e-9, 1e5], dtype=torch.float64)
    elementary = PIController(beta=0.0, safety=0.9)
    assert elementary.factor(ratio, one, None, 5).tolist() == pytest.approx([0.9, 10.0, 0.2])
    middle = torch.full((1,), 0.5, dtype=torch.float64)
    assert float(elementary.factor(middle, one[:1], None, 5)) == pytest.approx(0.9 * 0.5**-0.2)
    both = PIController(beta=0.08, safety=0.9).factor(middle, 0.1 * one[:1], None, 5)
    assert float(both) == pytest.approx(0.9 * 0.5 ** -(0.2 - 0.06) * 0.1**0.08)
    held = elementary.factor(1e-3 * one, one, torch.tensor([True, False, True]), 5)
    assert held.tolist() == pytest.approx([0.9 * 10**0.6, 1.0, 0.9 * 10**0.6])
    broken = torch.tensor([math.nan, math.inf], dtype=torch.float64)
    assert elementary.factor(broken, one[:2], None, 5).tolist() == [0.2, 0.2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"safety": 1.5}, "`safety` must be at most 1"),
        ({"safety": 0.0}, "`safety` must be greater than 0"),
        ({"beta": -0.1}, "`beta` must be between 0 and 0.2"),
        ({"smallest_factor": 1.0}, "`smallest_factor` must be below 1"),
        ({"largest_factor": 1.0}, "`largest_factor` must be greater than 1"),
    ],
)
def test_bad_settings_of_the_controller(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PIController(**settings)
