from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import RandomNoise
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_one_trial_is_one_random_point_of_the_ball(linear_case: Any) -> None:
    model, x, y = linear_case
    for ball in (LinfBall(0.01), L2Ball(0.02)):
        result = RandomNoise(ball)(model, x, y, generator=generator())
        expected = ball.random_point(x, SampleStreams(generator(), len(x)))
        assert torch.equal(result.adversarial, expected)


def test_more_trials_are_never_weaker(digits_net: nn.Module, digit_images: tuple[Tensor, Tensor]) -> None:
    one, many = (
        RandomNoise(LinfBall(0.3), trials)(digits_net, *digit_images, generator=generator()) for trials in (1, 20)
    )
    assert bool((many.success >= one.success).all())
    assert int(many.success.sum()) > int(one.success.sum())


@pytest.mark.usefixtures("unchecked")
def test_a_wrong_number_of_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="`trials` must be at least 1, got 0"):
        RandomNoise(LinfBall(0.1), 0)
    with pytest.raises(TypeError, match="`trials` must be an integer, got True"):
        RandomNoise(LinfBall(0.1), True)
