"""Classifiers whose trunk moves no two images apart, by construction and for any weights."""

import copy
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrize

from natrob_empirical.attacks import PGD, attack_accuracy
from natrob_empirical.benchmarks import PresetModel, TrainedModels
from natrob_empirical.benchmarks.checkpoints import Checkpoint, CheckpointStore, load_checkpoint
from natrob_empirical.certification import certified_accuracy, classifier_bounds
from natrob_empirical.command_line.model_target import load_target
from natrob_empirical.datasets import Dataset
from natrob_empirical.files.plain_settings import plain_settings
from natrob_empirical.models import (
    ContractiveSpecification,
    IntegratorClassifier,
    PaddedChannels,
    build_classifier,
    largest_euler_step,
    matched_to,
    model_cost,
    parameter_count,
    specification_from,
)
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import L2Ball
from natrob_empirical.training import TrainingSpecification, train
from natrob_empirical.training.adversarial import YOPO
from natrob_theory import (
    AutonomousField,
    BackwardEulerNet,
    EulerNet,
    GradientFlowField,
    growth_upper_bound,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    materialised,
)
from natrob_theory.networks import AbstractFixedStepNet

SHAPE = (1, 8, 8)


def specification(network: str = "gradient_flow", **changes: Any) -> ContractiveSpecification:
    return ContractiveSpecification(**{"label": "a model", "network": network, "num_steps": 2, **changes})


CONVOLUTIONAL = {"layout": "convolutional", "downscale": 2, "channels": 6}
BACKWARD = {"method": "backward_euler", "step_size": 10.0, "stem": "orthogonal", "channels": 12}
SPECIFICATIONS = {
    "dense, gram": specification(),
    "dense, orthogonal, padded": specification(constraint="orthogonal", channels=70, hidden=20),
    "dense, rescaled, narrow": specification(constraint="rescaled", stem="orthogonal", channels=20, hidden=30),
    "convolutional, gram": specification(**CONVOLUTIONAL),
    "convolutional, exact, half a step": specification(constraint="exact", step_share=0.5, **CONVOLUTIONAL),
    "convolutional, rescaled, mixed": specification(constraint="rescaled", stem="orthogonal", **CONVOLUTIONAL),
    "convolutional, two stages": specification(hidden=5, stages=2, **CONVOLUTIONAL),
    "dissipative, two stages": specification("dissipative", stages=2, **CONVOLUTIONAL),
    "dissipative": specification("dissipative", rate=2.0, head="spectral"),
    "dissipative, convolutional": specification("dissipative", **CONVOLUTIONAL),
    "gradient flow, h = 10": specification(**BACKWARD, head="free"),
    "skew, h = 10": specification("skew_gradient_flow", **BACKWARD, num_steps=1),
    "skew, convolutional": specification("skew_gradient_flow", method="backward_euler", **CONVOLUTIONAL),
    "dissipative, h = 10": specification("dissipative", **BACKWARD, num_steps=1),
}
CASES = pytest.mark.parametrize("case", SPECIFICATIONS)


def built(case: str | ContractiveSpecification, seed: int = 0) -> IntegratorClassifier:
    return build_classifier(
        SPECIFICATIONS[case] if isinstance(case, str) else case,
        image_shape=SHAPE,
        num_classes=10,
        generator=RandomStreams(seed).generator("init"),
    )


def with_random_weights(model: IntegratorClassifier, seed: int, scale: float) -> IntegratorClassifier:
    """In float64, every parameter drawn anew, so that nothing depends on how weights are initialised."""
    generator = torch.Generator().manual_seed(seed)
    model = copy.deepcopy(model).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model.eval()


MODELS = {case: built(case) for case in SPECIFICATIONS}


@given(
    case=st.sampled_from(sorted(SPECIFICATIONS)),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.01, 1.0, 10.0]),
    apart=st.sampled_from([1e-3, 1.0, 100.0]),
)
def test_no_two_images_move_apart(case: str, seed: int, scale: float, apart: float) -> None:
    model = with_random_weights(MODELS[case], seed, scale)
    generator = torch.Generator().manual_seed(seed)
    one = torch.rand((4, *SHAPE), generator=generator, dtype=torch.float64)
    other = one + apart * torch.randn(one.shape, generator=generator, dtype=torch.float64)
    before = (other - one).flatten(1).norm(dim=1)
    with torch.no_grad():
        states = model.stem(one), model.stem(other)
        entered = (states[1] - states[0]).flatten(1).norm(dim=1)
        ends = model.trunk(states[0]), model.trunk(states[1])
        left = (ends[1] - ends[0]).flatten(1).norm(dim=1)
        pooled = (model.pool(ends[1]) - model.pool(ends[0])).flatten(1).norm(dim=1)
    # an implicit solve stops at a residual of some roundings of the state
    slack = 1e-9 * (1.0 + max(float(state.abs().max()) for state in states)) * math.sqrt(entered.numel() * 64)
    assert bool((entered <= before * (1 + 1e-12)).all())
    assert bool((left <= entered * (1 + 1e-11) + slack).all())
    assert bool((pooled <= left * (1 + 1e-11) + slack).all())


@CASES
def test_the_certificate_s_own_computation_says_so(case: str) -> None:
    for scale in (0.01, 10.0):
        model = with_random_weights(MODELS[case], 3, scale)
        bounds = classifier_bounds(model, SHAPE)
        assert float(bounds.trunk) <= 1.0 + 1e-11
        assert float(bounds.stem) <= 1.0 + 1e-12
        assert float(bounds.features) <= 1.0 + 1e-11
        if SPECIFICATIONS[case].head != "free":
            features = model.head.in_features
            assert float(lipschitz_upper_bound(model.head, input_shape=(features,))) <= 1.0 + 1e-12
    assert bounds.trunk.kind == "upper"


def test_beyond_the_theorem_s_step_a_pair_moves_apart() -> None:
    """All units active, along the top singular vector: h = 1.01·2/‖W‖² expands by 1.02."""
    model = built(specification(constraint="exact", num_steps=1)).double()
    trunk = model.trunk
    assert isinstance(trunk, EulerNet)
    field = trunk.fields[0]
    assert isinstance(field, GradientFlowField)
    assert field.linear_map.bias is not None
    with torch.no_grad():
        field.linear_map.bias.fill_(100.0)
        top = torch.linalg.svd(field.linear_map.weight).Vh[:1]
        at_limit, beyond = (EulerNet(field, share * trunk.step_size, 1) for share in (1.0, 1.01))
        zero = torch.zeros_like(top)
        assert float((at_limit(top) - at_limit(zero)).norm()) == pytest.approx(1.0, rel=1e-9)
        expanded = float((beyond(top) - beyond(zero)).norm())
    assert expanded == pytest.approx(1.02, rel=1e-9)
    assert float(growth_upper_bound(beyond, input_shape=(64,))) == pytest.approx(1.02, rel=1e-9)


def test_euler_expands_on_the_skew_part_that_backward_euler_contracts() -> None:
    model = built("skew, h = 10").double()
    trunk = model.trunk
    assert isinstance(trunk, AbstractFixedStepNet)
    field = trunk.fields[0]
    with torch.no_grad():
        for parameter in field.fields[0].parameters():  # type: ignore[union-attr,index] - the gradient flow
            parameter.zero_()
    points = torch.randn((2, 12), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    explicit, implicit = EulerNet(field, 0.5, 1), BackwardEulerNet(field, 0.5, 1)
    with torch.no_grad():
        apart = float((points[1] - points[0]).norm())
        assert float((explicit(points)[1] - explicit(points)[0]).norm()) > 1.001 * apart
        assert float((implicit(points)[1] - implicit(points)[0]).norm()) < apart


@CASES
def test_the_first_layer_is_apart_and_affine(case: str) -> None:
    model = MODELS[case].eval()
    x = torch.rand((3, *SHAPE), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(model(x), model.after_first_layer(model.first_layer(x)))
        middle = model.first_layer((x[:1] + x[1:2]) / 2)
        torch.testing.assert_close(middle, (model.first_layer(x[:1]) + model.first_layer(x[1:2])) / 2)


def test_an_isometric_stem_keeps_every_distance() -> None:
    x = torch.rand((2, *SHAPE), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for case in ("dense, orthogonal, padded", "convolutional, gram"):
        state = MODELS[case].stem(x)
        assert float((state[1] - state[0]).norm()) == pytest.approx(float((x[1] - x[0]).norm()), rel=1e-12)


def test_an_orthogonal_head_has_orthonormal_rows() -> None:
    rows = MODELS["dense, gram"].head.weight.detach()
    torch.testing.assert_close(rows @ rows.T, torch.eye(10), atol=1e-5, rtol=0.0)


@CASES
def test_gradients_reach_every_parameter_and_the_image(case: str) -> None:
    model = copy.deepcopy(MODELS[case])
    x = torch.rand((3, *SHAPE), generator=torch.Generator().manual_seed(0), requires_grad=True)
    nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 2])).backward()
    assert x.grad is not None
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
        assert bool(parameter.grad.any()), name


@CASES
def test_a_checkpoint_gives_the_same_network_back(case: str, tmp_path: Path) -> None:
    wanted = SPECIFICATIONS[case]
    assert specification_from(json.loads(json.dumps(asdict(wanted)))) == wanted
    model = built(case, seed=5).eval()
    settings = {"model": asdict(wanted), "training": {"method": {"name": "none"}}, "data": {"name": "digits"}}
    store = CheckpointStore(tmp_path)
    store.write(
        Checkpoint(
            settings=settings, image_shape=SHAPE, num_classes=10, state_dict=model.state_dict(), training_seconds=0.0
        )
    )
    loaded = store.read(settings)
    assert loaded is not None
    x = torch.rand((2, *SHAPE), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(loaded.classifier()(x), model(x))
        assert torch.equal(materialised(model)(x), model(x))


@CASES
def test_it_is_counted_costed_and_matched(case: str) -> None:
    wanted = SPECIFICATIONS[case]
    count = sum(parameter.numel() for parameter in MODELS[case].parameters())
    assert parameter_count(wanted, SHAPE, 10) == count
    cost = model_cost(wanted, SHAPE, 10)
    assert (cost.parameters, cost.is_estimate) == (count, wanted.method == "backward_euler")
    assert cost.forward_flops > 0
    matched = matched_to(wanted, 3 * count, image_shape=SHAPE, num_classes=10, tolerance=0.1)
    assert isinstance(matched, ContractiveSpecification)
    assert matched == replace(wanted, hidden=matched.hidden)


@pytest.mark.parametrize("method", [None, YOPO(epsilon=0.05, step_size=0.02, outer_steps=2, inner_steps=1)])
@pytest.mark.parametrize("case", ["dense, gram", "convolutional, rescaled, mixed", "skew, convolutional"])
def test_training_methods_take_it(case: str, method: Any, digits: Dataset) -> None:
    model = built(case)
    few = replace(digits, train_x=digits.train_x[:64], train_y=digits.train_y[:64])
    training = TrainingSpecification(epochs=1) if method is None else TrainingSpecification(epochs=1, method=method)
    before = copy.deepcopy(model.state_dict())
    train(model, few, training, generator=RandomStreams(0).generator("train"))
    assert any(not torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert float(classifier_bounds(model.double().eval(), SHAPE).trunk) <= 1.0 + 1e-11


def test_what_is_judged_has_plain_weights(tmp_path: Path, digits: Dataset) -> None:
    """Attacks and certificates see one network, whose constraints cost nothing any more."""
    model = PresetModel(specification=specification(), training=TrainingSpecification(epochs=1))
    few = replace(digits, train_x=digits.train_x[:64], train_y=digits.train_y[:64])
    models = TrainedModels(few, tmp_path, torch.device("cpu"))
    classifier, _ = models.get(model, 0)
    target = load_target(str(models.path_of(model, 0)))
    x = torch.rand((2, *SHAPE), generator=torch.Generator().manual_seed(0))
    kept = load_checkpoint(models.path_of(model, 0)).classifier()
    for judged in (classifier, target.model):
        assert not any(parametrize.is_parametrized(module) for module in judged.modules())
        assert torch.equal(judged(x), kept(x))


@pytest.fixture(scope="module")
def trained(digits: Dataset) -> IntegratorClassifier:
    return trained_on(digits, "gradient_flow")


def trained_on(digits: Dataset, network: str) -> IntegratorClassifier:
    model = built(specification(network, constraint="orthogonal", channels=80, hidden=48))
    images, labels = digits.to_images(digits.train_x), digits.train_y
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    wanted = nn.functional.one_hot(labels, 10)
    for batch in torch.arange(12 * len(images)).remainder(len(images)).split(128):
        optimizer.zero_grad()
        scores = (model(images[batch]) - 0.5 * wanted[batch]) / 0.1  # a lead of ½ is asked for; scores move little
        nn.functional.cross_entropy(scores, labels[batch]).backward()
        optimizer.step()
    return model.eval()


def test_a_trained_trunk_s_bound_is_tight(trained: IntegratorClassifier, digit_images: tuple[Tensor, Tensor]) -> None:
    """The upper constant is at most 1.3 times what is found by searching the whole trunk."""
    assert 1.0 - 1e-9 <= _upper_over_lower(trained, digit_images[0]) <= 1.3


def test_a_trained_dissipative_trunk_s_bound_is_tight(digits: Dataset, digit_images: tuple[Tensor, Tensor]) -> None:
    """Its parts give it; from (μ, K) alone it would be 1.5 times what the search finds."""
    assert 1.0 - 1e-9 <= _upper_over_lower(trained_on(digits, "dissipative"), digit_images[0]) <= 1.02


def _upper_over_lower(classifier: IntegratorClassifier, images: Tensor) -> float:
    model = copy.deepcopy(classifier).double()
    with torch.no_grad():
        states = model.stem(images.double()[:8])
    lower = lipschitz_lower_bound(
        AutonomousField(materialised(model).trunk), states, radius=1.0, generator=RandomStreams(0).generator("search")
    )
    upper = growth_upper_bound(model.trunk, input_shape=tuple(states.shape[1:]))
    return float(upper) / float(lower)


def test_its_certificates_hold_under_attack_and_are_worth_something(
    trained: IntegratorClassifier, digit_images: tuple[Tensor, Tensor]
) -> None:
    images, labels = digit_images[0].double(), digit_images[1]
    model = materialised(trained).double()
    certified = certified_accuracy(trained, images, labels, [0.0, 0.1])
    assert certified.accuracies[0] > 0.9
    assert certified.accuracies[1] > 0.8
    for epsilon in (0.1, float(certified.radii.median())):
        attacked = attack_accuracy(PGD(L2Ball(epsilon)), model, images, labels, generator=torch.Generator())
        assert not bool((attacked.success & (certified.radii > epsilon)).any())


def test_the_largest_steps() -> None:
    assert largest_euler_step(specification()) == 2.0
    assert largest_euler_step(specification("dissipative", rate=2.0)) == 0.25
    assert MODELS["convolutional, exact, half a step"].trunk.step_size == 1.0  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="no step at which it does not expand on skew_gradient_flow"):
        largest_euler_step(specification("skew_gradient_flow", method="backward_euler"))


def test_the_default_method_is_one_that_the_network_has() -> None:
    skew = specification("skew_gradient_flow")
    assert skew == specification("skew_gradient_flow", method="backward_euler")
    assert skew.method == "backward_euler"
    for network in ("gradient_flow", "dissipative"):
        assert plain_settings(specification(network))["method"] == "euler"  # as records hold it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "gradient_flows"}, "unknown network 'gradient_flows'; did you mean gradient_flow"),
        ({"network": "skew_gradient_flow", "method": "euler"}, '`method` = "euler" expands on the skew-symmetric part'),
        ({"step_share": 1.01}, "`step_share` must be at most 1, beyond which Euler's method may expand, got 1.01"),
        ({"step_share": 0.0}, "`step_share` must be greater than 0"),
        ({"step_size": 2.0}, '`step_size` is a setting for `method` = "backward_euler" only, got 2.0 beside "euler"'),
        ({"step_share": 0.5, **BACKWARD}, '`step_share` is a setting for `method` = "euler" only'),
        ({"rate": 2.0}, '`rate` is a setting for `network` = "dissipative" only'),
        ({"stages": 2}, '`stages` is a setting for `layout` = "convolutional" only'),
        ({"downscale": 2}, '`downscale` is a setting for `layout` = "convolutional" only'),
        ({"kernel_size": 4, **CONVOLUTIONAL}, "`kernel_size` must be odd, got 4"),
        ({"constraint": "orthogonal", **CONVOLUTIONAL}, '`constraint` = "orthogonal" is for dense maps'),
        ({"hidden": 0}, "`hidden` must be at least 1, got 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        specification(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"channels": 63},
            "`channels` must be at least 64 for images flattened and an isometric stem, got 63; take more",
        ),
        ({**CONVOLUTIONAL, "channels": 3}, "`channels` must be at least 4 for images in blocks of 2"),
        ({**CONVOLUTIONAL, "downscale": 3}, r"`downscale` = 3 must divide the sides of the images, got \(1, 8, 8\)"),
        (
            {**CONVOLUTIONAL, "stages": 4},
            r"`stages` = 4 must leave even sides to every stage but the last, got a stage with sides \(1, 1\)",
        ),
        ({"stem": "orthogonal", "channels": 5}, '`head` = "orthogonal" needs at least 10 features, got 5'),
    ],
)
def test_images_that_do_not_fit_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built(specification(**changes))


@pytest.mark.parametrize("length", [2, 4])
def test_padding_takes_the_length_it_was_built_for(length: int) -> None:
    padding = PaddedChannels(3, 5)
    assert torch.equal(padding(torch.ones(1, 3, 2)).sum(dim=2), torch.tensor([[2.0, 2.0, 2.0, 0.0, 0.0]]))
    assert not padding.state_dict()
    with pytest.raises(ValueError, match=f"`x` must have 3 channels or features before the padding, got {length}"):
        padding(torch.zeros(1, length))


def test_padding_never_shortens() -> None:
    with pytest.raises(ValueError, match="`channels` must be at least 3, got 2"):
        PaddedChannels(3, 2)


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 6, 6), (1, 16, 16)])
@pytest.mark.parametrize("case", ["dense, orthogonal, padded", "convolutional, gram", "dense, rescaled, narrow"])
def test_images_of_another_shape_are_not_certified(case: str, shape: tuple[int, int, int]) -> None:
    images = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match=rf"the classifier takes no images of shape \({shape[0]}, {shape[1]}, "):
        certified_accuracy(built(case).eval(), images, torch.tensor([0, 1]), [0.1])
