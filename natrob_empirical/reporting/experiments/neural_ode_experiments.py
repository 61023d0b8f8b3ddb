"""Table 1 and Figures 2 and 3: one pair of networks under different attacks."""

from collections.abc import Mapping
from typing import Final

from natrob_empirical.display.formatting import NORM_SIGNS, format_number
from natrob_empirical.reporting.experiments.experiment import Claim, Experiment, ExperimentPart
from natrob_empirical.reporting.experiments.neural_ode_findings import (
    pairs_part,
    under_own_attacks,
    under_strongest,
    under_transfer,
    without_gradients,
)
from natrob_empirical.reporting.experiments.weak_attacks import gaps_part, transfer_beats_own, weak_against_strong
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.record_groups import Section
from natrob_empirical.reporting.tables.table import Cell, Column, Table, text_cell

_STAND_INS: Final = (
    "Where a label names a width or a number of channels, that network stands in for the paper's ResNet-50 or for the "
    "Neural ODE of its Table A1, with the same layers and fewer channels, and its training is shorter. All numbers "
    "under attack are upper bounds of the robust accuracy: an attack that fails proves nothing."
)
_FINDERS: Final = (under_strongest, under_own_attacks, under_transfer, without_gradients, weak_against_strong,
                   transfer_beats_own)  # fmt: skip
_GRADIENT_CLAIM: Final = Claim(
    text="The Neural ODE keeps more accuracy than ResNet-50 under FGSM and PGD.",
    place="section 4, Table 1",
    finding="neural-ode-gradient",
)


def distances_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """The median distance of the nearest wrong images that searches without a radius found."""
    del prefix, styles
    rows: dict[tuple[str, str, int], tuple[Cell, ...]] = {}
    for model in section.models:
        for budget, results in model.attacks.items():
            for seed, result in results.items():
                if result.median_distance is not None:
                    distance = result.median_distance
                    rows.setdefault(
                        (model.label, budget.attack, seed),
                        tuple(map(text_cell, (
                            model.label, budget.attack, NORM_SIGNS.get(budget.norm, budget.norm), str(seed),
                            format_number(distance.value, kind=distance.kind),
                            "not recorded" if distance.n is None else f"{distance.n:,}",
                        ))),
                    )  # fmt: skip
    if not rows:
        return None
    columns = (
        Column(heading="Model", numeric=False),
        Column(heading="Attack", numeric=False),
        Column(heading="Norm", numeric=False),
        Column(heading="Seed"),
        Column(heading="Median distance", note="upper, pixels in [0, 1]"),
        Column(heading="n", note="images classified correctly"),
    )
    table = Table(
        caption="How far away the nearest wrong image is that the search found, in the middle of the images; ∞ where "
        "it found none for half of them. The nearest there is can only be closer.",
        columns=columns,
        rows=tuple(rows.values()),
    )
    text = ("A search without a radius returns a wrong image and its distance, an upper bound of the least.",)
    return ExperimentPart(heading="Distance of the nearest wrong image found", text=text, tables=(table,))


TABLE_1: Final = Experiment(
    key="table1",
    title="Table 1: ResNet-50 and Neural ODE under FGSM and PGD",
    introduction=(
        "The paper claims that a plainly trained Neural ODE is far more accurate than ResNet-50 under FGSM and PGD, "
        "on MNIST even at L∞ ε = 0.5, and calls that natural robustness.",
        _STAND_INS,
    ),
    finders=_FINDERS,
    parts=(pairs_part, gaps_part),
    claims=(_GRADIENT_CLAIM,),
)
FIGURE_2: Final = Experiment(
    key="fig2",
    title="Figure 2: ResNet-50 and Neural ODE under DI²-FGSM",
    introduction=(
        "The paper claims that the Neural ODE stays above ResNet-50 at every radius under DI²-FGSM, an attack on "
        "changed views of the image.",
        _STAND_INS,
    ),
    finders=_FINDERS,
    parts=(pairs_part, gaps_part),
    claims=(_GRADIENT_CLAIM,),
)
FIGURE_3: Final = Experiment(
    key="fig3",
    title="Figure 3: ResNet-50 and Neural ODE under the Boundary Attack",
    introduction=(
        "The paper claims that the Neural ODE is more robust than ResNet-50 under the Boundary Attack too, which sees "
        "decisions and no gradients, with 1,000 queries an image.",
        _STAND_INS,
    ),
    finders=_FINDERS,
    parts=(distances_part, pairs_part, gaps_part),
    claims=(
        Claim(
            text="The Neural ODE keeps more accuracy than ResNet-50 under an attack without gradients.",
            place="section 4, Figure 3",
            finding="neural-ode-queries",
        ),
    ),
)
