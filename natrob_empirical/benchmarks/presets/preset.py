"""A preset: which models, how trained, which attacks, over which budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from natrob_empirical.attacks import AbstractAttack, Classifier, TransferAttack, registered_attack
from natrob_empirical.models import AnyModelSpecification
from natrob_empirical.paper import SOURCE, PrintedAccuracy
from natrob_empirical.training import TrainingSpecification
from natrob_theory.numbers.norms import linf_radius_as_l2


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How far an image may be moved: a norm and a radius."""

    norm: Literal["Linf", "L2"]
    epsilon: float

    def l2_radius(self, dimension: int) -> float:
        """The radius of the smallest L2 ball that holds the budget, for images of `dimension` pixels."""
        return linf_radius_as_l2(self.epsilon, dimension) if self.norm == "Linf" else self.epsilon


@dataclass(frozen=True, kw_only=True)
class AttackSpecification:
    """An attack over budgets.

    Attributes:
        label: the name in tables.
        attack: which one, by its identity in the registry of attacks.
        norm: of the budget.
        epsilons: the budgets; images have pixels in [0, 1].
        steps: of an iterated attack; None for its own default.
        step_size: of PGD and DI²-FGSM, in pixels; None for the attack's own, 2.5·ε/steps.
        source: the label of a model of the preset: the images are made on it and shown to every other model. None
            attacks each model itself.
        images: how many of the test images are attacked; None for all.
        only_on: the labels of the models that meet the attack; empty for all. It says which cells there are and is no
            part of what determines one.
    """

    label: str
    attack: str
    norm: Literal["Linf", "L2"]
    epsilons: tuple[float, ...]
    steps: int | None = None
    step_size: float | None = None
    source: str | None = None
    images: int | None = None
    only_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        registered_attack(self.attack)

    def build(self, epsilon: float, source: Classifier | None = None) -> AbstractAttack:
        """The attack at one budget; with a `source`, its images made there and transferred."""
        wanted = {"steps": self.steps, "step_size": self.step_size}
        settings = {name: value for name, value in wanted.items() if value is not None}
        attack = registered_attack(self.attack).build(self.norm, epsilon, settings)
        return attack if source is None else TransferAttack(attack.ball, source=source, attack=attack)

    def settings(self, epsilon: float) -> dict[str, Any]:
        """Everything that determines the attack at one budget, for the record."""
        return {
            "attack": self.attack,
            "norm": self.norm,
            "epsilon": epsilon,
            "steps": self.steps,
            "step_size": self.step_size,
            "source": self.source,
            "images": self.images,
        }


def budgets_of(attacks: Sequence[AttackSpecification]) -> list[Budget]:
    """Every budget of the attacks, once, in order."""
    found = (Budget(norm=attack.norm, epsilon=epsilon) for attack in attacks for epsilon in attack.epsilons)
    return list(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class PublishedResult:
    """An accuracy under attack from elsewhere; a record shows it beside the measured one.

    Attributes:
        network, training: the class of the preset's model that it is about, and the name of its training.
        attack: the label of the attack.
        norm, epsilon: the budget.
        accuracy: in [0, 1].
        source: where it was published.
    """

    network: str
    attack: str
    norm: Literal["Linf", "L2"]
    epsilon: float
    accuracy: float
    source: str
    training: str = "standard"


def published_result(entry: PrintedAccuracy, *, attack: str, training: str = "standard") -> PublishedResult:
    """Finds the number that the paper prints, for the attack of this label; where it does not state the norm, L∞."""
    return PublishedResult(
        network=entry.network,
        training=training,
        attack=attack,
        norm=entry.norm or "Linf",
        epsilon=entry.epsilon,
        accuracy=entry.accuracy,
        source=f"{SOURCE}, {entry.place}",
    )


@dataclass(frozen=True, kw_only=True)
class StepSizeSweep:
    """Step size against growth at fixed T, on fields of equal K that are not trained.

    Attributes:
        total_time: T.
        lipschitz: K, greater than `rate`.
        rate: μ = −rate of the damped field.
        dimension: of the states.
        steps: n, so that h = T/n.
        points: states from which the worst growth is searched.
    """

    total_time: float = 4.0
    lipschitz: float = 3.0
    rate: float = 1.0
    dimension: int = 16
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    points: int = 8


@dataclass(frozen=True, kw_only=True)
class PresetModel:
    """A model of a preset, and how it is trained.

    Attributes:
        specification: its label is unique in the preset.
        training: how.
        attacked: False for a model that only serves as a source of transferred images.
    """

    specification: AnyModelSpecification
    training: TrainingSpecification
    attacked: bool = True


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A benchmark.

    Attributes:
        name: the key on the command line; for a figure or table of the paper, "table1-cpu" and the like.
        summary: one line.
        dataset: the default data set; `--data` replaces it.
        models: what is trained; unique labels.
        attacks: of every model that is attacked.
        published: numbers from elsewhere that stand beside ours.
        seeds: of the runs.
        train_images, test_images: how many are used; None for all.
        pairs: trajectories compared in the bound checks.
        step_sizes: the sweep over step sizes; None for none.
        local_certificates, tube_certificates: on so many of the first test images certificates around each image, and
            around each trajectory, are computed too; they cost far more than the one constant for all images.
        interval_certificates: on so many those by intervals, in the norms of the attacks.

    Raises:
        ValueError: two models of one label, or an attack whose source, or one of whose models, is none of them.
    """

    name: str
    summary: str
    dataset: str
    models: tuple[PresetModel, ...]
    attacks: tuple[AttackSpecification, ...] = ()
    published: tuple[PublishedResult, ...] = ()
    seeds: tuple[int, ...] = (0,)
    train_images: int | None = None
    test_images: int | None = None
    pairs: int = 64
    step_sizes: StepSizeSweep | None = None
    local_certificates: int = 0
    tube_certificates: int = 0
    interval_certificates: int = 0

    def __post_init__(self) -> None:
        labels = [model.specification.label for model in self.models]
        if len(set(labels)) < len(labels):
            raise ValueError(f"`models` must have labels of their own, got {labels}")
        for attack in self.attacks:
            if attack.source is not None and attack.source not in labels:
                raise ValueError(f"`source` must be the label of a model of the preset, got {attack.source!r}")
            unknown = [label for label in attack.only_on if label not in labels]
            if unknown:
                raise ValueError(f"`only_on` must hold labels of models of the preset, got {unknown[0]!r}")

    def model_labelled(self, label: str) -> PresetModel:
        """The model of this label."""
        return next(model for model in self.models if model.specification.label == label)

    def attacks_on(self, model: PresetModel) -> list[AttackSpecification]:
        """The attacks that this model meets: all but those whose images are made on it, or that are for others only."""
        label = model.specification.label
        if not model.attacked:
            return []
        return [a for a in self.attacks if a.source != label and (not a.only_on or label in a.only_on)]
