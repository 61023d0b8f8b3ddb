"""Certificates of classifiers with adaptive solves: an affine bound, whatever steps the controller takes."""

import copy

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical import PGD, L2Ball, certified_accuracy
from natrob_empirical.certification import CertificateRefusedError, certificate_constants
from natrob_empirical.certification.adaptive_features import AdaptiveBounds, affine_features
from natrob_empirical.certification.certified_by_constants import ALWAYS_SOLVED, WHILE_SOLVED
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import IntegratorClassifier
from natrob_theory import (
    BOGACKI_SHAMPINE,
    AbstractField,
    EulerNet,
    GradientFlowField,
    NeuralODE,
    SkewSymmetricField,
    SumField,
    broadcast_time,
    constrain_norm,
    dense_field,
)

RADII = (0.05, 0.2, 0.5)


class UnknownField(nn.Module):
    def forward(self, _time: Tensor, state: Tensor) -> Tensor:
        return -state


class TimedField(AbstractField):
    """A gradient flow, pushed by t."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.flow = GradientFlowField.dense(features, hidden)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return self.flow(time, state) + broadcast_time(time, state)

    def lipschitz(self, input_shape: tuple[int, ...]) -> float:
        return self.flow.lipschitz(input_shape)


def gradient_flow_classifier(digits: Dataset) -> nn.Sequential:
    """Two Neural ODEs with orthonormal rows, trained as the Euler networks of the same fields."""
    torch.manual_seed(0)
    fields = []
    for _ in range(2):
        linear = nn.Linear(64, 32)
        nn.init.orthogonal_(linear.weight)
        fields.append(GradientFlowField(constrain_norm(linear, method="orthogonal"), nn.ReLU()))
    head = nn.Linear(64, 10)
    trained = nn.Sequential(nn.Flatten(), *(EulerNet(field, 0.5, 2) for field in fields), head)
    images, labels = digits.to_images(digits.train_x), digits.train_y
    optimiser = torch.optim.Adam(trained.parameters(), 1e-2)
    for _ in range(4):
        for rows in torch.randperm(len(images)).split(128):
            optimiser.zero_grad()
            nn.functional.cross_entropy(trained(images[rows]), labels[rows]).backward()
            optimiser.step()
    solves = (NeuralODE(field, 1.0, tableau=BOGACKI_SHAMPINE, max_step_size=0.1) for field in fields)
    return nn.Sequential(nn.Flatten(), *solves, head).eval()


@pytest.fixture(scope="module")
def classifier(digits: Dataset) -> nn.Sequential:
    return gradient_flow_classifier(digits)


@pytest.fixture(scope="module")
def images(digits: Dataset) -> tuple[Tensor, Tensor]:
    return digits.to_images(digits.test_x)[:60], digits.test_y[:60]


def test_certified_is_at_most_attacked(classifier: nn.Sequential, images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    result = certified_accuracy(classifier, x, y, RADII)
    assert result.clean_accuracy > 0.8
    assert result.accuracies[0] > 0.7
    for epsilon, accuracy in zip(RADII, result.accuracies, strict=True):
        attack = PGD(L2Ball(epsilon), step_size=epsilon / 4, steps=20)
        found = attack(classifier, x, y, generator=torch.Generator().manual_seed(0))
        certified = (result.radii >= epsilon) & (result.radii > 0)
        assert not bool((found.success & certified).any())
        assert accuracy <= 1.0 - float(found.success.double().mean())


def test_features_stay_within_the_affine_bound_on_any_grid(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, _ = images
    constants = certificate_constants(classifier, (1, 8, 8))
    assert isinstance(constants.bounds, AdaptiveBounds)
    radii = torch.full((len(x),), 0.1, dtype=torch.float64)
    moved = affine_features(constants.bounds, x.double(), radii=radii, deployed=None)
    draw = torch.Generator().manual_seed(0)
    for size in (1e-12, 1e-3, 0.1):
        for tolerance in (1e-8, 1e-2, 1e3):
            noise = torch.randn(x.shape, generator=draw, dtype=torch.float64)
            noise = size * noise / torch.linalg.vector_norm(noise.flatten(1), dim=1)[:, None, None, None]
            model = constants.model
            for module in model.modules():
                if isinstance(module, NeuralODE):
                    module.rtol = module.atol = tolerance
            with torch.no_grad():
                features = model.features(x.double() + noise)
            distance = torch.linalg.vector_norm(features - moved.features, dim=1)
            assert (distance <= moved.slope * size * (1 + 1e-12) + moved.constant).all()


def test_smaller_steps_certify_more_up_to_the_margins_of_the_flow(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    radii = [certified_accuracy(with_solves(classifier, max_step_size=h), x, y, RADII).radii for h in (0.5, 0.1, 0.02)]
    means = [float(some.mean()) for some in radii]
    assert means[0] < means[1] < means[2] < means[1] * 1.1


def test_the_deployed_float32_network_has_smaller_radii(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    short = with_solves(classifier, max_num_steps=50)  # the perturbed solve may round in each of them
    exact = certified_accuracy(short, x, y, RADII)
    deployed = certified_accuracy(short, x, y, RADII, precision="float32")
    assert (deployed.radii <= exact.radii).all()
    assert float(deployed.radii.mean()) > 0.5 * float(exact.radii.mean())


def test_solves_that_are_proved_to_end_round_in_few_steps_and_the_result_says_so(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    """10,000 trial steps are allowed; few can be needed, and only they can round."""
    x, y = images
    exact = certified_accuracy(classifier, x, y, RADII)
    deployed = certified_accuracy(classifier, x, y, RADII, precision="float32")
    assert float(deployed.radii.mean()) > 0.9 * float(exact.radii.mean())
    for result in (exact, deployed):
        assert result.arithmetic.endswith(ALWAYS_SOLVED)
    solves = [module for module in classifier if isinstance(module, NeuralODE)]
    state, needed = nn.Flatten()(x), 0
    with torch.no_grad():
        for solve in solves:
            state = solve(state)
            assert solve.last_solve is not None
            needed = max(needed, int((solve.last_solve.accepted + solve.last_solve.rejected).max()))
    scarce = certified_accuracy(with_solves(classifier, max_num_steps=needed), x, y, RADII)
    assert WHILE_SOLVED in scarce.arithmetic
    assert "That none fails is proved for 0 of " in scarce.arithmetic


def with_solves(classifier: nn.Sequential, **settings: float) -> nn.Sequential:
    """A copy whose Neural ODEs have these settings."""
    other = copy.deepcopy(classifier)
    for module in other.modules():
        if isinstance(module, NeuralODE):
            vars(module).update(settings)
    return other


def test_an_l_inf_radius_is_the_l2_radius_over_the_root_of_the_pixels(
    classifier: nn.Sequential, images: tuple[Tensor, Tensor]
) -> None:
    x, y = images
    both = [certified_accuracy(classifier, x, y, (0.01,), norm=norm).radii for norm in ("L2", "Linf")]
    assert (both[1] >= both[0] / 8 * (1 - 1e-9)).all()


def test_an_integrator_classifier_with_an_adaptive_trunk_is_certified(images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    torch.manual_seed(0)
    trunk = NeuralODE(GradientFlowField.dense(64, 16), 0.1, tableau=BOGACKI_SHAMPINE, max_step_size=0.01)
    model = IntegratorClassifier(nn.Flatten(), trunk, nn.Flatten(), nn.Linear(64, 10)).eval()
    chain = nn.Sequential(nn.Flatten(), trunk, model.head).eval()
    results = [certified_accuracy(some, x, y, (0.01,)).radii for some in (model, chain)]
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("solve", "message"),
    [
        (lambda: NeuralODE(dense_field(64, 8)), "max_step_size"),
        (lambda: NeuralODE(dense_field(64, 8), max_step_size=0.1, jump_times=[0.5]), "jump_times"),
        (lambda: NeuralODE(dense_field(64, 8), solver="torchdiffeq"), "solver"),
        (lambda: NeuralODE(UnknownField(), max_step_size=0.1), "UnknownField"),
    ],
)
def test_solves_without_a_bound_are_refused_by_name(solve: object, message: str, images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    model = nn.Sequential(nn.Flatten(), solve(), nn.Linear(64, 10)).eval()  # type: ignore[operator]
    with pytest.raises(CertificateRefusedError, match=message):
        certified_accuracy(model, x, y, (0.1,))


def test_a_field_that_looks_at_time_is_refused(images: tuple[Tensor, Tensor]) -> None:
    x, y = images
    model = nn.Sequential(nn.Flatten(), NeuralODE(TimedField(64, 8), max_step_size=0.1), nn.Linear(64, 10)).eval()
    with pytest.raises(CertificateRefusedError, match="TimedField"):
        certified_accuracy(model, x, y, (0.1,))


def test_a_sum_of_skew_field_and_gradient_flow_has_a_certificate(images: tuple[Tensor, Tensor]) -> None:
    x, _ = images
    torch.manual_seed(1)
    field = SumField([GradientFlowField.dense(64, 8), SkewSymmetricField.dense(64)])
    model = nn.Sequential(
        nn.Flatten(), NeuralODE(field, 0.2, tableau=BOGACKI_SHAMPINE, max_step_size=0.005), nn.Linear(64, 10)
    ).eval()
    labels = model(x).argmax(dim=1)
    radii = certified_accuracy(model, x, labels, (0.001,)).radii
    assert torch.isfinite(radii).all()
    assert float(radii.max()) > 0.0
    finer = certified_accuracy(with_solves(model, max_step_size=0.001), x, labels, (0.001,)).radii
    assert (finer > radii).all()  # the solver's errors shrink, the flow's bound is the same
