"""The affine bound on a tube: sound on every grid, tight where fields are linear, and no term may be left out."""

import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmarks.adaptive_bounds import pairs_across_a_jump
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    AffineBound,
    AutonomousField,
    ButcherTableau,
    GradientFlowField,
    LayerRefusedError,
    LinearField,
    NeuralODE,
    PIController,
    RungeKuttaNet,
    SkewSymmetricField,
    SumField,
    adaptive_affine_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive import FlowConstants, adaptive_tube_bound, local_error
from natrob_theory.bounds.adaptive.adaptive_tube_bound import SolvesRounding, _Tube
from natrob_theory.bounds.adaptive.clean_path import CleanPath
from natrob_theory.bounds.adaptive.field_on_sets import FieldOnSets, SeenPath
from natrob_theory.checks import ZigzagField

PAIRS = (HEUN_EULER, BOGACKI_SHAMPINE, FEHLBERG45, DOPRI5)
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "softplus": nn.Softplus}
LOOSE: dict[str, Any] = {"rtol": 1e6, "atol": 1e6}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def dense(weights: Sequence[Tensor], biases: Sequence[Tensor], activation: nn.Module) -> AutonomousField:
    """W₂σ(W₁y + b₁) + b₂ and deeper, not symmetric: μ > 0 in general."""
    layers: list[nn.Module] = []
    for weight, bias in zip(weights, biases, strict=True):
        linear = nn.Linear(weight.shape[1], weight.shape[0]).double()
        linear.weight.data, linear.bias.data = weight, bias
        layers += [linear, activation]
    return AutonomousField(nn.Sequential(*layers[:-1]))


def known_field(kind: str, activation: str, seed: int) -> nn.Module:
    unit = ACTIVATIONS[activation]()
    weight = normal(6, 3, seed=seed)
    if kind == "gradient flow":
        linear = nn.Linear(3, 6).double()
        linear.weight.data, linear.bias.data = weight, normal(6, seed=seed + 1)
        return GradientFlowField(linear, unit)
    if kind == "sum":
        return SumField([known_field("gradient flow", activation, seed), SkewSymmetricField.dense(3).double()])
    inner = [weight, normal(6, 6, seed=seed + 2) / 3] if kind == "deep" else [weight]
    sizes = [len(each) for each in inner]
    return dense([*inner, normal(3, 6, seed=seed + 3) / 2], [normal(n, seed=seed + 4) for n in [*sizes, 3]], unit)


def tube_of(net: NeuralODE, y0: Tensor, reach: Tensor | float, **settings: Any) -> AffineBound:
    shape = tuple(y0.shape[1:])
    radii = reach if isinstance(reach, Tensor) else torch.full((len(y0),), reach, dtype=torch.float64)
    return adaptive_tube_bound(
        net, y0, lipschitz=lipschitz_upper_bound(net.field, input_shape=shape),
        one_sided=one_sided_lipschitz_upper_bound(net.field, input_shape=shape), reach=radii, **settings,
    )  # fmt: skip


def global_of(net: NeuralODE, y0: Tensor) -> AffineBound:
    shape = tuple(y0.shape[1:])
    return adaptive_affine_bound(
        net, y0, lipschitz=lipschitz_upper_bound(net.field, input_shape=shape),
        one_sided=one_sided_lipschitz_upper_bound(net.field, input_shape=shape),
    )  # fmt: skip


def numbers(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64)


def at(bound: AffineBound, distance: Tensor) -> Tensor:
    return numbers(bound.at(distance).value)


def on_grid(field: nn.Module, tableau: ButcherTableau, sizes: Sequence[float], state: Tensor) -> Tensor:
    """The method's result on a grid of one's own."""
    with torch.no_grad():
        for size in sizes:
            state = RungeKuttaNet(field, size, 1, tableau=tableau)(state)
    return state


kinds = st.sampled_from(["gradient flow", "sum", "two layers", "deep"])


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**31),
    kind=kinds,
    activation=st.sampled_from(list(ACTIVATIONS)),
    tableau=st.sampled_from(PAIRS),
    share=st.floats(0.1, 0.5),
    tolerance=st.floats(-6.0, 1.0),
    distance=st.floats(-6.0, 0.0),
)
def test_no_pair_is_beyond_the_bound(
    seed: int, kind: str, activation: str, tableau: ButcherTableau, share: float, tolerance: float, distance: float
) -> None:
    controller = PIController(safety=0.5 + 0.45 * share, beta=0.1 * share, largest_factor=1.5 + 20 * share)
    net = NeuralODE(
        known_field(kind, activation, seed % 1000), 1.0, tableau=tableau, rtol=10.0**tolerance, atol=10.0**tolerance,
        max_step_size=share, controller=controller,
    )  # fmt: skip
    y0, perturbation = normal(6, 3, seed=seed), normal(6, 3, seed=seed + 1)
    perturbation = 10.0**distance * perturbation / perturbation.norm(dim=1, keepdim=True)
    sizes = [share / 3, *[share] * int(1 / share + 1)]
    kept = [size for k, size in enumerate(sizes) if sum(sizes[: k + 1]) <= 1.0]
    with torch.no_grad():
        others = [net(y0 + perturbation), net(y0 + perturbation / 3)]
        clean = net(y0)
    others.append(on_grid(net.field, tableau, [*kept, 1.0 - sum(kept)], y0 + perturbation))
    bound = tube_of(net, y0, perturbation.norm(dim=1))
    assert bound.kind == "upper"
    for other, size in zip(others, (1.0, 1 / 3, 1.0), strict=True):
        measured = (other - clean).norm(dim=1)
        assert (measured <= at(bound, size * perturbation.norm(dim=1)) + 1e-12 * (1 + y0.norm(dim=1))).all()


@settings(max_examples=6)
@given(st.integers(0, 1000), kinds, st.sampled_from(list(ACTIVATIONS)), st.floats(-5.0, 0.5))
def test_it_is_never_weaker_than_the_bound_on_all_states(
    seed: int, kind: str, activation: str, distance: float
) -> None:
    net = NeuralODE(known_field(kind, activation, seed), 1.0, tableau=HEUN_EULER, max_step_size=0.2)
    y0, reach = normal(4, 3, seed=seed), torch.full((4,), 10.0**distance, dtype=torch.float64)
    assert (at(tube_of(net, y0, reach), reach) <= at(global_of(net, y0), reach)).all()


def test_smooth_fields_gain_a_factor_of_ten_and_keep_most_of_the_order() -> None:
    field = known_field("gradient flow", "tanh", 0)
    y0, ratios, values = normal(8, 3), [], []
    for largest in (0.08, 0.04, 0.02):
        net = NeuralODE(field, 1.0, tableau=BOGACKI_SHAMPINE, max_step_size=largest, **LOOSE)
        tube = tube_of(net, y0, 1e-6)
        values.append(float(numbers(tube.constant).median()))
        ratios.append(float((numbers(global_of(net, y0).constant) / numbers(tube.constant)).median()))
    assert ratios[-1] > 10
    slopes = [math.log2(coarse / fine) for coarse, fine in pairwise(values)]
    assert min(slopes) > 1.8  # the bound on all states falls like h


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
@pytest.mark.parametrize("rate", [-1.0, 1.0])
def test_linear_fields_attain_the_clean_error_and_the_other(rate: float, factor: float, exceeded: bool) -> None:
    """y′ = ±y: Heun's local error is vη(h)h and nothing else is there. E_any is that of steps of H throughout."""
    field, largest = LinearField(rate * torch.eye(1, dtype=torch.float64)), 2.0**-6
    net = NeuralODE(field, 0.5, tableau=HEUN_EULER, max_step_size=largest, **LOOSE)
    y0, exact = torch.ones(1, 1, dtype=torch.float64), math.exp(0.5 * rate)
    bound = tube_of(net, y0, 1e-3)
    with torch.no_grad():
        own = abs(float(net(y0)) - exact)
    coarsest = abs(float(on_grid(field, HEUN_EULER, [largest] * 32, y0)) - exact)
    assert bound.any_error is not None
    assert (own > factor * float(numbers(bound.clean_error)) + 1e-14) is exceeded
    part = float(numbers(bound.any_error.constant))
    assert 0.98 * part < coarsest <= part  # up to e^{|μ|H}


def test_the_error_of_a_perturbed_solve_grows_with_its_speed() -> None:
    """y′ = −y from 1 + ε with coarse steps: without K‖ε‖ in its speed the bound would be too small."""
    field = LinearField(-torch.eye(1, dtype=torch.float64))
    net = NeuralODE(field, 1.0, tableau=HEUN_EULER, max_step_size=0.5, **LOOSE)
    y0, reach = torch.full((1, 1), 1e-9, dtype=torch.float64), torch.full((1,), 1e3, dtype=torch.float64)
    bound = tube_of(net, y0, reach)
    with torch.no_grad():
        measured = float(net(y0 + 1e3) - net(y0))
    assert measured <= float(at(bound, reach))
    assert measured > 1.02 * float(numbers(bound.flow_growth)) * 1e3


def staircase(tableau: ButcherTableau, largest: float, steps: int) -> AutonomousField:
    """f = (1, w(y₁)) with the zigzag w of `ZigzagField`, made of rectifiers at its kinks."""
    wave = ZigzagField(tableau, largest, 1.0)
    kinks, slopes = [], []
    for period in range(steps):
        for start, slope in zip(wave.starts.tolist(), wave.slopes.tolist(), strict=True):
            kinks.append(period * largest + start)
            slopes.append(slope)
    changes = [slopes[0], *(later - earlier for earlier, later in pairwise(slopes))]
    first, second = torch.zeros(len(kinks), 2), torch.zeros(2, len(kinks))
    first[:, 0], second[1] = 1.0, torch.tensor(changes)
    offset = torch.tensor([1.0, 0.0])
    biases = [-torch.tensor(kinks).double(), offset.double()]
    return dense([first.double(), second.double()], biases, nn.ReLU())


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_zigzags_made_of_rectifiers_attain_it(tableau: ButcherTableau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step misses the flow by Kh²κ_b: no tube says less, and one that knew of no remainder would."""
    largest, steps = 2.0**-12, 4
    field = staircase(tableau, largest, steps)
    net = NeuralODE(field, largest * steps, tableau=tableau, max_step_size=largest, **LOOSE)
    y0, reach = torch.zeros(1, 2, dtype=torch.float64), torch.full((1,), 1e-9, dtype=torch.float64)
    exact = ZigzagField(tableau, largest, 1.0).flow(y0, largest * steps)
    with torch.no_grad():
        error = float((net(y0) - exact).norm())

    def parts() -> list[float]:
        tube = adaptive_tube_bound(net, y0, lipschitz=1.0, one_sided=1.0, reach=reach)
        assert tube.any_error is not None
        return [float(numbers(tube.clean_error)), float(numbers(tube.any_error.constant))]

    assert all(0.97 * part < error <= part for part in parts())
    on = FieldOnSets.on
    linear = lambda *known, **more: on(*known, **more)._replace(remainder=torch.zeros_like(known[2]))  # noqa: E731
    monkeypatch.setattr(FieldOnSets, "on", linear)
    assert all(error > 1.5 * part for part in parts())


def test_neighbours_whose_grids_differ_stay_below_the_bound() -> None:
    field = dense(
        [torch.full((1, 1), 3.0).double(), torch.ones(1, 1).double()], [torch.zeros(1).double()] * 2, nn.Tanh()
    )
    field = SumField([field, dense([torch.full((1, 1), 9.0).double(), torch.full((1, 1), -0.7).double()],
                                   [torch.full((1,), 2.0).double(), torch.ones(1).double()], nn.Tanh())])  # fmt: skip
    net = NeuralODE(field, 2.0, rtol=1e-4, atol=1e-4, max_step_size=0.25, tableau=BOGACKI_SHAMPINE)
    y0, perturbation = pairs_across_a_jump(net)
    assert len(y0) > 5
    with torch.no_grad():
        measured = (net(y0 + perturbation) - net(y0)).norm(dim=1)
    distance = perturbation.norm(dim=1)
    assert (measured <= at(tube_of(net, y0, distance), distance)).all()
    assert measured.max() > 1e3 * distance.max()


def kink(place: float) -> AutonomousField:
    """y′ = 1 + 3·relu(y − place): linear before, steep behind."""
    return dense(
        [torch.ones(1, 1).double(), torch.full((1, 1), 3.0).double()],
        [torch.full((1,), -place).double(), torch.ones(1).double()],
        nn.ReLU(),
    )


def test_a_step_sees_the_path_that_it_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clean solve crosses the kink in tiny steps; another one begins far before it and steps across."""
    field, largest = kink(0.5), 0.02
    net = NeuralODE(field, 0.51, tableau=HEUN_EULER, max_step_size=largest, rtol=1e-6, atol=1e-6)
    y0, reach = torch.zeros(1, 1, dtype=torch.float64), torch.full((1,), 1e-12, dtype=torch.float64)
    other = on_grid(field, HEUN_EULER, [0.0075, *[largest] * 25, 0.0025], y0)
    with torch.no_grad():
        measured = float((other - net(y0)).abs())
    assert measured <= float(at(tube_of(net, y0, reach), reach))
    ahead = CleanPath.ahead
    monkeypatch.setattr(CleanPath, "ahead", lambda path, step, _most: ahead(path, step, 0.0))
    monkeypatch.setattr(sys.modules[_Tube.__module__], "step_reach", lambda *_: torch.zeros(1).double())
    assert measured > float(at(tube_of(net, y0, reach), reach))


def given_constants(monkeypatch: pytest.MonkeyPatch, sizes: Tensor, speeds: Tensor, local: list[float]) -> _Tube:
    """The recursion alone, on a path with these steps, speeds and constants K_j, H = 1/4, K = 2 and μ = −1/2."""
    net = NeuralODE(LinearField(torch.eye(1).double()), 10.0, tableau=HEUN_EULER, max_step_size=0.25)
    none = torch.zeros(len(sizes), 1, dtype=torch.float64)
    times = torch.cat([torch.zeros(1).double(), sizes.cumsum(0)])[:, None]
    seen = SeenPath(states=torch.zeros(len(times), 1, 1).double(), lower=(), upper=())
    path = CleanPath(
        times=times, sizes=sizes[:, None], seen=seen, speeds=speeds[:, None], own=none, errors=0.0 * times, sags=none
    )
    monkeypatch.setattr(_Tube, "_constants_near", lambda _tube, step, _distance: flow_of(local[step]))
    sets = FieldOnSets(net.field, (1,))
    return _Tube(net, path, sets, flow_of(2.0), torch.full((1,), 0.1).double(), torch.zeros(1).double())


def flow_of(lipschitz: float) -> FlowConstants:
    numbers = (torch.tensor(value, dtype=torch.float64) for value in (lipschitz, -0.5))
    return FlowConstants(lipschitz=next(numbers), one_sided=next(numbers))


def worst_on(grid: list[float], sizes: Tensor, speeds: Tensor, local: list[float]) -> float:
    """E ← e^{μh}E + ℓ_j(h)(e^{μ(s − t_j)}w_j + K_jE), j the interval in which the step begins, from E = 1/10."""
    ends, time, error = sizes.cumsum(0).tolist(), 0.0, 0.1
    starts = [0.0, *ends]
    for h in grid:
        j = max(k for k in range(len(local)) if starts[k] <= time + 1e-12)
        speed = math.exp(-0.5 * (time - starts[j])) * float(speeds[j]) + local[j] * error
        local_part = float(local_error(HEUN_EULER, torch.tensor(h).double(), flow_of(local[j])))
        error, time = math.exp(-0.5 * h) * error + local_part * speed, time + h
    return error


intervals = st.lists(st.floats(0.01, 0.25), min_size=2, max_size=8)


@settings(max_examples=20)
@given(intervals, st.lists(st.floats(0.1, 1.0), min_size=3, max_size=12), st.integers(0, 2**31))
def test_the_recursion_covers_every_grid(steps: list[float], shares: list[float], seed: int) -> None:
    sizes, draw = torch.tensor(steps, dtype=torch.float64), torch.Generator().manual_seed(seed)
    speeds = torch.rand(len(steps) + 1, generator=draw, dtype=torch.float64)
    local = (2.0 * torch.rand(len(steps), generator=draw, dtype=torch.float64)).tolist()
    grid: list[float] = []
    for share in shares * len(steps):
        grid.append(min(0.25 * share, float(sizes.sum()) - sum(grid)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        bound = given_constants(monkeypatch, sizes, speeds, local).bound()
    kept = [h for h in grid if h > 0]
    reached = min(1.0, sum(kept) / float(sizes.sum()))
    if reached > 1.0 - 1e-12:
        found = float(numbers(bound.slope)) * 0.1 + float(numbers(bound.constant))
        assert worst_on(kept, sizes, speeds, local) <= found * (1 + 1e-12)


def nothing_earlier(tube: Any, _since: Tensor, _charges: Any) -> tuple[Tensor, Tensor]:
    zero = torch.zeros_like(tube._reach)
    return zero, zero


def test_a_step_may_have_begun_before_the_interval_that_it_errs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short interval of large constants, in which a long step begins."""
    sizes = torch.tensor([0.25, 0.02, 0.25, 0.25], dtype=torch.float64)
    speeds, local = torch.tensor([0.0, 5.0, 0.0, 0.0, 0.0], dtype=torch.float64), [0.0, 2.0, 0.0, 0.0]
    error = worst_on([0.25, 0.25, 0.25, 0.02], sizes, speeds, local)
    tube = given_constants(monkeypatch, sizes, speeds, local)

    def found() -> float:
        bound = tube.bound()
        return float(numbers(bound.slope)) * 0.1 + float(numbers(bound.constant))

    assert error <= found()
    monkeypatch.setattr(_Tube, "_earlier", nothing_earlier)
    assert error > found()


def test_the_tube_holds_what_starts_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kink that the clean solve never meets, 0.05 beside it; solves that start beyond it do."""
    weight = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    field = dense([weight, torch.tensor([[0.0], [-8.0]], dtype=torch.float64)],
                  [torch.tensor([-0.05]).double(), torch.tensor([1.0, 0.0]).double()], nn.ReLU())  # fmt: skip
    net = NeuralODE(field, 0.5, tableau=HEUN_EULER, max_step_size=0.25, **LOOSE)
    y0, perturbation = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    reach = perturbation.norm(dim=1)
    with torch.no_grad():
        measured = float((net(y0 + perturbation) - net(y0)).norm())
        flow = RungeKuttaNet(field, 0.5 / 4000, 4000)
        missed = float((net(y0 + perturbation) - flow(y0 + perturbation)).norm())
    bound = tube_of(net, y0, reach)
    assert bound.any_error is not None
    assert measured <= float(at(bound, reach))
    assert missed <= float(at(bound.any_error, reach))
    on = FieldOnSets.on
    monkeypatch.setattr(FieldOnSets, "on", lambda sets, hull, radius, **more: on(sets, hull, 0.0 * radius, **more))
    thin = tube_of(net, y0, reach)
    assert thin.any_error is not None
    assert missed > float(at(thin.any_error, reach))


def test_what_rounds_widens_the_tube() -> None:
    net = NeuralODE(known_field("gradient flow", "relu", 3), 1.0, tableau=HEUN_EULER, max_step_size=0.05)
    y0 = normal(4, 3, seed=3)
    some = torch.full((4,), 0.05, dtype=torch.float64)
    plain = tube_of(net, y0, 1e-6)
    assert plain.any_error is not None
    for rounding in (SolvesRounding(some, 0 * some), SolvesRounding(0 * some, some)):
        wide = tube_of(net, y0, 1e-6, rounding=rounding)
        assert wide.any_error is not None
        ratio = numbers(wide.any_error.constant) / numbers(plain.any_error.constant)
        assert (ratio >= 1.0).all()
        assert ratio.max() > 1.05


def test_a_field_without_structure_gains_by_its_own_one_sided_constant() -> None:
    """tanh layers that are saturated: K and μ on all states are large, along the path they are small."""
    weights = [3.0 * normal(6, 3, seed=5), normal(3, 6, seed=6)]
    field = dense(weights, [3.0 * normal(6, seed=7), normal(3, seed=8)], nn.Tanh())
    net = NeuralODE(field, 1.0, tableau=BOGACKI_SHAMPINE, max_step_size=0.02)
    y0, reach = 5.0 * normal(4, 3, seed=9), torch.full((4,), 1e-3, dtype=torch.float64)
    tube, everywhere = tube_of(net, y0, reach), global_of(net, y0)
    assert (numbers(tube.flow_growth) < 0.1 * numbers(everywhere.flow_growth)).all()
    draw = normal(4, 3, seed=10)
    perturbation = 1e-3 * draw / draw.norm(dim=1, keepdim=True)
    with torch.no_grad():
        measured = (net(y0 + perturbation) - net(y0)).norm(dim=1)
    assert (measured <= at(tube, reach)).all()


def test_refusals_name_what_is_wrong() -> None:
    field = known_field("gradient flow", "tanh", 0)
    net = NeuralODE(field, 1.0, tableau=HEUN_EULER, max_step_size=0.1)
    y0 = normal(2, 3)
    with pytest.raises(ValueError, match="`reach` must be one number"):
        tube_of(net, y0, torch.tensor([0.1]).double())
    with pytest.raises(ValueError, match="`reach` must be one number"):
        tube_of(net, y0, -0.1)
    run = net.trajectory(y0 + 1.0)
    with pytest.raises(ValueError, match="belongs to another input"):
        tube_of(net, y0, 0.1, trajectory=run)
    with pytest.raises(ValueError, match="max_step_size"):
        tube_of(NeuralODE(field, 1.0), y0, 0.1)
    unknown = AutonomousField(nn.Sequential(nn.Linear(3, 3), nn.Softmax(dim=1)).double())
    with pytest.raises(LayerRefusedError, match="neither matrix nor slopes"):
        tube_of(NeuralODE(unknown, 1.0, tableau=HEUN_EULER, max_step_size=0.1), y0, 0.1)
