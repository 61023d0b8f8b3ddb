"""The class of all parts of a record, and the numbers and curves they are made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class AbstractRecordPart(BaseModel):
    """Frozen, no unknown fields; infinities are written as strings, since JSON has no sign for them."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Number(AbstractRecordPart):
    """A number that says what it is.

    Attributes:
        value: the number; infinity where a bound overflows.
        kind: "lower" or "upper" bound, "estimate", or "measured" (exact for the n samples it was measured on).
        n: how many samples (images, pairs of trajectories, or states searched) it was found on; None for a bound
            that holds for all inputs.
        source: formula or method.
    """

    value: float
    kind: Literal["lower", "upper", "estimate", "measured"]
    n: int | None
    source: str


class Curve(AbstractRecordPart):
    """A quantity along the network.

    Attributes:
        label: what it is, such as "measured growth, largest".
        kind, n: as in `Number`.
        times: t_n.
        values: one per time.
    """

    label: str
    kind: Literal["lower", "upper", "estimate", "measured"]
    n: int | None
    times: list[float]
    values: list[float]
