"""`natrob certify`: certified accuracy of one model at one or more radii, a lower bound that no attack can break."""

from pathlib import Path
from typing import Annotated

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import errors_in_one_line
from natrob_empirical.command_line.known_names import CERTIFICATE_METHODS, PRECISIONS
from natrob_empirical.command_line.plain_command import DebugOption
from natrob_empirical.names.near_names import unknown_name

SUFFIXES = (".json", ".csv")
_METHOD_HELP = (
    f"One of: {', '.join(CERTIFICATE_METHODS)}. No radius of local or tube is below that of global; local is usually "
    "the largest of the three on small networks; tube is the paper's kind of bound, along the trajectory, and slow. "
    "linear_relaxation, branch_and_bound and best decide balls, and are far larger in L∞."
)


def certify(  # noqa: PLR0913, PLR0917 - one parameter an option
    target: options.TargetArgument,
    epsilon: options.EpsilonOption,
    data: options.TargetDataOption = None,
    norm: Annotated[
        str,
        typer.Option(
            help="l2, linf or l1. In L∞ and L1 each image has the larger of two radii: by constants in that "
            "norm, and by those in L2 (over √d in L∞)."
        ),
    ] = "l2",
    method: Annotated[str, typer.Option(help=_METHOD_HELP)] = "global",
    precision: Annotated[
        str, typer.Option(help=f"The network in exact arithmetic, or as it is run: {', '.join(PRECISIONS)}.")
    ] = "exact",
    time_limit: Annotated[
        float, typer.Option(min=0.0, help="Seconds an image may take in branching, with branch_and_bound and best.")
    ] = 10.0,
    images: options.ImagesOption = None,
    output: Annotated[Path | None, typer.Option(help="Radii of every image, as FILE.json or FILE.csv.")] = None,
    data_root: options.DataRootOption = None,
    device: options.DeviceOption = "cpu",
    debug: DebugOption = False,
) -> None:
    """Certify a model; print the share of images whose label no perturbation can change, a lower bound.

    A label is certified at a radius if it is proved that no perturbation of that norm changes it.

    Methods: `global` takes constants on all inputs, `tube` those along each image's trajectory, `local` the Jacobian
    at each image and what can change of it in the ball. The last two are never weaker than `global`, and slower.
    `linear_relaxation` bounds the logits backward through a line below and above every activation. `branch_and_bound`
    also cuts balls that no attack breaks, within `--time-limit`, and counts what stays undecided. `best` takes all.

    Your own model may be an nn.Sequential of layers with known constants: nn.Flatten, nn.Linear, convolutions,
    activations, pooling, normalisation, networks of natrob_theory with a fixed grid, chains of these.

    Example: `natrob certify output/models/HASH.pt --epsilon 0.3 --epsilon 1.58`, or
    `natrob certify HASH.pt --norm linf --epsilon 2/255 --method local --images 100 --output radii.json`,
    or your own: `natrob certify my_module:my_model --data digits --epsilon 0.1`
    """
    with errors_in_one_line():
        if method not in CERTIFICATE_METHODS:
            raise unknown_name("method", method, CERTIFICATE_METHODS)
        if precision not in PRECISIONS:
            raise unknown_name("precision", precision, PRECISIONS)
        if output is not None and output.suffix not in SUFFIXES:
            raise ValueError(f"`--output` must end in {' or '.join(SUFFIXES)}, got {output}")
        ball_norm = options.certificate_norm_named(norm)
        radii = options.epsilons_of(epsilon, ball_norm)

        from natrob_empirical.certification import require_radii
        from natrob_empirical.command_line.attack_subject import load_subject
        from natrob_empirical.command_line.certify_command import (
            certification,
            make_folder_of,
            print_certification,
            write_radii,
            writing_alone,
        )
        from natrob_empirical.command_line.device_and_data import device_named
        from natrob_empirical.command_line.model_target import load_target

        place = device_named(device)
        subject = load_subject(load_target(target), data=data, data_root=data_root, images=images, device=place)
        require_radii(radii, ball_norm, subject.images[0].numel(), name="--epsilon")
        if output is not None:
            make_folder_of(output)
        with writing_alone(output):
            done = certification(
                subject, radii, norm=ball_norm, method=method, precision=precision, time_limit=time_limit
            )
            print_certification(done)
            if output is not None:
                write_radii(done, output)
