"""Quantities by name, each with its relation to a later one; and names looked up wherever a package hands them on."""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from natrob_theory import Bound

Relations: TypeAlias = str | Mapping[str, str]


class Captured(NamedTuple):
    """One quantity: how a later one must relate to it, and its value.

    Relations: "upper" (at most this) and "lower" (at least this), to the last bit; "close", as close as states must be;
    "nearly upper", "nearly lower" and "nearly equal" for what rests on states; "text"; "refusal". What comes from
    states in float32 has "in float32" in front.

    The value is a number as `float.hex` writes it, so that no bit is lost, a list of such numbers, or a text.
    """

    relation: str
    value: str | list[str]


class Record:
    """Quantities by name, "subject / group / which"."""

    def __init__(self) -> None:
        self.values: dict[str, Captured] = {}

    def note(self, name: str, relations: Relations, make: Callable[[], Any]) -> None:
        """Keep what `make` gives, or what it refuses with: the class and how the message begins.

        Args:
            name: entries of a tensor or list get names of their own below it.
            relations: the relation, or one for each attribute that is to be kept.
            make: gives a number, tensor, bound or text, or a list of them.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = make()
        except Exception as refusal:  # whatever it is, the other version must refuse in the same way
            text = f"{type(refusal).__name__}: {str(refusal)[:60]}"
            self.values[f"{name} / refusal"] = Captured("refusal", text)
        else:
            self._keep(name, relations, made)

    def _keep(self, name: str, relations: Relations, made: Any) -> None:
        if isinstance(made, list):
            for n, one in enumerate(made):
                self._keep(f"{name} / {n}", relations, one)
        elif not isinstance(relations, str):
            for attribute, relation in relations.items():
                self._keep(f"{name} / {attribute}", relation, getattr(made, attribute))
        elif isinstance(made, Bound):
            self._keep(name, relations, made.value)
        elif relations == "close":
            self._keep_states(name, made.detach())
        elif relations == "text" or made is None:
            self.values[name] = Captured("text", repr(made.tolist() if isinstance(made, Tensor) else made))
        elif isinstance(made, Tensor) and made.dim() > 0:
            self._keep(name, relations, list(made.detach()))
        else:
            self.values[name] = Captured(relations, float(made).hex())

    def _keep_states(self, name: str, states: Tensor) -> None:
        """States (points, batch, *state): every one with its own norm."""
        relation = "close" if states.dtype == torch.float64 else "in float32 close"
        for n, point in enumerate(states.double().flatten(2).tolist()):
            for i, state in enumerate(point):
                self.values[f"{name} / step {n} / sample {i}"] = Captured(relation, [entry.hex() for entry in state])


def handed_on(name: str, earlier_package: str) -> Any:
    """A public name, wherever it is handed on: by natrob_theory, by its bounds, or by the package it was in before."""
    for package in ("natrob_theory", "natrob_theory.bounds", earlier_package):
        try:
            return getattr(import_module(package), name)
        except (ModuleNotFoundError, AttributeError):
            continue
    raise ImportError(f"no package hands on {name}")
