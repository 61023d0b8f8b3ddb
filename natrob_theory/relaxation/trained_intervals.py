"""Intervals as tensors: a network's own forward pass then bounds what it gives on a box, to be differentiated.

The graph is the forward pass as it is written; only the arithmetic is another one. It is no certificate: nothing is
rounded outward. `RelaxedNetwork.intervals` is the sound one, in float64.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.networks.passage import stored_passage

Rule = Callable[..., Any]


@final
class TrainedInterval(Tensor):
    """m ± r, entry for entry, of the shape of m; torch's functions on it are interval arithmetic where that is known.

    x → Wx + b gives Wm + b ± |W|r, a sum the sum of its intervals, a nondecreasing σ gives [σ(m − r), σ(m + r)]
    (Gowal et al., arXiv 1810.12715, section 3). Gradients flow through both parts.

    Args:
        middle: m.
        radius: r, at least 0, of the same shape.

    Raises:
        LayerRefusedError: from a function that has no rule here; it is named.
    """

    middle: Tensor
    radius: Tensor

    @staticmethod
    def __new__(cls, middle: Tensor, radius: Tensor) -> "TrainedInterval":
        """A tensor of this shape without numbers of its own."""
        made = torch.Tensor._make_wrapper_subclass(
            cls, middle.shape, dtype=middle.dtype, device=middle.device, requires_grad=False
        )
        made.middle, made.radius = middle, radius
        return made

    @property
    def ends(self) -> tuple[Tensor, Tensor]:
        """The lower and the upper one."""
        return self.middle - self.radius, self.middle + self.radius

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """The rule of the function; shape, dtype and the like are those of the middle."""
        if func in _RULES:
            return _RULES[func](*args, **(kwargs or {}))
        if func in _RESHAPING:
            return _on_both(func, *args, **(kwargs or {}))
        name = getattr(func, "__name__", str(func))
        if name in ("__get__", "dim", "size", "is_floating_point", "__len__"):
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        raise LayerRefusedError(f"no interval rule is known for {name}")

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Nothing comes here that has a rule."""
        raise LayerRefusedError(f"no interval rule is known for {func}")


def interval_after(parts: Sequence[nn.Module], interval: TrainedInterval) -> TrainedInterval:
    """The interval behind the parts, one after the other: `forward` of each, on intervals.

    A network with a fixed grid takes its steps as it takes them on tensors.

    Raises:
        LayerRefusedError: a part uses a function that has no rule here; it is named.
    """
    for part in parts:
        if isinstance(part, AbstractFixedStepNet):
            found: Any = stored_passage(part.stepper, part.plan(), interval)
        elif isinstance(part, nn.Sequential):
            found = interval_after(list(part), interval)
        else:
            found = part(interval)
        if not isinstance(found, TrainedInterval):
            raise LayerRefusedError(f"no interval rule is known for {type(part).__name__}")
        interval = found
    return interval


def _on_both(func: Rule, interval: TrainedInterval, *args: Any, **kwargs: Any) -> TrainedInterval:
    return TrainedInterval(func(interval.middle, *args, **kwargs), func(interval.radius, *args, **kwargs))


def _affine(func: Rule) -> Rule:
    """Wm + b ± |W|r, for functions of (x, weight, bias, …)."""

    def rule(
        interval: TrainedInterval, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any
    ) -> TrainedInterval:
        return TrainedInterval(
            func(interval.middle, weight, bias, *args, **kwargs),
            func(interval.radius, weight.abs(), None, *args, **kwargs),
        )

    return rule


def _nondecreasing(func: Rule) -> Rule:
    """The function of both ends."""

    def rule(interval: TrainedInterval, *args: Any, **kwargs: Any) -> TrainedInterval:
        kwargs.pop("inplace", None)
        lower, upper = (func(end, *args, **kwargs) for end in interval.ends)
        return TrainedInterval(0.5 * (lower + upper), 0.5 * (upper - lower))

    return rule


def _leaky(interval: TrainedInterval, negative_slope: float = 0.01, **_: bool) -> TrainedInterval:
    """Nondecreasing where the slope is not negative."""
    if negative_slope < 0:
        raise LayerRefusedError(f"no interval rule is known for leaky_relu with the slope {negative_slope}")
    return _nondecreasing(functional.leaky_relu)(interval, negative_slope)


def _parts(value: Any) -> tuple[Any, Any]:
    """The middle and the radius; of a number or of a plain tensor itself and 0."""
    return (value.middle, value.radius) if isinstance(value, TrainedInterval) else (value, 0.0)


def _sum(one: Any, other: Any, *, alpha: float = 1.0) -> TrainedInterval:
    """x + αy; of intervals, the sum of their radii."""
    (middle, radius), (more, width) = _parts(one), _parts(other)
    total = middle + alpha * more
    return TrainedInterval(total, torch.as_tensor(radius + abs(alpha) * width).expand_as(total))


def _difference(one: Any, other: Any, *, alpha: float = 1.0) -> TrainedInterval:
    """x − αy."""
    return _sum(one, other, alpha=-alpha)


def _reversed_difference(one: Any, other: Any) -> TrainedInterval:
    """y − x, as torch's reflected operator has it."""
    return _sum(other, one, alpha=-1.0)


def _product(one: Any, other: Any) -> TrainedInterval:
    """A multiple: one of the factors is a number or a plain tensor."""
    if isinstance(one, TrainedInterval) and isinstance(other, TrainedInterval):
        raise LayerRefusedError("no interval rule is known for the product of two intervals")
    interval, factor = (one, other) if isinstance(one, TrainedInterval) else (other, one)
    return TrainedInterval(interval.middle * factor, interval.radius * abs(factor))


def _quotient(one: TrainedInterval, other: float | Tensor) -> TrainedInterval:
    """A part: the divisor is a number or a plain tensor."""
    return _product(one, 1.0 / other)


def _negative(one: TrainedInterval) -> TrainedInterval:
    """−x."""
    return TrainedInterval(-one.middle, one.radius)


def _new_zeros(one: TrainedInterval, *args: Any, **kwargs: Any) -> Tensor:
    """Plain zeros: they have no radius."""
    return one.middle.new_zeros(*args, **kwargs)


def _concatenated(tensors: Sequence[Any], dim: int = 0) -> TrainedInterval:
    """Intervals and plain tensors, which have no radius, side by side."""
    pairs = [(_parts(part)[0], _parts(part)[0] * 0.0 + _parts(part)[1]) for part in tensors]
    return TrainedInterval(torch.cat([pair[0] for pair in pairs], dim), torch.cat([pair[1] for pair in pairs], dim))


def _padded(
    interval: TrainedInterval, pad: Sequence[int], mode: str = "constant", value: Any = None
) -> TrainedInterval:
    """The border's value has no radius."""
    wider = functional.pad(interval.radius, pad, mode) if mode != "constant" else functional.pad(interval.radius, pad)
    return TrainedInterval(functional.pad(interval.middle, pad, mode, value), wider)


_RESHAPING: Final = frozenset(
    {
        Tensor.flatten,
        Tensor.reshape,
        Tensor.view,
        Tensor.unflatten,
        Tensor.contiguous,
        Tensor.__getitem__,
        torch.flatten,
        functional.avg_pool2d,
        functional.adaptive_avg_pool2d,
        functional.pixel_unshuffle,
    }
)
"""Linear with weights of at least 0: what is done to the middle is done to the radius."""

_RULES: Final[dict[Any, Rule]] = {
    **{func: _affine(func) for func in (functional.linear, torch.conv2d, functional.conv2d, torch.conv_transpose2d)},
    **{
        func: _nondecreasing(func)
        for func in (
            torch.relu,
            functional.relu,
            functional.relu6,
            functional.hardtanh,
            torch.tanh,
            Tensor.tanh,
            torch.sigmoid,
            Tensor.sigmoid,
            functional.softplus,
            functional.softsign,
        )
    },
    functional.leaky_relu: _leaky,
    **dict.fromkeys((Tensor.add, Tensor.__add__, Tensor.__radd__, torch.add), _sum),
    **dict.fromkeys((Tensor.sub, Tensor.__sub__, torch.sub), _difference),
    **dict.fromkeys((Tensor.__rsub__,), _reversed_difference),
    **dict.fromkeys((Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.mul), _product),
    **dict.fromkeys((Tensor.div, Tensor.__truediv__, torch.div), _quotient),
    **dict.fromkeys((Tensor.neg, Tensor.__neg__, torch.neg), _negative),
    Tensor.new_zeros: _new_zeros,
    torch.cat: _concatenated,
    functional.pad: _padded,
}
