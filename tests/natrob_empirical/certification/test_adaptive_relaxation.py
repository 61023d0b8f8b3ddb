"""Certificates in L∞ of classifiers with adaptive solves: native constants, and relaxations of fixed grids."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical import PGD, LinfBall, certified_accuracy
from natrob_empirical.certificate_files import certificate_file, check_certificates
from natrob_empirical.certification import CertificateRefusedError, adaptive_relaxation, certificate_constants
from natrob_empirical.certification import certified_with as certified
from natrob_empirical.certification.adaptive_features import AdaptiveBounds, affine_features
from natrob_empirical.certification.certified_by_constants import ALWAYS_SOLVED, WHILE_SOLVED
from natrob_empirical.certification.relaxed_gaps import RelaxedGaps
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import SequentialClassifier
from natrob_empirical.training import worst_logits
from natrob_theory import (
    HEUN_EULER,
    AutonomousField,
    HeunNet,
    NeuralODE,
    ScaledField,
    StackedNeuralODE,
    constrain_norm,
    diagonally_dominant_field,
)

RADII = (0.01, 0.03)
FEATURES = 16


def small_field(scale: float) -> ScaledField:
    """Two layers whose rows sum to at most 1, times `scale`."""
    maps = [constrain_norm(nn.Linear(FEATURES, FEATURES), method="rescaled", norm="Linf") for _ in range(2)]
    return ScaledField(AutonomousField(nn.Sequential(maps[0], nn.ReLU(), maps[1])), scale)


@pytest.fixture(scope="module")
def classifier(digits: Dataset) -> nn.Sequential:
    """Trained by intervals as a network of Heun steps."""
    torch.manual_seed(0)
    fields = [small_field(1.0), small_field(1.0)]
    stem, head = nn.Linear(64, FEATURES), nn.Linear(FEATURES, 10)
    trained = SequentialClassifier([nn.Flatten(), stem, *(HeunNet(field, 0.5, 1) for field in fields)], head)
    images, labels = digits.to_images(digits.train_x), digits.train_y
    optimiser = torch.optim.Adam(trained.parameters(), 1e-2)
    for epoch in range(6):
        for rows in torch.randperm(len(images)).split(128):
            optimiser.zero_grad()
            worst = worst_logits(trained, images[rows], labels[rows], 0.01 * epoch)
            nn.functional.cross_entropy(worst, labels[rows]).backward()
            optimiser.step()
    solves = StackedNeuralODE(fields, 1.0, tableau=HEUN_EULER, max_step_size=0.5, rtol=1e-2, atol=1e-2)
    return nn.Sequential(nn.Flatten(), stem, solves, head).eval()


@pytest.fixture(scope="module")
def images(digits: Dataset) -> tuple[Tensor, Tensor]:
    return digits.to_images(digits.test_x)[:12], digits.test_y[:12]


def with_solves(model: nn.Module, **settings: Any) -> Any:
    """A copy whose Neural ODEs have these settings."""
    other = copy.deepcopy(model)
    for module in other.modules():
        if isinstance(module, NeuralODE):
            vars(module).update(settings)
    return other


@pytest.mark.parametrize("method", ["global", "linear_relaxation"])
def test_certified_is_at_most_attacked(method: Any, classifier: nn.Sequential, images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    result = certified_accuracy(classifier, x, y, RADII, norm="Linf", method=method, precision="float32")
    assert result.clean_accuracy > 0.8
    assert result.accuracies[0] > (0.5 if method == "linear_relaxation" else 0.0)
    assert result.arithmetic.endswith(ALWAYS_SOLVED)
    assert result.complete is not None
    for epsilon, accuracy in zip(RADII, result.accuracies, strict=True):
        kept = (result.radii >= epsilon) & (result.radii > 0)
        for tolerance in (1e-5, 1e3):
            attack = PGD(LinfBall(epsilon), step_size=epsilon / 4, steps=10)
            model = with_solves(classifier, rtol=tolerance, atol=tolerance)
            found = attack(model, x, y, generator=torch.Generator().manual_seed(0))
            assert not bool((found.success & kept).any())
            assert accuracy <= 1.0 - float(found.success.double().mean())


def test_relaxations_certify_more_than_constants_and_the_routes_say_so(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    by_constants = certified_accuracy(classifier, x, y, RADII, norm="Linf")
    by_lines = certified_accuracy(classifier, x, y, RADII, norm="Linf", method="linear_relaxation")
    assert set(by_constants.routes) <= {"affine bound in L2", "affine bound in Linf", "none"}
    assert "linear_relaxation in Linf" in by_lines.routes
    assert (by_lines.radii >= by_constants.radii).all()
    assert by_lines.accuracies[1] > by_constants.accuracies[1]


def test_native_constants_hold_without_the_root_of_the_pixels(images: tuple[Tensor, Tensor]) -> None:
    """A field that contracts in L∞: the bound on features, for random starts and any tolerance."""
    torch.manual_seed(1)
    field = diagonally_dominant_field(FEATURES, 2 * FEATURES, margin=0.3)
    solve = NeuralODE(field, 1.0, tableau=HEUN_EULER, max_step_size=0.02)
    stem, head = nn.Linear(64, FEATURES), nn.Linear(FEATURES, 10)
    with torch.no_grad():  # pixels are picked: every constant in L∞ is that in L2
        stem.weight.copy_(torch.eye(64)[20 : 20 + FEATURES])
        head.weight.copy_(torch.eye(FEATURES)[:10])
    model = nn.Sequential(nn.Flatten(), stem, solve, head).eval()
    x, _ = images
    constants = certificate_constants(model, (1, 8, 8))
    assert isinstance(constants.bounds, AdaptiveBounds)
    radii = torch.full((len(x),), 0.1, dtype=torch.float64)
    moved = affine_features(constants.bounds, x.double(), radii=radii, deployed=None, norm="Linf")
    draw = torch.Generator().manual_seed(0)
    for size in (1e-9, 1e-3, 0.1):
        for tolerance in (1e-8, 1e-2, 1e3):
            noise = size * torch.sign(torch.randn(x.shape, generator=draw, dtype=torch.float64))
            with torch.no_grad():
                features = with_solves(constants.model, rtol=tolerance, atol=tolerance).features(x.double() + noise)
            distance = (features - moved.features).abs().amax(dim=1)
            assert (distance <= moved.slope * size * (1 + 1e-12) + moved.constant).all()
    labels = model(x).argmax(dim=1)
    native = certified_accuracy(model, x, labels, (1e-4,), norm="Linf")
    by_l2 = certified_accuracy(model, x, labels, (1e-3,)).radii / 8.0
    assert native.native_refusal == ""
    assert set(native.routes) <= {"affine bound in Linf", "affine bound in L2"}
    assert "affine bound in Linf" in native.routes
    assert (native.radii >= by_l2 * (1 - 1e-9)).all()
    assert float(native.radii.mean()) > 2.0 * float(by_l2.mean())


def test_features_stay_near_the_fixed_grid_and_the_distance_shrinks_with_the_cap(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    draw, means = torch.Generator().manual_seed(0), []
    for cap in (0.5, 0.125):
        model = with_solves(classifier, max_step_size=cap)
        constants = certificate_constants(model, (1, 8, 8))
        gaps = RelaxedGaps(constants, "Linf")
        solves = gaps._solves
        assert solves is not None
        radii = torch.full((len(x),), 0.05, dtype=torch.float64)
        enclosure = gaps.network.intervals(gaps.region(x.double(), radii))
        distance = solves._distance(gaps.network, enclosure)[0]
        means.append(float(distance.mean()))
        on_grids = nn.Sequential(*solves.parts[:-2])
        for tolerance in (1e-8, 1e-2, 1e3):
            noise = 0.05 * (2 * torch.rand(x.shape, generator=draw, dtype=torch.float64) - 1)
            there = (x.double() + noise).clamp(0.0, 1.0)
            with torch.no_grad():
                features = with_solves(constants.model, rtol=tolerance, atol=tolerance).features(there)
                assert ((features - on_grids(there)).abs().amax(dim=1) <= distance).all()
        assert (gaps.thresholds(enclosure, y) >= 0).all()
    assert means[1] < 0.35 * means[0]


def curved_classifier() -> tuple[nn.Sequential, Tensor, Tensor]:
    """Two pixels; the field turns where y₁ passes 1/2, which long steps miss: their label is another one."""
    first, second = nn.Linear(2, 1), nn.Linear(1, 2)
    chain = nn.Sequential(first, nn.ReLU(), second)
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, 0.0]]))
        first.bias.fill_(-1.2)
        second.weight.copy_(torch.tensor([[0.0], [1.0]]))
        second.bias.copy_(torch.tensor([1.0, 0.0]))
    solve = NeuralODE(AutonomousField(chain), 1.0, tableau=HEUN_EULER, max_step_size=1.0, rtol=1e-5, atol=1e-5)
    return nn.Sequential(nn.Flatten(), solve, nn.Linear(2, 2)), torch.tensor([[[[0.5, 0.0]]]]), torch.tensor([0])


def test_a_distance_that_is_left_out_certifies_a_label_that_the_solver_does_not_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x, y = curved_classifier()
    solve, head = model[1], model[2]
    coarse = 0.5 * (0.5 + 1.0 - 1.2)  # y₂ by one step of Heun's method
    assert isinstance(head, nn.Linear)
    with torch.no_grad():  # the gap is y₂ less what is half-way between short and long steps
        fine = float(solve(x.flatten(1))[0, 1])
        head.weight.copy_(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
        head.bias.copy_(torch.tensor([-0.5 * (fine + coarse), 0.0]))
    model.eval()
    assert coarse - fine > 0.05
    assert int(model(x).argmax()) == 1
    constants, radii = certificate_constants(model, (1, 1, 2)), torch.tensor([1e-6], dtype=torch.float64)

    def certified_now() -> bool:
        return bool(RelaxedGaps(constants, "Linf").certified(x.double(), y, radii, thorough=True))

    assert not certified_now()
    monkeypatch.setattr(
        adaptive_relaxation, "distance_from_fixed_grid", lambda *_, distance, **__: torch.zeros_like(distance)
    )
    assert certified_now()


def test_float32_takes_more_off_than_exact_arithmetic_and_long_solves_may_round_more(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    enclosures, thresholds = [], []
    for precision in ("exact", "float64", "float32"):
        constants = certificate_constants(classifier, (1, 8, 8), precision=precision)  # type: ignore[arg-type]
        gaps = RelaxedGaps(constants, "Linf")
        enclosures.append(gaps.network.intervals(gaps.region(x.double(), torch.full((len(x),), 0.03).double())))
        others = nn.functional.one_hot(y, 10) == 0
        thresholds.append(gaps.thresholds(enclosures[-1], y)[others])
    assert (thresholds[0] < thresholds[1]).all()
    assert (thresholds[1] < thresholds[2]).all()
    assert (thresholds[2] < thresholds[0] + 0.05).all()


def test_solves_that_may_run_out_of_steps_are_named(classifier: nn.Sequential, images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    scarce = with_solves(classifier, max_num_steps=5)
    result = certified_accuracy(scarce, x[:8], y[:8], RADII[:1], norm="Linf", method="linear_relaxation")
    assert WHILE_SOLVED in result.arithmetic
    assert "That none fails is proved for 0 of " in result.arithmetic


def test_all_methods_together_and_balls_of_other_norms(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images[0][:4], images[1][:4]
    best = certified_accuracy(classifier, x, y, (0.02,), norm="Linf", method="best", time_limit=2.0)
    assert best.refused == ()
    for norm, radius in (("L2", 0.1), ("L1", 0.2)):
        lines = certified_accuracy(classifier, x, y, (radius,), norm=norm, method="linear_relaxation")  # type: ignore[arg-type]
        plain = certified_accuracy(classifier, x, y, (radius,), norm=norm)  # type: ignore[arg-type]
        assert (lines.radii >= plain.radii).all()


@pytest.mark.parametrize("method", ["global", "intervals", "linear_relaxation"])
def test_certificates_travel(method: Any, classifier: nn.Sequential, images: tuple[Tensor, Tensor]) -> None:
    x, y = images[0][:10], images[1][:10]
    constants = certificate_constants(classifier, (1, 8, 8))
    result = certified(constants, x, y, (0.01,), norm="Linf", method=method)
    file = certificate_file(classifier, x, y, constants, result, time_limit=0.0)
    assert check_certificates(file, classifier, x, y).holds


def test_a_field_without_matrices_is_refused_by_name(images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    torch.manual_seed(0)
    pooled = AutonomousField(nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64)))
    model = nn.Sequential(nn.Flatten(), NeuralODE(pooled, 1.0, max_step_size=0.1), nn.Linear(64, 10)).eval()
    with pytest.raises(CertificateRefusedError, match="LayerNorm"):
        certified_accuracy(model, x, y, (0.1,), norm="Linf", method="linear_relaxation")


def test_the_norm_of_the_features_in_the_dual_norm_is_that_of_theory_section_6(classifier: nn.Sequential) -> None:
    constants = certificate_constants(classifier, (1, 8, 8))
    head = classifier[3]
    assert isinstance(head, nn.Linear)
    rows = head.weight.detach().double()
    for norm, order in (("L2", 2.0), ("Linf", 1.0)):
        exact = torch.linalg.vector_norm(rows[:, None] - rows[None], ord=order, dim=2)
        found = adaptive_relaxation.gap_constants(constants, norm)  # type: ignore[arg-type]
        assert (found >= exact * (1 - 1e-15)).all()
        assert float((found - exact).abs().max()) < 1e-12 * math.sqrt(float(exact.max()) + 1)
