"""Everything that has no certificate is refused by name, and nothing is repaired silently."""

import math

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.certification import (
    CertificateRefusedError,
    ClassifierBounds,
    certificate_constants,
    certified_accuracy,
    constants,
)
from natrob_empirical.models import (
    IntegratorClassifier,
    ResidualBlock,
    ResidualClassifier,
    ResidualSpecification,
    build_classifier,
)
from natrob_theory import (
    AutonomousField,
    BackwardEulerNet,
    Bound,
    EulerNet,
    GradientFlowField,
    HeunNet,
    constrain_norm,
    dense_field,
    follows_convex_potential,
    layer_lipschitz,
    one_sided_lipschitz,
)
from natrob_theory.layers.statements import OneSidedConstant

IMAGE = torch.full((1, 1, 2, 2), 0.5)
LABEL = torch.tensor([0])


def classifier(trunk: nn.Module, *, stem: nn.Module | None = None) -> IntegratorClassifier:
    model = IntegratorClassifier(stem or nn.Flatten(), trunk, nn.Flatten(), nn.Linear(4, 2))  # type: ignore[arg-type]
    return model.eval()


def plain() -> IntegratorClassifier:
    return classifier(EulerNet(dense_field(4, 3), 0.1, 1))


@pytest.mark.parametrize(
    ("epsilon", "norm", "message"),
    [(-0.1, "L2", "at least 0, got -0.1"), (math.nan, "L2", "must be finite, got nan"), (2.1, "L2", "√4 in L2"),
     (1.1, "Linf", "1 in L∞"), (math.inf, "Linf", "must be finite")],
)  # fmt: skip
def test_radii_outside_the_pixel_range_are_refused(epsilon: float, norm: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        certified_accuracy(plain(), IMAGE, LABEL, [0.1, epsilon], norm=norm)  # type: ignore[arg-type]


class Unknown(nn.Module):
    """A layer that nothing is known of."""

    def forward(self, state: Tensor) -> Tensor:
        return state.sin()


def test_the_largest_radii_are_allowed() -> None:
    certified_accuracy(plain(), IMAGE, LABEL, [2.0])
    certified_accuracy(plain(), IMAGE, LABEL, [1.0], norm="Linf")
    certified_accuracy(plain(), IMAGE, LABEL, [4.0], norm="L1")


@pytest.mark.usefixtures("unchecked")
def test_a_radius_by_itself_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`epsilons` must be a sequence of radii, got 0\.1"):
        certified_accuracy(plain(), IMAGE, LABEL, 0.1)  # type: ignore[arg-type]


@pytest.mark.usefixtures("unchecked")
def test_names_are_looked_up() -> None:
    with pytest.raises(ValueError, match="`norm` must be one of L2, Linf, L1, got 'L3'"):
        certified_accuracy(plain(), IMAGE, LABEL, [0.1], norm="L3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`method` must be one of global, tube, local"):
        certified_accuracy(plain(), IMAGE, LABEL, [0.1], method="interval")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`precision` must be one of"):
        certified_accuracy(plain(), IMAGE, LABEL, [0.1], precision="float16")  # type: ignore[arg-type]


def test_images_outside_the_pixel_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pixel range \[0, 1\]"):
        certified_accuracy(plain(), IMAGE + 1.0, LABEL, [0.1])


def test_a_layer_without_a_certificate_path_is_named() -> None:
    class Mystery(nn.Module):
        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return state * 2

    with pytest.raises(CertificateRefusedError, match="Mystery"):
        certified_accuracy(classifier(EulerNet(Mystery(), 0.1, 1)), IMAGE, LABEL, [0.1])
    stem = nn.Sequential(nn.LocalResponseNorm(1), nn.Flatten())
    with pytest.raises(CertificateRefusedError, match="LocalResponseNorm"):
        certified_accuracy(classifier(EulerNet(dense_field(4, 3), 0.1, 1), stem=stem), IMAGE, LABEL, [0.1])


def test_batch_norm_and_dropout_in_training_mode_are_refused_by_name() -> None:
    model = build_classifier(
        ResidualSpecification(label="r", network="resnet", blocks=1, width=2),
        image_shape=(1, 8, 8),
        num_classes=10,
        generator=torch.Generator(),
    )
    images = torch.full((2, 1, 8, 8), 0.5)
    labels = torch.tensor([0, 1])
    assert model.training
    with pytest.raises(CertificateRefusedError, match=r"BatchNorm2d `stem\.1` is in training mode"):
        certified_accuracy(model, images, labels, [0.1])
    certified_accuracy(model.eval(), images, labels, [0.1])
    with pytest.raises(CertificateRefusedError, match='"tube": ResidualClassifier has no trunk'):
        certified_accuracy(model, images, labels, [0.1], method="tube")
    with pytest.raises(CertificateRefusedError, match='"local": ResidualClassifier has no trunk'):
        certified_accuracy(model, images, labels, [0.1], method="local")
    dropping = classifier(EulerNet(dense_field(4, 3), 0.1, 1), stem=nn.Sequential(nn.Flatten(), nn.Dropout(0.5)))
    certified_accuracy(dropping, IMAGE, LABEL, [0.1])
    with pytest.raises(CertificateRefusedError, match=r"Dropout `stem\.1` is in training mode"):
        certified_accuracy(dropping.train(), IMAGE, LABEL, [0.1])


def test_an_estimate_is_never_certified_with(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("lower", "estimate"):
        bound = Bound(value=1.0, kind=kind, source="a search")  # type: ignore[arg-type]
        bounds = ClassifierBounds(stem=bound, field=bound, trunk=bound, features=bound)
        monkeypatch.setattr(constants, "classifier_bounds", lambda model, shape, known=bounds: known)
        with pytest.raises(CertificateRefusedError, match="not an upper bound"):
            certified_accuracy(plain(), IMAGE, LABEL, [0.1])


def test_a_solver_that_lets_failures_pass_is_refused() -> None:
    trunk = BackwardEulerNet(GradientFlowField.dense(4, 3), 0.1, 1, on_failure="warn")
    with pytest.raises(CertificateRefusedError, match="lets failed solves pass"):
        certificate_constants(classifier(trunk), (1, 2, 2))


class LyingFlow(nn.Module):
    """Says it follows a convex potential, and turns the plane besides."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return -state + torch.roll(state, 1, dims=-1)


follows_convex_potential.register(LyingFlow, lambda field: True)
layer_lipschitz.register(LyingFlow, lambda field, shape: 2.0)
one_sided_lipschitz.register(LyingFlow, lambda field, shape: OneSidedConstant(0.0, "so it says"))


class LyingDecay(LyingFlow):
    """Says μ ≤ −1, and grows along one direction in four."""

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return state * torch.tensor([-1.5, -1.5, -1.5, 0.5], dtype=state.dtype)


follows_convex_potential.register(LyingDecay, lambda field: False)
layer_lipschitz.register(LyingDecay, lambda field, shape: 2.0)
one_sided_lipschitz.register(LyingDecay, lambda field, shape: OneSidedConstant(-1.0, "so it says"))


def test_fields_that_do_not_have_the_structure_they_state_are_refused() -> None:
    with pytest.raises(CertificateRefusedError, match=r"LyingFlow states that its Jacobian is symmetric, .* departs"):
        certified_accuracy(classifier(EulerNet(LyingFlow(), 0.5, 1)), IMAGE, LABEL, [0.1])
    with pytest.raises(CertificateRefusedError, match="LyingDecay states that its Jacobian is dissipative"):
        certified_accuracy(classifier(HeunNet(LyingDecay(), 0.5, 1)), IMAGE, LABEL, [0.1])


def test_a_hook_or_an_overridden_method_is_refused() -> None:
    field = GradientFlowField.dense(4, 3)
    field.register_forward_hook(lambda module, inputs, output: -output)
    with pytest.raises(CertificateRefusedError, match="hooks"):
        certified_accuracy(classifier(EulerNet(field, 0.1, 1)), IMAGE, LABEL, [0.1])
    field = GradientFlowField.dense(4, 3)
    field.forward = lambda time, state: state  # type: ignore[method-assign]
    with pytest.raises(CertificateRefusedError, match="GradientFlowField"):
        certified_accuracy(classifier(EulerNet(field, 0.1, 1)), IMAGE, LABEL, [0.1])


def test_a_hook_or_a_replaced_method_of_trunk_head_or_classifier_is_refused() -> None:
    def ten_times(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return 10 * output

    for part in ("trunk", "head", "stem", "pool"):
        model = plain()
        getattr(model, part).register_forward_hook(ten_times)
        with pytest.raises(CertificateRefusedError, match="forward hooks"):
            certified_accuracy(model, IMAGE, LABEL, [0.1])
    model = plain()
    model.register_forward_pre_hook(lambda module, inputs: (10 * inputs[0],))
    with pytest.raises(CertificateRefusedError, match="the classifier has forward hooks"):
        certified_accuracy(model, IMAGE, LABEL, [0.1])
    model = plain()
    model.features = lambda x: 10 * IntegratorClassifier.features(model, x)  # type: ignore[method-assign]
    with pytest.raises(CertificateRefusedError, match="the classifier has a features other than that of"):
        certified_accuracy(model, IMAGE, LABEL, [0.1])
    model = plain()
    model.trunk.forward = lambda y0: 10 * y0  # type: ignore[method-assign]
    with pytest.raises(CertificateRefusedError, match="EulerNet with a forward other than that"):
        certified_accuracy(model, IMAGE, LABEL, [0.1])

    class Tenfold(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
            return super().forward(10 * input)

    model = plain()
    model.head = Tenfold(4, 2)
    with pytest.raises(CertificateRefusedError, match="its head has a forward other than that of Linear"):
        certified_accuracy(model, IMAGE, LABEL, [0.1])


def test_a_field_or_branch_that_changes_the_state_in_place_is_refused() -> None:
    field = AutonomousField(nn.Sequential(nn.LeakyReLU(3.0, inplace=True), nn.Linear(4, 4)))
    with pytest.raises(CertificateRefusedError, match="set inplace=False"):
        certified_accuracy(classifier(EulerNet(field, 0.05, 1)), IMAGE, LABEL, [0.1])
    inner = nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Linear(3, 4))  # what it changes is its own
    certified_accuracy(classifier(EulerNet(AutonomousField(inner), 0.05, 1)), IMAGE, LABEL, [0.1])
    branch = nn.Sequential(nn.SiLU(inplace=True), nn.Conv2d(2, 2, 1))
    block = ResidualBlock(branch, nn.Identity(), nn.Identity(), step_size=0.05)
    stem, head = nn.Sequential(nn.Conv2d(1, 2, 1)), nn.Linear(2, 2)
    with pytest.raises(CertificateRefusedError, match="set inplace=False"):
        certified_accuracy(ResidualClassifier(stem, [block], head=head).eval(), IMAGE, LABEL, [0.1])


def test_a_weight_that_changes_at_every_use_is_refused_in_training_mode() -> None:
    model = plain()
    nn.utils.parametrizations.spectral_norm(model.head)
    certified_accuracy(model.eval(), IMAGE, LABEL, [0.1])
    with pytest.raises(CertificateRefusedError, match="Linear `head` is parametrized and in training mode"):
        certified_accuracy(model.train(), IMAGE, LABEL, [0.1])
    constrained = classifier(
        EulerNet(GradientFlowField(constrain_norm(nn.Linear(4, 3), method="exact"), nn.ReLU()), 2.0, 1)
    )
    certified_accuracy(constrained.train(), IMAGE, LABEL, [0.1])  # a function of its parameters alone


def test_an_autonomous_field_with_a_layer_of_unknown_slope_is_refused_by_name() -> None:
    field = AutonomousField(nn.Sequential(nn.Linear(4, 4), Unknown()))
    with pytest.raises(CertificateRefusedError, match="Unknown"):
        certified_accuracy(classifier(EulerNet(field, 0.1, 1)), IMAGE, LABEL, [0.1])
