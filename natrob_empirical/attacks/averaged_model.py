"""The mean of a random model's answers, so that an attack follows more than one draw."""

from typing import final

import torch
from torch import nn

from natrob_empirical.random_streams import require_cpu_generator
from natrob_theory.numbers.argument_checks import require_count

from .counted_model import Classifier
from .tensor_types import Images, Logits


@final
class AveragedModel(nn.Module):
    """The mean logits of `samples` calls of a random model: an estimate of their expectation, and so its gradient.

    Every call draws anew, so what an attack found is judged by draws that it has not seen. An image that is
    misclassified by luck ends the attack on its sample and may then be judged otherwise: the more `samples`, the more
    seldom. The model must draw from torch's generators of the CPU or of the images' device: they are forked and seeded
    from `generator`, so that the same generator and the same sequence of calls give the same answers, and whoever draws
    outside sees nothing of it.
    Such a model draws for places in a batch: unlike that of other models, a sample's answer depends on its neighbours,
    as one draw on another.

    One query of this model is `samples` passes of the model inside.

    Source: Athalye, Engstrom, Ilyas and Kwok, "Synthesizing robust adversarial examples", ICML 2018 (expectation over
    transformation); Athalye, Carlini and Wagner, "Obfuscated gradients give a false sense of security", ICML 2018,
    section 4.

    Args:
        model: images to logits; an `nn.Module` follows this one's mode.
        samples: calls that are averaged, at least 1.
        generator: a CPU generator; advances by one draw per call.

    Raises:
        TypeError, ValueError: an argument that is not as described.
    """

    def __init__(self, model: Classifier, *, samples: int, generator: torch.Generator) -> None:
        super().__init__()
        if not callable(model):
            raise TypeError(f"`model` must be callable, images to logits, got {type(model).__name__}")
        self.model = model
        self.samples = require_count("samples", samples)
        self._generator = require_cpu_generator("generator", generator)

    def forward(self, x: Images) -> Logits:
        """The mean logits of the calls."""
        seed = int(torch.randint(2**62, (), generator=self._generator))
        with torch.random.fork_rng(devices=[x.device] if x.device.type == "cuda" else []):
            torch.default_generator.manual_seed(seed)
            if x.device.type == "cuda":
                with torch.cuda.device(x.device):
                    torch.cuda.manual_seed(seed)
            return torch.stack([self.model(x.clone()) for _ in range(self.samples)]).mean(dim=0)
