"""Finds what code uses from outside: tensors that were there before it, generators, and what it writes into."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor
from torch.autograd.graph import Node
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

UNCOUNTED_WRITERS: Final = (F.batch_norm, F.instance_norm)
"""They write into running statistics without torch's counting it."""


@final
class OuterTensors(TorchFunctionMode):
    """Takes note, while it is entered, of what torch's functions are given and did not make themselves.

    Tensors are known by identity, so a view of a weight leads to the weight. What a compiled function or a custom
    autograd function uses without handing it to torch is not seen here; `leaves_behind` finds it through the graph.

    Attributes:
        generators: torch.Generator objects that were drawn from.
        statistics: running statistics that a normalisation by the batch has changed, by identity.
        former_statistics: what they held before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.generators: list[Generator] = []
        self._made = WeakIdKeyDictionary()
        self._seen: dict[int, tuple[Tensor, int]] = {}
        self.statistics: dict[int, Tensor] = {}
        self.former_statistics: dict[int, Tensor] = {}
        self._birth = _latest_node_number()

    def take_as_made(self, tensors: Iterable[Tensor]) -> None:
        """Count these as made inside."""
        for tensor in tensors:
            self._made[tensor] = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Note the arguments and call the function."""
        kwargs = kwargs or {}
        given = [*_flattened(args), *_flattened(kwargs.values())]
        for item in given:
            if isinstance(item, Generator):
                self.generators.append(item)
            elif item not in self._made:
                self._seen.setdefault(id(item), (item, _version(item)))
        statistics = _outer_statistics(func, given, self._made)
        result = func(*args, **kwargs)
        for tensor, content in statistics:
            if not torch.equal(tensor, content):
                self.statistics[id(tensor)] = tensor
                self.former_statistics.setdefault(id(tensor), content)
        passed_on = {id(item) for item in given}
        self.take_as_made(
            item for item in _flattened((result,)) if isinstance(item, Tensor) and id(item) not in passed_on
        )
        return result

    @property
    def used(self) -> list[Tensor]:
        """All that were there before and require a gradient."""
        computed = {id(tensor) for tensor in self.computed}
        tensors = (tensor for tensor, _ in self._seen.values() if tensor.requires_grad)
        return [tensor for tensor in tensors if tensor.grad_fn is None or id(tensor) in computed]

    @property
    def computed(self) -> list[Tensor]:
        """Those with a graph of their own from before: results of other computations, such as a hypernetwork's."""
        tensors = (tensor for tensor, _ in self._seen.values())
        return [tensor for tensor in tensors if tensor.grad_fn is not None and _number(tensor.grad_fn) <= self._birth]

    @property
    def written(self) -> list[Tensor]:
        """Those whose content was changed, such as a normalisation's running statistics."""
        counted = (tensor for tensor, version in self._seen.values() if _version(tensor) != version)
        return list({id(tensor): tensor for tensor in (*counted, *self.statistics.values())}.values())


@final
class Substituted(TorchFunctionMode):
    """Hands torch's functions other tensors in the place of some."""

    def __init__(self, originals: Sequence[Tensor], substitutes: Sequence[Tensor]) -> None:
        super().__init__()
        self._originals = list(originals)  # alive, so that no other tensor gets the identity of one of them
        self._substitutes = {id(one): other for one, other in zip(originals, substitutes, strict=True)}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the function with the substitutes."""
        return func(*self._replaced(args), **self._replaced(dict(kwargs or {})))

    def _replaced(self, item: Any) -> Any:
        if isinstance(item, Tensor):
            return self._substitutes.get(id(item), item)
        if type(item) in (tuple, list):
            return type(item)(self._replaced(part) for part in item)
        if type(item) is dict:
            return {key: self._replaced(part) for key, part in item.items()}
        return item


def leaves_behind(result: Tensor, borders: Iterable[Tensor]) -> list[Tensor]:
    """The leaves that `result` depends on by its graph, but for what lies behind `borders`."""
    stop = {tensor.grad_fn for tensor in borders}
    stack, known, leaves = [result.grad_fn], set[Node](), []
    while stack:
        node = stack.pop()
        if node is None or node in known or node in stop:
            continue
        known.add(node)
        variable = getattr(node, "variable", None)  # what a leaf's node accumulates into
        if isinstance(variable, Tensor):
            leaves.append(variable)
        stack += [behind for behind, _ in node.next_functions]
    return leaves


@contextmanager
def restored_afterwards(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Give the tensors their present content back at the end.

    Past torch's count of writes: a graph that has saved one of them would take it for spoilt.
    """
    contents = [tensor.data.clone() for tensor in tensors]
    try:
        yield
    finally:
        for tensor, content in zip(tensors, contents, strict=True):
            tensor.data.copy_(content)


def _flattened(items: Iterable[Any]) -> Iterator[Any]:
    """The tensors and generators in nested tuples, lists and dicts."""
    for item in items:
        if isinstance(item, (Tensor, Generator)):
            yield item
        elif isinstance(item, (tuple, list)):
            yield from _flattened(item)
        elif isinstance(item, dict):
            yield from _flattened(item.values())


def _outer_statistics(func: Any, given: list[Any], made: WeakIdKeyDictionary) -> list[tuple[Tensor, Tensor]]:
    """The tensors that `func` may write into without torch's counting it, with copies of them."""
    if func not in UNCOUNTED_WRITERS:
        return []
    tensors = (item for item in given if isinstance(item, Tensor) and not item.requires_grad and item not in made)
    return [(tensor, tensor.clone()) for tensor in tensors]


def _version(tensor: Tensor) -> int:
    """How often the tensor was written into; 0 where torch does not count."""
    return 0 if tensor.is_inference() else tensor._version


def _number(node: Node) -> int:
    """The place of a node in the order in which this thread made its nodes."""
    # torch has no public way to ask, and its stubs leave this one out.
    return node._sequence_nr()  # type: ignore[attr-defined]


def _latest_node_number() -> int:
    with torch.enable_grad():
        node = torch.zeros((), requires_grad=True).clone().grad_fn
    assert node is not None
    return _number(node)
