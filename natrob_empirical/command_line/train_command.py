"""The model and the method that `natrob train` is asked for."""

from dataclasses import fields
from typing import Any, get_type_hints

from natrob_empirical.command_line.option_words import in_option_words, option_words
from natrob_empirical.command_line.plain_numbers import integer_of, number_of
from natrob_empirical.models import AnyModelSpecification, specification_kind
from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.training import AbstractTrainingMethod, training_method_named


def method_with(name: str, **given: Any) -> AbstractTrainingMethod:
    """The method with the settings that were given. Raises TypeError, ValueError for one that it does not have."""
    return training_method_named(name, **{setting: value for setting, value in given.items() if value is not None})


def specification_of(network: str, settings: list[str], method: str) -> AnyModelSpecification:
    """The specification with these settings, each given as NAME=VALUE.

    Raises:
        ValueError: an unknown network or setting (near names are offered), or a value of another type.
    """
    kind = specification_kind(network)
    types = {field.name: get_type_hints(kind)[field.name] for field in fields(kind)}
    values: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"`--set` must be NAME=VALUE, such as step_size=0.1, got {text!r}")
        if name not in types or name in {"label", "network"}:
            raise unknown_name(f"setting of {network}", name, sorted(set(types) - {"label", "network"}))
        if name in values:
            raise ValueError(f"`--set {name}` must be given once, got {text!r} too")
        values[name] = _value_of(name, value, types[name])
    told = "".join(f", {text}" for text in settings)
    try:
        return kind(label=f"{network}, {method}{told}", network=network, **values)
    except (ValueError, TypeError) as error:
        with option_words({name: f"--set {name}" for name in types}):
            raise type(error)(in_option_words(str(error))) from error


def _value_of(name: str, text: str, kind: object) -> int | float | str:
    """The text as the setting's type."""
    if kind in (int, int | None):
        return integer_of(f"--set {name}", text)
    return number_of(f"--set {name}", text) if kind in (float, float | None) else text
