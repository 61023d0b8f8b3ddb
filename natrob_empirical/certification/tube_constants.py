"""Constants of the logit gaps from the tube of each image's trajectory."""

import torch
from torch import Tensor

from natrob_empirical.certification.classifier_bounds import ClassifierBounds
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.gap_allowance import exact_image
from natrob_empirical.certification.radius_search import PairConstants
from natrob_empirical.models import IntegratorClassifier, SequentialClassifier
from natrob_theory import LayerRefusedError, tube_bound
from natrob_theory.bounds.network_growth import step_structures
from natrob_theory.layers.questions import evaluated, lipschitz_of_layer, output_shape
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import round_up, times_up, unit_roundoff


def tube_constants(constants: CertificateConstants, images: Tensor, y: Tensor) -> PairConstants:
    """C_j = ‖pool‖·G(tube)·‖stem‖·‖w_y − w_j‖ on balls around these images.

    The tube starts around the computed stem(x), with radius ‖stem‖r and what the stem rounds.

    Raises:
        CertificateRefusedError: a classifier without an integrator trunk.
    """
    model = constants.model
    bounds = constants.bounds
    if isinstance(model, SequentialClassifier):
        raise CertificateRefusedError(
            'no certificate by method "tube": it wants one integrator network with a fixed grid, and the nn.Sequential '
            'has none or several; use "global" or "local"'
        )
    if (
        not isinstance(model, IntegratorClassifier)
        or not isinstance(model.trunk, AbstractFixedStepNet)
        or not isinstance(bounds, ClassifierBounds)
    ):
        raise CertificateRefusedError(
            f'no certificate by method "tube": {type(model).__name__} has no trunk of fixed steps; use "global"'
        )
    trunk, stem = model.trunk, float(bounds.stem)
    state_shape = output_shape(model.stem, constants.image_shape)
    pool = lipschitz_of_layer(model.pool, state_shape)
    structure = step_structures(trunk, input_shape=state_shape)
    error = evaluated(model.stem, constants.image_shape, exact_image(), unit_roundoff(torch.float64)).error

    def on_balls(rows: Tensor, radii: Tensor) -> Tensor:
        with torch.no_grad():
            start = model.stem(images[rows])
        drift = float(error[0]) * per_sample_l2(images[rows]) + float(error[1])
        reach = round_up(stem * radii + drift, 8)
        try:
            tube = tube_bound(trunk, start, reach, structure=structure)
        except (LayerRefusedError, OverflowError, ValueError) as refusal:
            raise CertificateRefusedError(f'no certificate by method "tube": {refusal}') from refusal
        growth = round_up(torch.as_tensor(tube.growth.value) * (pool * stem), 8)
        return times_up(constants.distances[y[rows]], growth[:, None])

    return on_balls
