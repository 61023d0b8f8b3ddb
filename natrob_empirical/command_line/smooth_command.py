"""The work of `natrob smooth`, and how its results are shown so that nobody takes them for certificates."""

from rich import box
from rich.table import Table

from natrob_empirical.certificate_files import smoothing_file
from natrob_empirical.command_line.attack_subject import AttackSubject
from natrob_empirical.command_line.console import console
from natrob_empirical.command_line.displays import SmoothingDisplay
from natrob_empirical.display.formatting import format_epsilon, format_number, format_share
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records.schema import SmoothingFile
from natrob_empirical.smoothing import SmoothedAccuracy, randomised_smoothing


def smoothing(
    subject: AttackSubject,
    radii: list[float],
    *,
    sigma: float,
    samples_select: int,
    samples_estimate: int,
    failure_probability: float,
    batch_size: int,
    seed: int,
) -> SmoothedAccuracy:
    """The smoothed classifier's accuracies, with a bar on standard error. Raises as `randomised_smoothing`."""
    with SmoothingDisplay(len(subject.images)) as display:
        return randomised_smoothing(
            subject.model,
            subject.images,
            subject.labels,
            radii,
            sigma=sigma,
            samples_select=samples_select,
            samples_estimate=samples_estimate,
            failure_probability=failure_probability,
            batch_size=batch_size,
            generator=RandomStreams(seed).generator("smoothing"),
            progress=display.show,
        )


def print_smoothing(subject: AttackSubject, result: SmoothedAccuracy) -> None:
    """A row a radius, and what the numbers are not."""
    n = len(result.radii)
    console.print(
        f"{subject.target.label} ({subject.target.network}) on {n} test images of {subject.dataset.name}", markup=False
    )
    clean = format_share(result.clean_accuracy)
    console.print(f"smoothed classifier: {clean} labelled correctly, {result.abstentions} abstained from, n = {n}")
    table = Table(title="randomised smoothing, L2, no certificate", box=box.SIMPLE)
    for header in ("ε", "smoothed accuracy ≥", "with probability", "n"):
        table.add_column(header, justify="right", no_wrap=True)
    for epsilon, accuracy in zip(result.epsilons, result.accuracies, strict=True):
        each = f"1 − {result.failure_probability:g} an image"
        table.add_row(format_epsilon(epsilon), format_share(accuracy, kind="lower"), each, str(n))
    console.print(table)
    console.print(
        f"largest radius that {result.samples_estimate:,} noisy copies can give: "
        f"{format_number(result.largest_radius, kind='lower')}",
        markup=False,
    )
    console.print(f"{result.statement}.", markup=False)


def file_of(subject: AttackSubject, result: SmoothedAccuracy, seed: int) -> SmoothingFile:
    """All that is known of every image, and what kind of number a radius is."""
    return smoothing_file(
        subject.model,
        subject.images,
        subject.labels,
        result,
        seed=seed,
        network=subject.target.network_sha256,
        subject=subject.identity,
    )
