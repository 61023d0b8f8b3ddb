"""The schema of a record. A change that an old reader would misread raises `SCHEMA_VERSION`.

A new kind of result is no such change: an old reader sets a record of a kind it does not know aside.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1


class AbstractRecordPart(BaseModel):
    """Frozen, no unknown fields; infinities are written as strings, since JSON has no sign for them."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Number(AbstractRecordPart):
    """A number that says what it is.

    Attributes:
        value: the number; infinity where a bound overflows.
        kind: "lower" or "upper" bound, "estimate", or "measured" (exact for the n samples it was measured on).
        n: how many samples (images, pairs of trajectories, or states searched) it was found on; None for a bound
            that holds for all inputs.
        source: formula or method.
    """

    value: float
    kind: Literal["lower", "upper", "estimate", "measured"]
    n: int | None
    source: str


class Curve(AbstractRecordPart):
    """A quantity along the network.

    Attributes:
        label: what it is, such as "measured growth, largest".
        kind, n: as in `Number`.
        times: t_n.
        values: one per time.
    """

    label: str
    kind: Literal["lower", "upper", "estimate", "measured"]
    n: int | None
    times: list[float]
    values: list[float]


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


class TheoryResult(AbstractRecordPart):
    """The theory side of one trained model: constants, bounds, trajectories.

    Attributes:
        parameters: trainable parameters.
        step_size: h; None for an adaptive grid.
        num_steps: N, or the length of the recorded grid.
        total_time: T = Σ h_n.
        evaluations: field evaluations of one forward pass.
        train_accuracy, clean_accuracy: on all training and test images used.
        training_seconds: wall clock.
        field_lipschitz_upper, field_lipschitz_lower: of the trunk's field(s), the largest over the steps.
        stem_lipschitz_upper: of the stem; the pooling is at most 1-Lipschitz and counted in `feature_lipschitz_upper`.
        growth_bound: of the trunk, from the upper K, by the method's own formula.
        exponential_bound: e^{KT}, the paper's (11), from the same K: a bound for the exact flow and for Euler's method,
            not for every method.
        feature_lipschitz_upper: ‖pool‖ · growth · ‖stem‖, the map from images to feature vectors.
        measured_growth_median, measured_growth_largest: ‖e_N‖/‖e_0‖ over the measured pairs.
        feature_diameter: the largest distance found between feature vectors of clean test images.
        bound_checks: measured divergence against bound.
        curves: growth along the network, measured and bounded.
        vacuity: per budget.
        certified: per budget; empty where no certificate exists.
        certificate_refusal: why there is none, or empty.
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


class StepSizePoint(AbstractRecordPart):
    """The growth over T at one step size, by Euler's method.

    Attributes:
        step_size, num_steps: h and n = T/h.
        measured: the largest growth found, a lower bound of the worst.
        from_lipschitz: (1 + hK)^n.
        from_one_sided: the bound from (μ, K).
        from_gradient_flow: the bound for gradient flows; None for other fields.
    """

    step_size: float
    num_steps: int
    measured: Number
    from_lipschitz: Number
    from_one_sided: Number
    from_gradient_flow: Number | None


class FieldGrowth(AbstractRecordPart):
    """One field of the sweep over step sizes: its constants as intervals, and its growth.

    Attributes:
        label: what the field is.
        lipschitz_lower, lipschitz_upper: K.
        one_sided_lower, one_sided_upper: μ, which may be negative.
        exact_flow: e^{μT}, the bound of the exact flow, to which the one from (μ, K) tends as h falls.
        points: by falling step size.
    """

    label: str
    lipschitz_lower: Number
    lipschitz_upper: Number
    one_sided_lower: Number
    one_sided_upper: Number
    exact_flow: Number
    points: list[StepSizePoint]


class StepSizeResult(AbstractRecordPart):
    """Step size against growth at fixed T, on fields of equal K that are not trained.

    Attributes:
        total_time: T.
        dimension: of the states.
        fields: one for each kind of field.
        seconds: wall clock.
    """

    kind: Literal["step sizes"] = "step sizes"
    total_time: float
    dimension: int
    fields: list[FieldGrowth]
    seconds: float


class AttackResult(AbstractRecordPart):
    """One attack at one budget on one trained model.

    Attributes:
        accuracy: under the attack: an upper bound of the true robust accuracy.
        clean_accuracy: on the same images.
        majority_share: the share of the largest class among the images. With an L∞ budget of 0.5 or more no
            deterministic classifier has a robust accuracy above it (theory, section 2).
        largest_distance: the largest ‖x' − x‖ in the attack's norm.
        mean_queries, mean_gradient_calls: per image.
        seconds: wall clock.
    """

    kind: Literal["attack"] = "attack"
    accuracy: Number
    clean_accuracy: Number
    majority_share: float
    largest_distance: float
    mean_queries: float
    mean_gradient_calls: float
    seconds: float


class SampleOutcomes(AbstractRecordPart):
    """What an attack did to every image, in the order of the data: one entry an image, packed into text.

    Attributes:
        outcomes: one letter an image: "w" for wrong without a perturbation, "f" for fooled, "k" for kept its label.
        queries, gradient_calls: forward passes and loss gradients, integers between spaces.
        distances: ‖x' − x‖ of the images returned, in the attack's norm, between spaces; exact, as `float` reads them.

    Raises:
        ValidationError: another letter, a number that is none, or not one entry an image everywhere.
    """

    outcomes: str
    queries: str
    gradient_calls: str
    distances: str

    @model_validator(mode="after")
    def _one_entry_an_image(self) -> "SampleOutcomes":
        strange = sorted(set(self.outcomes) - set("wfk"))
        if strange:
            raise ValueError(f"`outcomes` must consist of the letters w, f and k, got {strange[0]!r}")
        for name, values in (
            ("queries", self.query_counts),
            ("gradient_calls", self.gradient_counts),
            ("distances", self.distance_values),
        ):
            if len(values) != len(self.outcomes):
                raise ValueError(f"`{name}` must hold {len(self.outcomes)} entries, one an image, got {len(values)}")
        return self

    def __len__(self) -> int:
        return len(self.outcomes)

    @classmethod
    def joined(cls, parts: Sequence["SampleOutcomes"]) -> "SampleOutcomes":
        """The outcomes of several batches as one."""
        return cls(
            outcomes="".join(part.outcomes for part in parts),
            queries=" ".join(part.queries for part in parts),
            gradient_calls=" ".join(part.gradient_calls for part in parts),
            distances=" ".join(part.distances for part in parts),
        )

    @property
    def query_counts(self) -> list[int]:
        """One number an image."""
        return [int(part) for part in self.queries.split()]

    @property
    def gradient_counts(self) -> list[int]:
        """One number an image."""
        return [int(part) for part in self.gradient_calls.split()]

    @property
    def distance_values(self) -> list[float]:
        """One number an image."""
        return [float(part) for part in self.distances.split()]


class AttackRunResult(AbstractRecordPart):
    """One attack at one budget, as `natrob attack` ran it: the summary of a benchmark's cell, and every image.

    Attributes:
        summary: as in a benchmark; its accuracy is an upper bound of the robust accuracy on these images.
        accuracy_interval, clean_interval: Wilson's 95 % intervals of both accuracies for the population that the
            images are a random sample of.
        ceiling: no deterministic classifier has a higher robust accuracy on these images: their largest class's share
            where an L∞ radius of at least 0.5 puts the grey image into every ball; else None.
        samples: per image.
    """

    kind: Literal["attack run"] = "attack run"
    summary: AttackResult
    accuracy_interval: tuple[float, float]
    clean_interval: tuple[float, float]
    ceiling: float | None
    samples: SampleOutcomes


class CellKey(AbstractRecordPart):
    """Which cell of a preset this is. `attack`, `norm` and `epsilon` are None for the theory cell of a model.

    The sweep over step sizes is one cell of its own, without a model: its `model` names it.

    Attributes:
        preset, dataset: names.
        model: the model's label, unique in the preset.
        network: the network class.
        training: the training method.
        seed: of the run.
        attack: the attack's label, such as "PGD-20".
        norm, epsilon: its budget.
    """

    preset: str
    dataset: str
    model: str
    network: str
    training: str
    seed: int
    attack: str | None = None
    norm: Literal["Linf", "L2"] | None = None
    epsilon: float | None = None


class Environment(AbstractRecordPart):
    """Where and with what a cell was run."""

    natrob: str
    python: str
    torch: str
    torchvision: str
    torchdiffeq: str
    platform: str
    hardware: str
    device: str
    threads: int
    commit: str
    created: str


class CellRecord(AbstractRecordPart):
    """One finished cell: its key, full settings, environment and result."""

    schema_version: Literal[1] = SCHEMA_VERSION
    cell: CellKey
    settings: dict[str, Any]
    environment: Environment
    result: Annotated[TheoryResult | AttackResult | StepSizeResult | AttackRunResult, Field(discriminator="kind")]
