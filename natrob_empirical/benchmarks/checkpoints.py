"""Trained weights on disk, so that an interrupted run does not train twice."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Weights and how long they took to train, in seconds of wall clock."""

    state_dict: dict[str, torch.Tensor]
    training_seconds: float


@final
class CheckpointStore:
    """A folder of trained weights, one file per trained model, named by a hash of its settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path_of(self, settings: dict[str, Any]) -> Path:
        """Where the weights of these settings are, or would be."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        return self.folder / f"{digest}.pt"

    def read(self, settings: dict[str, Any]) -> Checkpoint | None:
        """The checkpoint, or None if there is none or it cannot be used; then the model is trained again."""
        path = self.path_of(settings)
        if not path.exists():
            return None
        try:
            content = torch.load(path, weights_only=True, map_location="cpu")
        except Exception:
            content = None
        if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
            path.replace(path.with_name(path.name + ".unreadable"))
            return None
        return Checkpoint(state_dict=content["state_dict"], training_seconds=float(content["training_seconds"]))

    def write(self, settings: dict[str, Any], checkpoint: Checkpoint) -> None:
        """Write atomically: a temporary file, then a rename."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "state_dict": checkpoint.state_dict,
            "training_seconds": checkpoint.training_seconds,
        }
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".partial")
        os.close(handle)
        try:
            torch.save(content, temporary)
            Path(temporary).replace(self.path_of(settings))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
