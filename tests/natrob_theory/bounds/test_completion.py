"""Completion: the trial steps that are counted are never exceeded, and a limit just too small is not proved."""

import copy
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    ButcherTableau,
    GradientFlowField,
    IntegrationError,
    IntegrationWarning,
    LinearField,
    NeuralODE,
    PIController,
    SolveStatus,
    lipschitz_upper_bound,
)
from natrob_theory.adaptive import EmbeddedMethod, SolveSettings
from natrob_theory.adaptive.driver import solve
from natrob_theory.bounds.adaptive.completion import MOST, Completion, completion

PAIRS = [HEUN_EULER, BOGACKI_SHAMPINE, FEHLBERG45, DOPRI5]


def kinked_flow(width: int, seed: int, steepness: float) -> GradientFlowField:
    """−WᵀReLU(Wy + b) with kinks near the starts, whose weights float32 holds exactly."""
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(width, 2 * width, dtype=torch.float64)
    with torch.no_grad():
        drawn = torch.randn(2 * width, width, dtype=torch.float64, generator=generator)
        layer.weight.copy_((drawn / torch.linalg.matrix_norm(drawn, 2) * steepness**0.5).float())
        layer.bias.copy_(torch.randn(2 * width, dtype=torch.float64, generator=generator).float())
    return GradientFlowField(layer, nn.ReLU())


def proof(net: NeuralODE, y0: Tensor, lipschitz: float, one_sided: float, distance: float = 0.0) -> Completion:
    with torch.no_grad():
        speed = net.field(torch.zeros(len(y0), dtype=y0.dtype), y0).double().flatten(1).norm(dim=1) * (1 + 1e-12)
    return completion(
        net, state_norm=y0.double().flatten(1).norm(dim=1), distance=distance, speed=speed, lipschitz=lipschitz,
        one_sided=one_sided, input_shape=tuple(y0.shape[1:]), dtype=y0.dtype,
    )  # fmt: skip


def trials(net: NeuralODE, start: Tensor) -> Tensor:
    with torch.no_grad():
        net(start)
    record = net.last_solve
    assert record is not None
    assert set(record.status) == {SolveStatus.REACHED_END}
    return record.accepted + record.rejected


CONTROLLERS = st.builds(
    PIController,
    safety=st.floats(0.4, 0.99),
    beta=st.sampled_from([0.0, 0.01, 0.1, 0.2]),
    smallest_factor=st.floats(0.05, 0.9),
    largest_factor=st.sampled_from([1.5, 10.0, 100.0]),
)


@settings(max_examples=8)
@given(
    tableau=st.sampled_from(PAIRS),
    field=st.builds(kinked_flow, st.integers(1, 4), st.integers(0, 999), st.sampled_from([0.1, 1.0, 8.0])),
    cap=st.sampled_from([0.03, 0.2, 1.0]),
    tolerance=st.sampled_from([1e-2, 1e-4, 1e-6]),
    controller=CONTROLLERS,
    distance=st.sampled_from([0.0, 0.1, 1.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_no_solve_needs_more_trial_steps_than_are_counted(
    tableau: ButcherTableau,
    field: GradientFlowField,
    cap: float,
    tolerance: float,
    controller: PIController,
    distance: float,
    *,
    dtype: torch.dtype,
) -> None:
    """Kinks make estimates jump, so that steps are rejected; controllers of every kind go on from there."""
    field, width = field.to(dtype), field.linear_map.weight.shape[1]
    generator = torch.Generator().manual_seed(1)
    y0 = torch.randn(4, width, dtype=torch.float64, generator=generator).to(dtype)
    moved = nn.functional.normalize(torch.randn(4, width, dtype=torch.float64, generator=generator), dim=1)
    start = (y0.double() + 0.999 * distance * moved).to(dtype)
    net = NeuralODE(
        field, 1.0, max_step_size=cap, rtol=1e-9, atol=tolerance, tableau=tableau, controller=controller,
        max_num_steps=3000, on_failure="warn",
    )  # fmt: skip
    found = proof(net, y0, float(lipschitz_upper_bound(field, input_shape=(width,))), 0.0, distance)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", IntegrationWarning)
        net(start)
    record = net.last_solve
    assert record is not None
    assert bool((record.accepted + record.rejected <= found.most_trials).all())
    reached = torch.tensor([status is SolveStatus.REACHED_END for status in record.status])
    assert bool((reached | ~found.proved).all())
    assert torch.equal(found.proved, found.most_trials <= net.max_num_steps)


@settings(max_examples=5)
@given(
    tableau=st.sampled_from(PAIRS),
    seed=st.integers(0, 999),
    tolerance=st.sampled_from([1e-2, 1e-3]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_every_trial_step_below_the_size_is_accepted(
    tableau: ButcherTableau, seed: int, tolerance: float, dtype: torch.dtype
) -> None:
    field = kinked_flow(3, seed, 8.0).to(dtype)
    y0 = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed)).to(dtype)
    net = NeuralODE(field, 1.0, max_step_size=1.0, rtol=1e-9, atol=tolerance, tableau=tableau)
    below = proof(net, y0, 8.01, 0.0).smallest_accepted
    tried: list[tuple[Tensor, Tensor, Tensor]] = []
    asked = SolveSettings(
        start_time=0.0, end_time=1.0, rtol=1e-9, atol=tolerance, max_num_steps=300, max_step_size=1.0,
    )  # fmt: skip
    with torch.no_grad():
        solve(
            field, y0, EmbeddedMethod(tableau), asked,
            lambda rows, time, step, state, accepted: tried.append((rows, step, accepted)),
        )  # fmt: skip
    for rows, step, accepted in tried:
        assert bool(accepted[step <= below[rows]].all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_size_is_reached_by_a_decaying_line(dtype: torch.dtype) -> None:
    """y′ = −y under Heun–Euler: the estimate is h²|y|/2 at once, and a step 1 % longer is rejected."""
    field = LinearField(-torch.eye(1, dtype=dtype))
    y0 = torch.full((1, 1), 3.0, dtype=dtype)
    net = NeuralODE(field, 1.0, max_step_size=2e-3, rtol=1e-12, atol=1.5e-6, tableau=HEUN_EULER)
    below = float(proof(net, y0, 1.0, -1.0).smallest_accepted)
    assert below == pytest.approx(1e-3, rel=5e-3)
    method, slope = EmbeddedMethod(HEUN_EULER), -y0
    ratios = [
        float(
            method.trial(
                field, torch.zeros(1, dtype=torch.float64), torch.full((1,), share * below, dtype=torch.float64), y0,
                slope, rtol=1e-12, atol=1.5e-6,
            ).error_ratio.detach()
        )
        for share in (1.0, 1.01)
    ]  # fmt: skip
    assert ratios[0] <= 1.0 < ratios[1]


def capped(**changed: Any) -> NeuralODE:
    usual: dict[str, Any] = {"max_step_size": 1 / 64, "rtol": 1e-3, "atol": 1e-3, "tableau": HEUN_EULER}
    return NeuralODE(kinked_flow(3, 0, 1.0), 1.0, **{**usual, **changed})


def test_a_limit_that_is_just_too_small_is_not_proved() -> None:
    """64 steps at least; the count finds few more, proves itself as a limit, and one fewer is not proved."""
    y0 = torch.ones(2, 3, dtype=torch.float64)
    net = capped()
    found = proof(net, y0, 1.001, 0.0, 0.5)
    most = int(found.most_trials.max())
    assert 64 <= int(trials(net, y0).max()) <= most <= 80
    assert bool(found.proved.all())
    assert f"within {most}" in found.reason
    enough = proof(capped(max_num_steps=most), y0, 1.001, 0.0, 0.5)
    assert bool(enough.proved.all())
    short = proof(capped(max_num_steps=most - 1), y0, 1.001, 0.0, 0.5)
    assert not bool(short.proved.all())
    assert short.reason.startswith("whenever the solve reaches the end time")
    with pytest.raises(IntegrationError, match="`max_num_steps`"):
        capped(max_num_steps=63)(y0)
    assert not bool(proof(capped(max_num_steps=63), y0, 1.001, 0.0, 0.5).proved.any())


@pytest.mark.parametrize(
    "changed",
    [
        {"atol": 1e-9, "controller": PIController(safety=1.0)},
        {"tableau": DOPRI5, "controller": PIController(beta=0.2, safety=1e-3), "atol": 1e-9},
    ],
)
def test_controllers_that_may_shrink_without_end_are_not_proved(changed: dict[str, Any]) -> None:
    y0 = torch.ones(2, 3, dtype=torch.float64)
    found = proof(capped(**changed), y0, 1.001, 0.0)
    assert not bool(found.proved.any())
    assert found.most_trials.tolist() == [MOST] * 2
    assert "no step size is known" in found.reason


def test_steps_that_are_all_accepted_may_shrink_without_end() -> None:
    """A strong memory makes a steady small error a reason to shrink: no trial is rejected, and none reaches T."""
    controller = PIController(safety=0.526, beta=0.2, smallest_factor=0.526)
    net = NeuralODE(
        kinked_flow(1, 0, 0.1), 1.0, max_step_size=0.2, rtol=1e-9, atol=1e-6, controller=controller, max_num_steps=500
    )
    y0 = torch.tensor([[0.7]], dtype=torch.float64)
    assert not bool(proof(net, y0, 0.101, 0.0).proved.any())
    with pytest.raises(IntegrationError, match="`max_num_steps`"):
        net(y0)
    assert net.last_solve is not None
    assert net.last_solve.rejected.tolist() == [0]


def test_a_tolerance_below_the_rounding_is_not_proved() -> None:
    """In float32 the estimate of any step of use rounds by more; in float64 the same solve is proved."""
    y0 = 1e4 * torch.ones(1, 3, dtype=torch.float64)
    net = capped(atol=1e-4, rtol=1e-9, max_num_steps=10**6)
    assert bool(proof(net, y0, 1.001, 0.0).proved.all())
    net = NeuralODE(net.field.float(), 1.0, max_step_size=1 / 64, rtol=1e-9, atol=1e-9, tableau=HEUN_EULER)
    single = proof(net, y0.float(), 1.001, 0.0)
    assert not bool(single.proved.any())


def test_what_the_count_does_not_know_is_refused() -> None:
    y0 = torch.ones(1, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="`max_step_size`"):
        proof(capped(max_step_size=None), y0, 1.0, 0.0)
    with pytest.raises(ValueError, match="forward in time"):
        proof(NeuralODE(copy.deepcopy(capped().field), -1.0, max_step_size=0.1), y0, 1.0, 0.0)
