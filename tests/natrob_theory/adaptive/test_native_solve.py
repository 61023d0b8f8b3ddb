"""The adaptive solve in C++ is the Python driver's: the same bits and records, gradients to rounding."""

import copy
import pickle
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields as dataclass_fields
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call

import natrob_theory.adaptive.native_solve as native_module
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    ButcherTableau,
    IntegrationError,
    IntegrationWarning,
    NeuralODE,
    SolveRecord,
    broadcast_time,
)
from natrob_theory.native import extension, native_status

pytestmark = pytest.mark.skipif(extension() is None, reason=f"no compiled extension: {native_status().reason}")

KINDS = ("direct", "checkpointed", "adjoint")


class Timed(nn.Module):
    """Looks at t, and takes an operation that is pulled back through autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 9), nn.Linear(9, 4)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.second(torch.sin(self.first(state))) - broadcast_time(time, state) * state


class Dense(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 4))
        self.unused = nn.Parameter(torch.ones(2))

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.layers(state)


class Image(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1))

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.layers(state)


SHAPES: dict[type[nn.Module], tuple[int, ...]] = {Timed: (4,), Dense: (4,), Image: (2, 3, 3)}


def problem(kind: type[nn.Module], seed: int, size: float, dtype: torch.dtype, batch: int = 5) -> tuple[Any, Tensor]:
    """A field with weights `size` times torch's, and starts of unlike sizes, so that samples end one by one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        field = kind().to(dtype)
        y0 = torch.randn(batch, *SHAPES[kind], dtype=dtype)
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.mul_(size)
    return field, y0 * torch.linspace(0.1, 3.0, batch, dtype=dtype).view(-1, *[1] * (y0.dim() - 1))


@contextmanager
def in_python() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_module, "extension", lambda: None)
        yield


def require_same_records(one: SolveRecord | None, other: SolveRecord | None) -> None:
    assert one is not None
    assert other is not None
    assert one.native
    assert not other.native
    for field in dataclass_fields(SolveRecord):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(ours, Tensor):
            torch.testing.assert_close(ours, theirs, rtol=0.0, atol=0.0, equal_nan=True)
        elif field.name != "native":
            assert ours == theirs


def gradients(net: NeuralODE, y0: Tensor, *, of_start: bool = True) -> tuple[Tensor, list[Tensor | None]]:
    """y(T), and the gradients of a weighted sum of its finite rows in y_0 and the parameters."""
    point = y0.clone().requires_grad_(of_start)
    final = net(point)
    weights = torch.linspace(-1.0, 1.0, final.numel(), dtype=final.dtype).view(final.shape)
    wanted = [*([point] if of_start else []), *net.field.parameters()]
    value = (final * weights).nan_to_num(nan=0.0).sum()
    return final.detach(), list(torch.autograd.grad(value, wanted, allow_unused=True))


def require_close(found: list[Tensor | None], expected: list[Tensor | None], spacings: float) -> None:
    """Equal up to so many spacings of the largest entry."""
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            allowed = spacings * torch.finfo(one.dtype).eps * max(float(other.abs().max()), 1e-30)
            torch.testing.assert_close(one, other, rtol=0.0, atol=allowed)


FIELDS = st.sampled_from(list(SHAPES))
TABLEAUS = st.sampled_from([DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE, HEUN_EULER])
DTYPES = st.sampled_from([torch.float32, torch.float64])


@settings(max_examples=12)
@given(
    kind=FIELDS,
    tableau=TABLEAUS,
    dtype=DTYPES,
    seed=st.integers(0, 999),
    size=st.sampled_from([1.0, 3.0]),
    end=st.sampled_from([2.0, -1.5]),
    gradient=st.sampled_from(["direct", "checkpointed"]),
    cap=st.sampled_from([None, 0.3, 0.05]),
)
def test_values_and_records_are_the_drivers_bit_for_bit_and_gradients_to_rounding(
    kind: type[nn.Module],
    tableau: ButcherTableau,
    dtype: torch.dtype,
    seed: int,
    size: float,
    end: float,
    gradient: Any,
    cap: float | None,
) -> None:
    """Both sum the same terms; C++ sums over stages by a matrix product, which rounds otherwise."""
    field, y0 = problem(kind, seed, size, dtype)
    tolerance = 1e-4 if tableau is not BOGACKI_SHAMPINE else 1e-3
    net = NeuralODE(field, end, rtol=tolerance, atol=tolerance, tableau=tableau, gradients=gradient, max_step_size=cap)
    final, found = gradients(net, y0)
    record = net.last_solve
    with torch.no_grad():
        torch.testing.assert_close(net(y0), final, rtol=0.0, atol=0.0)
    with in_python():
        expected_final, expected = gradients(net, y0)
        torch.testing.assert_close(final, expected_final, rtol=0.0, atol=0.0)
        require_same_records(record, net.last_solve)
    require_close(found, expected, 400.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("start", [0.0, 0.7, -1000.0])
def test_steps_under_a_cap_end_where_the_drivers_do(dtype: torch.dtype, start: float) -> None:
    """No step exceeds H as an exact difference, in float64 and in the state's dtype; stretched last ones among them."""
    field, y0 = problem(Dense, 11, 1.0, dtype)
    for ratio, sign in product((1.0, 1.02, 1.04, 1.06, 1.96, 3.04, 20.3), (1.0, -1.0)):
        net = NeuralODE(
            field, start + sign * ratio * 0.1, start_time=start, max_step_size=0.1 - 1e-12, rtol=1.0, atol=1.0
        )
        final = net(y0)
        record = net.last_solve
        with in_python():
            torch.testing.assert_close(net(y0), final, rtol=0.0, atol=0.0)
            require_same_records(record, net.last_solve)
        assert record is not None
        for time, later in pairwise(record.times[:, 0].tolist()):
            assert abs(Fraction(later) - Fraction(time)) <= Fraction(0.1 - 1e-12)
            assert abs(float(torch.tensor(later - time, dtype=torch.float64).to(dtype))) <= 0.1 - 1e-12


@settings(max_examples=8)
@given(kind=FIELDS, tableau=TABLEAUS, dtype=DTYPES, seed=st.integers(0, 999), end=st.sampled_from([2.0, -1.5]))
def test_the_adjoint_is_pythons_to_rounding(
    kind: type[nn.Module], tableau: ButcherTableau, dtype: torch.dtype, seed: int, end: float
) -> None:
    """Sizes of pieces follow an error that is a small difference, so rounding moves them, and a by a share of 1e-3."""
    field, y0 = problem(kind, seed, 2.0, dtype)
    net = NeuralODE(field, end, rtol=1e-3, atol=1e-3, tableau=tableau, gradients="adjoint")
    final, found = gradients(net, y0)
    with in_python():
        expected_final, expected = gradients(net, y0)
    torch.testing.assert_close(final, expected_final, rtol=0.0, atol=0.0)
    require_close(found, expected, (1e-8 if dtype is torch.float64 else 1e-3) / torch.finfo(dtype).eps)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_get_all_their_gradient_where_the_start_needs_none(kind: Any) -> None:
    field, y0 = problem(Dense, 1, 2.0, torch.float64)
    net = NeuralODE(field, 2.0, gradients=kind)
    _, with_start = gradients(net, y0)
    _, without = gradients(net, y0, of_start=False)
    require_close(without, with_start[1:], 4.0)
    with in_python():
        require_close(without, gradients(net, y0, of_start=False)[1], 400.0)


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_the_drivers(kind: Any) -> None:
    field, y0 = problem(Timed, 2, 2.0, torch.float64, batch=3)
    net = NeuralODE(field, 1.0, gradients=kind)

    def second() -> list[Tensor | None]:
        point = y0.clone().requires_grad_()
        (first,) = torch.autograd.grad(net(point).square().sum(), point, create_graph=True)
        return list(torch.autograd.grad(first.square().sum(), [point, *field.parameters()]))

    found = second()
    with in_python():
        require_close(found, second(), 1e4)


def test_a_jacobian_of_many_cotangents_at_once_is_that_of_one_after_another() -> None:
    field, y0 = problem(Dense, 3, 2.0, torch.float64, batch=2)
    net = NeuralODE(field, 1.0)
    together = torch.autograd.functional.jacobian(net, y0, vectorize=True)
    torch.testing.assert_close(together, torch.autograd.functional.jacobian(net, y0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_given_for_one_call_get_the_gradient(kind: Any) -> None:
    field, y0 = problem(Dense, 4, 2.0, torch.float64)
    net = NeuralODE(field, 1.0, gradients=kind)
    scale = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    given = {name: parameter.detach() * scale for name, parameter in net.named_parameters()}

    def slope() -> tuple[Tensor, Tensor]:
        (first,) = torch.autograd.grad(functional_call(net, given, y0).sum(), scale, create_graph=True)
        (second,) = torch.autograd.grad(first, scale, retain_graph=True)
        return first.detach(), second

    found = slope()
    assert net.last_solve is not None
    assert net.last_solve.native
    # In Python, those that evaluate the module again in backward would find its own parameters there.
    net = NeuralODE(field, 1.0)
    with in_python():
        first, second = slope()
    torch.testing.assert_close(found[0], first, rtol=1e-2 if kind == "adjoint" else 1e-12, atol=0.0)
    torch.testing.assert_close(found[1], second, rtol=1e-10, atol=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_that_fail_are_recorded_alike_and_spoil_no_gradient(kind: Any) -> None:
    """The flow of the cube blows up: early from a large state, not at all from a small one."""

    class Cubic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3, bias=False, dtype=torch.float64)
            nn.init.eye_(self.layer.weight)

        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return self.layer(state) * state * state

    y0 = torch.tensor([[0.1] * 3, [3.0] * 3, [0.2, 0.1, 0.0], [9.0] * 3], dtype=torch.float64)
    net = NeuralODE(Cubic(), 1.0, gradients=kind, on_failure="warn", max_num_steps=60)
    with pytest.warns(IntegrationWarning):
        final, found = gradients(net, y0)
    record = net.last_solve
    with in_python(), pytest.warns(IntegrationWarning):
        expected_final, expected = gradients(net, y0)
    torch.testing.assert_close(final, expected_final, rtol=0.0, atol=0.0, equal_nan=True)
    assert record is not None
    assert len({*record.status}) > 1
    require_same_records(record, net.last_solve)
    require_close(found, expected, 2000.0)


def overflow_message(net: NeuralODE, y0: Tensor) -> str:
    """The message of a backward pass from gradients so large that a overflows."""
    final = net(y0.clone().requires_grad_())
    with pytest.raises(IntegrationError, match="the adjoint solve") as caught:
        final.backward(torch.full_like(final, 1e308))
    return str(caught.value)


def test_an_adjoint_that_cannot_go_back_raises_pythons_error() -> None:
    field, y0 = problem(Dense, 5, 4.0, torch.float64)
    net = NeuralODE(field, 6.0, rtol=1e-3, atol=1e-3, gradients="adjoint")
    found = overflow_message(net, y0)
    with in_python():
        assert found == overflow_message(net, y0)


def test_what_is_changed_before_backward_is_noticed() -> None:
    field, y0 = problem(Dense, 6, 1.0, torch.float64)
    final = NeuralODE(field, 1.0)(y0)
    with torch.no_grad():
        field.layers[0].weight.mul_(1.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        final.sum().backward()


def test_a_graph_is_let_go_after_one_backward_pass() -> None:
    field, y0 = problem(Dense, 7, 1.0, torch.float64)
    final = NeuralODE(field, 1.0)(y0)
    final.sum().backward(retain_graph=True)
    final.sum().backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        final.sum().backward()


def test_the_notes_do_not_keep_the_result_alive() -> None:
    net, y0 = NeuralODE(Dense(), 1.0), torch.randn(3, 4)
    final = net(y0)
    seen = weakref.ref(final)
    del final
    assert seen() is None


def test_a_network_is_copied_and_pickled_with_its_notes() -> None:
    net, y0 = NeuralODE(Dense(), 1.0), torch.randn(3, 4)
    net(y0)
    copies = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
    with in_python():
        same = NeuralODE(net.field, 1.0)
        same(y0)
    for other in copies:
        require_same_records(other.last_solve, same.last_solve)


def test_the_gradient_of_the_start_alone_is_the_same() -> None:
    field, y0 = problem(Dense, 8, 2.0, torch.float64)
    net, point = NeuralODE(field, 1.0), y0.clone().requires_grad_()
    (alone,) = torch.autograd.grad(net(point).sum(), point)
    net(point).sum().backward()
    assert point.grad is not None
    torch.testing.assert_close(alone, point.grad, rtol=0.0, atol=0.0)


@pytest.mark.parametrize(
    "change",
    [
        {"jump_times": (0.5,)},
        {"rtol": torch.full((4,), 1e-3, dtype=torch.float64)},
        {"event": lambda _time, state: state[:, 0] - 10.0},
    ],
)
def test_what_the_loop_does_not_know_stays_in_python(change: dict[str, Any]) -> None:
    field, y0 = problem(Dense, 9, 1.0, torch.float64)
    net = NeuralODE(field, 1.0, **change)
    net(y0)
    assert net.last_solve is not None
    assert not net.last_solve.native


def test_times_too_coarse_for_the_dtype_are_left_to_the_driver() -> None:
    """A field that looks at t fails there as in Python; one that does not is solved in C++."""
    start = 2.0**24
    timed, y0 = problem(Timed, 10, 1.0, torch.float32)
    net = NeuralODE(timed, start + 1.0, start_time=start, on_failure="warn")
    with pytest.warns(IntegrationWarning, match="cannot tell the times"):
        net(y0)
    assert net.last_solve is not None
    assert not net.last_solve.native
    plain, y0 = problem(Dense, 10, 1.0, torch.float32)
    net = NeuralODE(plain, start + 1.0, start_time=start)
    final = net(y0)
    record = net.last_solve
    with in_python():
        torch.testing.assert_close(net(y0), final, rtol=0.0, atol=0.0)
        require_same_records(record, net.last_solve)
