"""Adaptive solves certified along the tube of each image's solve, and their files."""

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical import PGD, L2Ball, certified_accuracy
from natrob_empirical.certificate_files import (
    CertificateMismatchError,
    certificate_file,
    check_certificates,
    read_certificates,
    write_certificates,
)
from natrob_empirical.certification import CertificateRefusedError, certificate_constants, certified_with
from natrob_empirical.certification.adaptive_features import AdaptiveBounds, AdaptiveMethod, affine_features
from natrob_empirical.datasets import Dataset
from natrob_theory import BOGACKI_SHAMPINE, AutonomousField, EulerNet, GradientFlowField, NeuralODE

RADII = (0.05, 0.1)


@pytest.fixture(scope="module")
def classifier(digits: Dataset) -> nn.Sequential:
    """A tanh gradient flow with rows that are not orthonormal, behind two layers."""
    torch.manual_seed(0)
    field = GradientFlowField.dense(24, 24, activation=nn.Tanh)
    field.linear_map.weight.data *= 2.0  # K is four times as large
    stem = [nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 24)]
    head = nn.Linear(24, 10)
    trained = nn.Sequential(*stem, EulerNet(field, 0.2, 5), head)
    images, labels = digits.to_images(digits.train_x), digits.train_y
    optimiser = torch.optim.Adam(trained.parameters(), 1e-2)
    for _ in range(6):
        for rows in torch.randperm(len(images)).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(trained(images[rows]), labels[rows]).backward()
            optimiser.step()
    return nn.Sequential(*stem, NeuralODE(field, 1.0, tableau=BOGACKI_SHAMPINE, max_step_size=0.2), head).eval()


@pytest.fixture(scope="module")
def images(digits: Dataset) -> tuple[Tensor, Tensor]:
    return digits.to_images(digits.test_x)[:12], digits.test_y[:12]


def test_tubes_certify_more_and_balls_around_the_images_no_less(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    everywhere = certified_accuracy(classifier, x, y, RADII)
    tube = certified_accuracy(classifier, x, y, RADII, method="tube")
    local = certified_accuracy(classifier, x, y, RADII, method="local")
    assert (tube.radii >= everywhere.radii).all()
    assert (local.radii >= tube.radii * (1.0 - 1e-3)).all()  # two searches
    assert float(tube.radii.sum()) > 1.1 * float(everywhere.radii.sum())
    assert set(tube.routes) <= {"tube in L2", "none"}
    assert set(local.routes) <= {"local in L2", "none"}
    assert tube.method == "tube"
    assert tube.complete is not None


@pytest.mark.parametrize("method", ["tube", "local"])
def test_no_attack_succeeds_inside(
    method: AdaptiveMethod, classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    radii = certified_accuracy(classifier, x, y, (0.1,), method=method, precision="float32").radii
    for share in (0.5, 1.0):
        for size in radii[radii > 0].unique().tolist():
            attack = PGD(L2Ball(share * size), step_size=size / 4, steps=10)
            found = attack(classifier, x, y, generator=torch.Generator().manual_seed(0))
            assert not bool((found.success & (radii >= share * size)).any())


@pytest.mark.parametrize("method", ["tube", "local"])
def test_features_stay_within_the_bound_for_perturbations_up_to_the_radius(
    method: AdaptiveMethod, classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, _ = images
    constants = certificate_constants(classifier, (1, 8, 8))
    assert isinstance(constants.bounds, AdaptiveBounds)
    radii = torch.full((len(x),), 0.1, dtype=torch.float64)
    moved = affine_features(constants.bounds, x.double(), radii=radii, deployed=None, method=method)
    draw = torch.Generator().manual_seed(0)
    for size in (1e-6, 0.1):
        for tolerance in (1e-7, 1e3):
            noise = torch.randn(x.shape, generator=draw, dtype=torch.float64)
            noise = size * noise / torch.linalg.vector_norm(noise.flatten(1), dim=1)[:, None, None, None]
            for module in constants.model.modules():
                if isinstance(module, NeuralODE):
                    module.rtol = module.atol = tolerance
            with torch.no_grad():
                features = constants.model.features(x.double() + noise)
            distance = torch.linalg.vector_norm(features - moved.features, dim=1)
            assert (distance <= moved.slope * size * (1 + 1e-12) + moved.constant).all()


def test_an_l_inf_radius_is_at_least_the_l2_radius_over_the_root_of_the_pixels(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    both = [certified_accuracy(classifier, x, y, (0.01,), norm=norm, method="tube").radii for norm in ("L2", "Linf")]
    assert (both[1] >= both[0] / 8 * (1 - 1e-2)).all()


@pytest.mark.parametrize(("method", "precision"), [("tube", "exact"), ("local", "float32")])
def test_files_are_verified_again_at_their_radii_and_no_further(
    method: AdaptiveMethod, precision: str, classifier: nn.Sequential, images: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    x, y = images
    constants = certificate_constants(classifier, (1, 8, 8), precision=precision)  # type: ignore[arg-type]
    result = certified_with(constants, x, y, RADII, method=method)
    path = tmp_path / "radii.json"
    write_certificates(certificate_file(classifier, x, y, constants, result, time_limit=0.0), path)
    found = check_certificates(read_certificates(path), classifier, x, y)
    assert found.holds
    assert found.file.routes == list(result.routes)
    assert sum(found.verified) == int((result.radii > 0).sum()) > 0
    raised = json.loads(path.read_text())
    place = max(range(len(x)), key=raised["radii"].__getitem__)
    raised["radii"][place] *= 1.05
    path.write_text(json.dumps(raised))
    assert check_certificates(read_certificates(path), classifier, x, y).unverified == (place,)


def test_a_file_of_another_grid_is_refused(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    x, y = images[0][:2], images[1][:2]
    constants = certificate_constants(classifier, (1, 8, 8))
    result = certified_with(constants, x, y, (0.05,), method="tube")
    path = tmp_path / "radii.json"
    write_certificates(certificate_file(classifier, x, y, constants, result, time_limit=0.0), path)
    other = copy.deepcopy(classifier)
    for module in other.modules():
        if isinstance(module, NeuralODE):
            module.max_step_size = 0.1
    with pytest.raises(CertificateMismatchError):
        check_certificates(read_certificates(path), other, x, y)


def test_a_field_without_matrices_is_refused_by_name(images: tuple[Tensor, Tensor]) -> None:
    x, y = images[0][:2], images[1][:2]
    field = AutonomousField(nn.Sequential(nn.Linear(64, 64), nn.Softmax(dim=1)))
    solve = NeuralODE(field, 0.1, tableau=BOGACKI_SHAMPINE, max_step_size=0.05)
    model = nn.Sequential(nn.Flatten(), solve, nn.Linear(64, 10)).eval()
    with pytest.raises(CertificateRefusedError, match="neither matrix nor slopes"):
        certified_accuracy(model, x, y, (0.01,), method="tube")
