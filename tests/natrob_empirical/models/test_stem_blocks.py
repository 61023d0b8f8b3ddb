"""Blocks of pixels as channels, and steps with weights of their own."""

from typing import Any

import pytest
import torch

from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier


def built(**settings: Any) -> IntegratorClassifier:
    specification = ModelSpecification(
        **{"label": "blocks", "network": "euler", "channels": 4, "num_steps": 3, "stem_block": 2} | settings
    )
    generator = torch.Generator().manual_seed(0)
    return build_classifier(specification, image_shape=(1, 8, 8), num_classes=3, generator=generator)


def test_the_stem_rearranges_pixels_and_appends_zeros() -> None:
    image = torch.rand((2, 1, 8, 8))
    padded = built(channels=7).stem(image)
    assert padded.shape == (2, 7, 4, 4)
    state = padded[:, :4]
    assert not padded[:, 4:].any()
    assert torch.equal(state.flatten(1).sort().values, image.flatten(1).sort().values)


def test_each_step_has_weights_of_its_own_where_asked() -> None:
    assert [len(built(weights=weights).trunk.plan()) for weights in ("shared", "per_step")] == [3, 3]
    counts = [len(list(built(weights=weights).trunk.parameters())) for weights in ("shared", "per_step")]
    assert counts[1] == 3 * counts[0]


def test_settings_keep_the_identity_of_specifications_from_before() -> None:
    before = ModelSpecification(label="a", network="euler")
    assert (before.stem_block, before.weights) == (1, "shared")
    assert before.state_sides((28, 27)) == [28, 27]
    assert ModelSpecification(label="a", network="euler", stem_stride=2).state_sides((28, 27)) == [14, 14]


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match=r"`stem_block` = 3 must divide the sides of the images \(1, 8, 8\)"):
        built(stem_block=3, pool_size=3)
    with pytest.raises(ValueError, match=r"`channels` must be at least 4, got 3"):
        built(channels=3)
    with pytest.raises(ValueError, match=r"`stem_stride` must be 1 beside `stem_block` = 2, got 2"):
        built(stem_stride=2)
    with pytest.raises(ValueError, match="`weights` is a setting of euler only, got 'per_step' for heun"):
        ModelSpecification(label="a", network="heun", weights="per_step")
