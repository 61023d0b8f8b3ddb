"""The classifier of the experiments: stem, integrator trunk, pooling, linear head."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory import AbstractIntegratorNet


@final
class IntegratorClassifier(nn.Module):
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

    def features(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """The feature vectors that the head sees."""
        return self.pool(self.trunk(self.stem(x))).flatten(1)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images in [0, 1]."""
        return self.head(self.features(x))
