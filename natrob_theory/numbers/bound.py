"""A number that says what kind of number it is: a lower bound, an upper bound or an estimate."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

import torch

from natrob_theory.numbers.argument_checks import require_finite
from natrob_theory.numbers.norms import Norm

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
        norm: the norm in which the quantity is measured: "L2", "Linf" or "L1".
        assumptions: what must hold for the kind to be true, in words.
        source: the theorem, equation or algorithm that the value comes from.
    """

    value: float | torch.Tensor
    kind: BoundKind
    norm: Norm = "L2"
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


def lipschitz_value(lipschitz: Bound | float, *, name: str = "lipschitz", norm: Norm = "L2") -> float:
    """The number in a Lipschitz constant given as a float or as a `Bound`.

    Raises:
        ValueError: it is negative, NaN or infinite, or a `Bound` of another norm.
    """
    require_norm(lipschitz, norm, name=name)
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


def one_sided_value(one_sided: Bound | float, *, name: str = "one_sided", norm: Norm = "L2") -> float:
    """The number in a one-sided constant given as a float or as a `Bound`.

    Raises:
        ValueError: it is NaN or infinite, or a `Bound` of another norm.
    """
    require_norm(one_sided, norm, name=name)
    return require_finite(name, one_sided.__float__() if isinstance(one_sided, Bound) else one_sided)


def require_norm(constant: Bound | float, norm: Norm, *, name: str) -> None:
    """Raise ValueError for a `Bound` of another norm; a plain number is taken to be in this one."""
    if isinstance(constant, Bound) and constant.norm != norm:
        raise ValueError(f"`{name}` must be a constant in {norm}, got a Bound in {constant.norm}: give both one `norm`")


def norm_of(*constants: Bound | float | None) -> Norm:
    """The norm of the first `Bound` among the constants; L2 where all are plain numbers."""
    bounds = [constant for constant in constants if isinstance(constant, Bound)]
    return bounds[0].norm if bounds else "L2"


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
