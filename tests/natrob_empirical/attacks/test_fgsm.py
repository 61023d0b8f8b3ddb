from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import FGSM, RandomNoise
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

BALLS = [LinfBall(0.05), L2Ball(0.3), LinfBall(0.01), L2Ball(0.02)]


@pytest.mark.parametrize("ball", BALLS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_exact_for_a_linear_model(ball: AbstractBall, dtype: torch.dtype, linear_case: Any) -> None:
    model, x, y = linear_case
    x = x.to(dtype)
    result = FGSM(ball)(lambda images: model(images.double()), x, y, generator=torch.Generator())
    reached = model.margin(result.adversarial.double(), y)
    optimum = model.smallest_margin(x.double(), y, ball)
    allowance = 100 * torch.finfo(dtype).eps
    assert torch.allclose(reached, optimum, rtol=0, atol=allowance)
    assert torch.equal(result.success, reached < 0)
    assert bool(ball.contains(result.adversarial, x).all())


def test_the_closed_form_tells_which_samples_fall(linear_case: Any) -> None:
    model, x, y = linear_case
    result = FGSM(LinfBall(0.03))(model, x, y, generator=torch.Generator())
    assert torch.equal(result.success, model.smallest_margin(x, y, LinfBall(0.03)) < 0)
    assert 0 < int(result.success.sum()) < len(y)


def test_it_beats_random_noise(digits_net: nn.Module, digit_images: tuple[Tensor, Tensor]) -> None:
    ball = LinfBall(0.1)
    attacked = FGSM(ball)(digits_net, *digit_images, generator=torch.Generator())
    noise = RandomNoise(ball, 10)(digits_net, *digit_images, generator=torch.Generator())
    assert attacked.success.float().mean() > noise.success.float().mean() + 0.2
