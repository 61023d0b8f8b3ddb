"""Workloads whose size can grow in batch, steps or state: for measuring how time and memory grow with it."""

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor

from benchmarks.adaptive_sizes import sized_solve
from benchmarks.states import SEED
from natrob_theory import AbstractIntegratorNet, RevNet, RungeKuttaNet, convolutional_field, measure_divergence
from natrob_theory.networks.rev_net import Memory

BATCH, STEPS, CHANNELS, HEIGHT, WIDTH = 32, 4, 16, 16, 16
SIZES: dict[str, dict[str, int]] = {
    "base": {},
    "batch": {"batch": 10 * BATCH},
    "steps": {"steps": 10 * STEPS},
    "state": {"width": 10 * WIDTH},
}
MEMORIES: tuple[Memory, ...] = get_args(Memory)
SOLVE = "solve"
"""Begins the names of adaptive solves: "solve:CONTESTANT:PASSES/SIZE", see `benchmarks.adaptive_sizes`."""
KINDS = ("forward", "training", "divergence", *(f"revnet-{memory}" for memory in MEMORIES))


def build_workload(name: str, *, batch: int | None = None) -> Callable[[], object]:
    """The workload "KIND/SIZE", ready to run: a kind of `KINDS`, a size of `SIZES`; or an adaptive solve.

    `batch` replaces the size's.
    """
    kind, size = name.split("/")
    if kind.startswith(SOLVE):
        _, contestant, passes = kind.split(":")
        return sized_solve(contestant, passes, size, batch=batch)
    settings = SIZES[size] if batch is None else SIZES[size] | {"batch": batch}
    steps = settings.get("steps", STEPS)
    shape = (settings.get("batch", BATCH), CHANNELS, HEIGHT, settings.get("width", WIDTH))
    y0 = torch.randn(shape, generator=torch.Generator().manual_seed(SEED))
    net = _net(kind, steps)
    if kind == "forward":
        return torch.no_grad()(lambda: net(y0))
    if kind == "divergence":
        epsilon = 0.01 * y0
        return lambda: measure_divergence(net, y0, epsilon)
    return lambda: _gradients(net, y0)


def _net(kind: str, steps: int) -> AbstractIntegratorNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        for memory in MEMORIES:
            if kind == f"revnet-{memory}":
                pair = (convolutional_field(CHANNELS // 2, CHANNELS), convolutional_field(CHANNELS // 2, CHANNELS))
                return RevNet(pair, 0.1, steps, memory=memory)
        return RungeKuttaNet(convolutional_field(CHANNELS, CHANNELS), 0.1, steps)


def _gradients(net: AbstractIntegratorNet, y0: Tensor) -> object:
    return torch.autograd.grad(net(y0).square().sum(), list(net.parameters()))
