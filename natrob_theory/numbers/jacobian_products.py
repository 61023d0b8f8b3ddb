"""Products with a Jacobian and its transpose, by whichever mode of automatic differentiation the function allows."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

Map = Callable[[Tensor], Tensor]

ROWS_LIMIT = 4096
"""Up to so many entries of one sample a Jacobian is written out, row by row, where nothing else works."""

MANY_PRODUCTS = 4
"""From so many products at one point on a graph that is built once costs less than forward mode."""

AGREEMENT = 1e-2
"""⟨u, Jv⟩ and ⟨Jᵀu, v⟩ of a right product differ by rounding only, relative to ‖u‖‖Jv‖ + ‖Jᵀu‖‖v‖."""


class NotDifferentiableError(NotImplementedError):
    """A function that no mode of automatic differentiation takes a Jacobian of; the message says what failed."""


class Linearisation:
    """The Jacobians J_i of a function of states (batch, *state) that treats samples independently, at one point each.

    Jv is tried in forward mode (`torch.func.jvp`), then as the derivative of Jᵀw by w (two reverse passes), then from
    all rows of J (one reverse pass each, written out once): forward mode fails for functions that differentiate inside
    themselves and for a `torch.autograd.Function` without `jvp`, the second for one whose backward is not
    differentiable. Where many products are expected the second comes first: its graph is built once, and a product is
    one pass through it, while forward mode runs the function anew. The last two are compared with Jᵀu before they are
    believed. Attention is differentiated in torch's own "math" form where its fused kernels refuse.

    What autograd reports need not be a slope of the function (kinks, rounding, a `detach` inside), so whoever takes a
    direction from here measures what it is worth.

    Args:
        function: of states, which keeps their shape.
        point: where, (batch, *state).
        name: of the function, in error messages.
        expected_products: how many products with J are wanted.

    Raises:
        NotDifferentiableError: from the products, naming what every mode answered.
    """

    def __init__(self, function: Map, point: Tensor, *, name: str = "the function", expected_products: int = 1) -> None:
        self._name = name
        self._many = expected_products >= MANY_PRODUCTS
        self._function = function
        self._point = point.detach()
        self._reverse: tuple[Tensor, Tensor] | None = None
        self._times: Map | None = None

    def times(self, direction: Tensor) -> Tensor:
        """J_i v_i of each sample, without a graph."""
        if self._times is None:
            self._times, product = self._first_product(direction.detach())
            return product
        return self._times(direction.detach())

    def transposed_times(self, cotangent: Tensor) -> Tensor:
        """J_iᵀ w_i of each sample, without a graph."""
        with reverse_mode_of(self._name):
            return self._pulled(cotangent.detach())

    def _first_product(self, direction: Tensor) -> tuple[Map, Tensor]:
        """The first of the ways that works, and what it gives."""
        ways: list[tuple[str, Callable[[], Map]]] = [
            ("forward mode", lambda: self._by_forward_mode),
            ("forward mode with plain attention", lambda: partial(_with_plain_attention, self._by_forward_mode)),
            ("two reverse passes", self._by_two_passes),
            ("reverse passes over the rows", self._by_rows),
        ]
        if self._many:
            ways.insert(0, ways.pop(2))
        failures = []
        for name, way in ways:
            try:
                times = way()
                product = times(direction)
                if name.startswith("forward") or self._agrees(direction, product):
                    return times, product
                failures.append(f"{name}: not the transpose of what one reverse pass gives")
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                if not failures:
                    self._function(self._point)  # a function that fails by itself says so itself
                failures.append(f"{name}: {_short(error)}")
        raise NotDifferentiableError(
            f"{self._name} has no Jacobian by automatic differentiation ({'; '.join(failures)})"
        )

    def _by_forward_mode(self, direction: Tensor) -> Tensor:
        _prepare_forward_mode()
        return torch.func.jvp(self._function, (self._point,), (direction,))[1].detach()

    def _by_two_passes(self) -> Map:
        """The first pass is linear in its cotangent w; the derivative of w -> Jᵀw along v is Jv."""
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            state = self._point.clone().requires_grad_()
            value = self._function(state)
            cotangent = torch.zeros_like(value, requires_grad=True)
            pulled = _gradient(value, state, cotangent, create_graph=True)
        return lambda direction: _gradient(pulled, cotangent, direction)

    def _by_rows(self) -> Map:
        """J of every sample, written out."""
        entries = self._point[0].numel()
        if entries > ROWS_LIMIT:
            raise NotDifferentiableError(f"{entries} entries of a sample are too many, at most {ROWS_LIMIT}")
        units = torch.eye(entries, dtype=self._point.dtype, device=self._point.device)
        rows = [self._pulled(unit.view_as(self._point[0]).expand_as(self._point)).flatten(1) for unit in units]
        jacobian = torch.stack(rows, dim=1)
        return lambda direction: torch.bmm(jacobian, direction.flatten(1)[:, :, None]).view_as(direction)

    def _pulled(self, cotangent: Tensor) -> Tensor:
        if self._reverse is None:
            with torch.enable_grad():
                state = self._point.clone().requires_grad_()
                self._reverse = (self._function(state), state)
        value, state = self._reverse
        return _gradient(value, state, cotangent).detach()

    def _agrees(self, direction: Tensor, product: Tensor) -> bool:
        """Whether ⟨u, Jv⟩ = ⟨Jᵀu, v⟩ for a fixed u with no zeros."""
        probe = torch.cos(torch.arange(1.0, direction[0].numel() + 1, dtype=torch.float64, device=direction.device))
        probe = probe.to(direction.dtype).view_as(direction[0]).expand_as(direction)
        pulled = self._pulled(probe)
        forward, backward = (
            (one.double() * other.double()).flatten(1).sum(dim=1)
            for one, other in ((probe, product), (pulled, direction))
        )
        lengths = [part.double().flatten(1).norm(dim=1) for part in (probe, product, pulled, direction)]
        return bool(
            ((forward - backward).abs() <= AGREEMENT * (lengths[0] * lengths[1] + lengths[2] * lengths[3])).all()
        )


@contextmanager
def reverse_mode_of(name: str) -> Iterator[None]:
    """Within it an error of torch while it goes backward through `name` becomes a NotDifferentiableError."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise NotDifferentiableError(
            f"{name} cannot be differentiated by torch in reverse mode: {_short(error)}"
        ) from error


def jacobian_vector_product(function: Map, point: Tensor, direction: Tensor) -> Tensor:
    """J(point)·direction for a function of states (batch, *state) that treats samples independently.

    Raises:
        NotDifferentiableError: automatic differentiation fails in every mode.
    """
    return Linearisation(function, point).times(direction)


def _gradient(value: Tensor, of: Tensor, cotangent: Tensor, *, create_graph: bool = False) -> Tensor:
    """The pulled-back cotangent; zeros where the value does not depend on `of`."""
    if not value.requires_grad:
        return torch.zeros_like(of)
    (pulled,) = torch.autograd.grad(
        value,
        of,
        cotangent.view_as(value),
        create_graph=create_graph,
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return pulled


def _with_plain_attention(times: Map, direction: Tensor) -> Tensor:
    with sdpa_kernel(SDPBackend.MATH):
        return times(direction)


def _short(error: Exception) -> str:
    """The first sentence of torch's message."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0][:160]


@cache
def _prepare_forward_mode() -> None:
    """Make torch load its forward-mode rules, whose loading warns of torch's own use of torch.jit.script."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
        one = torch.ones(())
        torch.func.jvp(torch.sin, (one,), (one,))
