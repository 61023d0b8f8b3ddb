"""`natrob ceiling`: the robust accuracy that no classifier exceeds on a data set's images."""

from typing import Annotated

import typer

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import errors_in_one_line
from natrob_empirical.command_line.plain_command import DebugOption, integer_option

PARTS = ("test", "train", "all")


def ceiling(
    data: Annotated[str, typer.Option(help="A data set's name, or your arrays as file.npz.")],
    norm: Annotated[str, typer.Option(help="The norm of the radius: linf, l2 or l1.")] = "linf",
    epsilon: Annotated[
        list[str] | None,
        typer.Option(
            "--epsilon",
            "--epsilons",
            help="Radius as fraction or decimal, pixels being in [0, 1]; several with commas or again.",
        ),
    ] = None,
    part: Annotated[str, typer.Option(help=f"Which images: {', '.join(PARTS)}.")] = "test",
    images: Annotated[int | None, integer_option("The first so many of these images; by default all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every ceiling with both certificates.")] = False,
    data_root: options.DataRootOption = None,
    debug: DebugOption = False,
) -> None:
    """Bound the robust accuracy of every classifier by the images and labels alone.

    Two images of different labels at a distance of at most 2ε share an image that lies in both balls, so that no
    deterministic classifier of single images is robust at both. An accuracy under attack above the ceiling proves that
    the attack was weak.

    Example: `natrob ceiling --data mnist --norm l2 --epsilon 2,2.5,3`, or `natrob ceiling --data digits --part all`
    """
    with errors_in_one_line():
        from natrob_empirical.command_line.ceiling_command import (
            chosen_images,
            measured_ceilings,
            norm_of_ceiling,
            print_ceilings,
            radii_of,
            to_json,
        )

        name = norm_of_ceiling(norm)
        radii = radii_of(epsilon, name)
        chosen = chosen_images(data, part=part, parts=PARTS, count=images, data_root=data_root)
        found = measured_ceilings(chosen, radii, norm=name)
        if as_json:
            typer.echo(to_json(chosen, found))
        else:
            print_ceilings(chosen, found)
