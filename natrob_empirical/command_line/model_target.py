"""The model that a command is pointed at: a checkpoint, or a user's own `module:factory`."""

import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch
from torch import nn

from natrob_empirical.benchmarks import load_checkpoint, weights_fingerprint
from natrob_empirical.certificate_files import network_sha256
from natrob_empirical.command_line.user_object import called, load_object
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import materialised

_OBJECT_NAME: Final = re.compile(r"[A-Za-z_][\w.]*:\w*")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ModelTarget:
    """A model and what is known of it.

    Attributes:
        model: in eval mode, on the CPU; of a checkpoint with plain weights (`materialised`).
        label: the name in tables.
        network: its class.
        training: how it was trained, as far as is known.
        identity: what tells it from other models.
        network_sha256: hash of the network as it is stored, for certificate files.
        image_shape, dataset: what it was trained on; None where nobody said.
    """

    model: nn.Module
    label: str
    network: str
    training: str
    identity: dict[str, Any]
    network_sha256: str
    image_shape: tuple[int, int, int] | None = None
    dataset: str | None = None

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the images it takes, that of its first parameter; float32 without one.

        Raises:
            TypeError: it is neither float32 nor float64.
        """
        kinds = [parameter.dtype for parameter in self.model.parameters() if parameter.is_floating_point()]
        dtype = kinds[0] if kinds else torch.float32
        if dtype not in (torch.float32, torch.float64):
            raise TypeError(f"the parameters of {self.label} must be float32 or float64, got {dtype}")
        return dtype


def load_target(target: str) -> ModelTarget:
    """The model that the text names.

    Args:
        target: the path of a checkpoint, or module:factory.

    Raises:
        OSError, ValueError, TypeError: there is no such model; the message says what is wrong.
    """
    if _OBJECT_NAME.fullmatch(target) and not Path(target).exists():
        return _own_model(target)
    checkpoint = load_checkpoint(Path(target).expanduser())
    model = checkpoint.classifier()
    specification = checkpoint.specification
    return ModelTarget(
        model=materialised(model),
        label=specification.label,
        network=specification.network,
        training=checkpoint.training,
        identity={"trained as": checkpoint.settings, "weights": weights_fingerprint(model)},
        network_sha256=network_sha256(model),
        image_shape=checkpoint.image_shape,
        dataset=checkpoint.dataset,
    )


def _own_model(target: str) -> ModelTarget:
    """A user's model: an `nn.Module`, or what a factory, such as its class, returns when called without arguments.

    Weights that it draws from torch's global generator are the same every time.
    """
    with initialised_with(RandomStreams(0).generator("init")):
        found = load_object(target, what="model", example="my_module:my_model")
        if not isinstance(found, nn.Module) and callable(found):
            found = called(found, target, otherwise="must be callable without arguments")
    if not isinstance(found, nn.Module):
        raise ValueError(f"{target} must be or return an nn.Module, got {type(found).__name__}")
    return ModelTarget(
        model=found.eval(),
        label=target,
        network=type(found).__name__,
        training="unknown",
        identity={
            "structure": hashlib.sha256(repr(found).encode()).hexdigest()[:16],
            "source": _source_fingerprint(target.partition(":")[0]),
            "weights": weights_fingerprint(found),
        },
        network_sha256=network_sha256(found),
    )


def _source_fingerprint(module: str) -> str:
    """A hash of the module's source file, so that an edited model is another one; what it imports is not looked at."""
    file = getattr(sys.modules[module], "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if file else "none"
