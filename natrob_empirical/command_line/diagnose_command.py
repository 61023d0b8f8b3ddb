"""The work and the output of `natrob diagnose`."""

import warnings

from natrob_empirical.attacks import AbstractAttack, AveragedModel, Norm, ProbabilitiesWarning
from natrob_empirical.command_line.attack_subject import AttackSubject
from natrob_empirical.command_line.console import console
from natrob_empirical.command_line.displays import WorkDisplay
from natrob_empirical.display.formatting import format_budget
from natrob_empirical.masking import MaskingReport
from natrob_empirical.masking import diagnose as diagnosis_of
from natrob_empirical.masking.level import LevelName
from natrob_empirical.random_streams import RandomStreams


def diagnosed(
    subject: AttackSubject,
    attack: AbstractAttack,
    *,
    own: bool,
    norm: Norm,
    level: LevelName,
    seed: int,
    average: int | None,
) -> MaskingReport:
    """The diagnosis in one ball.

    Args:
        subject: model and images.
        attack: the one in question, in its ball.
        own: whether the attack is the user's, and not the one that the level has.
        norm: of the ball.
        level: how thorough.
        seed: of the random numbers.
        average: answers of a random model that are averaged, or None.
    """
    streams = RandomStreams(seed)
    model = subject.model
    if average is not None:
        model = AveragedModel(model, samples=average, generator=streams.generator("average"))
    with WorkDisplay(f"diagnosing, {format_budget(norm, attack.ball.epsilon)}"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ProbabilitiesWarning)  # said before, once
        return diagnosis_of(
            model,
            subject.images,
            subject.labels,
            attack.ball,
            generator=streams.generator("attack"),
            level=level,
            attack=attack if own else None,
        )


def print_diagnosis(report: MaskingReport, subject: AttackSubject, *, norm: Norm, epsilon: float) -> None:
    """The report under a line that says whose it is, its verdict in colour."""
    label, n = subject.target.label, len(subject.images)
    where = f"{label} on {n} test images of {subject.dataset.name}, {format_budget(norm, epsilon)}"
    console.print(where, markup=False)
    verdict, *rest = report.lines()
    console.print(verdict, style="yellow" if report.flags else "green", markup=False)
    console.print("\n".join(rest), markup=False)
