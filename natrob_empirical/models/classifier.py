"""The classifier whose trunk is an integrator: stem, integrator trunk, pooling, linear head."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models.abstract_classifier import AbstractClassifier
from natrob_theory import AbstractIntegratorNet


@final
class IntegratorClassifier(AbstractClassifier):
    """logits = head(pool(trunk(stem(x)))) with an affine stem, a pool and an affine head.

    A Lipschitz bound of the features is ‖pool‖ · growth · ‖stem‖, and the head's rows turn it into margins (theory,
    section 6).

    Args:
        stem: image -> state, affine: a convolution, or pixels rearranged and zeros appended.
        trunk: state -> state of the same shape.
        pool: state -> what the head's features are when flattened: an average, or nn.Flatten().
        head: features -> logits.
    """

    def __init__(self, stem: nn.Module, trunk: AbstractIntegratorNet, pool: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.stem = stem
        self.trunk = trunk
        self.pool = pool
        self.head = head

    @property
    def first_layer(self) -> nn.Module:
        """The stem."""
        return self.stem

    def features_after_first_layer(self, z: Float[Tensor, "batch *state"]) -> Float[Tensor, "batch size"]:
        """pool(trunk(z)), flattened."""
        return self.pool(self.trunk(z)).flatten(1)
