"""AutoAttack, its first part, and the accuracy they leave, beside its authors' code and torchattacks."""

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from benchmarks.attacked_models import EPSILON, AttackedModel, attacked_models
from benchmarks.measurement import Row, interleaved_medians, versioned
from natrob_empirical.attacks import APGD, AbstractAttack, AutoAttack
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

SECTION = "auto_attack"
BALLS = {"Linf": LinfBall(EPSILON), "L2": L2Ball(2.0)}
STEPS, QUERIES = 100, 5000
TARGETS = {"torchattacks": 0.6, "pyautoattack": 0.7}
IMAGES, IMAGES_QUICK = 60, 20

Run = Callable[[Tensor, Tensor], Tensor]
"""Attacks images with these labels and returns the adversarial ones."""


def rows(*, quick: bool = False) -> list[Row]:
    """APGD-CE, and AutoAttack with the settings of its authors' standard version, in each norm."""
    undefended, robust = attacked_models()
    repeats, images = (1, IMAGES_QUICK) if quick else (3, IMAGES)
    cases = [("Linf", undefended), ("Linf", robust), ("L2", robust)]
    apgd = [
        _compare(model, norm, APGD(BALLS[norm], steps=STEPS), APGD_PEERS, repeats=repeats, images=len(model.x))
        for norm, model in cases
    ]
    whole = [
        _compare(model, norm, AutoAttack(BALLS[norm]), AUTO_ATTACK_PEERS, repeats=repeats, images=images)
        for norm, model in cases
    ]
    return [row for found in (*apgd, *whole) for row in found]


def _compare(
    model: AttackedModel,
    norm: str,
    attack: AbstractAttack,
    peers: Mapping[str, Callable[..., Run]],
    *,
    repeats: int,
    images: int,
) -> list[Row]:
    """A row for each peer, of one measurement in which all take turns."""
    x, y = model.x[:images], model.y[:images]
    adversarial: dict[str, Tensor] = {}

    def ours() -> None:
        adversarial["natrob"] = attack(model.net, x, y, generator=torch.Generator().manual_seed(0)).adversarial

    def theirs(name: str) -> None:
        with torch.random.fork_rng(), warnings.catch_warnings():  # they reseed torch
            warnings.simplefilter("ignore")
            adversarial[name] = peers[name](model.net, norm=norm, eps=attack.ball.epsilon, seed=0)(x, y).detach()

    runs = {"natrob": ours, **{name: (lambda name=name: theirs(name)) for name in peers}}
    warmup = 0 if isinstance(attack, AutoAttack) else 1
    seconds = interleaved_medians(runs, repeats=repeats, warmup=warmup)
    left = {name: _accuracy(model, found, y) for name, found in adversarial.items()}
    return [
        Row(
            section=SECTION,
            case=f"{model.name}, {images} images of {tuple(x.shape[1:])}, {_ball(attack.ball)}",
            subject=_settings(attack),
            peer=f"{versioned(name)}, the same settings",
            quantity="time / peer's",
            value=seconds["natrob"] / seconds[name],
            target=TARGETS[name] if isinstance(attack, AutoAttack) else None,
            remark="; ".join(
                f"{each} {seconds[each]:.2f} s, accuracy left {left[each]:.1%}" for each in ("natrob", name)
            ),
        )
        for name in peers
    ]


def _ball(ball: AbstractBall) -> str:
    return f"{'L∞' if isinstance(ball, LinfBall) else 'L2'} ε = {ball.epsilon:g}"


def _settings(attack: AbstractAttack) -> str:
    if isinstance(attack, AutoAttack):
        return f"AutoAttack: APGD and FAB of {STEPS} steps, 9 targets, Square of {QUERIES:,} queries"
    return f"APGD-CE, {STEPS} steps"


def _accuracy(model: AttackedModel, adversarial: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((model.net(adversarial).argmax(dim=1) == y).double().mean())


def _apgd_of_torchattacks(net: Any, **shared: Any) -> Run:
    import torchattacks  # noqa: PLC0415, RUF100  # a peer: only where this section runs

    return torchattacks.APGD(net, steps=STEPS, loss="ce", **shared)


def _auto_attack_of_torchattacks(net: Any, **shared: Any) -> Run:
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


def _official(net: Any, **shared: Any) -> Any:
    import pyautoattack  # noqa: PLC0415, RUF100

    logging.getLogger("auto-attack").setLevel(logging.ERROR)  # it tells its warnings and its progress there
    return pyautoattack.AutoAttack(net, **shared)


def _apgd_of_the_authors(net: Any, **shared: Any) -> Run:
    attack = _official(net, version="custom", attacks=["apgd-ce"], **shared)
    attack.apgd.n_restarts = 1  # as in the standard version
    return lambda x, y: attack.run_standard_evaluation(x, y, batch_size=len(x))[0]


def _auto_attack_of_the_authors(net: Any, **shared: Any) -> Run:
    attack = _official(net, version="standard", **shared)
    return lambda x, y: attack.run_standard_evaluation(x, y, batch_size=len(x))[0]


APGD_PEERS = {"torchattacks": _apgd_of_torchattacks, "pyautoattack": _apgd_of_the_authors}
AUTO_ATTACK_PEERS = {"torchattacks": _auto_attack_of_torchattacks, "pyautoattack": _auto_attack_of_the_authors}
