"""Training for the certified radius itself: cross-entropy of the radii at which the other classes could win."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_theory.numbers.argument_checks import require_nonnegative, require_positive


@final
@dataclass(frozen=True, kw_only=True)
class RadiusTraining(AbstractTrainingMethod):
    """The mean of `log(1 + Σ_{j≠y} exp((asked − r_j)/temperature))` plus `weight` times a count of misses.

    r_j = (s_y − s_j)/‖w_y − w_j‖₂ is the certificate's own radius (theory, section 6) where the features have the
    Lipschitz constant 1: inside it class j cannot win. So the loss asks every image for a radius of `asked`, in
    units of pixels, whatever the rows w of the head are; a free head learns which classes to keep apart.

    The count of misses is the mean of sigmoid((epsilon − r)/slack) with r the soft minimum −temperature·log Σ_j
    exp(−r_j/temperature): as slack → 0 the share of images that are not certified at `epsilon`. Where the first term
    spends its effort on images far from certified, this one spends it on those near.

    One forward and one backward pass; nothing is drawn. It is a loss, not a certificate: a constant other than 1 only
    changes what it asks for.

    Source: Tsuzuku et al., NeurIPS 2018 (margins over Lipschitz constants in the loss); Leino, Wang and Fredrikson,
        "Globally-robust neural networks", ICML 2021, for ‖w_y − w_j‖; Singla, Singla and Feizi, ICLR 2022.

    Attributes:
        epsilon: the radius at which misses are counted, at least 0.
        asked: the radius that the cross-entropy asks for, at least 0.
        temperature: of the cross-entropy, in units of radii, greater than 0.
        weight: of the count, at least 0.
        slack: of the count, in units of radii, greater than 0.
    """

    name: ClassVar[str] = "radius"

    epsilon: float = 0.5
    asked: float = 0.8
    temperature: float = 0.2
    weight: float = 0.0
    slack: float = 0.2

    def __post_init__(self) -> None:
        for name in ("epsilon", "asked", "weight"):
            require_nonnegative(name, getattr(self, name))
        for name in ("temperature", "slack"):
            require_positive(name, getattr(self, name))

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """One forward and one backward pass. Raises TypeError for a model without an nn.Linear as its `head`."""
        head = getattr(model, "head", None)
        if not isinstance(head, nn.Linear):
            raise TypeError(
                f"`model` must have an nn.Linear as its `head` for training by radii, got {type(head).__name__}"
            )
        logits = model(images)
        radii = pair_radii(logits, labels, head.weight)
        return StepOutcome.of_backward(self._loss(radii, labels), logits, labels)

    def _loss(self, radii: Float[Tensor, "batch classes"], labels: Int64[Tensor, " batch"]) -> Float[Tensor, ""]:
        own = nn.functional.one_hot(labels, radii.shape[1]).bool()
        asked = ((self.asked - radii) / self.temperature).masked_fill(own, 0.0)
        loss = nn.functional.cross_entropy(asked, labels)
        if self.weight == 0:
            return loss
        nearest = -self.temperature * (-radii / self.temperature).masked_fill(own, -torch.inf).logsumexp(dim=1)
        return loss + self.weight * torch.sigmoid((self.epsilon - nearest) / self.slack).mean()


def pair_radii(
    logits: Float[Tensor, "batch classes"], labels: Int64[Tensor, " batch"], head: Float[Tensor, "classes features"]
) -> Float[Tensor, "batch classes"]:
    """(s_y − s_j)/‖w_y − w_j‖₂ for every class j, 0 for y itself; differentiable in both arguments."""
    distances = (head[:, None, :] - head[None]).square().sum(dim=2)
    lengths = torch.where(distances > 0, distances, torch.ones_like(distances)).sqrt()
    gaps = logits.gather(1, labels[:, None]) - logits
    return gaps / lengths[labels]
