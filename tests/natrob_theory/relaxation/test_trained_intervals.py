"""Intervals through a network's own forward pass hold what it gives, and are those of the sound propagation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import DissipativeField, EulerNet, GradientFlowField, HeunNet, convolutional_field, dense_field
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.relaxation import RelaxedNetwork, region_around
from natrob_theory.relaxation.trained_intervals import TrainedInterval, interval_after


def dense_parts(seed: int) -> list[nn.Module]:
    torch.manual_seed(seed)
    fields = [dense_field(6, 5), GradientFlowField.dense(6, 4), DissipativeField(dense_field(6, 3), 0.5)]
    return [nn.Linear(4, 6).double(), EulerNet([field.double() for field in fields], 0.4), nn.Tanh()]


def convolutional_parts(seed: int) -> list[nn.Module]:
    torch.manual_seed(seed)
    stem = nn.Conv2d(1, 3, 3, stride=2, padding=1).double()
    net = HeunNet([convolutional_field(3, 4).double(), GradientFlowField.convolutional(3, 2).double()], 0.3)
    return [stem, net, nn.AdaptiveAvgPool2d(2), nn.Flatten()]


def through(parts: list[nn.Module], x: Tensor) -> Tensor:
    return nn.Sequential(*parts)(x)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), convolutional=st.booleans())
def test_the_interval_holds_what_samples_of_the_box_give(seed: int, convolutional: bool) -> None:
    parts = convolutional_parts(seed) if convolutional else dense_parts(seed)
    center = torch.rand((2, 1, 4, 4) if convolutional else (2, 4), dtype=torch.float64)
    radius = 0.2 * torch.rand_like(center)
    with torch.no_grad():
        lower, upper = interval_after(parts, TrainedInterval(center, radius)).ends
        signs = (torch.rand((20, *center.shape), dtype=torch.float64) - 0.5).sign()
        values = through(parts, (center + radius * signs).flatten(0, 1)).unflatten(0, (20, 2))
        assert bool((values >= lower - 1e-12).all())
        assert bool((values <= upper + 1e-12).all())


def test_it_is_the_sound_propagation_without_its_rounding() -> None:
    """With ReLU alone the two propagate the same: the sound one is outside, and farther by roundings alone."""
    for parts, shape in ((dense_parts(3)[:-1], (4,)), (convolutional_parts(3), (1, 4, 4))):
        center = torch.rand((3, *shape), dtype=torch.float64)
        radius = torch.full_like(center, 0.1)
        network = RelaxedNetwork(parts, shape)
        region = region_around(center.flatten(1), torch.full((3,), 0.1, dtype=torch.float64), "Linf", pixel_range=None)
        sound = network.intervals(region)
        with torch.no_grad():
            lower, upper = interval_after(parts, TrainedInterval(center, radius)).ends
        last = network.graph.output
        assert bool((sound.lower[last] <= lower + 1e-15).all())
        torch.testing.assert_close(sound.lower[last], lower, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(sound.upper[last], upper, rtol=1e-12, atol=1e-12)


def test_an_affine_map_is_bounded_exactly_and_a_radius_one_per_cent_less_is_left() -> None:
    layer = nn.Linear(3, 2).double()
    center = torch.zeros((1, 3), dtype=torch.float64)
    with torch.no_grad():
        found = interval_after([layer], TrainedInterval(center, torch.ones_like(center)))
        corner = layer(layer.weight[:1].sign())[0, 0]
        assert float(found.ends[1][0, 0]) == pytest.approx(float(corner), rel=1e-12)
        assert float((found.middle + 0.99 * found.radius)[0, 0]) < float(corner)


def test_gradients_are_those_of_finite_differences() -> None:
    weight, center = torch.randn((2, 3), dtype=torch.float64), torch.rand((2, 3), dtype=torch.float64)

    def upper(weight: Tensor, center: Tensor, radius: Tensor) -> Tensor:
        inner = nn.functional.linear(TrainedInterval(center, radius), weight)
        return torch.tanh(1.0 - inner * 2.0).ends[1]  # type: ignore[attr-defined] - an interval comes back

    arguments = [value.requires_grad_() for value in (weight, center, torch.full_like(center, 0.3))]
    assert torch.autograd.gradcheck(upper, arguments)


def test_appended_zeros_have_no_radius() -> None:
    box = TrainedInterval(torch.rand(2, 3), torch.rand(2, 3))
    wider = torch.cat([box, box.new_zeros(2, 2)], dim=1)
    assert isinstance(wider, TrainedInterval)
    assert torch.equal(wider.radius, torch.cat([box.radius, torch.zeros(2, 2)], dim=1))
    assert torch.equal(wider.middle[:, :3], box.middle)


def test_what_has_no_rule_is_refused_by_name() -> None:
    box = TrainedInterval(torch.zeros(1, 4), torch.ones(1, 4))
    for module, name in ((nn.GELU(), "gelu"), (nn.LayerNorm(4), "layer_norm"), (nn.LeakyReLU(-0.5), "leaky_relu")):
        with pytest.raises(LayerRefusedError, match=f"no interval rule is known for {name}"):
            interval_after([module], box)
    with pytest.raises(LayerRefusedError, match="product of two intervals"):
        torch.mul(box, box)
