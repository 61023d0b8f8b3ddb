"""`natrob diagnose`: is an accuracy under attack the model's doing, or the attack's failure?"""

import sys
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from natrob_empirical.attacks import ATTACKS, AveragedModel, ProbabilitiesWarning, registered_attack
from natrob_empirical.command_line.attack_subject import AttackSubject, check_subject, load_subject
from natrob_empirical.command_line.console import console, errors, errors_in_one_line
from natrob_empirical.command_line.model_target import load_target
from natrob_empirical.command_line.options import (
    AverageOption,
    DataRootOption,
    DeviceOption,
    EpsilonOption,
    NormOption,
    RestartsOption,
    StepSizeOption,
    StepsOption,
    TargetArgument,
    TargetDataOption,
    attack_settings,
    device_named,
    epsilons_of,
    norm_named,
)
from natrob_empirical.masking import MaskingReport
from natrob_empirical.masking import diagnose as diagnosis_of
from natrob_empirical.masking.level import LEVELS, LevelName
from natrob_empirical.near_names import unknown_name
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.reporting.formatting import format_budget

IMAGES = 200
"""How many test images are looked at by default: a diagnosis takes them all at once."""

_LEVELS: dict[str, LevelName] = {name: name for name in LEVELS}


def diagnose(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: TargetArgument,
    epsilon: EpsilonOption,
    data: TargetDataOption = None,
    level: Annotated[
        str, typer.Option(help="quick takes seconds on a small model, full about fifty times that.")
    ] = "quick",
    norm: NormOption = "linf",
    attack: Annotated[
        str,
        typer.Option(help=f"The gradient attack in question, one of: {', '.join(ATTACKS)}; pgd as the level has it."),
    ] = "pgd",
    steps: StepsOption = None,
    step_size: StepSizeOption = None,
    restarts: RestartsOption = None,
    images: Annotated[
        int | None, typer.Option(help=f"The first so many test images; by default {IMAGES}, or all if they are fewer.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 0,
    average: AverageOption = None,
    data_root: DataRootOption = None,
    device: DeviceOption = "cpu",
) -> None:
    """Look for signs that an accuracy under attack comes from the attack's failure: flags, evidence and a verdict.

    No verdict calls a model robust; no attack can show that.

    Example: `natrob diagnose output/quick/checkpoints/HASH.pt --epsilon 8/255`, or your own model with the attack that
    you trusted: `natrob diagnose my_module:my_model --data my_images.npz --epsilon 0.5 --attack pgd --steps 40
    --step-size 0.01 --level full`
    """
    with errors_in_one_line():
        if level not in _LEVELS:
            raise unknown_name("level", level, _LEVELS)
        place, ball_norm = device_named(device), norm_named(norm)
        settings = attack_settings(steps=steps, step_size=step_size, restarts=restarts)
        registered = registered_attack(attack)
        attacks = [registered.build(ball_norm, radius, settings) for radius in epsilons_of(epsilon, ball_norm)]
        own = bool(settings) or registered.name != "pgd"
        found = load_target(target)
        subject = load_subject(
            found, data=data, data_root=data_root, images=images, device=place, default_images=IMAGES
        )
        check_subject(subject, average=average)
        for one in attacks:
            streams = RandomStreams(seed)
            model = subject.model
            if average is not None:
                model = AveragedModel(model, samples=average, generator=streams.generator("average"))
            with _waiting(), warnings.catch_warnings():
                warnings.simplefilter("ignore", ProbabilitiesWarning)  # said before, once
                report = diagnosis_of(
                    model,
                    subject.images,
                    subject.labels,
                    one.ball,
                    generator=streams.generator("attack"),
                    level=_LEVELS[level],
                    attack=one if own else None,
                )
            _print(report, subject, format_budget(ball_norm, one.ball.epsilon))


def _waiting() -> AbstractContextManager[object]:
    """A sign of life on a terminal."""
    return errors.status("diagnosing") if sys.stderr.isatty() else nullcontext()


def _print(report: MaskingReport, subject: AttackSubject, budget: str) -> None:
    """The report under a line that says whose it is, its verdict in colour."""
    label, n = subject.target.label, len(subject.images)
    console.print(f"{label} on {n} test images of {subject.dataset.name}, {budget}", highlight=False, markup=False)
    verdict, *rest = report.lines()
    console.print(verdict, style="yellow" if report.flags else "green", highlight=False, markup=False)
    console.print("\n".join(rest), highlight=False, markup=False)
