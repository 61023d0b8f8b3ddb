import pytest
import torch

from natrob_empirical.models import (
    NETWORKS,
    TABLE_A1_CIFAR10,
    TABLE_A1_MNIST,
    AbstractClassifier,
    IntegratorClassifier,
    ModelSpecification,
    build_classifier,
    initialised_with,
)
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import DOPRI5, NeuralODE
from natrob_theory.steppers import RungeKuttaStepper


def specification(network: str, **changes: object) -> ModelSpecification:
    return ModelSpecification(label="a model", network=network, channels=4, hidden=4, num_steps=2, **changes)  # type: ignore[arg-type]


def build(network: str, seed: int = 0, **changes: object) -> IntegratorClassifier:
    return build_classifier(
        specification(network, **changes),
        image_shape=(1, 8, 8),
        num_classes=10,
        generator=RandomStreams(seed).generator("init"),
    )


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_class_gives_finite_logits_and_gradients(network: str) -> None:
    model = build(network)
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    logits = model(images)
    assert logits.shape == (3, 10)
    logits.sum().backward()
    assert images.grad is not None
    assert bool(torch.isfinite(images.grad).all())
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert bool(torch.isfinite(parameter.grad).all())


def test_the_generator_alone_decides_the_initial_weights() -> None:
    torch.manual_seed(1)
    first = build("euler", seed=3).state_dict()
    torch.manual_seed(2)
    second = build("euler", seed=3).state_dict()
    other = build("euler", seed=4).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.weight"], other["stem.weight"])


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with initialised_with(torch.Generator().manual_seed(0)):
        torch.rand(7)
    assert torch.equal(torch.rand(3), expected)


def test_a_samples_logits_do_not_depend_on_its_neighbours() -> None:
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for network in set(NETWORKS) - {"neural_ode"}:  # torchdiffeq controls one error norm for the whole batch
        model = build(network).double()
        together = model(images.double())
        alone = torch.cat([model(image[None].double()) for image in images])
        torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)


def test_an_unknown_network_is_named_with_near_names() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'eular'; did you mean euler.*backward_euler"):
        build("eular")


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ValueError, match=r"`pool_size` = 3 must divide the state's sides \[8, 8\]"):
        build("euler", pool_size=3)
    with pytest.raises(ValueError, match="`channels` must be even for RevNet, got 5"):
        build_classifier(
            ModelSpecification(label="odd", network="revnet", channels=5),
            image_shape=(1, 8, 8),
            num_classes=10,
            generator=torch.Generator(),
        )
    with pytest.raises(ValueError, match="`step_size` must be greater than 0"):
        specification("euler", step_size=0.0)


def test_settings_that_a_network_does_not_have_are_named() -> None:
    with pytest.raises(ValueError, match="`order` is a setting of polynet only, got 3 for euler"):
        specification("euler", order=3)
    with pytest.raises(ValueError, match="`gradients` is a setting of neural_ode only, got 'adjoint' for revnet"):
        specification("revnet", gradients="adjoint")
    with pytest.raises(ValueError, match='`gradients` must be "direct" with the solver torchdiffeq, got'):
        specification("neural_ode", solver="torchdiffeq", gradients="adjoint")
    with pytest.raises(ValueError, match="`field_convolutions` must be at least 2, got 1"):
        specification("euler", field_convolutions=1)
    assert specification("polynet", order=3).order == 3


@pytest.mark.parametrize("gradients", ["direct", "checkpointed", "adjoint"])
def test_the_neural_ode_has_the_solver_that_was_asked_for(gradients: str) -> None:
    trunk = build("neural_ode", gradients=gradients, tolerance=1e-4, step_size=0.5).trunk
    assert isinstance(trunk, NeuralODE)
    assert (trunk.gradients, trunk.solver, trunk.rtol, trunk.atol, trunk.end_time) == (
        gradients, "natrob", 1e-4, 1e-4, 1.0,
    )  # fmt: skip
    reference = build("neural_ode", solver="torchdiffeq").trunk
    assert isinstance(reference, NeuralODE)
    assert reference.solver == "torchdiffeq"


def test_the_first_layer_and_the_rest_make_the_network() -> None:
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for network in NETWORKS:
        model = build(network)
        assert isinstance(model, AbstractClassifier)
        assert torch.equal(model(images), model.after_first_layer(model.first_layer(images)))
        assert torch.equal(model(images), model.head(model.features(images)))


@pytest.mark.parametrize(
    ("specification", "image_shape", "convolutions", "width", "end_time"),
    [(TABLE_A1_MNIST, (1, 28, 28), 4, 128, 100.0), (TABLE_A1_CIFAR10, (3, 32, 32), 5, 256, 500.0)],
    ids=["MNIST", "CIFAR-10"],
)
def test_the_networks_of_table_a1(
    specification: ModelSpecification,
    image_shape: tuple[int, int, int],
    convolutions: int,
    width: int,
    end_time: float,
) -> None:
    model = build_classifier(
        specification, image_shape=image_shape, num_classes=10, generator=RandomStreams(0).generator("init")
    )
    assert isinstance(model.trunk, NeuralODE)
    layers = [module for module in model.trunk.field.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [(layer.in_channels, layer.out_channels) for layer in layers] == [(width, width)] * convolutions
    assert (model.trunk.start_time, model.trunk.end_time) == (0.0, end_time)
    assert isinstance(model.trunk.stepper, RungeKuttaStepper)
    assert model.trunk.stepper.tableau == DOPRI5
