"""The classifier whose trunk is an integrator: stem, integrator trunk, pooling, linear head."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models.abstract_classifier import AbstractClassifier
from natrob_theory import AbstractIntegratorNet


@final
class IntegratorClassifier(AbstractClassifier):
    """logits = head(pool(trunk(stem(x)))) with an affine stem, an averaging pool and an affine head.

    Only the trunk is nonlinear, so a Lipschitz bound of the features is ‖pool‖ · growth · ‖stem‖, and the head's
    rows turn it into margins (theory, section 6).
    """

    def __init__(
        self, stem: nn.Conv2d, trunk: AbstractIntegratorNet, pool: nn.AdaptiveAvgPool2d, head: nn.Linear
    ) -> None:
        super().__init__()
        self.stem = stem
        self.trunk = trunk
        self.pool = pool
        self.head = head

    @property
    def first_layer(self) -> nn.Conv2d:
        """The stem."""
        return self.stem

    def features_after_first_layer(self, z: Float[Tensor, "batch width rows columns"]) -> Float[Tensor, "batch size"]:
        """pool(trunk(z)), flattened."""
        return self.pool(self.trunk(z)).flatten(1)
