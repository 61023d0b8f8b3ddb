import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import RandomNoise, Square, look_at_company
from natrob_empirical.attacks.margin import margin
from natrob_empirical.attacks.square import _stages
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_squares_shrink_as_in_the_source() -> None:
    stages = list(_stages(10_000, 0.8))
    assert sum(count for _, count in stages) == 10_000 - 1  # the start is a query too
    assert max(count for _, count in stages) == 100
    first_moves: dict[float, int] = {}
    move = 1
    for share, count in stages:
        first_moves.setdefault(share, move)
        move += count
    assert list(first_moves) == [0.8 / 2**halved for halved in range(10)]
    assert list(first_moves.values()) == [1, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001]
    assert list(_stages(1, 0.8)) == []
    assert sum(count for share, count in _stages(1000, 0.8) if share == 0.8 / 512) == 199  # 801 to 999


@pytest.mark.parametrize("epsilon", [0.01, 0.03])
def test_a_linear_model_is_attacked_almost_exactly_in_the_maximum_norm(epsilon: float, linear_case: Any) -> None:
    """Each of 18 pixels ends at the bound that the gradient asks for: the small squares try them one by one."""
    model, x, y = linear_case
    ball = LinfBall(epsilon)
    result = Square(ball, queries=1500)(model, x, y, generator=generator())
    optimum = model.smallest_margin(x, y, ball)
    kept = ~result.success
    assert torch.equal(result.success, optimum < 0)
    assert torch.allclose(model.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=1e-9)


def test_a_linear_model_is_attacked_closely_in_the_euclidean_norm() -> None:
    """The score can fall by ε‖w‖₂: 2,000 queries take more than 0.65 of it, 200 random points a quarter."""
    source = generator()
    weight = torch.randn(100, generator=source, dtype=torch.float64)
    x = 0.4 + 0.2 * torch.rand(8, 1, 10, 10, generator=source, dtype=torch.float64)

    def model(images: Tensor) -> Tensor:
        score = images.flatten(1) @ weight + 100
        return torch.stack([score, torch.zeros_like(score)], dim=1)

    shares = []
    for attack in (Square(L2Ball(0.3), queries=2000), RandomNoise(L2Ball(0.3), 200)):
        result = attack(model, x, torch.zeros(8, dtype=torch.int64), generator=generator())
        shares.append((x - result.adversarial).flatten(1) @ weight / (0.3 * weight.norm()))
    assert float(shares[0].max()) <= 1
    assert float(shares[0].min()) > 0.65
    assert 0.2 < float(shares[1].mean()) < 0.35  # the largest of 200 normal numbers is 2.75, over √100 pixels


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.7)], ids=str)
def test_it_beats_random_noise(ball: AbstractBall, digits_net: nn.Module, digit_images: Images) -> None:
    shares = [
        float(attack(digits_net, *digit_images, generator=generator()).success.float().mean())
        for attack in (Square(ball, queries=500), RandomNoise(ball, 500))
    ]
    assert shares[0] > shares[1] + 0.3


@pytest.mark.parametrize("ball", [LinfBall(0.03), L2Ball(0.2)], ids=str)
def test_a_model_that_hides_its_gradient_is_no_obstacle(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    """Rounding the logits a little leaves no gradient, and the same success as without."""

    def stepped(x: Tensor) -> Tensor:
        return (digits_net(x) * 1024).round() / 1024

    plain, hidden = (
        Square(ball, queries=300)(net, *digit_images, generator=generator()) for net in (digits_net, stepped)
    )
    assert 0 < int(hidden.success.sum()) < len(hidden.success)
    assert abs(int(plain.success.sum()) - int(hidden.success.sum())) <= 2
    assert int(hidden.gradient_calls.sum()) == 0


@pytest.mark.parametrize("ball", [LinfBall(0.02), L2Ball(0.15)], ids=str)
def test_the_margin_only_falls_with_more_queries(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    """Where nothing fooled the model, the image of the lowest margin shown to it is returned."""
    right = digits_net(digit_images[0]).argmax(dim=1) == digit_images[1]
    x, y = digit_images[0][right], digit_images[1][right]
    lowest = torch.full(y.shape, math.inf)

    def model(images: Tensor) -> Tensor:
        logits = digits_net(images)
        of = (
            ball.distance(images.repeat_interleave(len(x), 0), x.repeat(len(images), 1, 1, 1))
            .view(-1, len(x))
            .argmin(1)
        )
        lowest.scatter_reduce_(0, of, margin(logits, y[of]), "amin")
        return logits

    result = Square(ball, queries=60, compaction=False)(model, x, y, generator=generator(), at_once=1)
    kept = ~result.success
    with torch.no_grad():
        found = margin(digits_net(result.adversarial), y)
    assert int(kept.sum()) > 10
    assert torch.allclose(found[kept], lowest[kept], rtol=0, atol=1e-4)


@pytest.mark.parametrize("ball", [LinfBall(0.08), L2Ball(0.5)], ids=str)
def test_the_first_image_that_fools_the_model_is_the_last_query(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    moves = 0
    for x, y in zip(digit_images[0][:12, None], digit_images[1][:12, None], strict=True):
        fooled: list[bool] = []

        def model(image: Tensor, y: Tensor = y, fooled: list[bool] = fooled) -> Tensor:
            logits = digits_net(image)
            fooled.append(bool(logits.argmax() != y))
            return logits

        look_at_company(model, x, digits_net(x))
        looked = len(fooled)  # the calls that tell whether the model depends on the batch, which come after the first
        fooled.clear()
        result = Square(ball, queries=200)(model, x, y, generator=generator(), at_once=1)
        del fooled[1 : 1 + looked]
        if bool(result.success) and not fooled[0]:
            assert fooled == [False] * (len(fooled) - 2) + [True, True]  # that image, and the verdict on it
            assert int(result.queries) == len(fooled)
            moves += len(fooled) - 3
    assert moves > 10


@pytest.mark.parametrize("ball", [LinfBall(0.2), L2Ball(2.0)], ids=str)
@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 8, 8), (3, 5, 9), (1, 1, 1)], ids=str)
def test_a_model_that_never_changes_its_mind_is_not_fooled(ball: AbstractBall, shape: tuple[int, int, int]) -> None:
    def model(x: Tensor) -> Tensor:
        return torch.tensor([1.0, 0.0, 0.0]).expand(len(x), 3) + 0 * x.flatten(1)[:, :1]

    x = torch.rand(4, *shape, generator=generator())
    result = Square(ball, queries=30)(model, x, torch.tensor([0, 0, 1, 0]), generator=generator())
    assert result.success.tolist() == [False, False, True, False]
    assert int(result.queries.max()) <= 32
    assert result.queries[2] == 1
    if isinstance(ball, L2Ball) and shape == (3, 32, 32):  # of so many moves none comes twice
        assert result.queries.tolist() == [32, 32, 1, 32]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"queries": 0}, ValueError, "`queries` must be at least 1, got 0"),
        ({"queries": 1e3}, TypeError, "`queries` must be an integer, got 1000.0"),
        ({"initial_share": 0}, ValueError, "`initial_share` must be greater than 0, got 0.0"),
        ({"initial_share": 1.5}, ValueError, "`initial_share` must be at most 1, the whole image, got 1.5"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Square(LinfBall(0.1), **settings)


def test_another_norm_is_refused(foreign_ball: AbstractBall) -> None:
    with pytest.raises(TypeError, match="`ball` must be a LinfBall or an L2Ball, as squares differ by norm"):
        Square(foreign_ball)
