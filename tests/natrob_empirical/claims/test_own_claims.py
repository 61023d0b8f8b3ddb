"""natrob's own claims: proved, reproduced or not by what is at hand, and by nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from papers_networks import judged
from synthetic_runs import attack, bound_check, certificate, evidence, field_growth, number, proof, sweep, theory

from natrob_empirical.claims import Evidence, all_claims, judge_all
from natrob_empirical.claims.headline import behind_headline, headline
from natrob_empirical.display.text import measured_values, plain
from natrob_empirical.paper import table_1
from natrob_empirical.records import CellRecord, SampleAmplification, packed

CEILING = [proof("proofs/coq/impossibility.v")]
ONE_SIDED = [proof("proofs/symbolic/euler_one_sided.py"), proof("proofs/coq/euler_one_sided.v")]
CLAIMS = {claim.id: claim for claim in all_claims()}
MNIST_COUNTS = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)


def labelled(counts: tuple[int, ...], **place: Any) -> Evidence:
    """Proofs of the ceiling, and a run whose test labels are counted."""
    found = evidence(theory(**place), proofs=CEILING)
    return replace(found, runs=[replace(run, class_counts=counts) for run in found.runs])


def test_the_ceiling_is_proved_and_its_number_counts_mnists_labels() -> None:
    found = CLAIMS["N1"].judge(labelled(MNIST_COUNTS, dataset="mnist"))

    assert found.verdict == "proved"
    assert plain(found.reason) == (
        "At most 11.35 % of MNIST’s 10,000 test images; the paper prints 97.48 % and 75.23 % at ε = 0.5."
    )


def test_other_labels_give_another_ceiling() -> None:
    counts = tuple(2000 if count == 1135 else count for count in MNIST_COUNTS)

    assert "18.41 %" in CLAIMS["N1"].judge(labelled(counts, dataset="mnist")).reason


@pytest.mark.parametrize("proofs", [[], [proof(CEILING[0].path, failure="no")]])
def test_a_missing_or_failed_proof_leaves_the_ceiling_unproved(proofs: list[Any]) -> None:
    assert CLAIMS["N1"].judge(evidence(proofs=proofs)).verdict == "no_evidence"


def test_one_comparison_above_its_bound_refutes_that_bounds_hold() -> None:
    many = [bound_check("structural bound of the trunk", comparisons=1000)]
    broken = [bound_check("structural bound of the trunk", comparisons=1000, violations=1)]

    assert judged("N2", theory(bound_checks=many)).verdict == "reproduced"
    assert judged("N2", theory(bound_checks=broken)).verdict == "refuted"
    assert "1 of 1,000" in judged("N2", theory(bound_checks=broken)).reason


def test_estimates_and_few_comparisons_decide_nothing_about_bounds() -> None:
    estimates = [bound_check("lower K", kind="estimate", comparisons=5000, violations=9)]

    assert judged("N2", theory(bound_checks=estimates)).verdict == "no_evidence"
    assert judged("N2", theory(bound_checks=[bound_check("upper K", comparisons=999)])).verdict == "no_evidence"


def test_one_network_in_two_runs_counts_once() -> None:
    many = [bound_check("structural bound of the trunk", comparisons=1000)]
    twice = [theory(bound_checks=many), theory(bound_checks=many, preset="fig2-cpu")]

    assert "0 of 1,000" in judged("N2", *twice).reason


def certified(n: int, *, found_at: float) -> list[CellRecord]:
    """n images certified to 0.3, one of them with a misclassified image at some distance."""
    return [
        theory(radii=[0.3] * n, clean_accuracy=number(1.0, n=n)),
        attack("A", "PGD-40", 0.5, norm="L2", distances=[found_at, *[float("inf")] * (n - 1)]),
    ]


def test_an_image_fooled_inside_its_radius_refutes_the_certificates() -> None:
    assert judged("N3", *certified(1000, found_at=0.4)).verdict == "reproduced"
    assert judged("N3", *certified(1000, found_at=0.2)).verdict == "refuted"
    assert judged("N3", *certified(999, found_at=0.4)).verdict == "no_evidence"


@pytest.mark.parametrize(("one_sided", "found", "verdict"), [
    (-0.5, 0.9, "not_reproduced"),
    (-1.9, 0.9, "proved"),
    (-1.9, 0.1, "not_reproduced"),
    (-1.9, 1.1, "refuted"),
    (0.5, 0.9, "no_evidence"),
])  # fmt: skip
def test_a_contracting_field_must_be_seen_to_expand_at_h_1(one_sided: float, found: float, verdict: str) -> None:
    field = field_growth("dissipative", one_sided=one_sided, found=found, lipschitz=3.0)

    assert CLAIMS["N4"].judge(evidence(sweep(field), proofs=ONE_SIDED)).verdict == verdict
    assert CLAIMS["N4"].judge(evidence(sweep(field), proofs=ONE_SIDED[:1])).verdict == "no_evidence"
    assert CLAIMS["N4"].judge(evidence(proofs=ONE_SIDED)).verdict == "no_evidence"


def contractive(
    share: float, plain_keeps: float, *, n: int = 1000, training: str = "margin", growth: float = 1.0
) -> list[CellRecord]:
    """A network that cannot expand, certified on a share of the images, beside a plain one under attack."""
    own: dict[str, Any] = {
        "growth_bound": number(growth, "upper", None),
        "exponential_bound": number(9.0, "upper", None),
    }
    letters = [0.3 if image < share * n else 0.0 for image in range(n)]
    return [
        theory("contractive", radii=letters, network="gradient_flow", training=training, parameters=123_450, **own),
        theory("plain"),
        attack("plain", "PGD-40", 0.3, plain_keeps, norm="L2", n=n),
    ]


def test_certified_images_above_unfooled_ones_are_an_order_that_no_attack_turns_round() -> None:
    found = judged("N5", *contractive(0.6, 0.5))

    assert found.verdict == "reproduced"
    assert "10 times the size and other training" in found.reason


@pytest.mark.parametrize(("share", "keeps", "n", "verdict"), [
    (0.5, 0.5, 1000, "not_reproduced"), (0.5, 0.5, 999, "no_evidence"), (0.4, 0.5, 1000, "not_reproduced"),
])  # fmt: skip
def test_fewer_certified_than_unfooled_images_are_no_such_order(
    share: float, keeps: float, n: int, verdict: str
) -> None:
    assert judged("N5", *contractive(share, keeps, n=n)).verdict == verdict


@pytest.mark.parametrize("change", [{"training": "standard"}, {"growth": 1.01}])
def test_a_plainly_trained_network_or_one_that_may_expand_is_not_built_for_it(change: dict[str, Any]) -> None:
    assert judged("N5", *contractive(0.6, 0.5, **change)).verdict == "no_evidence"


def test_the_order_must_hold_over_every_plain_network_of_the_run() -> None:
    other = [theory("strong"), attack("strong", "PGD-40", 0.3, 0.9, norm="L2", n=1000)]

    assert judged("N5", *contractive(0.6, 0.5), *other).verdict == "not_reproduced"


def ranked(*left: float, count: int = 9, clean: float = 0.95) -> list[CellRecord]:
    """Networks with ever larger growth bounds, and what an attack leaves of each."""
    shares = left or tuple(0.8 - 0.05 * index for index in range(count))
    return [
        record
        for index, share in enumerate(shares)
        for record in (
            theory(f"network {index}", lipschitz=1.0 + index, clean=clean),
            attack(f"network {index}", "PGD-40", 0.1, share),
        )
    ]


def test_a_bound_that_ranks_networks_by_what_is_left_is_seen_to() -> None:
    assert judged("N6", *ranked()).verdict == "reproduced"
    assert judged("N6", *ranked(*(0.4 + 0.05 * index for index in range(9)))).verdict == "not_reproduced"
    assert judged("N6", *ranked(0.5, 0.8, 0.4, 0.7, 0.6, 0.3, 0.75, 0.5)).verdict == "not_reproduced"


def test_seven_networks_or_networks_that_did_not_learn_are_too_few_to_rank() -> None:
    assert judged("N6", *ranked(count=7)).verdict == "no_evidence"
    assert judged("N6", *ranked(clean=0.4)).verdict == "no_evidence"


def grown(*, networks: int = 8, sign: float = 1.0) -> list[CellRecord]:
    """Networks whose perturbations grow more (or less) on the images that an attack fools."""
    distances = [0.05 + 0.001 * image for image in range(100)]
    growth = [2.0 - sign * 0.01 * image for image in range(100)]
    amplification = SampleAmplification(
        positions=" ".join(map(str, range(100))), perturbations="f" * 100, distances=packed(distances),
        trunk=packed(growth), features=packed(growth),
    )  # fmt: skip
    return [
        record
        for index in range(networks)
        for record in (
            theory(f"network {index}", amplification=amplification),
            attack(f"network {index}", "PGD-40", 0.1, norm="L2", distances=distances),
        )
    ]


def test_growth_that_tells_fooled_images_is_seen_to() -> None:
    assert judged("N7", *grown()).verdict == "reproduced"
    assert judged("N7", *grown(sign=-1.0)).verdict == judged("N7", *grown(sign=0.0)).verdict == "not_reproduced"
    assert judged("N7", *grown(networks=7)).verdict == "no_evidence"


def test_the_signs_in_table_1_are_arithmetic_on_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged("N8").verdict == "proved"

    steep = [replace(p, accuracy=p.accuracy - p.epsilon) for p in table_1("mnist")]
    monkeypatch.setattr("natrob_empirical.claims.own.n08_signs_in_table_1.table_1", lambda dataset: steep)
    assert judged("N8").verdict == "refuted"


def test_the_headline_says_what_mnists_labels_and_the_proof_decide() -> None:
    sentence = headline(judge_all(labelled(MNIST_COUNTS, dataset="mnist")))

    assert measured_values(sentence) == ["11.35 %"]
    assert "75 to 97 %" in sentence
    assert len(plain(sentence).split()) <= 25


def test_without_the_proof_or_mnists_labels_the_headline_compares_networks_of_one_size() -> None:
    networks = [("ODE", "neural_ode", 0.5), ("ResNet", "euler", 0.6)]
    records = [
        record
        for label, network, left in networks
        for record in (theory(label, network=network), attack(label, "PGD-40", 0.1, left, network=network))
    ]

    unlabelled = evidence(*records, proofs=CEILING)
    unproved = replace(labelled(MNIST_COUNTS, dataset="mnist"), proofs={})

    assert "in 0 of 1 comparisons" in plain(headline(judge_all(unlabelled)))
    assert "no evidence" in headline(judge_all(unproved))


def test_a_certificate_of_another_norm_counts_nowhere() -> None:
    linf = theory("contractive", certificates=[certificate([0.3] * 1000, "Linf")], network="gradient_flow",
                  training="margin", growth_bound=number(1.0, "upper", None),
                  exponential_bound=number(9.0, "upper", None))  # fmt: skip

    assert judged("N5", linf, *contractive(0.6, 0.5)[1:]).verdict == "no_evidence"


def test_the_claims_behind_the_headline_are_those_of_its_sentence() -> None:
    mnist, digits = (judge_all(labelled(MNIST_COUNTS, dataset=name)) for name in ("mnist", "digits"))
    assert list(behind_headline(mnist)) == ["N1", "E3", "E4"]
    assert list(behind_headline(digits)) == ["E12"]
