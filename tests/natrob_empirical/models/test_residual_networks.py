"""The networks of residual blocks: sizes as published, and the forward pass against one written from the papers."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from natrob_empirical.models import (
    PREACT_RESNET_18,
    RESIDUAL_NETWORKS,
    RESNET_50,
    THREE_BLOCKS,
    PaddedSubsampling,
    ResidualBlock,
    ResidualClassifier,
    ResidualSpecification,
    build_classifier,
    resnet_20,
    resnet_56,
)


def build(network: str, *, side: int = 8, channels: int = 1, seed: int = 0, **changes: Any) -> ResidualClassifier:
    settings = {"label": "a network", "network": network, "width": 4, **changes}
    return build_classifier(
        ResidualSpecification(**settings),
        image_shape=(channels, side, side),
        num_classes=10,
        generator=torch.Generator().manual_seed(seed),
    )


def images(side: int = 8, channels: int = 1, count: int = 6) -> Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(1))


def disturb(model: nn.Module) -> None:
    """Give every normalisation weights and statistics that are not 0 and 1, so that swapping two of them shows."""
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))


class Norms:
    """The normalisations of a model in the order of its modules, applied one after the other."""

    def __init__(self, model: nn.Module) -> None:
        self.left = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]

    def __call__(self, y: Tensor) -> Tensor:
        norm = self.left.pop(0)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        return functional.batch_norm(y, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=1e-5)


def convolution_weights(model: nn.Module) -> list[Tensor]:
    return [module.weight for module in model.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize(
    ("specification", "millions", "digits"),
    [
        (resnet_20(), 0.27, 2),  # He et al., Table 6
        (resnet_56(), 0.85, 2),
        (PREACT_RESNET_18, 11.17, 2),  # as the public implementations for CIFAR-10 report
        (RESNET_50, 23.52, 2),  # torchvision's 25.557 M less 990 of 1,000 classes, a 7×7 stem for a 3×3 one
    ],
)
def test_parameter_counts_are_the_published_ones(
    specification: ResidualSpecification, millions: float, digits: int
) -> None:
    with torch.random.fork_rng():
        model = build_classifier(
            specification, image_shape=(3, 32, 32), num_classes=10, generator=torch.Generator().manual_seed(0)
        )
    assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e6, digits) == millions


def test_depths_are_what_the_names_say() -> None:
    for specification, layers in ((THREE_BLOCKS, 8), (resnet_20(), 20), (resnet_56(), 56)):
        model = build_classifier(
            specification, image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
        )
        assert len(convolution_weights(model)) + 1 == layers  # with option A no shortcut adds a convolution
    assert len(build("resnet", blocks=1).blocks) == 3
    assert len(build("resnet50").blocks) == 16
    assert len(build("preact_resnet18").blocks) == 8


@pytest.mark.parametrize("step_size", [1.0, 0.3])
def test_resnet_is_the_network_of_the_paper(step_size: float) -> None:
    model = build("resnet", blocks=2, step_size=step_size, side=9).double().eval()
    disturb(model)
    norm, weights = Norms(model), convolution_weights(model)
    x = images(side=9).double()
    y = functional.relu(norm(functional.conv2d(x, weights.pop(0), padding=1)))
    for stage in range(3):
        for place in range(2):
            stride = 2 if stage > 0 and place == 0 else 1
            inner = functional.relu(norm(functional.conv2d(y, weights.pop(0), stride=stride, padding=1)))
            change = norm(functional.conv2d(inner, weights.pop(0), padding=1))
            shortcut = torch.zeros_like(change)
            shortcut[:, : y.shape[1]] = y[:, :, ::stride, ::stride]
            y = functional.relu(shortcut + step_size * change)
    expected = y.mean(dim=(2, 3)) @ model.head.weight.T + model.head.bias
    assert (weights, norm.left) == ([], [])
    torch.testing.assert_close(model(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("step_size", [1.0, 0.3])
def test_preact_resnet_shares_its_activation_with_the_projection(step_size: float, training: bool) -> None:
    model = build("preact_resnet18", step_size=step_size, side=16).double()
    disturb(model)
    named = dict(model.named_modules())

    def norm(name: str, y: Tensor) -> Tensor:
        layer: Any = named[name]
        mean, variance = (None, None) if training else (layer.running_mean, layer.running_var)
        return functional.batch_norm(y, mean, variance, layer.weight, layer.bias, training=training, eps=1e-5)

    def weight(name: str) -> Tensor:
        return dict(model.named_parameters())[f"{name}.weight"]

    x = images(side=16).double()
    y = functional.conv2d(x, weight("stem.0"), padding=1)
    for place in range(8):
        at = f"blocks.{place}.branch"
        if place in (2, 4, 6):  # a new stage: activated once, for branch and shortcut
            active = functional.relu(norm(f"blocks.{place - 1}.activation.0", y))
            inner = functional.conv2d(active, weight(f"{at}.0"), stride=2, padding=1)
            change = functional.conv2d(functional.relu(norm(f"{at}.1", inner)), weight(f"{at}.3"), padding=1)
            y = functional.conv2d(active, weight(f"blocks.{place}.shortcut"), stride=2) + step_size * change
        else:
            inner = functional.conv2d(functional.relu(norm(f"{at}.0", y)), weight(f"{at}.2"), padding=1)
            y = y + step_size * functional.conv2d(functional.relu(norm(f"{at}.3", inner)), weight(f"{at}.5"), padding=1)
    pooled = functional.relu(norm("last.0", y)).mean(dim=(2, 3))
    expected = pooled @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model.train(training)(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("placement", ["after_norm", "before_norm"])
@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_first_layer_and_the_rest_make_the_network(network: str, placement: str) -> None:
    model = build(network, step_size=0.5, step_placement=placement).eval()
    x = images().requires_grad_()
    logits = model(x)
    assert logits.shape == (6, 10)
    assert isinstance(model.first_layer, nn.Conv2d)
    assert model.first_layer.in_channels == 1
    assert torch.equal(logits, model.after_first_layer(model.first_layer(x)))
    assert torch.equal(logits, model.head(model.features(x)))
    logits.sum().backward()
    for tensor in (x, *model.parameters()):
        assert tensor.grad is not None
        assert bool(torch.isfinite(tensor.grad).all())


@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_blocks_add_the_scaled_branch_to_the_shortcut(network: str) -> None:
    model = build(network, step_size=0.25).eval()
    y = model.stem(images())
    for block in model.blocks:
        assert isinstance(block, ResidualBlock)
        assert block.step_size == 0.25
        expected = block.activation(block.shortcut(y) + 0.25 * block.branch(y))
        y = block(y)
        assert torch.equal(y, expected)


@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_initial_weights_follow_he_and_the_generator_alone(network: str) -> None:
    model = build(network, width=16)
    for weight in convolution_weights(model):
        fan_out = weight.shape[0] * weight.shape[2] * weight.shape[3]
        deviations = 4 / (2 * weight.numel()) ** 0.5  # of the sample's standard deviation, relative
        assert float(weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=deviations)
    torch.manual_seed(1)
    first = build(network, seed=3).state_dict()
    torch.manual_seed(2)
    second, other = build(network, seed=3).state_dict(), build(network, seed=4).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])


def test_the_parameter_free_shortcut_keeps_what_it_takes() -> None:
    y = images(side=5, channels=3)
    out = PaddedSubsampling(2, stride=2)(y)
    assert out.shape == (6, 5, 3, 3)
    assert torch.equal(out[:, :3], y[:, :, ::2, ::2])
    assert not bool(out[:, 3:].any())


def test_every_network_takes_the_sizes_of_the_data_sets() -> None:
    for network in RESIDUAL_NETWORKS:
        for side, channels in ((8, 1), (28, 1), (32, 3)):
            model = build(network, side=side, channels=channels).eval()
            assert model(images(side=side, channels=channels, count=1)).shape == (1, 10)


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown network 'resnet51'; did you mean .*resnet50"):
        build("resnet51")
    with pytest.raises(ValueError, match="`step_placement` must be one of after_norm, before_norm, got 'inside'"):
        build("resnet", step_placement="inside")
    with pytest.raises(ValueError, match="sides of at least 4 pixels for resnet, which halves the image 2 times"):
        build("resnet", side=3)
    with pytest.raises(ValueError, match=r"sides of at least 8 pixels for resnet50.*got \(1, 7, 7\)"):
        build("resnet50", side=7)
    with pytest.raises(ValueError, match="`blocks` is a setting of resnet only, got 2 for preact_resnet18"):
        build("preact_resnet18", blocks=2)
    with pytest.raises(ValueError, match="`step_size` must be greater than 0"):
        build("resnet", step_size=0.0)
    with pytest.raises(ValueError, match="`width` must be at least 1, got 0"):
        build("resnet", width=0)
    with pytest.raises(ValueError, match="`num_classes` must be at least 2, got 1"):
        build_classifier(resnet_20(), image_shape=(1, 8, 8), num_classes=1, generator=torch.Generator().manual_seed(0))
