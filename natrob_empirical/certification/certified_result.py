"""`CertifiedAccuracy`: radii that were proved, and how."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory import Bound
from natrob_theory.numbers.norms import Norm

CertificateMethod: TypeAlias = Literal[
    "global", "tube", "local", "intervals", "linear_relaxation", "branch_and_bound", "best"
]
CONSTANT_METHODS: tuple[CertificateMethod, ...] = ("global", "tube", "local")
"""Those that divide margins by constants."""
CERTIFICATE_METHODS: tuple[CertificateMethod, ...] = (
    *CONSTANT_METHODS,
    "intervals",
    "linear_relaxation",
    "branch_and_bound",
    "best",
)


@dataclass(frozen=True, kw_only=True)
class CertifiedAccuracy:
    """Certified accuracy over budgets: a LOWER bound of the true robust accuracy on these images.

    Attributes:
        norm: of the balls.
        method: one of `CERTIFICATE_METHODS`.
        epsilons: radii in that norm.
        accuracies: the share of images whose correct label is certified at each radius.
        radii: per image, in that norm, each one verified; 0 where the label is wrong or nothing is certified.
        clean_accuracy: the share of correct labels, in float64.
        feature_lipschitz: the constant in L2 the radii rest on, on all inputs; None where every ball has
            its own, or none.
        routes: by which way each image's radius was found, such as "global in Linf" or "local in L2"; "none" where
            nothing is certified.
        native_lipschitz: the features' constant in `norm` itself, on all inputs; None in L2 and where it is refused.
        native_refusal: why there is none in `norm` itself, or empty.
        arithmetic: in words, which network is certified and how rounding was treated.
        undecided: how many images are neither certified nor attacked at each radius; None where nothing was attacked.
        refused: why a method of "best" gave nothing, by its name.
        complete: whether every adaptive solve of every image of the ball is proved to reach its end, per image; None
            for a network without such solves.
    """

    norm: Norm = "L2"
    method: CertificateMethod = "global"
    epsilons: tuple[float, ...]
    accuracies: tuple[float, ...]
    radii: Float[Tensor, " samples"]
    clean_accuracy: float
    feature_lipschitz: Bound | None
    arithmetic: str
    routes: tuple[str, ...] = ()
    native_lipschitz: Bound | None = None
    native_refusal: str = ""
    undecided: tuple[int, ...] | None = None
    refused: tuple[tuple[str, str], ...] = ()
    complete: Bool[Tensor, " samples"] | None = None


def share_certified(radii: Tensor, epsilon: float) -> float:
    """The share of images that are certified at this radius."""
    return float(((radii > 0) & (radii >= epsilon)).double().mean())
