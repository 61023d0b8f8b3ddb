"""AutoAttack, its parts, and the accuracy they leave, beside torchattacks."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.attacked_models import EPSILON, AttackedModel, attacked_models
from benchmarks.measurement import Row, interleaved_medians, versioned
from natrob_empirical.attacks import APGD, AbstractAttack, AutoAttack
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

SECTION = "auto_attack"
BALLS = {"Linf": LinfBall(EPSILON), "L2": L2Ball(2.0)}
STEPS, QUERIES, TARGET = 100, 5000, 0.7
IMAGES, IMAGES_QUICK = 60, 20
SURVIVORS = "on images that no part fools both spend the same passes: the more images, the nearer to 1"

Run = Callable[[], Tensor]
"""Attacks all images and returns the adversarial ones."""


def rows(*, quick: bool = False) -> list[Row]:
    """APGD-CE, and AutoAttack with the settings of its authors' standard version, in each norm."""
    undefended, robust = attacked_models()
    repeats, images = (1, IMAGES_QUICK) if quick else (3, IMAGES)
    cases = [("Linf", undefended), ("Linf", robust), ("L2", robust)]
    apgd = [
        _compare(model, norm, APGD(BALLS[norm], steps=STEPS), _apgd, repeats=repeats, images=len(model.x), warmup=1)
        for norm, model in cases
    ]
    whole = [
        _compare(model, norm, AutoAttack(BALLS[norm]), _auto_attack, repeats=repeats, images=images, warmup=0)
        for norm, model in cases
    ]
    return apgd + whole


def _compare(
    model: AttackedModel,
    norm: str,
    attack: AbstractAttack,
    peer: Callable[..., Any],
    *,
    repeats: int,
    images: int,
    warmup: int,
) -> Row:
    x, y = model.x[:images], model.y[:images]
    adversarial: dict[str, Tensor] = {}

    def ours() -> None:
        adversarial["natrob"] = attack(model.net, x, y, generator=torch.Generator().manual_seed(0)).adversarial

    def theirs() -> None:
        with torch.random.fork_rng(), warnings.catch_warnings():  # it reseeds torch
            warnings.simplefilter("ignore")
            adversarial["torchattacks"] = peer(model.net, norm=norm, eps=attack.ball.epsilon, seed=0)(x, y).detach()

    seconds = interleaved_medians({"natrob": ours, "torchattacks": theirs}, repeats=repeats, warmup=warmup)
    left = {name: _accuracy(model, found, y) for name, found in adversarial.items()}
    return Row(
        section=SECTION,
        case=f"{model.name}, {images} images of {tuple(x.shape[1:])}, {_ball(attack.ball)}",
        subject=_settings(attack),
        peer=f"{versioned('torchattacks')}, the same settings",
        quantity="time / peer's",
        value=seconds["natrob"] / seconds["torchattacks"],
        target=TARGET if isinstance(attack, AutoAttack) else None,
        remark="; ".join(f"{name} {seconds[name]:.2f} s, accuracy left {left[name]:.1%}" for name in sorted(left))
        + (f"; {SURVIVORS}" if isinstance(attack, AutoAttack) and left["natrob"] > 0 else ""),
    )


def _ball(ball: AbstractBall) -> str:
    return f"{'L∞' if isinstance(ball, LinfBall) else 'L2'} ε = {ball.epsilon:g}"


def _settings(attack: AbstractAttack) -> str:
    if isinstance(attack, AutoAttack):
        return f"AutoAttack: APGD and FAB of {STEPS} steps, 9 targets, Square of {QUERIES:,} queries"
    return f"APGD-CE, {STEPS} steps"


def _accuracy(model: AttackedModel, adversarial: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((model.net(adversarial).argmax(dim=1) == y).double().mean())


def _apgd(net: Any, **shared: Any) -> Any:
    import torchattacks  # noqa: PLC0415, RUF100  # a peer: only where this section runs

    return torchattacks.APGD(net, steps=STEPS, loss="ce", **shared)


def _auto_attack(net: Any, **shared: Any) -> Any:
    """The sequence of torchattacks.AutoAttack, which itself runs 10 of the standard version's 100 steps."""
    import torchattacks  # noqa: PLC0415, RUF100

    return torchattacks.MultiAttack(
        [
            torchattacks.APGD(net, steps=STEPS, loss="ce", **shared),
            torchattacks.APGDT(net, steps=STEPS, **shared),
            torchattacks.FAB(net, steps=STEPS, multi_targeted=True, **shared),
            torchattacks.Square(net, n_queries=QUERIES, **shared),
        ]
    )
