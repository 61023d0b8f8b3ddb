"""`natrob attack`: one attack on one model at one or more radii, resumable, with a record of every image."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import final

from natrob_empirical.attack_names import label_with
from natrob_empirical.attacks import (
    AbstractAttack,
    Norm,
    ProbabilitiesWarning,
    RegisteredAttack,
)
from natrob_empirical.benchmarks import AttackRun, FinishedAttack, run_attack
from natrob_empirical.command_line.attack_display import AttackDisplay
from natrob_empirical.command_line.attack_subject import AttackSubject
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
    """

    registered: RegisteredAttack
    attacks: tuple[AbstractAttack, ...]
    norm: Norm
    seed: int
    batch_size: int
    average: int | None
    settings: dict[str, int | float]

    @property
    def label(self) -> str:
        """ "PGD" with the attack's own settings, "PGD-10 (5 restarts)" with others."""
        return label_with(self.registered.label, self.settings)

    def run_of(self, attack: AbstractAttack, subject: AttackSubject) -> AttackRun:
        """The attack at one radius on the subject."""
        target = subject.target
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
                },
            },
            attack=attack,
            model=subject.model,
            images=subject.images,
            labels=subject.labels,
            batch_size=self.batch_size,
            average=self.average,
        )


def run_at(request: AttackRequest, attack: AbstractAttack, subject: AttackSubject, output: Path) -> FinishedAttack:
    """Run one of the request's attacks on the subject, with a progress bar."""
    run = request.run_of(attack, subject)
    display = AttackDisplay(norm=request.norm, epsilon=attack.ball.epsilon, total=len(subject.images))
    with display, warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilitiesWarning)  # said before, once
        return run_attack(run, output, progress=display.show)
