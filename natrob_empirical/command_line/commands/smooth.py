"""`natrob smooth`: accuracy of a smoothed classifier at L2 radii, with a probability, and no certificate."""

from pathlib import Path
from typing import Annotated

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import errors_in_one_line
from natrob_empirical.command_line.plain_command import DebugOption, integer_option, number_option


def smooth(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: options.TargetArgument,
    epsilon: options.EpsilonOption,
    sigma: Annotated[float, number_option("Standard deviation of the noise in every pixel, pixels being in [0, 1].")],
    data: options.TargetDataOption = None,
    samples_estimate: Annotated[
        int, integer_option("Noisy copies of each image that bound the probability of its class.")
    ] = 10_000,
    samples_select: Annotated[int, integer_option("Noisy copies of each image that choose the class.")] = 100,
    failure_probability: Annotated[
        float, number_option("With which an image's statement may be wrong, over the noise that is drawn.")
    ] = 0.001,
    images: options.ImagesOption = None,
    batch_size: Annotated[int, integer_option("Noisy images that the model is shown at once.")] = 1024,
    seed: Annotated[int, integer_option("Seed of the noise.")] = 0,
    output: Annotated[Path | None, typer.Option(help="The same JSON as FILE.json, for a table of results.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: radius and label of every image.")] = False,
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    debug: DebugOption = False,
) -> None:
    """Smooth a model with Gaussian noise; print L2 accuracies that hold with a probability. No certificate.

    The smoothed classifier answers what the model most likely answers to an image with noise, or abstains. Each image's
    radius is right with a probability over the noise that is drawn. `natrob certify` proves radii of the model itself.

    Example: `natrob smooth output/models/HASH.pt --sigma 0.25 --epsilon 0.3,0.5`
    """
    with errors_in_one_line():
        from natrob_empirical.certificate_files import certificate_text, write_smoothing
        from natrob_empirical.command_line.attack_subject import load_subject
        from natrob_empirical.command_line.certify_command import make_folder_of, writing_alone
        from natrob_empirical.command_line.device_and_data import device_named
        from natrob_empirical.command_line.model_target import load_target
        from natrob_empirical.command_line.smooth_command import file_of, print_smoothing, smoothing

        radii = options.epsilons_of(epsilon, "L2")
        subject = load_subject(
            load_target(target), data=data, data_root=data_root, images=images, device=device_named(device)
        )
        if output is not None:
            if output.suffix != ".json":
                raise ValueError(f"`--output` must end in .json, got {output}")
            make_folder_of(output)
        with writing_alone(output):
            result = smoothing(
                subject,
                radii,
                sigma=sigma,
                samples_select=samples_select,
                samples_estimate=samples_estimate,
                failure_probability=failure_probability,
                batch_size=batch_size,
                seed=seed,
            )
            file = file_of(subject, result, seed)
            if as_json:
                typer.echo(certificate_text(file), nl=False)
            else:
                print_smoothing(subject, result)
            if output is not None:
                write_smoothing(file, output)
