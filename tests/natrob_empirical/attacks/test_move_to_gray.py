import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import MoveToGray
from natrob_empirical.threat_models import L2Ball, LinfBall


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("epsilon", [0.5, 0.7])
def test_no_class_but_one_survives_at_half(
    epsilon: float, digits_net: nn.Module, digit_images: tuple[Tensor, Tensor]
) -> None:
    """The impossibility: whoever is left has the label that the gray image gets."""
    x, y = digit_images
    result = MoveToGray(LinfBall(epsilon))(digits_net, x, y, generator=generator())
    with torch.no_grad():
        label = int(digits_net(torch.full_like(x[:1], 0.5)).argmax())
    assert bool((y[~result.success] == label).all())
    assert int((~result.success).sum()) <= int(y.bincount().max())


def test_it_stops_at_the_first_misclassified_point() -> None:
    def model(x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(dim=1)
        return torch.stack([0.3 - mean, mean - 0.3], dim=1)

    x, y = torch.zeros(1, 1, 2, 2), torch.zeros(1, dtype=torch.int64)
    result = MoveToGray(LinfBall(0.5), steps=10)(model, x, y, generator=generator())
    assert float(result.adversarial.mean()) == pytest.approx(0.35)
    assert int(result.queries) == 9  # the first look, seven points and the verdict
    assert not bool(MoveToGray(LinfBall(0.2))(model, x, y, generator=generator()).success)


def test_an_l2_ball_limits_the_walk(digits_net: nn.Module, digit_images: tuple[Tensor, Tensor]) -> None:
    x, y = digit_images
    result = MoveToGray(L2Ball(0.4))(digits_net, x, y, generator=generator())
    assert float(L2Ball(0.4).distance(result.adversarial, x).max()) <= 0.4


@pytest.mark.usefixtures("unchecked")
def test_steps_is_a_count() -> None:
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        MoveToGray(LinfBall(0.5), steps=0)
