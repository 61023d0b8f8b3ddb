"""Certificates of every method against attacks, against each other and against closed forms."""

import math

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD, attack_accuracy
from natrob_empirical.certification import (
    CONSTANT_METHODS,
    CertificateMethod,
    certificate_constants,
    certified_accuracy,
    certified_with,
)
from natrob_empirical.certification.gap_allowance import gap_allowance
from natrob_empirical.certification.margins import PairMargins
from natrob_empirical.certification.radius_search import verified_radii
from natrob_empirical.models import IntegratorClassifier
from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory import (
    AutonomousField,
    BackwardEulerNet,
    EulerNet,
    GradientFlowField,
    LinearField,
    constrain_norm,
)

SHOWN = 24
NAMES = ("gradient flow", "plain", "dissipative", "backward Euler")
WITH_SLOW = [*NAMES[:3], pytest.param("backward Euler", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def images(digit_images: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return digit_images[0][:SHOWN].double(), digit_images[1][:SHOWN]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        pytest.param(name, method, marks=[pytest.mark.long] if name == "backward Euler" and method != "global" else [])
        for name in NAMES
        for method in CONSTANT_METHODS
    ],
)
def test_no_attack_breaks_a_certificate_of_any_method(
    name: str, method: CertificateMethod, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    model = trained[name].double()
    for norm, ball in (("L2", L2Ball), ("Linf", LinfBall)):
        certified = certified_accuracy(model, *images, [0.0], norm=norm, method=method)  # type: ignore[arg-type]
        assert certified.norm == norm
        assert certified.method == method
        assert float(certified.radii.max()) > 0.0
        for radius in (float(certified.radii[certified.radii > 0].median()), float(certified.radii.max())):
            attacked = attack_accuracy(
                PGD(ball(min(radius, 1.0)), steps=10), model, *images, generator=torch.Generator()
            )
            assert not bool((attacked.success & (certified.radii >= min(radius, 1.0))).any())


@pytest.mark.parametrize("name", WITH_SLOW)
def test_tube_and_local_radii_are_never_below_the_global_ones(
    name: str, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    radii = {
        method: certified_accuracy(trained[name], *images, [0.05, 0.1], method=method).radii
        for method in CONSTANT_METHODS
    }
    assert bool((radii["tube"] >= radii["global"]).all())
    assert bool((radii["local"] >= radii["global"]).all())


def test_local_and_tube_see_more_than_the_product_of_norms(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    radii = {
        method: float(certified_accuracy(trained["plain"], *images, [], method=method).radii.median())
        for method in CONSTANT_METHODS
    }
    assert radii["tube"] > 1.05 * radii["global"]
    assert radii["local"] > 1.05 * radii["tube"]


@pytest.mark.parametrize("method", CONSTANT_METHODS)
def test_the_l_infinity_radius_is_the_l2_radius_over_the_root_of_the_entries_or_larger(
    method: CertificateMethod, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    two = certified_accuracy(trained["plain"], *images, [], method=method)
    infinity = certified_accuracy(trained["plain"], *images, [], norm="Linf", method=method)
    by_l2 = torch.tensor([route == f"{method} in L2" for route in infinity.routes])
    assert set(two.routes) <= {f"{method} in L2", "none"}
    assert bool((8.0 * infinity.radii >= two.radii * (1.0 - 1e-12)).all())
    assert bool((8.0 * infinity.radii <= two.radii)[by_l2].all())


def test_accuracies_count_the_radii_and_fall_with_the_budget(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    epsilons = [0.0, 0.01, 0.05, 0.1, 0.3]
    certified = certified_accuracy(trained["gradient flow"], *images, epsilons, method="local")
    assert list(certified.accuracies) == sorted(certified.accuracies, reverse=True)
    for epsilon, accuracy in zip(epsilons, certified.accuracies, strict=True):
        assert accuracy == float(((certified.radii > 0) & (certified.radii >= epsilon)).double().mean())
    assert certified.accuracies[0] <= certified.clean_accuracy
    assert certified.feature_lipschitz is None
    assert "float64" in certified.arithmetic


def test_a_permuted_batch_has_permuted_radii_and_a_part_of_it_the_same(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    whole = certified_accuracy(trained["plain"], x, y, [0.05], method="local").radii
    order = torch.randperm(SHOWN, generator=torch.Generator().manual_seed(1))
    permuted = certified_accuracy(trained["plain"], x[order], y[order], [0.05], method="local").radii
    assert torch.allclose(permuted, whole[order], rtol=1e-9)
    alone = certified_accuracy(trained["plain"], x[:1], y[:1], [0.05], method="local").radii
    assert torch.allclose(alone, whole[:1], rtol=1e-9)


def linear_classifier(matrix: Tensor, head: Tensor) -> IntegratorClassifier:
    """logits = head (I + ½A)² x on 2×2 images."""
    model = IntegratorClassifier(
        nn.Flatten(), EulerNet(LinearField(matrix), 0.5, 2), nn.Flatten(), nn.Linear(4, len(head), bias=False)
    )
    model.head.weight.data = head
    return model.double().eval()


def test_local_radii_of_a_linear_classifier_are_its_distances_to_the_boundary() -> None:
    generator = torch.Generator().manual_seed(3)
    matrix = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    head = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    model = linear_classifier(matrix, head)
    x = torch.rand(20, 1, 2, 2, generator=generator, dtype=torch.float64)
    y = model(x).argmax(dim=1)
    step = torch.eye(4, dtype=torch.float64) + 0.5 * matrix
    rows = head @ step @ step
    gaps = model(x).gather(1, y[:, None]) - model(x)
    distances = (rows[y][:, None] - rows[None]).norm(dim=2)
    exact = torch.where(distances > 0, gaps / distances.clamp_min(1e-9), torch.inf).amin(dim=1).clamp_max(2.0)
    certified = certified_accuracy(model, x, y, [], method="local").radii
    assert bool((certified <= exact).all())
    assert torch.allclose(certified, exact, rtol=2e-3)  # how far the bisection goes
    loose = certified_accuracy(model, x, y, [], method="global").radii
    assert float((certified / loose).min()) > 1.0


def scaled_stem(factor: float) -> nn.Sequential:
    stem = nn.Sequential(nn.Flatten(), nn.Linear(4, 4, bias=False))
    stem[1].weight.data = factor * torch.eye(4)
    return stem


def test_tube_radii_see_that_the_field_is_off_along_the_whole_trajectory() -> None:
    inner = nn.Linear(4, 4, bias=False)
    inner.weight.data = torch.eye(4)
    trunk = EulerNet(AutonomousField(nn.Sequential(inner, nn.ReLU())), 0.5, 2)  # y + relu(y)/2, twice
    model = IntegratorClassifier(scaled_stem(-4.0), trunk, nn.Flatten(), nn.Linear(4, 2, bias=False)).double().eval()
    model.head.weight.data = torch.tensor([[0.0, 0.0, 0.0, -1.0], [0.0, 0.0, -1.0, 0.0]], dtype=torch.float64)
    image, label = torch.tensor([[[[0.5, 0.5], [0.5, 0.53]]]], dtype=torch.float64), torch.tensor([0])
    exact = 0.03 / math.sqrt(2)  # of pixels; the stem's 4 and the gap's 4 cancel, and no unit turns on
    tube = float(certified_accuracy(model, image, label, [], method="tube").radii)
    assert exact * (1 - 2e-3) <= tube <= exact
    assert float(certified_accuracy(model, image, label, [], method="global").radii) == pytest.approx(exact / 1.5**2)


def test_a_wrong_label_has_radius_0_under_every_method(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    x, _ = images
    wrong = (trained["plain"].double()(x).argmax(dim=1) + 1) % 10
    for method in CONSTANT_METHODS:
        certified = certified_accuracy(trained["plain"], x, wrong, [0.0], method=method)
        assert float(certified.radii.max()) == 0.0
        assert certified.accuracies == (0.0,)
        assert certified.clean_accuracy == 0.0


def near_tie(gap: float) -> tuple[IntegratorClassifier, Tensor, Tensor]:
    """Two logits that differ by `gap`, far below what sums of this size round."""
    matrix = torch.zeros(4, 4, dtype=torch.float64)
    model = linear_classifier(matrix, torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]], dtype=torch.float64))
    image = torch.tensor([[[[0.5 + gap, 0.5], [0.3, 0.7]]]], dtype=torch.float64)
    return model, image, torch.tensor([0])


def test_a_margin_below_rounding_is_not_certified_at_all() -> None:
    model, image, label = near_tie(2.0**-52)
    assert bool((model(image)[:, 0] > model(image)[:, 1]).all())
    for method in CONSTANT_METHODS:
        assert float(certified_accuracy(model, image, label, [0.0], method=method).radii) == 0.0
    model, image, label = near_tie(1e-10)
    assert float(certified_accuracy(model, image, label, [0.0]).radii) == pytest.approx(1e-10 / math.sqrt(2), rel=1e-2)
    assert float(certified_accuracy(model, image, label, [0.0], precision="float32").radii) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_float32_logits_stay_within_their_allowance(
    name: str, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    model = trained[name].float()
    constants = certificate_constants(model, (1, 8, 8), precision="float32")
    exact = constants.model
    allowance = gap_allowance(exact, (1, 8, 8), constants.distances, torch.float32)
    with torch.no_grad():
        rounded, reference = model(x.float()).double(), exact(x.float().double())
    errors = (rounded.gather(1, y[:, None]) - rounded) - (reference.gather(1, y[:, None]) - reference)
    bound = allowance.per_norm[y] * x.flatten(1).norm(dim=1)[:, None] + allowance.constant[y]
    assert bool((errors.abs() <= bound).all())
    assert float((errors.abs() / bound.clamp_min(1e-30)).max()) > 1e-5  # it is no bound of everything
    larger = certified_accuracy(model, x.float(), y, []).radii
    smaller = certified_with(constants, x.float(), y, []).radii
    assert bool((smaller <= larger).all())
    assert float(smaller.max()) > 0.5 * float(larger.max())


def test_constants_are_used_again_for_other_images(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    constants = certificate_constants(trained["plain"], (1, 8, 8))
    for rows in (slice(0, 5), slice(5, 12)):
        x, y = images[0][rows], images[1][rows]
        whole = certified_accuracy(trained["plain"], x, y, [0.1])
        assert torch.equal(certified_with(constants, x, y, [0.1]).radii, whole.radii)


def test_a_search_returns_only_radii_that_were_verified() -> None:
    one = torch.ones((3, 2), dtype=torch.float64)
    margins = PairMargins(room=one, distances=one, slope=0.0 * one, correct=torch.ones(3, dtype=torch.bool))
    looked: list[float] = []

    def constants(rows: Tensor, radii: Tensor) -> Tensor:
        looked.extend(radii.tolist())
        return (1.0 + 3.0 * radii)[:, None].expand(len(rows), 2)

    known = torch.full((3,), 0.1, dtype=torch.float64)
    found = verified_radii(margins, constants, known=known, asked=[0.2], largest=5.0)
    truth = (math.sqrt(13.0) - 1.0) / 6.0  # r(1 + 3r) = 1
    assert bool((found <= truth).all())
    assert bool((found >= 0.98 * truth).all())
    assert 0.2 in looked


def test_the_progress_of_a_search_reaches_every_image_of_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("natrob_empirical.certification.radius_search.IMAGES_AT_ONCE", 2)
    one = torch.ones((3, 2), dtype=torch.float64)
    margins = PairMargins(room=one, distances=one, slope=0.0 * one, correct=torch.ones(3, dtype=torch.bool))
    known, seen = torch.full((3,), 0.1, dtype=torch.float64), []
    verified_radii(
        margins,
        lambda rows, radii: (1.0 + 3.0 * radii)[:, None].expand(len(rows), 2),
        known=known,
        asked=[0.05, 0.2],
        largest=5.0,
        progress=lambda at: seen.append((at.look, at.looks, at.done, at.images)),
    )
    assert seen[:4] == [(2, 10, 2, 3), (2, 10, 3, 3), (3, 10, 2, 3), (3, 10, 3, 3)]  # 0.05 is known to hold
    assert seen == sorted(seen)


def test_the_tube_s_norms_are_computed_once_for_all_its_looks(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = certificate_constants(trained["gradient flow"], (1, 8, 8))
    weights = [field.linear_map.weight for field in constants.model.trunk.fields]  # type: ignore[union-attr]
    svdvals, whole = torch.linalg.svdvals, []

    def counting(matrix: Tensor) -> Tensor:
        whole.extend(w for w in weights if matrix.shape == w.shape and torch.equal(matrix, w))
        return svdvals(matrix)

    monkeypatch.setattr(torch.linalg, "svdvals", counting)
    certified_with(constants, images[0][:2], images[1][:2], [0.1], method="tube")
    assert 0 < len(whole) <= 2 * len(weights)  # for the constant on all inputs, and as the first of a chain


def test_a_spectrally_constrained_trunk_is_certified_with_the_weights_it_computes_with(
    images: tuple[Tensor, Tensor],
) -> None:
    linear = constrain_norm(nn.Linear(64, 32), method="gram")
    model = IntegratorClassifier(
        nn.Flatten(), BackwardEulerNet(GradientFlowField(linear, nn.ReLU()), 1.0, 1), nn.Flatten(), nn.Linear(64, 10)
    ).eval()
    x = images[0].float()
    y = model(x).argmax(dim=1)
    constants = certificate_constants(model, (1, 8, 8))
    field = constants.model.trunk.fields[0]  # type: ignore[union-attr]
    assert torch.equal(field.linear_map.weight, linear.weight.double())  # type: ignore[union-attr]
    assert float(certified_with(constants, x, y, []).radii.max()) > 0.0
    assert nn.utils.parametrize.is_parametrized(linear)  # the original is left alone
