"""`natrob doctor`: the machine and the versions, and whether solves run in C++."""

from typing import Annotated

import typer

from natrob_empirical.command_line.console import console, errors_in_one_line
from natrob_empirical.runs.work_watch import current_watch


def doctor(
    build: Annotated[bool, typer.Option("--build", help="Build the C++ loop first, where a compiler is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Say on what natrob runs here: versions, device, threads, compiler, and whether solves run in C++.

    Example: `natrob doctor --build`
    """
    with errors_in_one_line():
        from natrob_empirical.command_line.doctor_facts import doctor_facts

        watch = current_watch()
        if build and watch is not None:
            watch.begin_stage("building the C++ loop")
        facts = doctor_facts(build=build)
        if as_json:
            console.print_json(data=facts)
            return
        width = max(map(len, facts))
        for name, value in facts.items():
            console.print(f"{name:{width}}  {value}", markup=False, soft_wrap=True)
