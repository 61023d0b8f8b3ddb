"""The norms by name."""

from typing import Literal, TypeAlias

Norm: TypeAlias = Literal["Linf", "L2"]
