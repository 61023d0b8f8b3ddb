"""Branch and bound against the exact least value, from a linear program for every pattern of a tiny network."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import nn

from natrob_theory import EulerNet, dense_field
from natrob_theory.relaxation import Ascent, BranchAndBound, RelaxedNetwork, branching_scores, region_around
from natrob_theory.relaxation.backward_pass import lower_bounds
from natrob_theory.relaxation.optimised_lines import fixed_lines

STATE, HIDDEN = 2, 3


def tiny(seed: int) -> EulerNet:
    torch.manual_seed(seed)
    net = EulerNet([dense_field(STATE, HIDDEN) for _ in range(2)], 0.7)
    for parameter in net.parameters():
        parameter.data = 1.5 * torch.randn_like(parameter)
    return net.double().requires_grad_(False)


def exact_least(net: EulerNet, row: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The least ⟨row, y_2⟩ over the box: a linear program on every pattern of both steps' activations."""
    layers = [[part.weight.numpy() for part in (f.module[0], f.module[2])] for f in net.fields]  # type: ignore[union-attr,index]
    biases = [[part.bias.numpy() for part in (f.module[0], f.module[2])] for f in net.fields]  # type: ignore[union-attr,index]
    best = np.inf
    for pattern in itertools.product((0.0, 1.0), repeat=2 * HIDDEN):
        matrix, offset, rows, sides = np.eye(STATE), np.zeros(STATE), [], []
        for step in range(2):
            on = np.array(pattern[step * HIDDEN : (step + 1) * HIDDEN])
            inner, inner_offset = layers[step][0] @ matrix, layers[step][0] @ offset + biases[step][0]
            sign = 1.0 - 2.0 * on
            rows.append(sign[:, None] * inner)
            sides.append(-sign * inner_offset)
            matrix = matrix + 0.7 * layers[step][1] @ (on[:, None] * inner)
            offset = offset + 0.7 * (layers[step][1] @ (on * inner_offset) + biases[step][1])
        solved = linprog(
            row @ matrix, A_ub=np.vstack(rows), b_ub=np.hstack(sides), bounds=np.stack([low, high], axis=1)
        )
        if solved.status == 0:
            best = min(best, solved.fun + row @ offset)
    return best


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_the_search_settles_below_the_exact_least_value_and_not_above(seed: int) -> None:
    net = tiny(seed)
    network = RelaxedNetwork((net,), (STATE,))
    region = region_around(torch.full((1, STATE), 0.5).double(), torch.tensor([0.5]).double(), "Linf")
    row = torch.randn(STATE, dtype=torch.float64)
    least = exact_least(net, row.numpy(), region.lower[0].numpy(), region.upper[0].numpy())
    enclosure = network.enclosed(region)
    root = float(network.lower(enclosure, row[None, None]).bound)
    assert root <= least + 1e-9
    room = 1e-3 * (least - root) + 1e-6
    search = BranchAndBound(network.graph, enclosure)
    looks = iter(range(200))
    for threshold, holds in ((least - room, True), (least + room, False)):
        outcome = search.search(
            row[None], torch.tensor([threshold], dtype=torch.float64), go_on=lambda: next(looks, None) is not None
        )
        assert outcome.settled is holds
        assert outcome.domains >= 1


def test_a_search_without_time_settles_nothing() -> None:
    net = tiny(0)
    network = RelaxedNetwork((net,), (STATE,))
    region = region_around(torch.full((1, STATE), 0.5).double(), torch.tensor([0.5]).double(), "Linf")
    outcome = BranchAndBound(network.graph, network.enclosed(region)).search(
        torch.ones((1, STATE)).double(), torch.tensor([1e6]).double(), go_on=lambda: False
    )
    assert not outcome.settled
    assert outcome.bound < 0.0


@pytest.mark.parametrize("activation", [nn.Tanh, nn.Hardtanh, nn.LeakyReLU])
def test_other_activations_are_cut_too(activation: type[nn.Module]) -> None:
    torch.manual_seed(1)
    net = EulerNet(dense_field(STATE, 6, activation=activation), 0.8, 2)
    for parameter in net.parameters():
        parameter.data = 1.2 * torch.randn_like(parameter)
    net = net.double().requires_grad_(False)
    network = RelaxedNetwork((net,), (STATE,))
    region = region_around(torch.full((1, STATE), 0.5).double(), torch.tensor([0.4]).double(), "Linf")
    grid = torch.cartesian_prod(*[torch.linspace(0.1, 0.9, 81, dtype=torch.float64)] * STATE)
    least = float(net(grid)[:, 0].min())
    row = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    enclosure = network.enclosed(region)
    root = float(network.lower(enclosure, row[None]).bound)
    threshold = least - 0.5 * (least - root)
    assert root < threshold
    looks = iter(range(40))
    outcome = BranchAndBound(network.graph, enclosure).search(
        row, torch.tensor([threshold], dtype=torch.float64), go_on=lambda: next(looks, None) is not None
    )
    assert outcome.settled


def with_one_field() -> EulerNet:
    torch.manual_seed(4)
    net = EulerNet(dense_field(4, 12), 0.3, 5)
    for parameter in net.parameters():
        parameter.data = 0.8 * torch.randn_like(parameter)
    return net.double().requires_grad_(False)


def test_the_scores_sum_to_what_the_lines_cost_where_the_bound_is_least(monkeypatch: pytest.MonkeyPatch) -> None:
    """At that corner the network's value less the bound is the sum over all entries, each cut counted once."""
    monkeypatch.setattr(branching_scores, "LARGEST", 0.0)
    monkeypatch.setattr(branching_scores, "EARLIER", 1.0)
    net = with_one_field()
    network = RelaxedNetwork((net,), (4,))
    region = region_around(torch.rand((4, 4)).double(), torch.full((4,), 0.5).double(), "Linf")
    found, graph = network.enclosed(region), network.graph
    rows = torch.randn((4, 1, 4), dtype=torch.float64)
    lines = fixed_lines(graph, found, graph.output)
    reached = lower_bounds(graph, found, graph.output, rows, lines)
    scores = branching_scores.branching_scores(graph, found, lines, reached.coefficients)
    corner = torch.where(reached.coefficients[0][:, 0] > 0, region.lower, region.upper)
    cost = (net(corner) * rows[:, 0]).sum(dim=1) - reached.bound[:, 0]
    assert bool((cost > 1e-3).all())
    assert torch.allclose(sum(score.sum(dim=1) for score in scores.values()), cost, atol=1e-9)  # type: ignore[arg-type]


def test_conditions_sharpen_the_intervals_of_later_steps() -> None:
    """Steps that share a field: with multipliers in the intervals fewer domains are left."""
    net = with_one_field()
    network = RelaxedNetwork((net,), (4,))
    region = region_around(torch.full((1, 4), 0.5).double(), torch.tensor([0.3]).double(), "Linf")
    points = region.lower + (region.upper - region.lower) * torch.rand((4000, 4)).double()
    row = torch.ones((1, 4), dtype=torch.float64)
    least, enclosure = float((net(points) @ row[0]).min()), network.enclosed(region)
    root = float(network.lower(enclosure, row[None]).bound)
    threshold = torch.tensor([least - 0.3 * (least - root)], dtype=torch.float64)
    outcomes = {}
    for steps in (0, 8):
        search = BranchAndBound(network.graph, enclosure, intervals_ascent=Ascent(steps=steps))
        looks = iter(range(30))
        outcomes[steps] = search.search(row, threshold, go_on=lambda looks=looks: next(looks, None) is not None)
    assert outcomes[8].settled
    assert outcomes[8].domains < outcomes[0].domains
