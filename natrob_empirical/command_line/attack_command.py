"""`natrob attack`: one attack on one model at one or more radii, resumable, with a record of every image."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor

from natrob_empirical.attack_names import label_with
from natrob_empirical.attacks import (
    AbstractAttack,
    CountedModel,
    Norm,
    ProbabilitiesWarning,
    RegisteredAttack,
)
from natrob_empirical.benchmarks import AttackRun, FinishedAttack, run_attack
from natrob_empirical.command_line.attack_display import AttackDisplay
from natrob_empirical.command_line.attack_subject import AttackSubject
from natrob_empirical.names.near_names import near_files
from natrob_empirical.records import CellKey


@final
@dataclass(frozen=True, kw_only=True)
class AttackRequest:
    """Which attack at which radii, and how it is run.

    Attributes:
        registered: the attack.
        attacks: it, at each radius.
        norm: of the balls.
        seed: of its random numbers.
        batch_size: images at once.
        average: answers of a random model that are averaged.
        settings: of the attack, as given.
        target: the class that the images are to be taken for; those that belong to it are left out.
        masked: whether only some pixels may change.
    """

    registered: RegisteredAttack
    attacks: tuple[AbstractAttack, ...]
    norm: Norm
    seed: int
    batch_size: int
    average: int | None
    settings: dict[str, int | float]
    target: int | None = None
    masked: bool = False

    @property
    def label(self) -> str:
        """ "PGD" with the attack's own settings, "PGD-10 (5 restarts)" with others, then what it aims at."""
        label = label_with(self.registered.label, self.settings)
        goals = [] if self.target is None else [f"target class {self.target}"]
        goals += ["masked"] if self.masked else []
        return f"{label} ({', '.join(goals)})" if goals else label

    def _targets(self, subject: AttackSubject) -> tuple[Tensor, Tensor | None]:
        """Which images are attacked, and the class that each is to be taken for.

        Raises:
            ValueError: the attack takes no target, the model has no such class, or every image is of it.
        """
        if self.target is None:
            return torch.ones_like(subject.labels, dtype=torch.bool), None
        if not self.registered.attack.takes_targets:
            raise ValueError(f"attack {self.registered.name} takes no `--target`")
        classes = CountedModel(subject.model, 1, subject.images.device).logits(subject.images[:1]).shape[1]
        if not 0 <= self.target < classes:
            raise ValueError(f"`--target` must be a class from 0 to {classes - 1}, got {self.target}")
        chosen = subject.labels != self.target
        if not bool(chosen.any()):
            raise ValueError(f"`--target` must leave images of other classes, got {self.target}, the class of all")
        return chosen, torch.full_like(subject.labels[chosen], self.target)

    def run_of(self, attack: AbstractAttack, subject: AttackSubject) -> AttackRun:
        """The attack at one radius on the subject."""
        target = subject.target
        chosen, targets = self._targets(subject)
        described = {} if self.target is None else {"target": self.target}  # no setting of runs without one
        return AttackRun(
            key=CellKey(
                preset="attack",
                dataset=subject.dataset.name,
                model=target.label,
                network=target.network,
                training=target.training,
                seed=self.seed,
                attack=self.label,
                norm=self.norm,
                epsilon=attack.ball.epsilon,
            ),
            settings={
                **subject.identity,
                "attack": {
                    "name": self.registered.name,
                    "configuration": repr(attack),
                    "mixed_precision": attack.mixed_precision,
                    "average": self.average,
                    "batch_size": self.batch_size,
                    "device": subject.images.device.type,
                    **described,
                },
            },
            attack=attack,
            model=subject.model,
            images=subject.images[chosen],
            labels=subject.labels[chosen],
            targeted=targets,
            batch_size=self.batch_size,
            average=self.average,
        )


def run_at(request: AttackRequest, attack: AbstractAttack, subject: AttackSubject, output: Path) -> FinishedAttack:
    """Run one of the request's attacks on the subject, with a progress bar."""
    run = request.run_of(attack, subject)
    display = AttackDisplay(norm=request.norm, epsilon=attack.ball.epsilon, total=len(run.images))
    with display, warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilitiesWarning)  # said before, once
        return run_attack(run, output, progress=display.show)


def mask_in(file: Path | None) -> Tensor | None:
    """The pixels that may change, from a .npy file of bools, or of 0 and 1.

    Raises:
        OSError, ValueError: there is no such file, or it holds no such array.
    """
    if file is None:
        return None
    if not file.exists():
        raise FileNotFoundError(
            f"`--mask` must be a .npy file, got {file}, which is not here" + near_files(file, suffix=".npy")
        )
    try:
        with file.open("rb") as opened:
            array = np.load(opened, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"`--mask` must be a .npy file of an array, got {file}: {error}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"`--mask` must hold bools, or 0 and 1, got other values in {file}")
    return torch.from_numpy(np.ascontiguousarray(array.astype(bool)))
