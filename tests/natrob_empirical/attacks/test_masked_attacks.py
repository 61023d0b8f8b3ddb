"""Attacks that may change some pixels only, or each pixel by a radius of its own."""

from typing import Any

import pytest
import torch
from attack_contract import PATCH, RADII, generator, small
from torch import Tensor, nn

from natrob_empirical.attacks import (
    APGD,
    ATTACKS,
    FAB,
    PGD,
    AbstractMinimumNormAttack,
    BoundaryAttack,
    Norm,
    RandomNoise,
    Square,
)
from natrob_empirical.masking import diagnose
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


BALLS: list[AbstractBall] = [
    LinfBall(0.4, mask=PATCH),
    LinfBall(RADII),
    LinfBall(RADII, mask=PATCH),
    L2Ball(2.0, mask=PATCH),
]


@pytest.mark.parametrize("ball", BALLS, ids=str)
def test_attacks_beat_noise_in_what_the_mask_leaves(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    noise = RandomNoise(ball, 10)(digits_net, *digit_images, generator=generator())
    for attack in (PGD(ball, steps=30), APGD(ball, steps=30), FAB(ball, steps=20), Square(ball, queries=300)):
        result = attack(digits_net, *digit_images, generator=generator())
        assert int(result.success.sum()) > int(noise.success.sum()), attack


@pytest.mark.parametrize("attack_type", [PGD, APGD, FAB, Square])
def test_the_strongest_step_of_a_linear_model_uses_every_radius(attack_type: Any) -> None:
    """The margin falls by at most the sum of |w_i| eps_i, and each attack gets there."""
    weight = torch.randn(64, generator=generator(2), dtype=torch.float64)
    budget = float((weight.abs() * RADII.double().flatten()).sum())
    x = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64)
    y = torch.zeros(1, dtype=torch.int64)
    settings: Any = {"queries": 3000} if attack_type is Square else {"steps": 40}
    reached = 0.6 if attack_type is Square else 0.97  # random search in squares comes near only
    for share, fooled in ((reached, True), (1.01, False)):

        def model(z: Tensor, threshold: float = share * budget) -> Tensor:
            score = (z.flatten(1) - 0.5) @ weight
            return torch.stack([torch.full_like(score, threshold), score], dim=1)

        ball: Any = LinfBall(RADII)
        result = attack_type(ball, **settings)(model, x, y, generator=generator())
        assert bool(result.success) == fooled


@pytest.mark.parametrize("mask", [PATCH, PATCH[0]])
def test_a_mask_of_all_pixels_is_no_mask(mask: Tensor, digits_net: nn.Module, digit_images: Images) -> None:
    everywhere = torch.ones_like(mask)
    for free, masked in ((LinfBall(0.1), LinfBall(0.1, mask=everywhere)), (L2Ball(0.8), L2Ball(0.8, mask=everywhere))):
        norm: Norm = "Linf" if isinstance(free, LinfBall) else "L2"
        for entry in (entry for entry in ATTACKS.values() if norm in entry.norms):
            first, second = (
                small(entry, ball)(digits_net, *digit_images, generator=generator()) for ball in (free, masked)
            )
            assert torch.allclose(first.adversarial, second.adversarial, atol=1e-5), entry
            assert torch.equal(first.success, second.success)


@pytest.mark.parametrize(
    "attack",
    [
        FAB(L2Ball(0.1, mask=PATCH), steps=20),
        FAB(LinfBall(0.1, mask=PATCH), steps=20),
        BoundaryAttack(L2Ball(0.1, mask=PATCH), queries=500),
    ],
)
def test_the_nearest_image_keeps_the_held_pixels(
    attack: AbstractMinimumNormAttack, digits_net: nn.Module, digit_images: Images
) -> None:
    x, y = digit_images[0][:20], digit_images[1][:20]
    found = attack.minimise(digits_net, x, y, generator=generator())
    assert int(found.found.sum()) >= 10
    assert torch.equal(found.adversarial.where(~PATCH, 0), x.where(~PATCH, 0))
    assert bool(found.distance[found.found].isfinite().all())


def test_square_s_windows_lie_in_the_rectangle_around_the_mask(digit_images: Images) -> None:
    shown: list[Tensor] = []

    def model(x: Tensor) -> Tensor:
        shown.append(x.clone())
        return torch.stack([torch.ones(len(x)), x.flatten(1).mean(1)], dim=1)

    x = digit_images[0][:2]
    labels = torch.zeros(2, dtype=torch.int64)
    Square(L2Ball(1.0, mask=PATCH), queries=50)(model, x, labels, generator=generator(), at_once=1)
    queries = torch.stack([batch for batch in shown[-45:] if len(batch) == 2])
    assert bool((queries == x).where(~PATCH, True).all())
    changes = (queries[1:] != queries[:-1]).any(dim=0)
    assert int(changes[0].sum()) == int(PATCH.sum())  # every pixel of the patch is reached


def test_a_diagnosis_in_a_masked_ball_leaves_the_gray_image_out(digits_net: nn.Module, digit_images: Images) -> None:
    report = diagnose(digits_net, *digit_images, LinfBall(0.2, mask=PATCH), generator=generator())
    left_out = {item.flag.name for item in report.evidence if "no ball of any radius holds the gray" in item.sentence}
    assert left_out == {"above-ceiling", "flat-in-epsilon", "not-one-label"}


@pytest.mark.usefixtures("unchecked")
def test_wrong_masks_and_radii_are_refused(digits_net: nn.Module, digit_images: Images) -> None:
    half = torch.full((8, 8), 0.5)
    made: Any = LinfBall
    for build, error, message in (
        (
            lambda: made(0.1, mask=[1, 0]),
            TypeError,
            "`mask` must be a tensor that says which .*, got list",
        ),
        (
            lambda: made(0.1, mask=torch.ones(8, 8, dtype=torch.int64)),
            TypeError,
            r"floating.*got torch\.int64",
        ),
        (lambda: made(0.1, mask=torch.zeros(8, 8)), ValueError, "`mask` must let a pixel change, got 0 everywhere"),
        (lambda: made(0.1, mask=2 * torch.ones(8, 8)), ValueError, r"`mask` must lie in \[0, 1\], got 2 to 2"),
        (lambda: made(0.1, mask=torch.nan * torch.ones(8, 8)), ValueError, r"`mask` must lie in \[0, 1\], got nan"),
        (lambda: made(0.1, mask=torch.ones(2, 1, 8, 8)), ValueError, r"`mask` must be non-empty and broadcast to one"),
        (lambda: L2Ball(0.1, mask=half), ValueError, "`mask` must be 0 or 1 in every pixel of an L2 ball"),
        (lambda: made(-half), ValueError, r"`epsilon` must be finite and at least 0 in every pixel, got -0\.5"),
        (lambda: made(half * torch.nan), ValueError, "`epsilon` must be finite and at least 0 in every pixel, got nan"),
        (lambda: made(half.long()), TypeError, r"`epsilon` must hold floating-point radii, got torch\.int64"),
        (
            lambda: made(half, mask=torch.ones(3)),
            ValueError,
            r"`mask` must broadcast with `epsilon`, of shape",
        ),
        (lambda: L2Ball(half), TypeError, "`epsilon` must be"),  # pyright: ignore[reportArgumentType]
    ):
        with pytest.raises(error, match=message):
            build()
    with pytest.raises(ValueError, match=r"`mask` must broadcast to an image, of shape \(1, 8, 8\), got \(3, 3\)"):
        PGD(LinfBall(0.1, mask=torch.ones(3, 3)))(digits_net, *digit_images, generator=generator())


def test_balls_are_values_masks_included() -> None:
    assert LinfBall(0.1, mask=PATCH) == LinfBall(0.1, mask=PATCH.float())
    assert LinfBall(0.1, mask=PATCH) != LinfBall(0.1)
    assert LinfBall(0.1, mask=PATCH) != LinfBall(0.1, mask=~PATCH)
    assert hash(L2Ball(0.1, mask=PATCH)) == hash(L2Ball(0.1, mask=PATCH.clone()))
    assert L2Ball(0.1) != LinfBall(0.1)
    assert repr(LinfBall(0.1, mask=PATCH)).startswith("LinfBall(epsilon=0.1, mask=<15 of 64 pixels, ")
    assert repr(L2Ball(0.5)) == "L2Ball(epsilon=0.5)"
    assert LinfBall(torch.full((8, 8), 0.25)).epsilon == 0.25
