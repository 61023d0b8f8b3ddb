"""`SmoothedAccuracy`: radii of a smoothed classifier, each of which may be wrong with a small probability."""

from dataclasses import dataclass
from typing import Final, Literal

from jaxtyping import Float64, Int64
from torch import Tensor

ABSTAINED: Final = -1
"""Stands for a label where no class was found to be more likely than all others together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SmoothedAccuracy:
    """Accuracies of the SMOOTHED classifier at L2 radii: lower bounds with a probability, and no certificates.

    The smoothed classifier answers the class that the model most likely answers to the image with Gaussian noise.
    Nothing is said of the model by itself, without noise.

    Attributes:
        kind: each radius is a lower bound with probability 1 − α over the noise that was drawn, α being
            `failure_probability`. It never is "lower", which is kept for what was proved.
        norm: of the balls.
        sigma: standard deviation of the noise in every pixel.
        epsilons: L2 radii.
        accuracies: the share of images with the right label and a radius of at least each epsilon.
        clean_accuracy: the share of images whose label is right and not abstained from.
        radii: per image; 0 where it was abstained from. The label may be wrong.
        labels: of the smoothed classifier; `ABSTAINED` where none was found.
        lower_probabilities: per image, the lower bound of the probability of its class under noise.
        failure_probability: α, of each image by itself.
        samples_select, samples_estimate: noisy copies of each image, to choose a class and to bound its probability.
        largest_radius: the radius where all noisy copies agree: more than it takes more samples or noise.
    """

    kind: Literal["lower bound with probability 1 − α"] = "lower bound with probability 1 − α"
    norm: Literal["L2"] = "L2"
    sigma: float
    epsilons: tuple[float, ...]
    accuracies: tuple[float, ...]
    clean_accuracy: float
    radii: Float64[Tensor, " samples"]
    labels: Int64[Tensor, " samples"]
    lower_probabilities: Float64[Tensor, " samples"]
    failure_probability: float
    samples_select: int
    samples_estimate: int
    largest_radius: float

    @property
    def abstentions(self) -> int:
        """Counts the images that the smoothed classifier was not found to have a label for."""
        return int((self.labels == ABSTAINED).sum())

    @property
    def joint_failure_probability(self) -> float:
        """Bounds the probability that any image's statement is wrong: min(1, n·α), by Bonferroni's inequality.

        For all n images together with probability 1 − α, ask for `failure_probability=α/n`.
        """
        return min(1.0, len(self.radii) * self.failure_probability)

    @property
    def statement(self) -> str:
        """Says what the radii mean, in words."""
        joint = self.joint_failure_probability
        together = f"probability at least 1 − {joint:.3g}" if joint < 1 else "nothing"
        return (
            "randomised smoothing: about the SMOOTHED classifier, the class that the model most likely answers under "
            f"Gaussian noise of standard deviation {self.sigma:g}, and not about the model itself. Each image keeps "
            "its label within its L2 radius; each of these statements holds with probability at least 1 − "
            f"{self.failure_probability:g} over the noise that was drawn; for the {len(self.radii)} images together, "
            f"Bonferroni's inequality gives {together}. Noisy pixels are not clipped to [0, 1]. The noise is taken to "
            "be exactly Gaussian, and the rounding of noisy images is left aside. It is no certificate"
        )
