"""Settings that take one of a few names."""

from types import NoneType
from typing import Literal, get_args, get_origin, get_type_hints

from natrob_theory.numbers.argument_checks import require_choice


def require_choices(settings: object) -> None:
    """Raise ValueError, naming the attribute, unless each one whose type is a `Literal` has one of its values.

    Args:
        settings: an instance of a dataclass; None will do where the type is `Literal[…] | None`.
    """
    for name, kind in get_type_hints(type(settings)).items():
        value = getattr(settings, name)
        choices = next((get_args(one) for one in (kind, *get_args(kind)) if get_origin(one) is Literal), None)
        if choices is not None and not (value is None and NoneType in get_args(kind)):
            require_choice(name, value, choices)
