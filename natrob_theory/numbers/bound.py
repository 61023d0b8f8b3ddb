"""A number that says what kind of number it is: a lower bound, an upper bound or an estimate."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

import torch

from natrob_theory.numbers.argument_checks import require_finite

BoundKind: TypeAlias = Literal["lower", "upper", "estimate"]


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A value with its kind, norm, assumptions and source.

    Attributes:
        value: the number, at least 0 for Lipschitz constants and growth factors, of either sign for one-sided
            constants; `math.inf` where the bound overflows. A tensor of shape (batch,) where there is one number
            per sample.
        kind: "lower" (the true quantity is at least `value`), "upper" (at most `value`), or "estimate"
            (neither is guaranteed; in particular every bound computed from a sampled Lipschitz constant).
        norm: the norm in which the quantity is measured, such as "L2".
        assumptions: what must hold for the kind to be true, in words.
        source: the theorem, equation or algorithm that the value comes from.
    """

    value: float | torch.Tensor
    kind: BoundKind
    norm: str = "L2"
    assumptions: tuple[str, ...] = field(default=())
    source: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(BoundKind):
            raise ValueError(f'`kind` must be "lower", "upper" or "estimate", got {self.kind!r}')
        if isinstance(self.value, torch.Tensor):
            undefined = bool(torch.isnan(self.value).any())
        else:
            undefined = math.isnan(self.value)
        if undefined:
            raise ValueError("`value` must not be NaN")

    def __float__(self) -> float:
        return float(self.value)

    def over_samples(self) -> "Bound":
        """One number that holds for every sample: the least lower bound, else the largest value."""
        if not isinstance(self.value, torch.Tensor):
            return self
        value = self.value.min() if self.kind == "lower" else self.value.max()
        return replace(self, value=float(value))


def lipschitz_value(lipschitz: Bound | float, *, name: str = "lipschitz") -> float:
    """The number in a Lipschitz constant given as a float or as a `Bound`. Raises if negative, NaN or infinite."""
    number = require_finite(name, lipschitz.__float__() if isinstance(lipschitz, Bound) else lipschitz)
    if number < 0:
        raise ValueError(f"`{name}` must be at least 0, got {number}")
    return number


def kind_from_lipschitz(lipschitz: Bound | float) -> BoundKind:
    """The kind of an upper bound that is computed from this constant, K or μ.

    A plain number is taken at the caller's word as a true upper bound. A `Bound` that is only a lower
    bound or an estimate makes the result an estimate (theory: a "violation" of it refutes the K).
    """
    if isinstance(lipschitz, Bound) and lipschitz.kind != "upper":
        return "estimate"
    return "upper"


def one_sided_value(one_sided: Bound | float, *, name: str = "one_sided") -> float:
    """The number in a one-sided constant given as a float or as a `Bound`. Raises if NaN or infinite."""
    return require_finite(name, one_sided.__float__() if isinstance(one_sided, Bound) else one_sided)


def describe_lipschitz(lipschitz: Bound | float) -> str:
    """One line that says which constant a bound rests on, for `Bound.assumptions`."""
    if isinstance(lipschitz, Bound):
        return f"K = {float(lipschitz):.6g}, {_origin(lipschitz)}"
    return f"f(t, ·) has Lipschitz constant at most K = {float(lipschitz):.6g}, as given"


def describe_one_sided(one_sided: Bound | float) -> str:
    """The assumption that a one-sided constant brings, in words."""
    if isinstance(one_sided, Bound):
        return f"μ = {float(one_sided):.6g}, {_origin(one_sided)}"
    return f"f(t, ·) has one-sided Lipschitz constant at most μ = {float(one_sided):.6g}, as given"


def _origin(constant: Bound) -> str:
    kind = {"lower": "a lower bound", "upper": "an upper bound", "estimate": "an estimate"}[constant.kind]
    return f"{kind} from: {constant.source or 'unnamed'}"
