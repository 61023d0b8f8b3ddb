"""`natrob check`: measured divergence of trajectories against its bounds."""

from typing import Annotated, Literal

import typer
from rich.markup import escape

from natrob_empirical.command_line.console import EXPECTED, UNUSABLE, errors, errors_in_one_line
from natrob_empirical.command_line.known_names import CHECKED_METHODS
from natrob_empirical.command_line.plain_command import DebugOption, integer_option, number_option
from natrob_empirical.command_line.plain_numbers import integer_of
from natrob_empirical.names.near_names import near_names


def check(  # noqa: PLR0913, PLR0917 - one parameter an option
    field: Annotated[str | None, typer.Argument(help="Your field as module:name; by default a random network.")] = None,
    method: Annotated[
        str | None, typer.Option(help=f"One of: {', '.join(CHECKED_METHODS)}; by default all classes.")
    ] = None,
    step_size: Annotated[float, number_option("The step size h > 0.")] = 0.1,
    steps: Annotated[int, integer_option("The number of steps N ≥ 1.")] = 10,
    state_shape: Annotated[str, typer.Option(help="One sample's shape, such as 16 or 3,8,8.")] = "16",
    lipschitz: Annotated[
        float | None, number_option("An upper bound of K, the field's Lipschitz constant, if you know one.")
    ] = None,
    pairs: Annotated[int, integer_option("Pairs of trajectories per perturbation size.")] = 32,
    seed: Annotated[int, integer_option("Seed of states, perturbations and built-in weights.")] = 0,
    arithmetic: Annotated[
        str, typer.Option(help="float: with an allowance for rounding; ball: proofs, slower.")
    ] = "float",
    debug: DebugOption = False,
) -> None:
    """Check measured divergence against its bounds.

    Trajectories start apart by a perturbation; how far they are apart later is bounded by K, the Lipschitz constant of
    the field (its values differ by at most K times the distance of two states), and by μ, which bounds how fast exact
    solutions separate.

    Exit code 1 if an upper bound is violated or a constant refuted; 2 if a method could not be run, or has no upper
    bound, so that nothing is claimed of it; 0 if every bound holds or balls leave it undecided.

    RevNet wants a field on half the state, so your own field is checked under it only when you ask for `revnet`.

    Example: `natrob check`, or `natrob check my_module:MyField --method heun --step-size 0.1 --steps 20
    --state-shape 16`
    """
    with errors_in_one_line():
        from natrob_empirical.command_line.check_command import (
            CheckSettings,
            built_in_field,
            check_method,
            field_shape,
            with_constants,
        )
        from natrob_empirical.command_line.check_display import exit_code_of, print_checks, verdict_of
        from natrob_empirical.command_line.displays import WorkDisplay
        from natrob_empirical.command_line.methods import BUILT_IN
        from natrob_empirical.command_line.user_object import load_field
        from natrob_theory.numbers.argument_checks import require_count, require_positive

        require_positive("--step-size", step_size)
        for option, value, least in (("--steps", steps, 1), ("--pairs", pairs, 1), ("--seed", seed, 0)):
            require_count(option, value, minimum=least)
        settings = CheckSettings(
            step_size=step_size,
            steps=steps,
            state_shape=_shape(state_shape),
            pairs=pairs,
            lipschitz=lipschitz,
            seed=seed,
            arithmetic=_arithmetic(arithmetic),
        )
        own = load_field(field) if field else None
        names = [method] if method else [name for name in BUILT_IN if own is None or name != "revnet"]
        shapes = {name: field_shape(name, settings.state_shape) for name in names}
        rows = []
        refused = {}
        with WorkDisplay("constants of the field") as display:
            fields = {
                shape: with_constants(own or built_in_field(shape, seed), shape, settings)
                for shape in set(shapes.values())
            }
            for number, name in enumerate(names, start=1):
                display.move(f"{name}, method {number} of {len(names)}")
                try:
                    rows.append(check_method(name, fields[shapes[name]], settings))
                except EXPECTED as refusal:
                    if len(names) == 1:
                        raise
                    refused[name] = str(refusal)
        if rows:
            print_checks(rows, settings)
        for name, reason in refused.items():
            errors.print(f"[yellow]{name} was not run:[/yellow] {escape(reason)}")
    code = exit_code_of(verdict_of(row) for row in rows) or (UNUSABLE if refused else 0)
    if code:
        raise typer.Exit(code)


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(integer_of("--state-shape", part.strip(" ")) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"`--state-shape` must be integers such as 16 or 3,8,8, got {text!r}") from error
    if any(size < 1 for size in shape):
        raise ValueError(f"`--state-shape` must hold positive integers, got {text!r}")
    return shape


def _arithmetic(text: str) -> Literal["float", "ball"]:
    if text in ("float", "ball"):
        return text
    raise ValueError(f"`--arithmetic` must be float or ball, got {text!r}{near_names(text, ('float', 'ball'))}")
