"""Adaptive solves: evaluations, error at T, time beside the peers' and beside the bare field evaluations."""

import copy
from collections.abc import Callable

import torch
import torchdiffeq
from torch import Tensor

from benchmarks.adaptive_contestants import END_TIME, Contestant, contestants, natrob_net
from benchmarks.measurement import Row, interleaved_medians
from benchmarks.states import Problem, TimelessField, problems

SECTION = "adaptive solvers"
FORWARD_TARGETS = {"torchdiffeq": 0.5, "torchode": 0.95}
TRAINING_TARGETS = {"torchdiffeq": 0.7}
SMALL_FORWARD_TARGETS = {"torchode compiled": 0.36, "diffrax": 3.0}
SMALL_TRAINING_TARGETS = {"diffrax": 1.2}
FLOOR_TARGET = 1.05

SMALL_STATE_PROFILE = "the profile shows more time in the dispatch of small operations than in the field"
LARGE_STATE_PROFILE = (
    "the profile shows, after the convolutions, which meet colder caches than in the bare loop, the sums of the "
    "stages, their storing, fresh memory and the error norm, in this order"
)


def rows(*, quick: bool = False) -> list[Row]:
    """One group of lines per problem; about 100 seconds on two cores."""
    return [row for problem in problems() for row in _case(problem, quick=quick)]


def _case(problem: Problem, *, quick: bool) -> list[Row]:
    field = contestants()
    calls = {name: batch_sizes(one, problem) for name, one in field.items() if one.is_countable}
    return [
        *_evaluation_rows(problem, field, calls),
        *_error_rows(problem, field),
        *_forward_rows(problem, field, calls, problem.turns(quick=quick)),
        *_training_rows(problem, field, problem.turns(quick=quick)),
    ]


@torch.no_grad()
def batch_sizes(contestant: Contestant, problem: Problem) -> list[int]:
    """The batch size of every field evaluation of one solve."""
    sizes: list[int] = []

    class NotingField(TimelessField):
        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            sizes.append(len(state))
            return self.network(state)

    solve = contestant.prepare(NotingField(problem.field.network), problem.y0)
    sizes.clear()
    solve()
    return sizes


def floor(problem: Problem, sizes: list[int]) -> Callable[[], None]:
    """The bare field, evaluated on batches of these sizes."""
    states = [problem.y0[:size] for size in sizes]
    time = torch.zeros(())

    def evaluate() -> None:
        for state in states:
            problem.field(time, state)

    return evaluate


@torch.no_grad()
def _evaluation_rows(problem: Problem, field: dict[str, Contestant], calls: dict[str, list[int]]) -> list[Row]:
    net = natrob_net(problem.field)
    net(problem.y0)
    assert net.last_solve is not None
    mean = float(net.last_solve.evaluations.double().mean())
    made = len(calls["natrob"])
    remark = f"mean of the samples; natrob calls the field {made} times, on {sum(calls['natrob'])} samples in all"
    return [
        Row(
            section=SECTION,
            case=problem.name,
            subject=field["natrob"].label,
            peer=field[name].label,
            quantity=quantity,
            value=value / len(calls[name]),
            target=target,
            remark=note,
        )
        for name in calls
        if name != "natrob"
        for quantity, value, target, note in (
            ("evaluations a sample / peer's", mean, 1.0, f"{mean:.1f} / {len(calls[name])}: {remark}"),
            ("field calls / peer's", made, None, f"{made} / {len(calls[name])}"),
        )
    ]


@torch.no_grad()
def _error_rows(problem: Problem, field: dict[str, Contestant]) -> list[Row]:
    """The largest deviation of an entry of y(T) from a reference: fewer evaluations must not mean a larger error."""
    exact = reference(problem)
    solve_all = {name: one.prepare(problem.field, problem.y0) for name, one in field.items()}
    error = {name: float((solve().double() - exact).abs().max()) for name, solve in solve_all.items()}
    return [
        Row(
            section=SECTION,
            case=problem.name,
            subject=field["natrob"].label,
            peer=field[name].label,
            quantity="largest error at T / peer's",
            value=error["natrob"] / error[name],
            remark=f"{error['natrob']:.1e} / {error[name]:.1e}, against dopri5 at 1e-9 in float64",
        )
        for name in field
        if name != "natrob"
    ]


def _with_reason(remark: str, value: float, target: float | None, reason: str) -> str:
    return f"{remark}; {reason}" if target is not None and value > target else remark


@torch.no_grad()
def reference(problem: Problem) -> Tensor:
    """y(T) by torchdiffeq's dopri5 with rtol = atol = 1e-9 in float64."""
    field = copy.deepcopy(problem.field).double()
    times = torch.tensor([0.0, END_TIME], dtype=torch.float64)
    states = torchdiffeq.odeint(field, problem.y0.double(), times, rtol=1e-9, atol=1e-9, method="dopri5")
    assert isinstance(states, Tensor)
    return states[-1]


@torch.no_grad()
def _forward_rows(
    problem: Problem, field: dict[str, Contestant], calls: dict[str, list[int]], repeats: int
) -> list[Row]:
    solves: dict[str, Callable[[], object]] = {n: one.prepare(problem.field, problem.y0) for n, one in field.items()}
    floors = {f"floor of {name}": floor(problem, sizes) for name, sizes in calls.items()}
    seconds = interleaved_medians(solves | floors, repeats=repeats, warmup=_warmup(repeats))
    targets = FORWARD_TARGETS | (SMALL_FORWARD_TARGETS if problem.is_small else {})
    beside_peers = _time_rows(problem, field, seconds, "forward time / peer's", targets)
    target = FLOOR_TARGET if problem.is_largest else None
    return [
        *beside_peers,
        *(
            Row(
                section=SECTION,
                case=problem.name,
                subject=field[name].label if name == "natrob" else "(the peer)",
                peer="bare field evaluations" if name == "natrob" else field[name].label,
                quantity="forward time / its bare field evaluations",
                value=seconds[name] / seconds[f"floor of {name}"],
                target=target if name == "natrob" else None,
                remark=_with_reason(
                    f"{1e3 * seconds[name]:.2f} ms / {1e3 * seconds[f'floor of {name}']:.2f} ms",
                    seconds[name] / seconds[f"floor of {name}"],
                    target if name == "natrob" else None,
                    LARGE_STATE_PROFILE,
                ),
            )
            for name in calls
        ),
    ]


def _training_rows(problem: Problem, field: dict[str, Contestant], repeats: int) -> list[Row]:
    runs = {name: one.training(problem.field, problem.y0) for name, one in field.items()}
    seconds = interleaved_medians(runs, repeats=max(3, repeats // 2), warmup=_warmup(repeats))
    targets = TRAINING_TARGETS | (SMALL_TRAINING_TARGETS if problem.is_small else {})
    return _time_rows(problem, field, seconds, "forward + backward time / peer's", targets)


def _time_rows(
    problem: Problem,
    field: dict[str, Contestant],
    seconds: dict[str, float],
    quantity: str,
    targets: dict[str, float],
) -> list[Row]:
    return [
        Row(
            section=SECTION,
            case=problem.name,
            subject=field["natrob"].label,
            peer=field[name].label,
            quantity=quantity,
            value=seconds["natrob"] / seconds[name],
            target=targets.get(name),
            remark=_with_reason(
                f"{1e3 * seconds['natrob']:.2f} ms / {1e3 * seconds[name]:.2f} ms",
                seconds["natrob"] / seconds[name],
                targets.get(name),
                SMALL_STATE_PROFILE,
            ),
        )
        for name in field
        if name != "natrob"
    ]


def _warmup(repeats: int) -> int:
    """TorchScript optimises in the first calls."""
    return 5 if repeats > 10 else 2
