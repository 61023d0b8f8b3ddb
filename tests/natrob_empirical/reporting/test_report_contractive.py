"""Contractive networks: proofs come first, what else differs is said, and no control is left out."""

from typing import Any

import pytest
from synthetic_experiments import attack, model_settings
from synthetic_records import key, number, record, theory_result
from synthetic_samples import certificates, letters_at

from natrob_empirical.records import CellRecord, packed
from natrob_empirical.reporting import Section, group_records
from natrob_empirical.reporting.contractive_pairs import contractive_models, contractive_pairs
from natrob_empirical.reporting.experiments.certified import CERTIFIED, pairs_part
from natrob_empirical.reporting.findings import contractive_networks

FAR, NEAR = (0.0, *[9.0] * 59), (0.0, *[0.1] * 59)


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def runs(
    label: str, network: str, *, reach: float = 0.0, distances: tuple[float, ...] = NEAR, training: str = "standard",
    growth: float = 10.0, exponential: float = 20.0, parameters: int = 12_345, autoattack: bool = True,
    epochs: int = 3,
) -> list[CellRecord]:  # fmt: skip
    """One network with an L2 radius for all images but the first, attacked at 0.3 and 0.6."""
    settings = model_settings(label, network, training)
    settings["training"]["epochs"] = epochs
    place: dict[str, Any] = {"preset": "certified-tiny", "dataset": "digits", "training": training}
    result = theory_result(
        certificates=[certificates([0.0, *[reach] * 59])], certified=(), parameters=parameters,
        growth_bound=number(growth, "upper", None), exponential_bound=number(exponential, "upper", None),
    )  # fmt: skip
    found = [record(key(label, network=network, **place), result, settings=settings)]
    kinds = [("PGD-40", "PGD")] + [("AutoAttack", "AutoAttack")] * autoattack
    for epsilon in (0.3, 0.6):
        for name, kind in kinds:
            found.append(
                attack(label, network, name, epsilon, 0.0, norm="L2", n=60, kind=kind, settings=settings,
                       letters=letters_at(distances, epsilon), distances=packed(distances), **place)
            )  # fmt: skip
    return found


def flow(**changes: Any) -> list[CellRecord]:
    fields: dict[str, Any] = {"reach": 0.31, "distances": FAR, "growth": 1.0, "training": "margin", "epochs": 14}
    return runs("Flow", "a_new_flow", **(fields | changes))


RIVALS = [*runs("ResNet, h = 1", "euler"), *runs("ODE", "neural_ode")]


def test_the_proof_comes_first() -> None:
    finding = contractive_networks(of(*flow(), *RIVALS))
    assert finding is not None
    first = "Networks whose trunk cannot expand a perturbation: The certified accuracy (lower) of Flow exceeds the "
    first += "attacked accuracy (upper, all attacks together, the same images, n = 60) of ResNet, h = 1 at 1 radius "
    first += "(L2 ε = 0.3: 0.983 against 0.000, p < 0.0001) and ODE at 1 radius"
    assert finding.text.startswith(first)
    assert "the order of the true robust accuracies on these images is proved" in finding.text
    words = (
        "Under AutoAttack (upper bounds, n = 60, exact McNemar tests adjusted by Holm's method) Flow keeps more than "
    )
    words += "ResNet, h = 1 at every radius (beyond chance at 2; difference 0.98) and ODE at every radius"
    assert words in finding.text
    assert "Flow (seed 0) is certified on 0.983 at L2 ε = 0.3 (lower, n = 60)" in finding.text
    assert finding.verdict == "holds"


def test_no_proof_is_claimed_where_there_is_none() -> None:
    finding = contractive_networks(of(*flow(reach=0.0), *RIVALS))
    assert finding is not None
    assert "At no radius does a certified accuracy exceed an accuracy under attack of another." in finding.text
    assert "is proved" not in finding.text


def test_the_other_way_round_is_proved_too() -> None:
    section = of(*flow(distances=NEAR, reach=0.05), *runs("ResNet, h = 1", "euler", reach=0.31, distances=FAR))
    finding = contractive_networks(section)
    assert finding is not None
    assert "The certified accuracy (lower) of ResNet, h = 1 exceeds the attacked accuracy" in finding.text
    assert finding.verdict == "does not hold"


def test_what_else_differs_is_said() -> None:
    finding = contractive_networks(of(*flow(parameters=1_059_850), *RIVALS))
    assert finding is not None
    assert (
        "differ in parameters (1,059,850 against 12,345), epochs (14 against 3) and training method (margin against "
        "standard), so the trunk's structure is not all that differs." in finding.text
    )
    assert finding.summary.endswith("other things differ too")
    alike = contractive_networks(of(*flow(training="standard", epochs=3), *RIVALS))
    assert alike is not None
    assert "differ in" not in alike.text
    (claim,) = CERTIFIED.claims
    assert "trained for margins" in claim.text


def test_the_best_control_is_a_rival_of_its_own() -> None:
    weak = runs("ResNet, h = 1, ‖W‖ ≤ 1.5", "euler", training="spectral_normalisation")
    best = runs("ResNet, h = 1, K penalised", "euler", training="penalty", distances=(0.0, *[0.4] * 59),
                autoattack=False)  # fmt: skip
    section = of(*flow(), *RIVALS, *weak, *best)
    assert [(pair.second.label, pair.control) for pair in contractive_pairs(section)] == [
        ("ResNet, h = 1", False), ("ODE", False), ("ResNet, h = 1, K penalised", True),
    ]  # fmt: skip
    finding = contractive_networks(section)
    assert finding is not None
    assert "Under all attacks that both met, image by image (upper" in finding.text
    assert "Flow keeps more than ResNet, h = 1, K penalised (the control that keeps most) at 1 of 2" in finding.text
    part = pairs_part(section, "p", {})
    assert part is not None
    assert len(part.tables) == 3


@pytest.mark.parametrize(
    ("growth", "exponential", "contractive"),
    [(1.0 + 1e-7, 20.0, True), (1.01, 20.0, False), (1.0 + 1e-7, 1.0 + 1e-7, False)],
)
def test_bounds_decide_what_is_contractive(growth: float, exponential: float, contractive: bool) -> None:
    """A step too small to matter makes no network contractive."""
    section = of(*flow(growth=growth, exponential=exponential), *RIVALS)
    assert [model.label for model in contractive_models(section)] == (["Flow"] if contractive else [])
    assert (contractive_networks(section) is not None) == contractive
