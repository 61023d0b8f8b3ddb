"""`natrob attack`: one attack on one model at one or more radii, resumable, with a record of every image."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import errors_in_one_line
from natrob_empirical.command_line.known_names import ATTACKS
from natrob_empirical.command_line.plain_command import DebugOption, integer_option

OUTPUT = Path("output") / "attack"


def attack(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: options.TargetArgument,
    epsilon: options.EpsilonOption,
    data: options.TargetDataOption = None,
    attack: Annotated[str, typer.Option(help=f"One of: {', '.join(ATTACKS)}.")] = "autoattack",
    norm: options.NormOption = "linf",
    steps: options.StepsOption = None,
    step_size: options.StepSizeOption = None,
    restarts: options.RestartsOption = None,
    queries: Annotated[int | None, integer_option("Queries of an attack without gradients, an image.")] = None,
    target_class: Annotated[
        int | None,
        integer_option(
            "A class that the images are to be taken for; its own images are left out.", "--target", metavar="CLASS"
        ),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="FILE.npy of bools, such as (height, width): the pixels that may change.")
    ] = None,
    images: options.ImagesOption = None,
    batch_size: Annotated[int, integer_option("Images attacked, and kept on disk, at once.")] = 128,
    seed: Annotated[int, integer_option("Seed of the attack's random numbers.")] = 0,
    output: Annotated[Path, typer.Option(help="Output folder.")] = OUTPUT,
    average: options.AverageOption = None,
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    mixed_precision: Annotated[bool, typer.Option(help="Passes on the way in bfloat16; on a GPU only.")] = False,
    debug: DebugOption = False,
) -> None:
    """Attack a model; print and record its accuracy under attack, an upper bound of its robust accuracy.

    Interrupt it and run it again to go on: finished batches are kept.

    Example: `natrob attack output/quick/checkpoints/HASH.pt --attack pgd --epsilon 8/255`, or your own model:
    `natrob attack my_module:my_model --data my_images.npz --epsilon 2/255,8/255 --steps 100`
    """
    given = dict(locals())
    with errors_in_one_line(on_interrupt=_resume_hint(given)):
        from natrob_empirical.attacks import registered_attack
        from natrob_empirical.command_line.attack_command import AttackRequest, mask_in, run_at
        from natrob_empirical.command_line.attack_display import print_finished, print_summary
        from natrob_empirical.command_line.attack_subject import check_subject, load_subject
        from natrob_empirical.command_line.device_and_data import device_named
        from natrob_empirical.command_line.model_target import load_target

        place = device_named(device)
        if mixed_precision and place.type != "cuda":
            raise ValueError(f"`--mixed-precision` is for GPUs, got `--device` {device}")
        registered, ball_norm = registered_attack(attack), options.norm_named(norm)
        settings = options.attack_settings(steps=steps, step_size=step_size, restarts=restarts, queries=queries)
        pixels = mask_in(mask)
        request = AttackRequest(
            registered=registered,
            attacks=tuple(
                registered.build(ball_norm, radius, settings, mixed_precision=mixed_precision, mask=pixels)
                for radius in options.epsilons_of(epsilon, ball_norm)
            ),
            norm=ball_norm,
            seed=seed,
            batch_size=batch_size,
            average=average,
            settings=settings,
            target=target_class,
            masked=pixels is not None,
        )
        found = load_target(target)
        subject = load_subject(found, data=data, data_root=data_root, images=images, device=place)
        check_subject(subject, average=average)
        finished = []
        for radius in request.attacks:
            finished.append(run_at(request, radius, subject, output))
            if len(request.attacks) > 1:
                print_finished(finished[-1])
        print_summary(subject, finished)


def _resume_hint(given: dict[str, Any]) -> str:
    again = ["natrob", "attack", given["target"]]
    for name, value in given.items():
        option = "--target" if name == "target_class" else f"--{name.replace('_', '-')}"
        if value is True:
            again.append(option)
        elif name != "target" and value is not None and value is not False:
            again += [part for one in (value if isinstance(value, list) else [value]) for part in (option, str(one))]
    return f"interrupted; finished batches are kept in {given['output']}, run `{shlex.join(again)}` to go on"
