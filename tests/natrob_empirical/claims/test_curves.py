"""Claims about Figures 1 to 3, of which the paper prints curves only: decided at its own data set and network alone."""

from typing import Any

import pytest
from papers_networks import TABLE_A1, judged
from synthetic_runs import attack, number, theory

from natrob_empirical.records import CellRecord


def residual(
    step: float, left: float, *, clean: float = 0.9, n: int = 1000, dataset: str = "cifar10", blocks: int = 9,
    placement: str = "after_norm", source: str | None = "ResNet-8",
) -> list[CellRecord]:  # fmt: skip
    """One network of Figure 1 and what FGSM images of another network leave of it."""
    label = f"h = {step:g}"
    model = {"label": label, "blocks": blocks, "step_size": step, "step_placement": placement}
    place: dict[str, Any] = {"network": "resnet", "dataset": dataset, "preset": "fig1-paper"}
    trained = theory(label, clean_accuracy=number(clean, n=n), settings={"model": model}, **place)
    attacked = attack(label, "FGSM from ResNet-8", 0.1, left, n=n, kind="FGSM", source=source,
                      settings={"model": model}, **place)  # fmt: skip
    return [trained, attacked]


@pytest.mark.parametrize(("left", "n", "verdict"), [
    (0.5, 1000, "reproduced"), (0.4, 1000, "reproduced"), (0.6, 1000, "not_reproduced"), (0.5, 999, "no_evidence"),
])  # fmt: skip
def test_small_steps_of_resnet_56_are_compared_with_h_1(left: float, n: int, verdict: str) -> None:
    assert judged("E1", *residual(1.0, 0.5, n=n), *residual(0.1, left, n=n)).verdict == verdict


@pytest.mark.parametrize("change", [{"dataset": "mnist"}, {"blocks": 3}])
def test_another_residual_network_only_tells_its_number(change: dict[str, Any]) -> None:
    found = judged("E1", *residual(1.0, 0.5, **change), *residual(0.1, 0.4, **change))

    assert found.verdict == "not_run"
    assert "ResNet-56 was not run; ResNet-" in found.reason
    assert "⟦40 %⟧ at h = 0.1" in found.reason


@pytest.mark.parametrize("change", [{"clean": 0.1}, {"source": None}])
def test_networks_that_learned_nothing_and_attacks_on_the_network_itself_do_not_count(change: dict[str, Any]) -> None:
    assert judged("E1", *residual(1.0, 0.5), *residual(0.1, 0.6, **change)).verdict == "no_evidence"


def test_a_step_before_the_normalisation_is_none() -> None:
    assert judged("E1", *residual(1.0, 0.5), *residual(0.1, 0.6, placement="before_norm")).verdict == "not_run"


@pytest.mark.parametrize(("clean", "n", "verdict"), [
    (0.8, 1000, "reproduced"), (0.81, 1000, "not_reproduced"), (0.1, 999, "no_evidence"),
])  # fmt: skip
def test_tiny_steps_must_cost_10_points_of_clean_accuracy(clean: float, n: int, verdict: str) -> None:
    records = [*residual(1.0, 0.5, n=n), *residual(1e-8, 0.1, clean=0.1, n=n), *residual(1e-9, 0.1, clean=clean, n=n)]

    assert judged("E2", *records).verdict == verdict


def curve(
    dataset: str, ode: float, resnet: float, *, label: str = "DI²-FGSM", epsilon: float = 0.2, n: int = 1000,
    **changes: Any,
) -> list[CellRecord]:  # fmt: skip
    """What one attack leaves of both networks of Figures 2 and 3; 5 % are wrong without it."""
    networks = {"neural_ode": (ode, TABLE_A1[dataset] | changes), "resnet50": (resnet, {"width": 64, "step_size": 1.0})}
    return [
        record
        for network, (left, model) in networks.items()
        for settings in [{"model": model, "training": {"epochs": 200}}]
        for record in (
            theory(network, network=network, dataset=dataset, settings=settings),
            attack(network, label, epsilon, left, n=n, network=network, dataset=dataset, settings=settings),
        )
    ]


@pytest.mark.parametrize(("claim", "label", "lost"), [("E6", "DI²-FGSM", 0.1), ("E7", "Boundary Attack", 0.05)])
def test_a_figure_holds_where_both_of_its_halves_hold(claim: str, label: str, lost: float) -> None:
    kept, fallen = (curve("mnist", 0.95 - lost + off, 0.1, label=label) for off in (0.0, -0.01))
    ahead, behind = (curve("cifar10", ode, 0.4, label=label) for ode in (0.5, 0.3))

    assert judged(claim, *kept, *ahead).verdict == "reproduced"
    assert judged(claim, *fallen, *ahead).verdict == "not_reproduced"
    assert judged(claim, *kept, *behind).verdict == "not_reproduced"


def test_half_a_figure_and_a_smaller_network_were_not_run() -> None:
    mnist, cifar10 = curve("mnist", 0.9, 0.1), curve("cifar10", 0.5, 0.4)

    assert judged("E6", *mnist).verdict == judged("E6", *cifar10).verdict == "not_run"
    assert judged("E6", *curve("mnist", 0.9, 0.1, channels=16), *cifar10).verdict == "not_run"


def test_too_few_images_do_not_decide_a_figure() -> None:
    found = judged("E6", *curve("mnist", 0.9, 0.1, n=999), *curve("cifar10", 0.5, 0.4))

    assert found.verdict == "no_evidence"


def test_a_stronger_attack_masks_a_figure() -> None:
    stronger = curve("mnist", 0.1, 0.1, label="AutoAttack")
    found = judged("E6", *curve("mnist", 0.9, 0.1), *stronger, *curve("cifar10", 0.5, 0.4))

    assert found.verdict == "reproduced_by_masking"
    assert "all attacks at most ⟦10 %⟧" in found.reason


def test_what_the_boundary_attack_leaves_at_small_radii_on_cifar10_does_not_count() -> None:
    mnist = curve("mnist", 0.95, 0.1, label="Boundary Attack")
    small = curve("cifar10", 0.5, 0.4, label="Boundary Attack", epsilon=33 / 255)

    assert judged("E7", *mnist, *small).verdict == "no_evidence"
