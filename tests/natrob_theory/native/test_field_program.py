"""Programs of fields: the bits of their modules, with and without a graph, and a reason where there is none."""

import gc
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations

from natrob_theory import broadcast_time
from natrob_theory.fields import (
    AutonomousField,
    DissipativeField,
    FunctionField,
    GradientFlowField,
    ScaledField,
    SkewSymmetricField,
    SumField,
)
from natrob_theory.native import NotNativeError, field_program, refusal_of, require_plain_state

TIME = torch.tensor(0.75)


class _Timed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 6) / 3)
        self.rate = 0.5

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        drift = broadcast_time(time, state) * state
        return self.rate * torch.sin(state @ self.weight.t()) - drift / 3 + 0.25


class _Written(nn.Module):
    """Shows one way of writing a layer by hand after another."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.shift: Tensor
        self.register_buffer("shift", torch.randn(6))

    def helper(self, state: Tensor) -> Tensor:
        return F.relu(self.inner(state)).neg() + self.shift

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return F.linear(self.helper(state), self.inner.weight, self.inner.bias) * 2 - state


class _Listed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6)])

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        for layer in self.layers:
            state = layer(state)
        return state


def _dense(*middle: nn.Module) -> nn.Module:
    return AutonomousField(nn.Sequential(nn.Linear(6, 6), *middle, nn.Linear(6, 6)))


def _image(*layers: nn.Module) -> nn.Module:
    return AutonomousField(nn.Sequential(*layers))


FIELDS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "two layers": (lambda: _dense(nn.Tanh()), (6,)),
    "activations": (
        lambda: _dense(
            nn.ReLU(), nn.Sigmoid(), nn.Softplus(), nn.ELU(0.5), nn.SiLU(), nn.GELU(), nn.LeakyReLU(), nn.Hardtanh()
        ),
        (6,),
    ),
    "a hidden axis": (lambda: _dense(nn.Tanh(), nn.Identity(), nn.Dropout(0.5)).eval(), (3, 6)),
    "convolutions": (
        lambda: _image(nn.Conv2d(4, 6, 3, padding=1, bias=False), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv2d(6, 4, 1)),
        (4, 5, 5),
    ),
    "a normalisation at rest": (lambda: _image(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)).eval(), (4, 5, 5)),
    "time": (_Timed, (6,)),
    "functions": (_Written, (6,)),
    "a gradient flow": (lambda: GradientFlowField.dense(6, 9, activation=nn.Tanh), (6,)),
    "a convolutional gradient flow": (lambda: GradientFlowField.convolutional(4, 5), (4, 5, 5)),
    "a sum": (
        lambda: SumField(
            [
                DissipativeField(SkewSymmetricField.dense(6), 0.5),
                ScaledField(GradientFlowField.dense(6, 9), 0.5),
            ]
        ),
        (6,),
    ),
    "layers in a list": (_Listed, (6,)),
    "a lambda": (lambda: FunctionField(lambda t, y: torch.cos(y) * t - y), (6,)),
}


def _case(name: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, Tensor]:
    make, shape = FIELDS[name]
    return make().to(dtype), torch.randn(5, *shape, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", FIELDS)
def test_a_program_has_the_bits_of_its_field(compiled: ModuleType, name: str, dtype: torch.dtype) -> None:
    field, state = _case(name, dtype)
    program = field_program(field, compiled)
    assert program is not None, refusal_of(field)
    time = TIME.to(dtype)
    with torch.no_grad():
        assert compiled.same_bits(program.bound(state).evaluate(time, state), field(time, state))
    assert compiled.same_bits(program.bound(state).evaluate(time, state).detach(), field(time, state).detach())


@pytest.mark.parametrize("name", FIELDS)
def test_the_graph_of_a_program_has_the_gradients_of_its_field(compiled: ModuleType, name: str) -> None:
    field, state = _case(name)
    program = field_program(field, compiled)
    assert program is not None
    weights = list(field.parameters())
    state.requires_grad_()
    both = []
    for value in (program.bound(state).evaluate(TIME, state), field(TIME, state)):
        first = torch.autograd.grad(value.square().sum(), [state, *weights], create_graph=True)
        second = torch.autograd.grad(first[0].square().sum(), [state], allow_unused=True)
        both.append([*first, *(part for part in second if part is not None)])
    for own, expected in zip(*both, strict=True):
        assert torch.equal(own, expected)


@pytest.mark.parametrize("name", FIELDS)
def test_a_pull_gives_the_gradients_of_autograd(compiled: ModuleType, name: str) -> None:
    field, state = _case(name, torch.float64)
    program = field_program(field, compiled)
    assert program is not None
    time, cotangent = TIME.double(), torch.randn_like(state)
    of_state, of_weights = program.bound(state).pull(time, state, cotangent)
    weights = program.parameters(state)
    point = state.clone().requires_grad_()
    wanted = [weight for weight in weights if weight.requires_grad]
    expected = torch.autograd.grad(field(time, point), [point, *wanted], cotangent)
    torch.testing.assert_close(of_state, expected[0])
    given = [gradient for weight, gradient in zip(weights, of_weights, strict=True) if weight.requires_grad]
    for own, other in zip(given, expected[1:], strict=True):
        torch.testing.assert_close(own, other)
    assert all(one is None for weight, one in zip(weights, of_weights, strict=True) if not weight.requires_grad)


def test_parameters_are_read_anew_for_every_solve(compiled: ModuleType) -> None:
    field, state = _case("two layers")
    program = field_program(field, compiled)
    assert program is not None

    def agrees() -> bool:
        assert field_program(field, compiled) is program
        return compiled.same_bits(program.bound(state).evaluate(TIME, state).detach(), field(TIME, state).detach())

    first = field.get_submodule("module.0")
    first.weight = nn.Parameter(torch.randn(6, 6))
    assert agrees()
    others = {name: torch.randn_like(weight) for name, weight in field.named_parameters()}
    seen = []

    class Outside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.field = field

        def forward(self) -> Tensor:
            seen.append(agrees())
            return state

    functional_call(Outside(), {f"field.{name}": weight for name, weight in others.items()}, ())
    assert seen == [True]


def test_a_program_is_made_anew_when_its_field_changes(compiled: ModuleType) -> None:
    field = _Timed()
    state = torch.randn(5, 6)
    program = field_program(field, compiled)
    field.rate = 0.125
    other = field_program(field, compiled)
    assert other is not None
    assert other is not program
    with torch.no_grad():
        assert compiled.same_bits(other.bound(state).evaluate(TIME, state), field(TIME, state))


def test_a_layer_that_is_exchanged_in_a_list_is_noticed(compiled: ModuleType) -> None:
    field, state = _Listed(), torch.randn(5, 6)
    program = field_program(field, compiled)
    field.layers[1] = nn.ReLU()
    other = field_program(field, compiled)
    assert other is not None
    assert other is not program
    with torch.no_grad():
        assert compiled.same_bits(other.bound(state).evaluate(TIME, state), field(TIME, state))


def test_a_program_does_not_keep_its_field_alive(compiled: ModuleType) -> None:
    field = _dense(nn.Tanh())
    assert field_program(field, compiled) is not None
    gone = weakref.ref(field)
    del field
    gc.collect()
    assert gone() is None


class _Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.evaluations = 0

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        self.evaluations += 1
        return -state


def _hooked() -> nn.Module:
    field = _dense(nn.Tanh())
    field.get_submodule("module.1").register_forward_hook(lambda *_: None)
    return field


def _branching(time: Tensor, state: Tensor) -> Tensor:
    return state if state.sum() > 0 else -state


def _kind(time: Tensor, state: Tensor) -> Tensor:
    return -state if isinstance(state, Tensor) else state


def _unrecorded(time: Tensor, state: Tensor) -> Tensor:
    with torch.no_grad():
        return -state


NOTED: list[int] = []


def _noting(time: Tensor, state: Tensor) -> Tensor:
    NOTED.append(1)
    return -state


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "counts its evaluations": (_Counting, "store_attr"),
    "has hooks": (_hooked, "hooks"),
    "branches on its state": (lambda: FunctionField(_branching), "cannot be traced"),
    "asks for a type": (lambda: FunctionField(_kind), "isinstance"),
    "changes the mode": (lambda: FunctionField(_unrecorded), "with"),
    "writes into a list": (lambda: FunctionField(_noting), "NOTED"),
    "draws": (lambda: FunctionField(lambda t, y: y * torch.rand(6)), "no parameter"),
    "drops out": (lambda: _dense(nn.Dropout(0.5)), "random"),
    "normalises by the batch": (lambda: _dense(nn.BatchNorm1d(6)), "batch"),
    "writes into its input": (lambda: _dense(nn.ReLU(inplace=True)), "writes"),
    "is parametrized": (lambda: AutonomousField(parametrizations.weight_norm(nn.Linear(6, 6))), "Parametrized"),
    "uses another operation": (lambda: FunctionField(lambda t, y: torch.cumsum(y, 1)), "cumsum"),
    "detaches": (lambda: FunctionField(lambda t, y: -y.detach()), "detach"),
    "asks for shapes": (lambda: FunctionField(lambda t, y: y / y.shape[1]), "getattr"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_field_stays_in_python_where_it(compiled: ModuleType, name: str) -> None:
    make, reason = REFUSED[name]
    field = make()
    assert field_program(field, compiled) is None
    assert reason in refusal_of(field)


def test_a_refused_field_is_mentioned_once(compiled: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    class Refused(_Counting):
        pass

    fields = [Refused(), Refused()]
    with caplog.at_level("INFO", logger="natrob_theory.native"):
        for field in (*fields, *fields):
            assert field_program(field, compiled) is None
    assert [record.message for record in caplog.records if "Refused" in record.message] == [
        f"the field Refused is evaluated in Python: {refusal_of(fields[0])}"
    ]


def test_only_plain_states_in_plain_circumstances_are_taken() -> None:
    state = torch.ones(2, 6)
    require_plain_state(state)
    with pytest.raises(NotNativeError, match="float16"):
        require_plain_state(state.half())
    with pytest.raises(NotNativeError, match="autocast"), torch.autocast("cpu"):
        require_plain_state(state)
    with pytest.raises(NotNativeError, match="mode"), torch.overrides.BaseTorchFunctionMode():
        require_plain_state(state)
    with pytest.raises(NotNativeError, match="plain tensor"):
        torch.vmap(require_plain_state)(state)
    with pytest.raises(NotNativeError, match="_Own"):
        require_plain_state(state.as_subclass(_Own))
    with pytest.raises(NotNativeError, match="plain tensor"):
        require_plain_state(state.to("meta"))


class _Own(Tensor):
    pass
