"""Claims that compare networks: which pairs count, what a pair says, and what pairs say together."""

from typing import Any

import pytest
from papers_networks import judged
from synthetic_runs import attack, theory

from natrob_empirical.records import CellRecord


def network(
    model: str, left: float, *, n: int = 1000, label: str = "PGD-40", radii: tuple[float, ...] = (0.1,),
    theory_of: dict[str, Any] | None = None, **place: Any,
) -> list[CellRecord]:  # fmt: skip
    """A network and what one attack leaves of it, ever less at larger radii."""
    attacks = [attack(model, label, e, left * (0.1 / e), n=n, **place) for e in radii]
    return [theory(model, **(theory_of or {}), **place), *attacks]


def pair(ode: float, resnet: float, **changes: Any) -> list[CellRecord]:
    """A Neural ODE and a residual network of one size."""
    return [
        *network("ODE", ode, network="neural_ode", **changes),
        *network("ResNet", resnet, network="euler", **changes),
    ]


@pytest.mark.parametrize(("ode", "resnet", "n", "verdict"), [
    (0.5, 0.4, 1000, "reproduced"),
    (0.4, 0.5, 1000, "not_reproduced"),
    (0.5, 0.5, 1000, "not_reproduced"),
    (0.5, 0.5, 999, "no_evidence"),
    (0.4, 0.6, 200, "not_reproduced"),
    (0.6, 0.4, 200, "reproduced"),
])  # fmt: skip
def test_a_pair_of_one_size_decides_where_chance_does_not(ode: float, resnet: float, n: int, verdict: str) -> None:
    assert judged("E12", *pair(ode, resnet, n=n)).verdict == verdict


def test_one_run_against_the_claim_is_enough() -> None:
    other = pair(0.4, 0.5, preset="certified-cpu")

    assert judged("E12", *pair(0.5, 0.4)).verdict == "reproduced"
    assert judged("E12", *pair(0.5, 0.4), *other).verdict == "not_reproduced"


def test_an_open_pair_keeps_a_pair_for_the_claim_from_deciding_it() -> None:
    assert judged("E12", *pair(0.5, 0.4), *pair(0.5, 0.5, n=100, preset="small")).verdict == "no_evidence"


def test_a_large_network_trained_for_margins_is_no_like_of_a_neural_ode() -> None:
    large = network("Gradient flow", 0.9, network="gradient_flow", training="margin", theory_of={"parameters": 160_485})
    ode = network("ODE", 0.1, network="neural_ode")

    assert judged("E12", *ode, *large).verdict == "no_evidence"


@pytest.mark.parametrize(
    "change", [{"theory_of": {"parameters": 13_100}}, {"training": "margin"}, {"preset": "another run"}]
)
def test_size_training_and_run_must_be_the_same(change: dict[str, Any]) -> None:
    ode, resnet = network("ODE", 0.5, network="neural_ode"), network("ResNet", 0.4, network="euler", **change)

    assert judged("E12", *ode, *resnet).verdict == "no_evidence"


def test_another_discretisation_of_the_same_equation_is_no_residual_network() -> None:
    ode, heun = network("ODE", 0.5, network="neural_ode"), network("Heun", 0.4, network="heun")

    assert judged("E12", *ode, *heun).verdict == "no_evidence"


@pytest.mark.parametrize("label", ["Random Noise", "Square", "Boundary Attack"])
def test_only_white_box_attacks_count_for_a_claim_about_them(label: str) -> None:
    assert judged("E12", *pair(0.5, 0.4, label=label)).verdict == "no_evidence"


def test_the_clearest_difference_is_no_cell_in_which_both_keep_nothing() -> None:
    both_at_zero = [attack(model, "PGD-40", 0.5, 0.0, n=1000, network=net)
                    for model, net in (("ODE", "neural_ode"), ("ResNet", "euler"))]  # fmt: skip
    found = judged("E12", *pair(0.5, 0.5), *both_at_zero)

    assert "at most ⟦50 %⟧ against ⟦50 %⟧" in found.reason


def test_budgets_at_which_both_keep_nothing_do_not_make_n_large() -> None:
    few = pair(0.5, 0.5, n=100)
    many_at_zero = [attack(model, "FGSM", 0.5, 0.0, n=1000, network=net)
                    for model, net in (("ODE", "neural_ode"), ("ResNet", "euler"))]  # fmt: skip

    assert judged("E12", *few, *many_at_zero).verdict == "no_evidence"


def test_the_first_networks_numbers_and_flags_are_shown() -> None:
    found = judged("E12", *pair(0.4, 0.5))

    assert found.attacked is not None
    assert found.attacked.value == pytest.approx(0.4)
    assert found.attacked.source.startswith("ODE")


def test_an_attack_on_few_images_does_not_shorten_one_on_many() -> None:
    strongest = [attack(model, "AutoAttack", 0.1, 0.3, n=100, network=net)
                 for model, net in (("ODE", "neural_ode"), ("ResNet", "euler"))]  # fmt: skip
    found = judged("E12", *pair(0.4, 0.5), *strongest)

    assert "(n = 1,000)" in found.reason
    assert found.attacked is not None
    assert found.attacked.n == 1000


def steps(small: float, large: float, *, small_steps: int = 10, **changes: Any) -> list[CellRecord]:
    """One network at h = 0.1 and h = 1, T = 1 unless told otherwise."""
    own = {"training": "standard", **changes}
    return [
        *network("h = 0.1", small, theory_of={"step_size": 0.1, "steps": small_steps}, **own),
        *network("h = 1", large, theory_of={"step_size": 1.0, "steps": 1}, **own),
    ]


@pytest.mark.parametrize(
    ("small", "large", "verdict"),
    [(0.5, 0.4, "reproduced"), (0.4, 0.5, "not_reproduced"), (0.5, 0.5, "not_reproduced")],
)
def test_the_same_network_at_two_steps_decides_what_the_step_does(small: float, large: float, verdict: str) -> None:
    assert judged("E10", *steps(small, large)).verdict == verdict


def test_two_steps_with_another_horizon_are_no_pair() -> None:
    assert judged("E10", *steps(0.5, 0.4, small_steps=1)).verdict == "no_evidence"


def test_two_steps_of_a_constrained_network_are_no_pair() -> None:
    assert judged("E10", *steps(0.5, 0.4, training="lipschitz_penalty")).verdict == "no_evidence"


def test_a_constant_answer_keeps_images_and_is_not_robust() -> None:
    untrained = network("h = 0.1", 0.18, theory_of={"step_size": 0.1, "steps": 10, "clean": 0.18})
    trained = network("h = 1", 0.0, theory_of={"step_size": 1.0, "steps": 1})

    assert judged("E10", *untrained, *trained).verdict == "no_evidence"


@pytest.mark.parametrize("training", ["lipschitz_penalty", "spectral_normalisation"])
def test_constrained_against_free_decides_whether_the_constraint_helps(training: str) -> None:
    free, held = network("free", 0.4), network("held", 0.5, training=training)
    worse = network("held", 0.3, training=training)

    assert judged("E11", *free, *held).verdict == "reproduced"
    assert judged("E11", *free, *worse).verdict == "not_reproduced"


def test_another_architecture_is_no_partner_of_a_constrained_network() -> None:
    free = network("free", 0.4, settings={"model": {"network": "euler", "channels": 16}})

    assert judged("E11", *free, *network("held", 0.5, training="lipschitz_penalty")).verdict == "no_evidence"
