"""The state of a run between two steps, as plain data, and what it must agree with to be taken up again."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import torch
from torch import Tensor, nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.training.errors import TrainingStateError
from natrob_empirical.training.specification import TrainingSpecification

SCHEMA_VERSION: Final = 1
KIND: Final = "natrob training state"


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class RunState:
    """Everything that the next step depends on.

    Attributes:
        description: what the run is: its settings, data, weights' names and shapes, and seeds (`describe`).
        weights: parameters and buffers by name.
        optimiser: its state_dict.
        streams: the states of the random streams.
        epoch: finished epochs.
        position: finished steps of the epoch.
        plan: of the epoch in progress; None between epochs.
        losses: of the steps of the epoch in progress, and those of the last one between epochs.
        correct: how many of the epoch's images so far were labelled correctly.
        seconds: of training so far.
    """

    description: dict[str, Any]
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    streams: dict[str, Tensor]
    epoch: int
    position: int
    plan: dict[str, Tensor | None] | None
    losses: Tensor
    correct: int
    seconds: float

    def to_content(self) -> dict[str, Any]:
        """Plain data, for `torch.save`."""
        return {"kind": KIND, "schema_version": SCHEMA_VERSION, **vars(self)}

    @staticmethod
    def from_content(content: dict[str, Any]) -> "RunState":
        """Takes what `to_content` returned. Raises KeyError where something is missing."""
        return RunState(**{name: content[name] for name in RunState.__dataclass_fields__})


def describe(
    model: nn.Module, dataset: Dataset, specification: TrainingSpecification, seeds: tuple[int, ...]
) -> dict[str, Any]:
    """Describes as plain data what a state must agree with; reads every training image once."""
    images = hashlib.sha256()
    for part in (dataset.train_x, dataset.train_y):
        images.update(part.contiguous().numpy().data)
    described = {
        "settings": specification.settings(),
        "data": {
            "name": dataset.name,
            "images": list(dataset.train_x.shape),
            "pixel_scale": dataset.pixel_scale,
            "sha256": images.hexdigest(),
        },
        "weights": {name: [str(tensor.dtype), *tensor.shape] for name, tensor in named_weights(model).items()},
        "random_seeds": list(seeds),
    }
    return json.loads(json.dumps(described))


def named_weights(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and all buffers, those too that a state_dict leaves out."""
    return {name: tensor.detach() for name, tensor in (*model.named_parameters(), *model.named_buffers())}


@torch.no_grad()
def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give the model these weights, in place; their names and shapes have been compared before."""
    for name, tensor in named_weights(model).items():
        tensor.copy_(weights[name])


def require_same_run(stored: dict[str, Any], current: dict[str, Any], source: object) -> None:
    """Raises TrainingStateError, naming up to four differences, unless the two descriptions agree."""
    found = list(_differences(stored, current, ""))
    if found:
        more = f"; and {len(found) - 4} more" if len(found) > 4 else ""
        raise TrainingStateError(
            f"{source} is the state of another run: {'; '.join(found[:4])}{more}. "
            "Give another path, or delete the file to start anew"
        )


def _differences(stored: object, current: object, name: str) -> Iterator[str]:
    if isinstance(stored, dict) and isinstance(current, dict):
        for key in stored | current:
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(stored.get(key, "missing"), current.get(key, "missing"), inner)
    elif stored != current:
        yield f"{name} is {stored} there and {current} here"
