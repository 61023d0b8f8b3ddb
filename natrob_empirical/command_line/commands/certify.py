"""`natrob certify`: certified accuracy of one model at one or more radii, a lower bound that no attack can break."""

from pathlib import Path
from typing import Annotated

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import VIOLATED, errors_in_one_line
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
    epsilon: Annotated[
        list[str] | None,
        typer.Option(help="Radius as fraction or decimal, pixels being in [0, 1]; several with commas or again."),
    ] = None,
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
        float | None,
        typer.Option(
            min=0.0,
            help="Seconds an image may take in branching, with branch_and_bound and best; by default 10, with --check "
            "those on file.",
        ),
    ] = None,
    images: options.ImagesOption = None,
    output: Annotated[
        Path | None, typer.Option(help="Radii of every image, as FILE.csv or as FILE.json that --check takes.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Verify the certificates of FILE.json again, each at its radius, and nothing else."),
    ] = None,
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
    activations, pooling, normalisation, networks of natrob_theory with a fixed grid, Neural ODEs with
    `max_step_size`, chains of these.

    Example: `natrob certify output/models/HASH.pt --epsilon 0.3 --epsilon 1.58`, or
    `natrob certify HASH.pt --norm linf --epsilon 2/255 --method local --images 100 --output radii.json`,
    or your own: `natrob certify my_module:my_model --data digits --epsilon 0.1`

    Check a file that somebody else wrote: `natrob certify HASH.pt --check radii.json`. It must be of this very network
    and these images; exit code 1 if a certificate on file is not proved again.
    """
    with errors_in_one_line():
        if check is not None:
            chosen = {
                "--epsilon": epsilon is not None,
                "--norm": norm != "l2",
                "--method": method != "global",
                "--precision": precision != "exact",
                "--images": images is not None,
                "--output": output is not None,
            }
            _require_alone([option for option, given in chosen.items() if given])
            _check(target, check, data=data, data_root=data_root, device=device, time_limit=time_limit)
            return
        if not epsilon:
            raise ValueError("`--epsilon` must be given, or `--check` with a file of certificates")
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

        seconds = 10.0 if time_limit is None else time_limit
        place = device_named(device)
        subject = load_subject(load_target(target), data=data, data_root=data_root, images=images, device=place)
        require_radii(radii, ball_norm, subject.images[0].numel(), name="--epsilon")
        if output is not None:
            make_folder_of(output)
        with writing_alone(output):
            done = certification(subject, radii, norm=ball_norm, method=method, precision=precision, time_limit=seconds)
            print_certification(done)
            if output is not None:
                write_radii(done, output)


def _require_alone(others: list[str]) -> None:
    """Refuses options beside `--check` that the file answers itself."""
    if others:
        raise ValueError(f"`--check` takes images, norm, radii and methods from the file, got also {', '.join(others)}")


def _check(
    target: str, path: Path, *, data: str | None, data_root: Path | None, device: str, time_limit: float | None
) -> None:
    """Verify the certificates of a file. Raises typer.Exit with code 1 if one is not proved again."""
    from natrob_empirical.certificate_files import read_certificates
    from natrob_empirical.command_line.attack_subject import load_subject
    from natrob_empirical.command_line.certificate_check_display import checked, print_check
    from natrob_empirical.command_line.device_and_data import device_named
    from natrob_empirical.command_line.model_target import load_target

    file = read_certificates(path)
    subject = load_subject(
        load_target(target), data=data, data_root=data_root, images=None, device=device_named(device)
    )
    found = checked(file, subject, time_limit=time_limit)
    print_check(found, subject)
    if not found.holds:
        raise typer.Exit(VIOLATED)
