from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import DI2FGSM, PGD, RandomNoise
from natrob_empirical.attacks.di2_fgsm import RandomView
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def streams(count: int) -> SampleStreams:
    return SampleStreams(generator(), count)


def test_without_views_and_momentum_it_is_pgd_from_the_image(digits_net: nn.Module, digit_images: Images) -> None:
    ball = LinfBall(0.08)
    plain = PGD(ball, steps=7, random_start=False)(digits_net, *digit_images, generator=generator())
    same = DI2FGSM(ball, steps=7, probability=0.0)(digits_net, *digit_images, generator=generator())
    assert torch.equal(same.success, plain.success)
    assert torch.equal(same.adversarial, plain.adversarial)


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_a_linear_model_without_views_is_attacked_exactly(decay: float, linear_case: Any) -> None:
    model, x, y = linear_case
    ball = LinfBall(0.01)
    result = DI2FGSM(ball, probability=0.0, decay=decay)(model, x, y, generator=generator())
    optimum = model.smallest_margin(x, y, ball)
    assert torch.equal(result.success, optimum < 0)
    kept = ~result.success
    assert torch.allclose(model.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=1e-12)


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.7)], ids=str)
def test_it_beats_random_noise(ball: Any, digits_net: nn.Module, digit_images: Images) -> None:
    shares = [
        float(attack(digits_net, *digit_images, generator=generator()).success.float().mean())
        for attack in (DI2FGSM(ball), RandomNoise(ball, 23))
    ]
    assert shares[0] > shares[1] + 0.2


def test_about_the_stated_share_of_views_is_changed() -> None:
    x = torch.rand(2000, 1, 3, 3)
    view = RandomView(streams(2000), x, probability=0.5, smallest_size=0.5)
    share = float(view.changed.double().mean())
    assert abs(share - 0.5) < 0.05
    assert torch.equal(view(x)[~view.changed], x[~view.changed])
    assert not bool((view(x) == x).flatten(1).all(dim=1)[view.changed].any())


def test_a_changed_view_is_the_smaller_image_on_black() -> None:
    """A white image of 40 pixels a side keeps its share of the area, at any place, and loses nothing at the border."""
    x = torch.ones(300, 1, 40, 40, dtype=torch.float64)
    view = RandomView(streams(300), x, probability=1.0, smallest_size=0.5)
    area = view(x).mean(dim=(1, 2, 3))
    assert float(area.min()) > 0.5**2 * 0.9
    assert float(area.max()) <= 1.0
    assert float(area.min()) < 0.35  # sizes near the least occur
    assert float(area.max()) > 0.9
    left = view(x)[:, 0, :, 0].amax(dim=1)
    assert 0.02 < float((left > 0.5).double().mean()) < 0.5  # some lie at the left edge, most do not


def test_views_do_not_depend_on_the_neighbours() -> None:
    x = torch.rand(6, 1, 5, 5)
    together = RandomView(streams(6), x, probability=0.5, smallest_size=0.6)(x)
    index = torch.tensor([4])
    alone = RandomView(streams(6).select(index), x[index], probability=0.5, smallest_size=0.6)(x[index])
    assert torch.allclose(alone[0], together[4], rtol=0, atol=1e-7)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"probability": 1.5}, "`probability` must be a share of 1, got 1.5"),
        ({"smallest_size": 0.0}, "`smallest_size` must be a share of 1, got 0.0"),
        ({"decay": -1.0}, "`decay` must be at least 0"),
        ({"steps": 0}, "`steps` must be at least 1"),
        ({"step_size": 0.0}, "`step_size` must be greater than 0"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DI2FGSM(LinfBall(0.1), **settings)


def test_a_view_that_fools_the_model_fools_nobody() -> None:
    """Smaller images on black are darker, which this model takes for class 1; the images themselves are not."""

    def model(x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(dim=1)
        return torch.stack([mean - 0.6, 0.6 - mean], dim=1)

    x, y = torch.full((4, 1, 8, 8), 0.7), torch.zeros(4, dtype=torch.int64)
    attack = DI2FGSM(LinfBall(0.05), steps=6, probability=1.0, smallest_size=0.5)
    result = attack(model, x, y, generator=generator())
    assert not bool(result.success.any())
    assert result.queries.tolist() == [9] * 4
