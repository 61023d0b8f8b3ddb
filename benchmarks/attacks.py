"""PGD beside Foolbox, torchattacks and ART, and beside the bare passes that it is made of."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.attacked_models import EPSILON, AttackedModel, attacked_models
from benchmarks.measurement import Row, interleaved_medians, versioned
from natrob_empirical.attacks import PGD
from natrob_empirical.threat_models import LinfBall

SECTION = "attacks"
STEPS, STEP_SIZE = 40, 0.01
TARGETS = {"undefended CNN": 0.5, "robust CNN": 1.0}
OVERHEAD = 1.05

Run = Callable[[], Tensor]
"""Attacks all images and returns the adversarial ones."""


def rows(*, quick: bool = False) -> list[Row]:
    """For each model: PGD-40 against the fastest peer, and against 40 bare passes."""
    repeats = 3 if quick else 9
    return [
        row for model in attacked_models() for row in (_beside_peers(model, repeats), _beside_passes(model, repeats))
    ]


def _beside_peers(model: AttackedModel, repeats: int) -> Row:
    peers = {name: peer(model) for name, peer in PEERS.items()}
    seconds = interleaved_medians({"natrob": _natrob(model), **peers}, repeats=repeats)
    fastest = min(peers, key=lambda name: seconds[name])
    left = {name: _accuracy(model, run()) for name, run in {"natrob": _natrob(model), **peers}.items()}
    return Row(
        section=SECTION,
        case=f"{model.name}, {len(model.x)} images of {tuple(model.x.shape[1:])}, L∞ ε = {EPSILON:g}",
        subject=f"PGD, {STEPS} steps of {STEP_SIZE:g}, random start",
        peer=f"{versioned(PACKAGES[fastest])}, the same settings, the fastest of {len(peers)}",
        quantity="time / peer's",
        value=seconds["natrob"] / seconds[fastest],
        target=TARGETS[model.name],
        remark="; ".join(
            f"{name} {seconds[name]:.2f} s, accuracy left {left[name]:.1%}" for name in ("natrob", *sorted(peers))
        ),
    )


def _beside_passes(model: AttackedModel, repeats: int) -> Row:
    attack = PGD(LinfBall(EPSILON), steps=STEPS, step_size=STEP_SIZE, compaction=False)
    rows = model.net(model.x).argmax(dim=1) == model.y
    x, y = model.x[rows], model.y[rows]

    def attacked() -> object:
        return attack(model.net, x, y, generator=torch.Generator().manual_seed(0))

    def passes() -> object:
        for _ in range(STEPS):
            image = x.clone().requires_grad_()
            torch.autograd.grad(nn.functional.cross_entropy(model.net(image), y, reduction="sum"), image)
        with torch.no_grad():
            return [model.net(x) for _ in range(3)]

    seconds = interleaved_medians({"natrob": attacked, "passes": passes}, repeats=repeats)
    return Row(
        section=SECTION,
        case=f"{model.name}, {len(x)} images that it classifies correctly",
        subject=f"PGD, {STEPS} steps, no sample leaves the batch",
        peer=f"{STEPS} forward and backward passes and 3 forward passes, nothing else",
        quantity="time / peer's",
        value=seconds["natrob"] / seconds["passes"],
        target=OVERHEAD,
        remark=f"{seconds['natrob']:.2f} s / {seconds['passes']:.2f} s",
    )


def _accuracy(model: AttackedModel, adversarial: Tensor) -> float:
    with torch.no_grad():
        return float((model.net(adversarial).argmax(dim=1) == model.y).double().mean())


def _natrob(model: AttackedModel) -> Run:
    attack = PGD(LinfBall(EPSILON), steps=STEPS, step_size=STEP_SIZE)
    return lambda: attack(model.net, model.x, model.y, generator=torch.Generator().manual_seed(0)).adversarial


def _foolbox(model: AttackedModel) -> Run:
    from foolbox.attacks import LinfPGD  # noqa: PLC0415, RUF100  # a peer: only where this section runs
    from foolbox.models.pytorch import PyTorchModel  # noqa: PLC0415, RUF100

    wrapped = PyTorchModel(model.net, bounds=(0, 1), device="cpu")
    attack = LinfPGD(steps=STEPS, abs_stepsize=STEP_SIZE, random_start=True)
    return lambda: attack(wrapped, model.x, model.y, epsilons=EPSILON)[1]


def _torchattacks(model: AttackedModel) -> Run:
    import torchattacks  # noqa: PLC0415, RUF100

    attack = torchattacks.PGD(model.net, eps=EPSILON, alpha=STEP_SIZE, steps=STEPS, random_start=True)
    return lambda: attack(model.x, model.y)


def _art(model: AttackedModel) -> Run:
    from art.attacks.evasion import ProjectedGradientDescentPyTorch  # noqa: PLC0415, RUF100
    from art.estimators.classification import PyTorchClassifier  # noqa: PLC0415, RUF100

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = PyTorchClassifier(
            model=model.net,
            loss=nn.CrossEntropyLoss(),
            input_shape=tuple(model.x.shape[1:]),
            nb_classes=10,
            clip_values=(0.0, 1.0),
            device_type="cpu",
        )
        attack = ProjectedGradientDescentPyTorch(
            classifier,
            norm="inf",
            eps=EPSILON,
            eps_step=STEP_SIZE,
            max_iter=STEPS,
            num_random_init=1,
            batch_size=len(model.x),
            verbose=False,
        )
    images, labels = model.x.numpy(), model.y.numpy()
    return lambda: torch.from_numpy(attack.generate(images, labels))


PEERS: dict[str, Callable[[AttackedModel], Run]] = {"Foolbox": _foolbox, "torchattacks": _torchattacks, "ART": _art}
PACKAGES = {"Foolbox": "foolbox", "torchattacks": "torchattacks", "ART": "adversarial-robustness-toolbox"}
