"""The paper's accuracies and settings, read from `paper.json`, where each stands once and as printed.

The paper states no norm of FGSM and of PGD-20, no scale of the pixels of Table 1, and no number of attacked images.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, final

DatasetName: TypeAlias = Literal["mnist", "cifar10"]
DATASETS: Final[tuple[DatasetName, ...]] = ("mnist", "cifar10")

_TITLES: Final = MappingProxyType({"mnist": "MNIST", "cifar10": "CIFAR-10"})
_NETWORKS: Final = MappingProxyType(
    {"ResNet50": "resnet50", "Neural ODE": "neural_ode", "PreAct-Res18": "preact_resnet18"}
)


@final
@dataclass(frozen=True, kw_only=True)
class PrintedAccuracy:
    """An accuracy that the paper prints.

    Attributes:
        dataset: by the name that records have.
        model: as printed.
        training: against which attacks, as printed; "none".
        attack: as printed; "" for the accuracy without one.
        norm: None where the paper does not state it.
        epsilon: the radius, and `epsilon_printed` how it stands there, such as "8/255"; 0 and "" without an attack.
        steps, step_size: of the attack; None where not stated. FGSM is one step of ε.
        accuracy: a share.
        place: where it stands.
    """

    dataset: DatasetName
    model: str
    training: str = "none"
    attack: str = ""
    norm: Literal["Linf"] | None = None
    epsilon_printed: str = ""
    steps: int | None = None
    step_size: float | None = None
    accuracy: float
    place: str

    @property
    def epsilon(self) -> float:
        """The radius as a number."""
        return float(Fraction(self.epsilon_printed or "0"))

    @property
    def network(self) -> str:
        """The network's class as records name it."""
        return _NETWORKS[self.model]


@final
@dataclass(frozen=True, kw_only=True)
class TableA1:
    """Table A1: how the paper's Neural ODE was trained on one data set."""

    optimiser: str
    solver: str
    convolution_layers: int
    channels: int
    start_time: int
    stop_time: int
    epochs: int
    learning_rate: float
    learning_rate_halved_every_epochs: int
    batch_size: int


@cache
def table_1(dataset: DatasetName) -> tuple[PrintedAccuracy, ...]:
    """FGSM and PGD on ResNet50 and the Neural ODE at four radii each: 16 entries, radii ascending within a row."""
    return tuple(_table_1_entries(dataset))


@cache
def table_2() -> tuple[PrintedAccuracy, ...]:
    """PGD-20 on CIFAR-10: PreAct-Res18 by three adversarial trainings, then the Neural ODE without one."""
    table = _paper()["table_2"]
    attack, _, epsilon, *_ = table["attack"].replace(",", "").split()
    return tuple(
        PrintedAccuracy(
            dataset="cifar10",
            model=row["model"],
            training=row["training"],
            attack=attack,
            epsilon_printed=epsilon,
            steps=int(attack.removeprefix("PGD-")),
            accuracy=_share(row["pgd_20"]),
            place=table["place"],
        )
        for row in table["rows"]
    )


@cache
def clean_accuracies() -> tuple[PrintedAccuracy, ...]:
    """The accuracies without an attack: four of section 4.2, then those of Table 2's rows in their order."""
    section, table = _paper()["clean_accuracy"], _paper()["table_2"]
    return (
        *(
            PrintedAccuracy(dataset=dataset, model=model, accuracy=_share(printed), place=section["place"])
            for dataset in DATASETS
            for model, printed in section[_TITLES[dataset]].items()
        ),
        *(
            PrintedAccuracy(
                dataset="cifar10",
                model=row["model"],
                training=row["training"],
                accuracy=_share(row["clean"]),
                place=table["place"],
            )
            for row in table["rows"]
        ),
    )


@cache
def table_a1(dataset: DatasetName) -> TableA1:
    """The settings of the Neural ODE on one data set."""
    return TableA1(**_paper()["table_A1"]["Neural ODE"][_TITLES[dataset]])


def _table_1_entries(dataset: DatasetName) -> Iterator[PrintedAccuracy]:
    table = _paper()["table_1"]
    pgd, rows = table["pgd"], table[_TITLES[dataset]]
    for attack in ("FGSM", "PGD"):
        for model, row in rows[attack].items():
            for epsilon, printed in zip(rows["epsilon"], row, strict=True):
                one_step = attack == "FGSM"
                yield PrintedAccuracy(
                    dataset=dataset,
                    model=model,
                    attack=attack,
                    norm="Linf" if table["norm"][attack] == "Linf" else None,
                    epsilon_printed=epsilon,
                    steps=1 if one_step else pgd["steps"],
                    step_size=float(Fraction(epsilon)) if one_step else pgd["step_size"],
                    accuracy=_share(printed),
                    place=table["place"],
                )


@cache
def _paper() -> Any:
    return json.loads((files(__package__ or "") / "paper.json").read_text("utf-8"))


def _share(percent: float | int) -> float:
    """The number nearest to what is printed, which `percent / 100` is not always."""
    return float(Decimal(str(percent)) / 100)


SOURCE: Final[str] = _paper()["source"]
