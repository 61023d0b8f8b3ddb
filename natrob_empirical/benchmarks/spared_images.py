"""Images that a certificate spares an attack."""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Bool
from torch import Tensor

from natrob_empirical.random_streams import RandomStreams, SampleStreams
from natrob_empirical.records import SampleCertificates, covering

ATTACKED_ANYWAY: Final = 0.1
"""The share of certified images that are attacked all the same: nothing else would find a wrong certificate."""


def spared_images(
    certificates: Sequence[SampleCertificates],
    *,
    norm: str,
    epsilon: float,
    count: int,
    streams: RandomStreams,
    attacked_anyway: float = ATTACKED_ANYWAY,
) -> Bool[Tensor, " images"]:
    """Tells which of the first `count` images a certificate reaches to the radius, but for a random share of them.

    Who belongs to that share is drawn from the run's seed, the same images for every attack and radius.

    Args:
        certificates: of the model.
        norm, epsilon: the attack's budget.
        count: of the images that are attacked.
        streams: of the run.
        attacked_anyway: the share.
    """
    certified = torch.zeros(count, dtype=torch.bool)
    for certificate in covering(certificates, norm):
        radii = torch.tensor(certificate.radius_values[:count], dtype=torch.float64)
        certified[: len(radii)] |= (radii > 0) & (radii >= epsilon)
    drawn = SampleStreams(streams.generator("certified images attacked anyway"), count).uniform(dtype=torch.float64)
    return certified & (drawn >= attacked_anyway)
