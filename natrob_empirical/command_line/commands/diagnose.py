"""`natrob diagnose`: is an accuracy under attack the model's doing, or the attack's failure?"""

from typing import Annotated

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import errors_in_one_line
from natrob_empirical.command_line.known_names import ATTACKS, LEVELS
from natrob_empirical.command_line.plain_command import DebugOption, integer_option
from natrob_empirical.names.near_names import unknown_name

IMAGES = 200
"""How many test images are looked at by default: a diagnosis takes them all at once."""


def diagnose(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: options.TargetArgument,
    epsilon: options.EpsilonOption,
    data: options.TargetDataOption = None,
    level: Annotated[
        str, typer.Option(help="quick takes seconds on a small model, full about fifty times that.")
    ] = "quick",
    norm: options.NormOption = "linf",
    attack: Annotated[
        str,
        typer.Option(help=f"The gradient attack in question, one of: {', '.join(ATTACKS)}; pgd as the level has it."),
    ] = "pgd",
    steps: options.StepsOption = None,
    step_size: options.StepSizeOption = None,
    restarts: options.RestartsOption = None,
    images: Annotated[
        int | None, integer_option(f"The first so many test images; by default {IMAGES}, or all if they are fewer.")
    ] = None,
    seed: Annotated[int, integer_option("Seed of the random numbers.")] = 0,
    average: options.AverageOption = None,
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    debug: DebugOption = False,
) -> None:
    """Look for signs that an accuracy under attack comes from the attack's failure: flags, evidence and a verdict.

    No verdict calls a model robust; no attack can show that.

    Example: `natrob diagnose output/quick/checkpoints/HASH.pt --epsilon 8/255`, or your own model with the attack that
    you trusted: `natrob diagnose my_module:my_model --data my_images.npz --epsilon 0.5 --attack pgd --steps 40
    --step-size 0.01 --level full`
    """
    with errors_in_one_line():
        if level not in LEVELS:
            raise unknown_name("level", level, LEVELS)
        ball_norm = options.norm_named(norm)
        radii = options.epsilons_of(epsilon, ball_norm)
        settings = options.attack_settings(steps=steps, step_size=step_size, restarts=restarts)

        from natrob_empirical.attacks import registered_attack
        from natrob_empirical.command_line.attack_subject import check_subject, load_subject
        from natrob_empirical.command_line.device_and_data import device_named
        from natrob_empirical.command_line.diagnose_command import diagnosed, print_diagnosis
        from natrob_empirical.command_line.model_target import load_target

        place = device_named(device)
        registered = registered_attack(attack)
        attacks = [registered.build(ball_norm, radius, settings) for radius in radii]
        own = bool(settings) or registered.name != "pgd"
        found = load_target(target)
        subject = load_subject(
            found, data=data, data_root=data_root, images=images, device=place, default_images=IMAGES
        )
        check_subject(subject, average=average)
        for one in attacks:
            report = diagnosed(subject, one, own=own, norm=ball_norm, level=level, seed=seed, average=average)
            print_diagnosis(report, subject, norm=ball_norm, epsilon=one.ball.epsilon)
