"""Plain chains of known layers are certified as they come: against closed forms, attacks and this library's classes."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD, AutoAttack, attack_accuracy
from natrob_empirical.certification import (
    CONSTANT_METHODS,
    CertificateMethod,
    CertificateRefusedError,
    SequentialClassifier,
    certificate_constants,
    certified_accuracy,
    require_certifiable,
)
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import IntegratorClassifier, ResidualSpecification, build_classifier
from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory import EulerNet, GradientFlowField, NeuralODE, dense_field, follows_convex_potential, layer_lipschitz

IMAGE, LABEL = torch.full((1, 1, 2, 2), 0.5), torch.tensor([0])
CHAIN_METHODS: tuple[CertificateMethod, ...] = ("global", "local")
ACTIVATIONS = (
    nn.ReLU(), nn.ReLU6(), nn.Hardtanh(), nn.LeakyReLU(0.3), nn.Tanh(), nn.Sigmoid(), nn.Softsign(), nn.LogSigmoid(),
    nn.Tanhshrink(), nn.ELU(1.5), nn.CELU(0.5), nn.SiLU(inplace=True), nn.GELU(), nn.Identity(),
)  # fmt: skip


def with_statistics(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.Module:
    """Running statistics as a training leaves them."""
    assert layer.running_mean is not None
    assert layer.running_var is not None
    nn.init.normal_(layer.running_mean, std=0.3)
    nn.init.uniform_(layer.running_var, 0.3, 2.0)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias, std=0.3)
    return layer


def convolutions() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), with_statistics(nn.BatchNorm2d(4)), nn.ReLU(inplace=True)),
        nn.AvgPool2d(2),
        nn.Sequential(with_statistics(nn.BatchNorm2d(4)), nn.SiLU(), nn.Conv2d(4, 6, 3, stride=2, padding=1)),
        nn.Sequential(nn.Dropout2d(0.2), nn.Flatten(), nn.GELU(), nn.Linear(24, 10)),
    )


def two_networks() -> nn.Sequential:
    first, second = EulerNet(dense_field(64, 16), 0.2, 1), EulerNet(GradientFlowField.dense(16, 8), 0.2, 1)
    return nn.Sequential(nn.Flatten(), first, nn.Linear(64, 16), second, nn.Linear(16, 10))


def one_network() -> nn.Sequential:
    net = EulerNet([dense_field(64, 16) for _ in range(2)], 0.2)
    return nn.Sequential(nn.Flatten(), nn.Sequential(net, nn.Identity()), nn.Linear(64, 10))


CHAINS: dict[str, Callable[[], nn.Sequential]] = {
    "convolutions": convolutions,
    "two networks": two_networks,
    "one network": one_network,
    "pooled logits": lambda: nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.MaxPool2d(2), nn.LeakyReLU(0.2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ),
    "batch norm first": lambda: nn.Sequential(
        with_statistics(nn.BatchNorm2d(1)), nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 5)
    ),
    "residual classifier": lambda: nn.Sequential(
        nn.AvgPool2d(2),
        build_classifier(
            ResidualSpecification(label="r", network="resnet", blocks=1, width=2),
            image_shape=(1, 4, 4),
            num_classes=10,
            generator=torch.Generator(),
        ),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def trained_convolutions(digits: Dataset) -> nn.Module:
    model, images = convolutions().train(), digits.to_images(digits.train_x)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(3):
        for rows in torch.randperm(len(images)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[rows]), digits.train_y[rows]).backward()
            optimizer.step()
    model.zero_grad()
    return model.eval()


def no_attack_breaks(model: nn.Module, x: Tensor, y: Tensor, method: CertificateMethod) -> None:
    for norm, ball in (("L2", L2Ball), ("Linf", LinfBall)):
        radii = certified_accuracy(model, x, y, [], norm=norm, method=method).radii  # type: ignore[arg-type]
        assert float(radii.max()) > 0.0
        for radius in (float(radii[radii > 0].median()), float(radii.max())):
            largest = min(radius, 1.0)
            attacked = attack_accuracy(PGD(ball(largest), steps=10), model, x, y, generator=torch.Generator())
            assert not bool((attacked.success & (radii >= largest)).any())


@pytest.mark.parametrize("method", CHAIN_METHODS)
@pytest.mark.parametrize("name", CHAINS)
def test_no_attack_breaks_a_certificate_of_a_chain(
    name: str, method: CertificateMethod, digit_images: tuple[Tensor, Tensor]
) -> None:
    model = CHAINS[name]().double().eval()
    x = digit_images[0][:12].double()
    no_attack_breaks(model, x, model(x).argmax(dim=1), method)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda layer: type(layer).__name__)
def test_no_attack_breaks_a_certificate_whatever_the_activation(
    activation: nn.Module, digit_images: tuple[Tensor, Tensor]
) -> None:
    first = nn.Linear(64, 12)
    first.weight.data *= 4.0
    model = nn.Sequential(nn.Flatten(), first, activation, nn.Linear(12, 4)).double().eval()
    x = digit_images[0][:6].double()
    for method in CHAIN_METHODS:
        no_attack_breaks(model, x, model(x).argmax(dim=1), method)


@pytest.mark.parametrize("method", CHAIN_METHODS)
@pytest.mark.parametrize("trained", ["digits_net", "trained_convolutions"])
def test_auto_attack_leaves_the_certified_labels_of_trained_networks(
    trained: str, method: CertificateMethod, digit_images: tuple[Tensor, Tensor], request: pytest.FixtureRequest
) -> None:
    model: nn.Module = request.getfixturevalue(trained)
    x, y = digit_images[0][:10], digit_images[1][:10]
    for norm, ball in (("L2", L2Ball), ("Linf", LinfBall)):
        radii = certified_accuracy(model, x, y, [], norm=norm, method=method, precision="float32").radii  # type: ignore[arg-type]
        radius = float(radii[radii > 0].median())
        attack = AutoAttack(ball(radius), steps=5, queries=20)
        attacked = attack_accuracy(attack, model, x, y, generator=torch.Generator())
        assert bool((radii >= radius).any())
        assert not bool((attacked.success & (radii >= radius)).any())


@pytest.mark.parametrize("method", CHAIN_METHODS)
def test_the_radii_of_a_linear_chain_are_its_distances_to_the_boundary(method: CertificateMethod) -> None:
    linear = nn.Linear(4, 3)
    model = nn.Sequential(nn.Flatten(), linear).double()
    x = torch.rand(20, 1, 2, 2, dtype=torch.float64)
    y = model(x).argmax(dim=1)
    rows, scores = linear.weight.detach(), model(x).detach()
    gaps = scores.gather(1, y[:, None]) - scores
    distances = (rows[y][:, None] - rows[None]).norm(dim=2)
    exact = torch.where(distances > 0, gaps / distances.clamp_min(1e-9), torch.inf).amin(dim=1).clamp_max(2.0)
    for wrapped in (model, nn.Sequential(nn.Sequential(model), nn.Dropout(0.5), nn.Identity()).eval()):
        certified = certified_accuracy(wrapped, x, y, [], method=method).radii
        assert bool((certified <= exact).all())
        assert torch.allclose(certified, exact, rtol=1e-9)


def test_a_chain_without_a_linear_layer_at_its_end_has_the_root_of_two() -> None:
    linear = nn.Linear(4, 3)
    model = nn.Sequential(nn.Flatten(), linear, nn.LeakyReLU(0.5)).double()
    x = torch.rand(20, 1, 2, 2, dtype=torch.float64)
    scores = model(x).detach()
    y = scores.argmax(dim=1)
    gap = scores.sort(dim=1, descending=True).values.diff(dim=1)[:, 0].abs()
    expected = gap / (math.sqrt(2.0) * torch.linalg.matrix_norm(linear.weight.detach(), ord=2))
    certified = certified_accuracy(model, x, y, []).radii
    assert bool((certified <= expected).all())
    assert torch.allclose(certified, expected.clamp_max(2.0), rtol=1e-9)


@pytest.mark.parametrize("method", CONSTANT_METHODS)
def test_a_chain_around_one_network_has_every_certificate_of_the_classifier(
    method: CertificateMethod, digit_images: tuple[Tensor, Tensor]
) -> None:
    x, y = digit_images[0][:6], digit_images[1][:6]
    net, head = EulerNet([dense_field(64, 16) for _ in range(2)], 0.2), nn.Linear(64, 10)
    chain = nn.Sequential(nn.Sequential(nn.Flatten()), net, nn.Sequential(head))
    same = IntegratorClassifier(nn.Flatten(), net, nn.Flatten(), head)
    radii = [certified_accuracy(model, x, y, [0.05], method=method).radii for model in (chain, same)]
    assert torch.allclose(*radii, rtol=1e-12)
    again = certified_accuracy(nn.Sequential(same), x, y, [0.05], method=method).radii
    assert torch.allclose(again, radii[1], rtol=1e-12)


def test_a_batch_norm_behind_an_activation_is_a_matrix_to_the_local_method(digit_images: tuple[Tensor, Tensor]) -> None:
    normalised = nn.BatchNorm1d(16)
    normalised.running_var = torch.logspace(-3.0, 1.0, 16)
    last = nn.Linear(16, 5)
    last.weight.data[:, :4] = 0.0
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), normalised, last).eval()
    x = digit_images[0][:12]
    y = model(x).argmax(dim=1)
    everywhere, local = (certified_accuracy(model, x, y, [], method=method).radii for method in CHAIN_METHODS)
    assert bool((local >= everywhere).all())
    assert float(local.median()) > 2.0 * float(everywhere.median())


def test_the_steps_of_every_network_in_a_chain_are_seen_by_the_local_method(
    digit_images: tuple[Tensor, Tensor],
) -> None:
    model, x = two_networks().eval(), digit_images[0][:12]
    y = model(x).argmax(dim=1)
    everywhere, local = (certified_accuracy(model, x, y, [], method=method).radii for method in CHAIN_METHODS)
    assert float((local / everywhere).median()) > 1.05


@pytest.mark.parametrize("name", CHAINS)
def test_the_allowance_covers_what_float32_rounds(name: str, digit_images: tuple[Tensor, Tensor]) -> None:
    model = CHAINS[name]().eval()
    x = digit_images[0][:12]
    constants = certificate_constants(model, (1, 8, 8), precision="float32")
    assert constants.deployed is not None
    single, double = model(x).double(), constants.model(x.double())
    assert not torch.equal(single, double)
    y = double.argmax(dim=1)
    error = ((single.gather(1, y[:, None]) - single) - (double.gather(1, y[:, None]) - double)).abs()
    norms = x.flatten(1).norm(dim=1).double()[:, None]
    assert bool((error <= constants.deployed.per_norm[y] * norms + constants.deployed.constant[y]).all())


def test_images_in_float64_are_left_as_they_are() -> None:
    model = nn.Sequential(nn.SiLU(inplace=True), nn.Flatten(), nn.Linear(4, 2)).double()
    images = IMAGE.double()
    for method in CHAIN_METHODS:
        certified_accuracy(model, images, LABEL, [0.1], method=method)
    assert torch.equal(images, IMAGE.double())
    assert model[0].inplace


class OwnForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Residual(nn.Sequential):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return input + super().forward(input)


@pytest.mark.parametrize(
    "model", [OwnForward(), Residual(nn.Flatten(), nn.Linear(4, 4)), nn.ModuleList([nn.Linear(4, 2)])]
)
def test_a_model_with_a_forward_of_its_own_is_told_the_two_ways(model: nn.Module) -> None:
    with pytest.raises(CertificateRefusedError) as refusal:
        certified_accuracy(model, IMAGE, LABEL, [0.1])
    assert f"a {type(model).__name__}" in str(refusal.value) or f"the {type(model).__name__}" in str(refusal.value)
    assert "make it an nn.Sequential of layers with known constants" in str(refusal.value)
    assert "IntegratorClassifier(stem, trunk, pool, head)" in str(refusal.value)


def hooked(layer: nn.Module) -> nn.Module:
    layer.register_forward_hook(lambda module, inputs, output: output.mul(10))
    return layer


def replaced(layer: nn.Module) -> nn.Module:
    layer.forward = lambda input: 10 * input  # type: ignore[method-assign]  # noqa: A006 - torch's name
    return layer


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (hooked(nn.Sequential(nn.Flatten(), nn.Linear(4, 2))), "the Sequential has forward hooks"),
        (nn.Sequential(nn.Flatten(), hooked(nn.Linear(4, 2))), "its head has forward hooks"),
        (nn.Sequential(nn.Flatten(), hooked(nn.ReLU()), nn.Linear(4, 2)), "ReLU with forward hooks"),
        (nn.Sequential(nn.Flatten(), hooked(nn.Sequential(nn.Linear(4, 2)))), "Sequential with forward hooks"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2), hooked(nn.Identity())), "Identity with forward hooks"),
        (nn.Sequential(nn.Flatten(), replaced(nn.Tanh()), nn.Linear(4, 2)), "Tanh with a forward other than that"),
        (nn.Sequential(nn.Flatten(), Residual(nn.Linear(4, 4)), nn.Linear(4, 2)), "Residual with a forward other"),
        (nn.Sequential(nn.Flatten(), OwnForward(), nn.Linear(2, 2)), "layer OwnForward"),
        (nn.Sequential(nn.LocalResponseNorm(1), nn.Flatten(), nn.Linear(4, 2)), "layer LocalResponseNorm"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.Softmax(dim=1)), "ends with Softmax, .* leave it out"),
        (nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 2)), r"Dropout `1` is in training mode"),
        (nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(4, 2)), r"BatchNorm2d `0` is in training mode"),
        (
            nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten(), nn.Linear(4, 2)).eval(),
            "no running statistics, so its output depends on the batch",
        ),
        (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (-1, 4)), nn.Linear(4, 2)), "Flatten does not give one tensor"),
        (nn.Sequential(nn.Flatten(), NeuralODE(dense_field(4, 3)), nn.Linear(4, 2)), "must have a `max_step_size`"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4, 1)), "at least 2 logits"),
        (nn.Sequential(nn.Linear(2, 2)), "at least 2 logits"),
        (nn.Sequential(), "at least 2 logits"),
    ],
)
def test_what_a_chain_cannot_be_certified_with_is_named(model: nn.Module, message: str) -> None:
    for method in CONSTANT_METHODS:
        with pytest.raises(CertificateRefusedError, match=message):
            certified_accuracy(model, IMAGE, LABEL, [0.1], method=method)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["1.weight", "1.bias", "2.running_mean", "2.running_var"])
def test_weights_that_are_no_numbers_are_refused_by_name(name: str, value: float) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2), nn.BatchNorm1d(2)).eval()
    model.state_dict()[name][0] = value
    for method in CONSTANT_METHODS:
        with pytest.raises(CertificateRefusedError, match=f"`{name}` of the model has NaN or infinite entries"):
            certified_accuracy(model, IMAGE, LABEL, [0.1], method=method)


def test_a_label_of_logits_that_overflow_is_never_correct() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)).double()
    huge = torch.tensor([[1e200, 1e200], [-1e200, -1e200]], dtype=torch.float64).repeat(2, 2)
    for layer in list(model)[1:]:
        assert isinstance(layer, nn.Linear)
        layer.weight.data = huge[: layer.out_features].clone()
    assert bool(model(IMAGE.double()).isnan().all())
    certified = certified_accuracy(model, IMAGE.double(), LABEL, [0.0])
    assert certified.clean_accuracy == 0.0
    assert certified.accuracies == (0.0,)


def test_images_of_another_shape_are_named() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(5, 2))
    with pytest.raises(ValueError, match=r"the classifier takes no images of shape \(1, 2, 2\)"):
        certified_accuracy(model, IMAGE, LABEL, [0.1])
    with pytest.raises(ValueError, match="must hold labels from 0 to 1"):
        certified_accuracy(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), IMAGE, torch.tensor([2]), [0.1])


def test_tubes_want_one_network_of_fixed_steps(digit_images: tuple[Tensor, Tensor]) -> None:
    x, y = digit_images[0][:2], digit_images[1][:2]
    for name in ("two networks", "convolutions"):
        with pytest.raises(CertificateRefusedError, match='"tube": it wants one integrator network'):
            certified_accuracy(CHAINS[name]().eval(), x, y, [0.1], method="tube")


class LyingFlow(nn.Module):
    """Says it follows a convex potential, and turns the plane besides."""

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return -state + torch.roll(state, 1, dims=-1)


follows_convex_potential.register(LyingFlow, lambda field: True)
layer_lipschitz.register(LyingFlow, lambda field, shape: 2.0)


def test_the_structure_of_every_network_in_a_chain_is_looked_at() -> None:
    honest, lying = EulerNet(GradientFlowField.dense(4, 3), 0.1, 1), EulerNet(LyingFlow(), 0.5, 1)
    with pytest.raises(CertificateRefusedError, match="LyingFlow"):
        certified_accuracy(nn.Sequential(nn.Flatten(), honest, lying, nn.Linear(4, 2)), IMAGE, LABEL, [0.1])


def test_the_layers_of_a_chain_are_not_copied_before_they_are_frozen() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    classifier = require_certifiable(model, (1, 2, 2))
    assert isinstance(classifier, SequentialClassifier)
    assert classifier.head is model[3]
    assert list(classifier.layers) == list(model)[:3]
    assert torch.equal(classifier(IMAGE), model(IMAGE))
    assert torch.equal(classifier.after_first_layer(classifier.first_layer(IMAGE)), model(IMAGE))
