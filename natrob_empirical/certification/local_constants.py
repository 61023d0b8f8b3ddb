"""Constants of the logit gaps from the Jacobian at each image and what can change of it in a ball."""

from torch import Tensor, nn

from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.radius_search import PairConstants
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier, SequentialClassifier
from natrob_theory import LayerRefusedError
from natrob_theory.bounds.local.local_map import LocalMap
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.rounding import EPSILON


def local_constants(constants: CertificateConstants, images: Tensor, y: Tensor) -> PairConstants:
    """C_j: constants of x -> ⟨w_y − w_j, features(x)⟩ on balls around these images.

    Raises:
        CertificateRefusedError: a classifier that is neither a chain nor has an integrator trunk, or a step of it
            without a bound.
    """
    model = constants.model
    parts = _parts_of(model)
    try:
        with constants_remembered():
            network = LocalMap(parts, constants.image_shape)
    except (LayerRefusedError, ValueError) as refusal:
        raise CertificateRefusedError(f'no certificate by method "local": {refusal}') from refusal
    weight = model.head.weight.detach()

    def on_balls(rows: Tensor, radii: Tensor) -> Tensor:
        differences = weight[y[rows]][:, None, :] - weight[None]
        return network.rows_on_balls(images[rows], radii, differences) * (1.0 + 4 * EPSILON)

    return on_balls


def _parts_of(model: AbstractClassifier) -> tuple[nn.Module, ...]:
    """The map from images to features, part by part."""
    if isinstance(model, SequentialClassifier):
        return (model.layers,)
    if isinstance(model, IntegratorClassifier) and isinstance(model.trunk, AbstractFixedStepNet):
        return model.stem, model.trunk, model.pool
    raise CertificateRefusedError(
        f'no certificate by method "local": {type(model).__name__} has no trunk of fixed steps; use "global"'
    )
