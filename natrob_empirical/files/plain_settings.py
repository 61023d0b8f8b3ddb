"""Settings as plain data, in a form that settings added later do not change.

The hash of a model's settings is the name of its checkpoint and part of the identity of its records. A setting that is
added with `added_setting` is left out while it has its default, so that everything published before keeps its identity.
"""

from dataclasses import asdict, field, fields, is_dataclass
from typing import Any, Final, TypeVar

_ADDED: Final = "left out at its default"

Value = TypeVar("Value")


def added_setting(default: Value) -> Value:
    """A field of a frozen settings dataclass that `plain_settings` leaves out while it has this default.

    The default must say "as before": what was computed without the setting. Once a record holds the setting, the
    default may not change any more.
    """
    return field(default=default, metadata={_ADDED: True})


def plain_settings(settings: Any) -> dict[str, Any]:
    """`dataclasses.asdict`, less the added settings that have their defaults; so also in dataclasses inside.

    Args:
        settings: an instance of a dataclass.

    Raises:
        TypeError: it is none.
    """
    plain = asdict(settings)
    for each in fields(settings):
        value = getattr(settings, each.name)
        if each.metadata.get(_ADDED) and value == each.default:
            del plain[each.name]
        elif is_dataclass(value):
            plain[each.name] = plain_settings(value)
    return plain
