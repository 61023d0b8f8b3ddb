"""PGD and DI²-FGSM beside Foolbox, torchattacks and ART, and PGD beside the bare passes that it is made of."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.attacked_models import EPSILON, AttackedModel, attacked_models
from benchmarks.measurement import Row, interleaved_medians, versioned
from natrob_empirical.attacks import DI2FGSM, PGD, AbstractAttack, Classifier
from natrob_empirical.threat_models import LinfBall

SECTION = "attacks"
STEPS, STEP_SIZE = 40, 0.01
OVERHEAD = 1.05

Run = Callable[[], Tensor]
"""Attacks all images and returns the adversarial ones."""


def rows(*, quick: bool = False) -> list[Row]:
    """For each model: PGD-40 beside its peers and beside its own passes, DI²-FGSM beside its peer."""
    repeats = 3 if quick else 9
    return [
        row
        for model in attacked_models()
        for row in (
            _beside_peers(model, PGD_CONTEST, repeats),
            _beside_passes(model, repeats),
            _beside_peers(model, DI2_FGSM_CONTEST, repeats),
        )
    ]


@dataclass(frozen=True, kw_only=True)
class _Contest:
    """An attack and those who have it too.

    Attributes:
        subject: the attack and its settings.
        attack: natrob's.
        peers: by name.
        targets: of time / the fastest peer's, by model.
    """

    subject: str
    attack: AbstractAttack
    peers: Mapping[str, Callable[[AttackedModel], Run]]
    targets: Mapping[str, float]


def _beside_peers(model: AttackedModel, contest: _Contest, repeats: int) -> Row:
    peers = {name: peer(model) for name, peer in contest.peers.items()}
    runs = {"natrob": _natrob(model, contest.attack), **peers}
    seconds = interleaved_medians(runs, repeats=repeats)
    fastest = min(peers, key=lambda name: seconds[name])
    left = {name: _accuracy(model, run()) for name, run in runs.items()}
    others = f", the fastest of {len(peers)}" if len(peers) > 1 else ""
    return Row(
        section=SECTION,
        case=f"{model.name}, {len(model.x)} images of {tuple(model.x.shape[1:])}, L∞ ε = {EPSILON:g}",
        subject=contest.subject,
        peer=f"{versioned(PACKAGES[fastest])}, the same settings{others}",
        quantity="time / peer's",
        value=seconds["natrob"] / seconds[fastest],
        target=contest.targets[model.name],
        remark="; ".join(
            f"{name} {seconds[name]:.2f} s, accuracy left {left[name]:.1%}" for name in ("natrob", *sorted(peers))
        ),
    )


def _beside_passes(model: AttackedModel, repeats: int) -> Row:
    attack = PGD(LinfBall(EPSILON), steps=STEPS, step_size=STEP_SIZE, compaction=False)
    rows = model.net(model.x).argmax(dim=1) == model.y
    x, y = model.x[rows], model.y[rows]

    def attacked(net: Classifier = model.net) -> object:
        return attack(net, x, y, generator=torch.Generator().manual_seed(0))

    visited = _Visited(model.net)
    attacked(visited)
    seconds = interleaved_medians({"natrob": attacked, "passes": lambda: visited.again(y)}, repeats=repeats)
    return Row(
        section=SECTION,
        case=f"{model.name}, {len(x)} images that it classifies correctly",
        subject=f"PGD, at most {STEPS} steps, no sample leaves the batch",
        peer=f"the same {len(visited)} passes at the same points, {visited.backward} of them with a backward pass",
        quantity="time / peer's",
        value=seconds["natrob"] / seconds["passes"],
        target=OVERHEAD,
        remark=f"{seconds['natrob']:.2f} s / {seconds['passes']:.2f} s",
    )


class _Visited:
    """A model that notes which images it is shown, and can be shown them again."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.points: list[tuple[Tensor, bool]] = []

    def __call__(self, x: Tensor) -> Tensor:
        self.points.append((x.detach().clone(), torch.is_grad_enabled()))
        return self.net(x)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def backward(self) -> int:
        """How many of the passes were differentiated."""
        return sum(with_gradient for _, with_gradient in self.points)

    def again(self, y: Tensor) -> None:
        """The forward passes, and the backward passes of the loss, and nothing else."""
        for point, with_gradient in self.points:
            if with_gradient:
                image = point.requires_grad_()
                torch.autograd.grad(nn.functional.cross_entropy(self.net(image), y, reduction="sum"), image)
            else:
                with torch.no_grad():
                    self.net(point)


def _accuracy(model: AttackedModel, adversarial: Tensor) -> float:
    with torch.no_grad():
        return float((model.net(adversarial).argmax(dim=1) == model.y).double().mean())


def _natrob(model: AttackedModel, attack: AbstractAttack) -> Run:
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


def _torchattacks_di2_fgsm(model: AttackedModel) -> Run:
    import torchattacks  # noqa: PLC0415, RUF100

    attack = torchattacks.DIFGSM(
        model.net, eps=EPSILON, alpha=STEP_SIZE, steps=STEPS, decay=0.0, resize_rate=0.9, diversity_prob=0.5
    )
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


PACKAGES = {"Foolbox": "foolbox", "torchattacks": "torchattacks", "ART": "adversarial-robustness-toolbox"}
PGD_CONTEST = _Contest(
    subject=f"PGD, {STEPS} steps of {STEP_SIZE:g}, random start",
    attack=PGD(LinfBall(EPSILON), step_size=STEP_SIZE, steps=STEPS),
    peers={"Foolbox": _foolbox, "torchattacks": _torchattacks, "ART": _art},
    targets={"undefended CNN": 0.5, "robust CNN": 1.0},
)
DI2_FGSM_CONTEST = _Contest(
    subject=f"DI²-FGSM, {STEPS} steps of {STEP_SIZE:g}, views of at least 0.9 with probability 0.5",
    attack=DI2FGSM(LinfBall(EPSILON), step_size=STEP_SIZE, steps=STEPS, smallest_size=0.9, probability=0.5),
    peers={"torchattacks": _torchattacks_di2_fgsm},
    targets={"undefended CNN": 1.0, "robust CNN": 1.0},
)
