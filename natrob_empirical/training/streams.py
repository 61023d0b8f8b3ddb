"""The random streams of one training run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

import torch
from torch import Tensor

_NAMES: Final = ("order", "augmentation", "method")


@final
class TrainingStreams:
    """Independent streams for the order of the images, their augmentation, the method, and layers that draw.

    Each is seeded with one draw from the run's generator. Layers such as dropout know only torch's global
    generators; for the time of training these are set to a stream of the run, and put back afterwards.

    Args:
        generator: on the CPU; advances by four draws.
        device: the model's.

    Attributes:
        seeds: of the streams: what tells two runs of equal settings apart.
        order, augmentation, method: CPU generators.
    """

    def __init__(self, generator: torch.Generator, device: torch.device) -> None:
        *seeds, self._layer_seed = torch.randint(2**62, (len(_NAMES) + 1,), generator=generator).tolist()
        self.seeds: Final = (*seeds, self._layer_seed)
        self.order, self.augmentation, self.method = (torch.Generator().manual_seed(seed) for seed in seeds)
        self._device = device

    @contextmanager
    def for_layers(self) -> Iterator[None]:
        """Within the block the global generators of the CPU and of the device are a stream of this run."""
        cuda = self._device.type == "cuda"
        with torch.random.fork_rng(devices=[self._device] if cuda else []):
            torch.default_generator.manual_seed(self._layer_seed)
            if cuda:
                with torch.cuda.device(self._device):
                    torch.cuda.manual_seed(self._layer_seed)
            yield

    def states(self) -> dict[str, Tensor]:
        """The state of every stream; read inside `for_layers`."""
        states = {name: getattr(self, name).get_state() for name in _NAMES}
        states["layers"] = torch.get_rng_state()
        if self._device.type == "cuda":
            states["layers_on_device"] = torch.cuda.get_rng_state(self._device)
        return states

    def set_states(self, states: dict[str, Tensor]) -> None:
        """Continue where `states` says; called inside `for_layers`."""
        for name in _NAMES:
            getattr(self, name).set_state(states[name])
        torch.set_rng_state(states["layers"])
        if self._device.type == "cuda" and "layers_on_device" in states:
            torch.cuda.set_rng_state(states["layers_on_device"], self._device)
