"""The theory side of one trained model, as a record holds it."""

from typing import Literal

from pydantic import Field

from natrob_empirical.records.schema.record_part import AbstractRecordPart, Curve, Number
from natrob_empirical.records.schema.samples import SampleAmplification, SampleCertificates, SampleMargins


class BoundCheckSummary(AbstractRecordPart):
    """A bound check over pairs and steps.

    Attributes:
        constant: which Lipschitz constant the bound used.
        kind: of that bound.
        pairs: trajectories compared.
        comparisons: pairs × steps.
        violations: how many comparisons exceeded bound + allowance.
        worst_ratio: the largest measured/bound where rounding is below 1 % of the bound; 0 if nowhere.
        rounding: how rounding was treated.
    """

    constant: str
    kind: Literal["upper", "estimate"]
    pairs: int
    comparisons: int
    violations: int
    worst_ratio: float
    rounding: str


class VacuityPoint(AbstractRecordPart):
    """Does the bound exclude anything at this budget?

    Attributes:
        norm, epsilon: the input budget.
        displacement_bound: L·ε₂, how far the bound lets a feature vector move (ε₂ the budget in L2).
        vacuous: whether that is at least the largest distance between feature vectors of clean test images, so that
            the bound does not even exclude that one image's features become another's.
    """

    norm: Literal["Linf", "L2"]
    epsilon: float
    displacement_bound: float
    vacuous: bool


class CertifiedPoint(AbstractRecordPart):
    """Certified accuracy at one budget: a lower bound of the true robust accuracy on the n images."""

    norm: Literal["Linf", "L2"]
    epsilon: float
    accuracy: Number


class BlockConstants(AbstractRecordPart):
    """One residual block y → σ(S y + h·F(y)).

    Attributes:
        step_size: h, as it stands outside the branch.
        branch_upper, branch_lower: K of F.
        shortcut_upper: L_S; 1 for the identity.
        activation_upper: L_σ; 1 for ReLU.
        growth: L_σ(L_S + |h|K), from the upper constants.
    """

    step_size: float
    branch_upper: Number
    branch_lower: Number
    shortcut_upper: Number
    activation_upper: Number
    growth: Number


class EvaluationStatistics(AbstractRecordPart):
    """The cost of one forward pass, over images. For a fixed grid all images cost the same and nothing is rejected.

    Attributes:
        images: how many.
        smallest, median, largest: evaluations of the trunk's field(s) for one image (NFE); of a residual network, of
            its branches.
        rejected_smallest, rejected_median, rejected_largest: trial steps that the solver threw away.
    """

    images: int
    smallest: int
    median: float
    largest: int
    rejected_smallest: int = 0
    rejected_median: float = 0.0
    rejected_largest: int = 0


class GridStatistics(AbstractRecordPart):
    """The time grid, over images.

    Attributes:
        images: how many.
        steps_smallest, steps_median, steps_largest: N per image; of a residual network, its blocks.
        step_size_smallest, step_size_largest: h over images and steps.
        hk_smallest, hk_largest: h·K over images and steps, K the upper constant of the step's field, so that both are
            upper bounds; infinity where K overflows.
        kind: whether the grid is fixed beforehand or chosen per image.
    """

    images: int
    steps_smallest: int
    steps_median: float
    steps_largest: int
    step_size_smallest: float
    step_size_largest: float
    hk_smallest: float
    hk_largest: float
    kind: Literal["fixed", "adaptive"]


class TheoryResult(AbstractRecordPart):
    """The theory side of one trained model: constants, bounds, trajectories.

    Attributes:
        parameters: trainable parameters.
        step_size: h; None for an adaptive grid.
        num_steps: N, or the length of the recorded grid.
        total_time: T = Σ h_n.
        evaluations: field evaluations of one forward pass, the median over images; of a residual network its branches.
        train_accuracy, clean_accuracy: on all training and test images used.
        training_seconds: wall clock.
        field_lipschitz_upper, field_lipschitz_lower: of the trunk's field(s), the largest over the steps; of a
            residual network the largest over its branches.
        stem_lipschitz_upper: of the stem; the pooling is at most 1-Lipschitz and counted in `feature_lipschitz_upper`.
        growth_bound: of the trunk, from the upper K, by the method's own formula.
        exponential_bound: e^{KT}, the paper's (11), from the same K: a bound for the exact flow and for Euler's method,
            not for every method. Of a residual network e^{Σ h_n K_n}, an estimate where a shortcut or an activation
            expands.
        feature_lipschitz_upper: ‖pool‖ · growth · ‖stem‖, the map from images to feature vectors.
        measured_growth_median, measured_growth_largest: ‖e_N‖/‖e_0‖ over the measured pairs.
        feature_diameter: the largest distance found between feature vectors of clean test images.
        bound_checks: measured divergence against bound.
        curves: growth along the network, measured and bounded.
        vacuity: per budget.
        certified: per budget; empty where no certificate exists.
        certificate_refusal: why there is none, or empty.
        amplification: per image, for the pairs behind `measured_growth_median`; None in records from before there was
            any, as for all that follows.
        evaluations_per_sample: over the clean images of these pairs.
        grid: over the same.
        blocks: of a residual network, in order.
        left_out: which of the images could not be measured, such as those whose solve failed, and why; or empty.
        certificates: radii image by image, one entry a method and norm; methods that were not tried have none.
        margins: of every test image.
        trunk_lipschitz_lower: the largest ‖e_N‖/‖e_0‖ that a search found, at most the growth bound. Of a Neural ODE
            on the grids of its clean images, as all its bounds. None where the search failed.
    """

    kind: Literal["theory"] = "theory"
    parameters: int
    step_size: float | None
    num_steps: int
    total_time: float
    evaluations: int
    train_accuracy: Number
    clean_accuracy: Number
    training_seconds: float
    field_lipschitz_upper: Number
    field_lipschitz_lower: Number
    stem_lipschitz_upper: Number
    growth_bound: Number
    exponential_bound: Number
    feature_lipschitz_upper: Number
    measured_growth_median: Number
    measured_growth_largest: Number
    feature_diameter: Number
    bound_checks: list[BoundCheckSummary]
    curves: list[Curve]
    vacuity: list[VacuityPoint]
    certified: list[CertifiedPoint]
    certificate_refusal: str = ""
    amplification: SampleAmplification | None = None
    evaluations_per_sample: EvaluationStatistics | None = None
    grid: GridStatistics | None = None
    blocks: list[BlockConstants] = Field(default_factory=list)
    left_out: str = ""
    certificates: list[SampleCertificates] = Field(default_factory=list)
    margins: SampleMargins | None = None
    trunk_lipschitz_lower: Number | None = None


class TheoryRefusal(AbstractRecordPart):
    """Why a trained model has no theory side: no pair could be measured, or a layer cannot be bounded.

    Attributes:
        parameters, train_accuracy, clean_accuracy, training_seconds: as in `TheoryResult`.
        reason: what failed, and the advice that came with it.
    """

    kind: Literal["theory refused"] = "theory refused"
    parameters: int
    train_accuracy: Number
    clean_accuracy: Number
    training_seconds: float
    reason: str
