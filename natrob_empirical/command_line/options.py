"""Options that several commands share, and what their texts mean."""

from pathlib import Path
from typing import Annotated

import typer

from natrob_empirical.command_line.known_names import EXPERIMENT_PRESETS, EXPERIMENTS, OVERVIEW_PRESETS
from natrob_empirical.command_line.plain_command import integer_option, number_option
from natrob_empirical.command_line.plain_numbers import number_of, numbers_of
from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.norms import CertificateNorm, Norm

DataRootOption = Annotated[
    Path | None, typer.Option(help="Folder of the data sets; by default NATROB_DATA, else the user cache.")
]
DeviceOption = Annotated[str, typer.Option(help="Where to compute: cpu, cuda or cuda:N.")]
TargetArgument = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT",
        help="HASH.pt in the output folder of `natrob train`, or in checkpoints of that of `natrob bench`; or your own "
        "model as module:factory from the current folder.",
    ),
]
TargetDataOption = Annotated[
    str | None,
    typer.Option(
        help="A data set's name, or your arrays as file.npz, of which test_x and test_y are enough (`natrob datasets` "
        "says what they hold); by default what the checkpoint was trained on."
    ),
]
EpsilonOption = Annotated[
    list[str], typer.Option(help="Radius as fraction or decimal, pixels being in [0, 1]; several with commas or again.")
]
NormOption = Annotated[str, typer.Option(help="The norm of the radius: linf or l2.")]
ImagesOption = Annotated[int | None, integer_option("The first so many test images; by default all.")]
StepsOption = Annotated[int | None, integer_option("Steps of an iterated attack; by default the attack's own.")]
StepSizeOption = Annotated[
    str | None, typer.Option(help="Length of a step as fraction or decimal, where the attack has one.")
]
RestartsOption = Annotated[int | None, integer_option("Independent runs, where the attack has them.")]
AverageOption = Annotated[
    int | None, integer_option("Attack the mean of so many answers of a model whose answers are random.")
]

ExperimentArgument = Annotated[
    str | None,
    typer.Argument(help=f"A figure or table of the paper, one of: {', '.join(EXPERIMENTS)}; by default the overview."),
]
PresetOption = Annotated[
    str,
    typer.Option(
        help=f"Of the overview: {', '.join(OVERVIEW_PRESETS)}; of a figure or table: {', '.join(EXPERIMENT_PRESETS)}."
    ),
]
OutputOption = Annotated[Path | None, typer.Option(help="Output folder; by default output/PRESET.")]
ModelsOption = Annotated[
    Path | None,
    typer.Option(help="Folder of trained models; figures that share it train their common models once."),
]
WorkersOption = Annotated[
    int | None,
    integer_option(
        "Processes that run models side by side on a CPU; by default as many as there are cores if the models are "
        "small, on one thread each, else one."
    ),
]
MinutesOption = Annotated[
    float | None,
    number_option("Stop after so many minutes, with exit code 4 if cells are left; the same command goes on."),
]
DataOption = Annotated[
    str | None, typer.Option(help="A data set's name, or your arrays as file.npz; by default the preset's.")
]

_NORMS: dict[str, Norm] = {"linf": "Linf", "l2": "L2"}
_CERTIFICATE_NORMS: dict[str, CertificateNorm] = {"linf": "Linf", "l2": "L2", "l1": "L1"}


def certificate_norm_named(text: str) -> CertificateNorm:
    """The norm of this name, L1 among them. Raises ValueError, with near names, if there is none."""
    if text.lower() not in _CERTIFICATE_NORMS:
        raise unknown_name("norm", text, _CERTIFICATE_NORMS)
    return _CERTIFICATE_NORMS[text.lower()]


def norm_named(text: str) -> Norm:
    """The norm of this name. Raises ValueError, with near names, if there is none."""
    if text.lower() not in _NORMS:
        raise unknown_name("norm", text, _NORMS)
    return _NORMS[text.lower()]


def epsilons_of(texts: list[str], norm: CertificateNorm) -> list[float]:
    """The radii in the order given, each once: "8/255", "0.03", "2/255,8/255".

    Raises:
        ValueError: a text that is no number of at least 0, or an L∞ radius above 1, which every image lies within.
    """
    numbers = numbers_of("--epsilon", texts)
    for part, epsilon in numbers:
        if epsilon < 0:
            raise ValueError(f"`--epsilon` must be at least 0, got {part!r}")
        if norm == "Linf" and epsilon > 1:
            raise ValueError(
                f"`--epsilon` must be at most 1 in L∞, pixels being in [0, 1], got {part!r}; 8/255 perhaps?"
            )
    return list(dict.fromkeys(epsilon for _, epsilon in numbers))


def attack_settings(
    *, steps: int | None = None, step_size: str | None = None, restarts: int | None = None, queries: int | None = None
) -> dict[str, int | float]:
    """The settings that were given, by the names of the attacks' own arguments.

    Raises:
        ValueError: `step_size` is no number.
    """
    size = None if step_size is None else number_of("--step-size", step_size)
    values = {"steps": steps, "step_size": size, "restarts": restarts, "queries": queries}
    return {name: value for name, value in values.items() if value is not None}
