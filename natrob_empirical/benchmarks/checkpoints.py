"""Trained models on disk: an interrupted run does not train twice, and each file rebuilds its classifier by itself."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

import torch

from natrob_empirical.files.atomic_file import require_writable, write_or_rescue
from natrob_empirical.models import AbstractClassifier, AnyModelSpecification, build_classifier, specification_from
from natrob_empirical.names.near_names import near_files
from natrob_empirical.random_streams import RandomStreams

SCHEMA_VERSION: Final = 3
"""1 held weights without their model, 2 the training method as a name without its settings."""

_FIELDS: Final = {
    "settings": dict,
    "image_shape": tuple,
    "num_classes": int,
    "state_dict": dict,
    "training_seconds": float,
}


class CheckpointError(ValueError):
    """A file that is no checkpoint, or none that this version can use; the message says which and what to do."""


@final
@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A trained model.

    Attributes:
        settings: what determined it: `model`, `training`, `data` and `seed`.
        image_shape: (channels, height, width).
        num_classes: how many logits.
        state_dict: the weights.
        training_seconds: wall clock.
    """

    settings: dict[str, Any]
    image_shape: tuple[int, int, int]
    num_classes: int
    state_dict: dict[str, torch.Tensor]
    training_seconds: float

    @property
    def specification(self) -> AnyModelSpecification:
        """The model's specification. Raises TypeError, ValueError where the settings describe no model."""
        return specification_from(self.settings["model"])

    @property
    def training(self) -> str:
        """The training method."""
        return self.settings["training"]["method"]["name"]

    @property
    def dataset(self) -> str:
        """The name of the data set that it was trained on."""
        return self.settings["data"]["name"]

    def classifier(self) -> AbstractClassifier:
        """The model with its weights, in eval mode, on the CPU.

        Raises:
            CheckpointError: the settings and the weights do not belong together.
        """
        try:
            built = build_classifier(
                self.specification,
                image_shape=self.image_shape,
                num_classes=self.num_classes,
                generator=RandomStreams(0).generator("init"),  # overwritten by the weights
            )
            built.load_state_dict(self.state_dict)
        except (TypeError, ValueError, KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(
                f"the checkpoint's weights do not fit the model that it describes: {reason}"
            ) from error
        return built.eval()


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing but tensors and plain data is ever unpickled.

    Raises:
        FileNotFoundError, IsADirectoryError: there is no such file.
        CheckpointError: the file is not a checkpoint of natrob, or of another schema version.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give a checkpoint in it: {_listing(path) or 'there is none'}")
    if not path.exists():
        raise FileNotFoundError(
            f"there is no checkpoint {path}; `natrob train` writes them to OUTPUT, `natrob bench` to OUTPUT/checkpoints"
            f"{near_files(path, suffix='.pt')}"
        )
    content = _content_of(path)
    version = content["schema_version"]
    if version != SCHEMA_VERSION:
        raise CheckpointError(
            f"{path} is of schema version {version}, this natrob reads version {SCHEMA_VERSION}; "
            "run the `natrob bench` that wrote it once more, it trains the model again"
        )
    for name, kind in _FIELDS.items():
        if not isinstance(content.get(name), kind):
            raise CheckpointError(f"{path} is damaged: its `{name}` must be of type {kind.__name__}")
    described = content["settings"]
    if not all(isinstance(described.get(part), dict) for part in ("model", "training", "data")):
        raise CheckpointError(f"{path} is damaged: its `settings` must hold model, training and data")
    return Checkpoint(**{name: content[name] for name in _FIELDS})


def _listing(folder: Path) -> str:
    """The checkpoints of a folder with the models that they hold: a file's name says nothing."""
    found = []
    for path in sorted(folder.glob("*.pt")):
        try:
            checkpoint = load_checkpoint(path)
            found.append(f"{path.name} ({checkpoint.specification.label}, {checkpoint.dataset})")
        except (CheckpointError, TypeError, ValueError):
            continue  # it is none that could be given
    return "; ".join(found)


def _content_of(path: Path) -> dict[str, Any]:
    """The plain data of a checkpoint of any version."""
    foreign = "if it is a model of yours, give module:factory instead"
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except OSError:
        raise
    except Exception as error:  # torch raises many kinds, for bytes and for pickles that are not plain data
        raise CheckpointError(
            f"{path} is not a checkpoint that natrob wrote: it cannot be read as plain tensors and data; {foreign}"
        ) from error
    if not isinstance(content, dict) or "schema_version" not in content or "state_dict" not in content:
        raise CheckpointError(
            f"{path} is not a checkpoint that natrob wrote: it does not say what model it is; {foreign}"
        )
    return content


@final
class CheckpointStore:
    """A folder of trained models, one file per model, named by a hash of its settings.

    Args:
        folder: made with the first file; that it can be written to is tried at once.

    Raises:
        OSError: it cannot.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        require_writable(folder)

    def path_of(self, settings: dict[str, Any]) -> Path:
        """Where the model of these settings is, or would be."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        return self.folder / f"{digest}.pt"

    def read(self, settings: dict[str, Any]) -> Checkpoint | None:
        """The checkpoint, or None if there is none or it cannot be used; then the model is trained again."""
        path = self.path_of(settings)
        if not path.exists():
            return None
        try:
            return load_checkpoint(path)
        except CheckpointError:
            path.replace(path.with_name(path.name + ".unreadable"))
            return None

    def write(self, checkpoint: Checkpoint, *, expendable: Sequence[Path] = ()) -> Path:
        """Write atomically, and return where.

        Args:
            checkpoint: the trained model.
            expendable: files that may be deleted where there is no room for it.

        Raises:
            OSError: the disk is full, or the folder cannot be written to; the message says where the trained model was
                saved instead.
        """
        on_cpu = {name: tensor.detach().cpu() for name, tensor in checkpoint.state_dict.items()}
        content = {name: getattr(replace(checkpoint, state_dict=on_cpu), name) for name in _FIELDS}
        buffer = io.BytesIO()
        torch.save({"schema_version": SCHEMA_VERSION, **content}, buffer)
        path = self.path_of(checkpoint.settings)
        write_or_rescue(path, buffer.getvalue(), what="the trained model", expendable=expendable)
        return path
