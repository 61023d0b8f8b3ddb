"""Constants of the logit gaps in L∞ and L1 themselves, with no detour over L2.

|Δ(s_y − s_j)| ≤ Σ_k |w_y − w_j|_k |Δφ_k|. With |Δφ| ≤ u entry by entry for all perturbations of L∞ norm 1, the gap
changes by at most ⟨|w_y − w_j|, u⟩, which is at most L_∞‖w_y − w_j‖₁. In L1 the weights |w_y − w_j| go back through the
network and the largest weight of a pixel counts, at most L_1‖w_y − w_j‖_∞.

Proof: proofs/symbolic/row_and_column_norms.py, proofs/symbolic/native_margins.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.certification.classifier_bounds import ImageShape
from natrob_empirical.certification.margins import PairMargins
from natrob_empirical.certification.sequential_classifier import SequentialClassifier
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier, ResidualClassifier
from natrob_theory import Bound, LayerRefusedError, lipschitz_upper_bound
from natrob_theory.layers.entry_sums import absolute, ones_like_shape, raised
from natrob_theory.layers.questions import reach
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up

PAIRS_AT_ONCE = 64
"""Pairs of classes whose weights go back through the network together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NativeConstants:
    """The constants of one classifier in one norm.

    Attributes:
        norm: "Linf" or "L1".
        features: of the map from images to features.
        gaps: of the logit gaps s_y − s_j, rounded outward.
    """

    norm: Norm
    features: Bound
    gaps: Float[Tensor, "classes classes"]

    def radii(
        self, margins: PairMargins, y: Int64[Tensor, " images"], image_shape: Sequence[int]
    ) -> Float[Tensor, " images"]:
        """Radii in this norm up to which the labels hold, at most the one that holds every image.

        The allowance for rounding grows with ‖δ‖₂, which is at most √d‖δ‖_∞ and at most ‖δ‖₁.
        """
        entries = math.prod(image_shape)
        longest = math.sqrt(entries) * (1.0 + 2 * EPSILON) if self.norm == "Linf" else 1.0
        own = replace(margins, slope=margins.slope * longest * (1.0 + EPSILON))
        return own.radii(self.gaps.to(margins.room)[y]).clamp_max(1.0 if self.norm == "Linf" else float(entries))


@singledispatch
def feature_parts(model: nn.Module) -> list[nn.Module]:
    """The parts between image and features, in order.

    Raises:
        LayerRefusedError: nothing is known of this class of classifier.
    """
    raise LayerRefusedError(
        f"no constant in L∞ or L1 is known for classifier {type(model).__name__}; register its parts with "
        f"natrob_empirical.certification.feature_parts.register"
    )


@feature_parts.register
def _(model: IntegratorClassifier) -> list[nn.Module]:
    return [model.stem, model.trunk, model.pool]


@feature_parts.register
def _(model: ResidualClassifier) -> list[nn.Module]:
    return [model.stem, *model.blocks, model.last, model.pool]


@feature_parts.register
def _(model: SequentialClassifier) -> list[nn.Module]:
    return list(model.layers)


def native_constants(model: AbstractClassifier, image_shape: ImageShape, norm: Norm) -> NativeConstants:
    """The constants of a frozen classifier in L∞ or L1.

    Raises:
        LayerRefusedError: a layer, or a class of classifier, of which nothing is known in this norm.

    Source: theory, section 6.
    Proof: proofs/symbolic/native_margins.py.
    """
    chain = nn.Sequential(*feature_parts(model), nn.Flatten())
    features = lipschitz_upper_bound(chain, input_shape=image_shape, norm=norm)
    rows = model.head.weight.detach().double()
    differences = absolute(rows[:, None, :] - rows[None]) * (1.0 + 2 * EPSILON)
    if norm == "Linf":
        reached = raised(reach(chain, norm, ones_like_shape(image_shape), image_shape)[0]).to(differences)
        gaps = round_up(differences @ reached, differences.shape[2] + 2)
    else:
        pairs = differences.flatten(0, 1).split(PAIRS_AT_ONCE)
        largest = [reach(chain, norm, some, image_shape).flatten(1).amax(dim=1) for some in pairs]
        gaps = torch.cat(largest).view(len(rows), len(rows))
    return NativeConstants(norm=norm, features=features, gaps=gaps)
