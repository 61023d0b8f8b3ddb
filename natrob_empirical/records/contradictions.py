"""Contradictions between a certificate and an attack on the same image: one of the two computations is wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from natrob_empirical.records.schema import AttackResult, SampleCertificates, TheoryResult


@final
@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """An image that was fooled inside the radius certified for it.

    Attributes:
        position: of the image among the test images.
        method, certificate_norm, radius: of the certificate.
        norm, epsilon: the attack's budget.
        distance: at most so far is the misclassified image away, in the attack's norm.
    """

    position: int
    method: str
    certificate_norm: str
    radius: float
    norm: str
    epsilon: float
    distance: float

    @property
    def text(self) -> str:
        """The contradiction in one phrase."""
        return (
            f"image {self.position}: the {self.method} certificate says {self.certificate_norm} radius "
            f"{self.radius:.9g}, and at {self.norm} ε = {self.epsilon:g} a misclassified image at distance "
            f"{self.distance:.9g} was found"
        )


def contradictions_between(
    theory: TheoryResult, attack: AttackResult, *, norm: str, epsilon: float
) -> list[Contradiction]:
    """Finds every image with a misclassified image no farther than the radius certified for it, radius 0 aside.

    An image counts as certified at its own radius (certified accuracy has it so), which is why an equal distance is a
    contradiction. L2 distances are held against L∞ radii too, since ‖δ‖∞ ≤ ‖δ‖₂. Records without certificates,
    outcomes or distances contradict nothing.

    Args:
        theory: of the model.
        attack: on it.
        norm, epsilon: the attack's budget.
    """
    distances = distances_found(attack, epsilon)
    return [
        Contradiction(
            position=position,
            method=certificate.method,
            certificate_norm=certificate.norm,
            radius=radius,
            norm=norm,
            epsilon=epsilon,
            distance=distance,
        )
        for certificate in covering(theory.certificates, norm)
        for position, (radius, distance) in enumerate(zip(certificate.radius_values, distances, strict=False))
        if radius > 0 and distance <= radius
    ]


def distances_found(attack: AttackResult, epsilon: float) -> list[float]:
    """Bounds the distance of each image's nearest misclassified image from above; inf where the attack found none.

    Where the record has outcomes only, a fooled image is at most `epsilon` away.
    """
    if attack.distances:
        return attack.distance_values
    limits = {"w": 0.0, "f": epsilon, "k": math.inf}
    return [limits[letter] for letter in attack.outcomes]


def covering(certificates: Sequence[SampleCertificates], norm: str) -> list[SampleCertificates]:
    """Keeps the certificates whose ball holds a ball of the same radius in the attack's norm."""
    return [each for each in certificates if each.norm == norm or (each.norm, norm) == ("Linf", "L2")]
