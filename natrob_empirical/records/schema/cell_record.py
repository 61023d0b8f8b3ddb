"""A record: one cell with its settings, environment and result.

A change that an old reader would misread raises `SCHEMA_VERSION`. A new kind of result or a new field is no such
change: an old reader sets a record with a kind or field that it does not know aside.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from natrob_empirical.attack_names import current_label
from natrob_empirical.records.schema.attack_result import AttackRefusal, AttackResult, AttackRunResult
from natrob_empirical.records.schema.data_result import DataResult
from natrob_empirical.records.schema.record_part import AbstractRecordPart
from natrob_empirical.records.schema.step_size_result import StepSizeResult
from natrob_empirical.records.schema.theory_result import TheoryRefusal, TheoryResult

SCHEMA_VERSION = 1


class CellKey(AbstractRecordPart):
    """The key of a cell in a preset. `attack`, `norm` and `epsilon` are None for the theory cell of a model.

    The sweep over step sizes and the test images are cells of their own, without a model: their `model` names them.

    Attributes:
        preset, dataset: names.
        model: the model's label, unique in the preset.
        network: the network class.
        training: the training method.
        seed: of the run.
        attack: the attack's label, such as "PGD-20".
        norm, epsilon: its budget.
    """

    preset: str
    dataset: str
    model: str
    network: str
    training: str
    seed: int
    attack: str | None = None
    norm: Literal["Linf", "L2"] | None = None
    epsilon: float | None = None


class Environment(AbstractRecordPart):
    """The versions, the hardware and the time of a cell's run.

    Attributes:
        natrob, python, torch, torchvision, torchdiffeq: versions.
        platform, hardware, device: where it ran.
        threads: of the cell's tensor operations.
        workers: processes that ran cells side by side; from 2 on the record's seconds are those of a busy machine.
        commit: of the source tree.
        created: when the record was written.
    """

    natrob: str
    python: str
    torch: str
    torchvision: str
    torchdiffeq: str
    platform: str
    hardware: str
    device: str
    threads: int
    workers: int = 1
    commit: str
    created: str


class CellRecord(AbstractRecordPart):
    """One finished cell: its key, full settings, environment and result."""

    schema_version: Literal[1] = SCHEMA_VERSION
    cell: CellKey
    settings: dict[str, Any]
    environment: Environment
    result: Annotated[
        TheoryResult | TheoryRefusal | AttackResult | AttackRefusal | StepSizeResult | DataResult | AttackRunResult,
        Field(discriminator="kind"),
    ]

    @model_validator(mode="before")
    @classmethod
    def _with_current_names(cls, data: Any) -> Any:
        """Gives what is read the attack's label of today, also where a number says what it was found by."""
        if not isinstance(data, dict) or not isinstance(cell := data.get("cell"), dict):
            return data
        label = cell.get("attack")
        if not isinstance(label, str) or current_label(label) == label:
            return data
        renamed = {**data, "cell": {**cell, "attack": current_label(label)}}
        return renamed | {"result": _renamed_sources(data.get("result"), label, current_label(label))}


def _renamed_sources(part: Any, earlier: str, current: str) -> Any:
    """Returns the part with every `source` in it under the attack's current label."""
    if not isinstance(part, dict):
        return part
    return {
        name: value.replace(earlier, current)
        if name == "source" and isinstance(value, str)
        else _renamed_sources(value, earlier, current)
        for name, value in part.items()
    }
