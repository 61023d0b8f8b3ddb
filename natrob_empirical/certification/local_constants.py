"""Constants of the logit gaps from the Jacobian at each image and what can change of it in a ball."""

from torch import Tensor

from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.radius_search import PairConstants
from natrob_empirical.certification.refusals import CertificateRefusedError
from natrob_empirical.models import IntegratorClassifier
from natrob_theory import LayerRefusedError
from natrob_theory.lipschitz.layer_rules import constants_remembered
from natrob_theory.local_map import LocalMap
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.rounding import EPSILON


def local_constants(constants: CertificateConstants, images: Tensor, y: Tensor) -> PairConstants:
    """C_j: constants of x -> ⟨w_y − w_j, features(x)⟩ on balls around these images.

    Raises:
        CertificateRefusedError: a classifier without an integrator trunk, or a step of it without a bound.
    """
    model = constants.model
    if not isinstance(model, IntegratorClassifier) or not isinstance(model.trunk, AbstractFixedStepNet):
        raise CertificateRefusedError(
            f'no certificate by method "local": {type(model).__name__} has no trunk of fixed steps; use "global"'
        )
    try:
        with constants_remembered():
            network = LocalMap((model.stem, model.trunk, model.pool), constants.image_shape)
    except (LayerRefusedError, ValueError) as refusal:
        raise CertificateRefusedError(f'no certificate by method "local": {refusal}') from refusal
    weight = model.head.weight.detach()

    def on_balls(rows: Tensor, radii: Tensor) -> Tensor:
        differences = weight[y[rows]][:, None, :] - weight[None]
        return network.rows_on_balls(images[rows], radii, differences) * (1.0 + 4 * EPSILON)

    return on_balls
