"""Traces a field once, symbolically, into the instructions of a program."""

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import torch.fx
from torch import Tensor, nn
from torch.fx import Node, Proxy
from torch.fx.node import map_arg
from torch.nn.utils.parametrize import is_parametrized

from natrob_theory.native.audited_code import audit_module
from natrob_theory.native.operations import FUNCTIONS, LAYERS, METHODS, Operand, Stacked, Step
from natrob_theory.native.refusal import NotNativeError


@final
@dataclass(frozen=True, kw_only=True)
class TracedField:
    """Holds the findings of a trace.

    Attributes:
        instructions: name, inputs, numbers, integers of each, as field.h has them.
        output: the register of the result.
        slots: where each parameter is read: a module and the name of its parameter or buffer.
        modules: all that the trace went through.
    """

    instructions: list[tuple[str, list[int], list[float], list[int]]]
    output: int
    slots: list[tuple[nn.Module, str]]
    modules: list[nn.Module]


def trace(field: nn.Module) -> TracedField:
    """The program of f(t, y).

    Raises:
        NotNativeError: an operation is not among those of `operations`, or the field's code may do more than compute.
    """
    tracer = _FieldTracer(field)

    def called(time: Any, state: Any) -> Any:  # as a whole: the trace of a module would begin behind its __call__
        return field(time, state)

    try:
        return _lowered(tracer.trace(called), tracer)
    except NotNativeError:
        raise
    except Exception as error:  # whatever symbolic values make of code that was written for tensors
        raise NotNativeError(f"it cannot be traced: {str(error).splitlines()[0] if str(error) else error!r}") from error


_CONTAINERS: Final = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
"""Modules that are never called, and whose content a field's code goes through."""


class _FieldTracer(torch.fx.Tracer):
    """Goes through modules of any class, audits their code, and keeps known layers whole."""

    def __init__(self, field: nn.Module) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.modules: dict[int, nn.Module] = {}
        self.layers: dict[str, nn.Module] = {}
        self.tensors: dict[int, tuple[nn.Module, str]] = {}
        self.slots: dict[str, tuple[nn.Module, str]] = {}
        self._enter(field)

    def _enter(self, module: nn.Module) -> None:
        """Audit a module before its code is run, and learn the names of its tensors."""
        if id(module) in self.modules:
            return
        self.modules[id(module)] = module
        if is_parametrized(module):
            raise NotNativeError(f"{type(module).__name__} has parametrizations")
        for name, tensor in (*module._parameters.items(), *module._buffers.items()):
            if tensor is not None:
                self.tensors.setdefault(id(tensor), (module, name))
        if type(module) in LAYERS:
            return
        containers = [child for child in module.children() if type(child) in _CONTAINERS]
        for reached in [*audit_module(module), *containers]:
            self._enter(reached)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A layer as one node; else what its code does."""
        if threading.get_ident() != self.thread:  # the symbols of this trace are no business of other threads
            return forward(*args, **kwargs)
        self._enter(m)
        if type(m) not in LAYERS:
            return inspect.unwrap(type(m).forward)(m, *args, **kwargs)  # symbols would not pass a check of types
        name = f"layer{len(self.layers)}"
        self.layers[name] = m
        return self.create_proxy("call_module", name, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Proxy]) -> Any:
        """A symbol for a module's parameter or buffer."""
        if isinstance(attr_val, Tensor) and threading.get_ident() == self.thread and id(attr_val) in self.tensors:
            return self.create_proxy("get_attr", self._slot(attr_val), (), {})
        return attr_val

    def create_arg(self, a: Any) -> Any:
        """As torch's, but that no tensor becomes a constant of the trace."""
        if isinstance(a, Tensor):
            if id(a) not in self.tensors:
                raise NotNativeError("it uses a tensor that is no parameter or buffer of its modules")
            return self.create_node("get_attr", self._slot(a), (), {})
        return super().create_arg(a)

    def _slot(self, tensor: Tensor) -> str:
        module, name = self.tensors[id(tensor)]
        label = f"slot_{id(module)}_{name}"
        self.slots[label] = (module, name)
        return label


class _Lowering:
    """Turns nodes into instructions over registers; parameters get theirs first."""

    def __init__(self, tracer: _FieldTracer) -> None:
        self.tracer = tracer
        self.slots: list[tuple[nn.Module, str]] = []
        self.steps: list[Step] = []
        self.known: dict[Node, Operand | Stacked] = {}

    def slot(self, module: nn.Module, name: str) -> Operand | None:
        """The register of a module's tensor, numbered −1, −2, … until all are known."""
        if module._parameters.get(name) is None and module._buffers.get(name) is None:
            return None
        places = [index for index, (owner, own) in enumerate(self.slots) if owner is module and own == name]
        if not places:
            self.slots.append((module, name))
            places = [len(self.slots) - 1]
        return Operand(-1 - places[0])

    def add(self, node: Node) -> None:
        """One node of the graph."""
        if node.op == "placeholder":
            if len(self.known) > 1:
                raise NotNativeError("it takes more than t and y")
            self.known[node] = Operand(len(self.known))
        elif node.op == "get_attr":
            found = self.slot(*self.tracer.slots[str(node.target)])
            assert found is not None
            self.known[node] = found
        elif node.op != "output":
            step = self._step(node)
            same = step.inputs[0] if isinstance(step, Step) and step.name == "same" else None
            self.known[node] = same or (self._appended(step) if isinstance(step, Step) else step)

    def _appended(self, step: Step) -> Operand:
        self.steps.append(step)
        return Operand(1 + len(self.steps))

    def _step(self, node: Node) -> Step | Stacked:
        arguments: Any = map_arg(node.args, self.known.__getitem__)
        named: Any = map_arg(node.kwargs, self.known.__getitem__)
        if node.op == "call_module":
            layer = self.tracer.layers[str(node.target)]
            if len(arguments) != 1 or named:
                raise NotNativeError(f"{type(layer).__name__} is called with more than its input")
            return LAYERS[type(layer)](layer, arguments[0], lambda name: self.slot(layer, name))
        rules: Any = FUNCTIONS if node.op == "call_function" else METHODS
        if node.target not in rules:
            raise NotNativeError(f"it uses {getattr(node.target, '__name__', node.target)}")
        return rules[node.target](*arguments, **named)


def _lowered(graph: torch.fx.Graph, tracer: _FieldTracer) -> TracedField:
    """The graph's nodes as instructions; registers of results move up by the number of parameters."""
    lowering = _Lowering(tracer)
    for node in graph.nodes:
        lowering.add(node)
    results = [node.args[0] for node in graph.nodes if node.op == "output"]
    if len(results) != 1 or not isinstance(results[0], Node):
        raise NotNativeError("it returns something else than one tensor that it computes")
    count = len(lowering.slots)

    def register(operand: Operand | None) -> int:
        if operand is None:
            return -1
        return 1 - operand.place if operand.place < 0 else operand.place + count * (operand.place > 1)

    result = lowering.known[results[0]]
    if not isinstance(result, Operand):
        raise NotNativeError("it returns a stack")
    return TracedField(
        instructions=[
            (step.name, [register(entry) for entry in step.inputs], list(step.numbers), list(step.integers))
            for step in lowering.steps
        ],
        output=register(result),
        slots=lowering.slots,
        modules=list(tracer.modules.values()),
    )
