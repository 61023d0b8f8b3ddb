"""`natrob certify`: certified accuracy of one model at one or more radii, a lower bound that no attack can break."""

import csv
import io
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import final

from rich import box
from rich.table import Table

from natrob_empirical.certificate_files import certificate_file, radii_to_write, write_certificates
from natrob_empirical.certification import (
    CertificateConstants,
    CertificateMethod,
    CertifiedAccuracy,
    Precision,
    certificate_constants,
    certified_with,
)
from natrob_empirical.command_line.attack_subject import AttackSubject
from natrob_empirical.command_line.console import console
from natrob_empirical.command_line.displays import SearchDisplay
from natrob_empirical.display.formatting import NORM_SIGNS, format_budget, format_epsilon, format_number, format_share
from natrob_empirical.files.atomic_file import require_writable, write_or_rescue
from natrob_empirical.files.sole_writer import lock_of_file, sole_writer
from natrob_empirical.norms import CertificateNorm
from natrob_empirical.records.schema import CertificateFile


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Certification:
    """One run of the command: what was certified, the constants it rests on, the seconds each part took and might."""

    subject: AttackSubject
    constants: CertificateConstants
    result: CertifiedAccuracy
    constants_seconds: float
    certification_seconds: float
    time_limit: float


def certification(
    subject: AttackSubject,
    radii: list[float],
    *,
    norm: CertificateNorm,
    method: CertificateMethod,
    precision: Precision,
    time_limit: float,
) -> Certification:
    """Certify the subject, with a progress bar on standard error; `time_limit` as of `certified_accuracy`.

    Raises:
        CertificateRefusedError, ValueError: as `certified_accuracy`.
    """
    with SearchDisplay(method) as display:
        started = time.perf_counter()
        constants = certificate_constants(
            subject.model, subject.dataset.image_shape, precision=precision, looked_at=subject.images
        )
        known = time.perf_counter()
        result = certified_with(
            constants,
            subject.images,
            subject.labels,
            radii,
            norm=norm,
            method=method,
            time_limit=time_limit,
            progress=display.show,
            finished=_announced(display, norm) if len(radii) > 1 else None,
        )
        return Certification(
            subject=subject,
            constants=constants,
            result=result,
            constants_seconds=known - started,
            certification_seconds=time.perf_counter() - known,
            time_limit=time_limit,
        )


def _announced(display: SearchDisplay, norm: CertificateNorm) -> Callable[[float, float], None]:
    """Prints the certified accuracy at a radius as soon as it is known."""

    def announce(epsilon: float, accuracy: float) -> None:
        display.print_result(
            f"{format_budget(norm, epsilon)}: certified accuracy ≥ {format_share(accuracy, kind='lower')}"
        )

    return announce


def make_folder_of(output: Path) -> None:
    """Before anything is computed. Raises OSError if the file cannot be written."""
    require_writable(output.parent)
    if output.is_dir():
        raise IsADirectoryError(f"`--output` must be a file, got the folder {output}")
    output.parent.mkdir(parents=True, exist_ok=True)


def writing_alone(output: Path | None) -> AbstractContextManager[None]:
    """The output file is this run's alone. Entering raises InUseError where another run has it."""
    return nullcontext() if output is None else sole_writer(lock_of_file(output), what=f"the output file {output}")


def print_certification(done: Certification) -> None:
    """Clean accuracy, certified accuracy per radius, the constants with their sources, the arithmetic, the time."""
    result, subject = done.result, done.subject
    n = len(result.radii)
    console.print(
        f"{subject.target.label} ({subject.target.network}) on {n} test images of {subject.dataset.name}",
        markup=False,
    )
    console.print(f"clean accuracy {format_share(result.clean_accuracy)}, n = {n}")
    sign = NORM_SIGNS.get(result.norm, result.norm)
    table = Table(title=f"certified, {sign}, method {result.method}", box=box.SIMPLE)
    undecided = [] if result.undecided is None else ["undecided"]
    for header in ("ε", "certified accuracy ≥", "kind", "n", *undecided):
        table.add_column(header, justify="right", no_wrap=True)
    for place, (epsilon, accuracy) in enumerate(zip(result.epsilons, result.accuracies, strict=True)):
        counts = [str(n)] if result.undecided is None else [str(n), str(result.undecided[place])]
        table.add_row(format_epsilon(epsilon), format_share(accuracy, kind="lower"), "lower bound", *counts)
    console.print(table)
    console.print(constants_table(done.constants))
    for text in _native_words(result):
        console.print(text, markup=False)
    for text in (
        "certified accuracy: a LOWER bound of the robust accuracy on these images. Their labels hold for every "
        "perturbation of norm at most ε, whatever attack looks for one.",
        "constants: how much each part can stretch a difference. The trunk is the integrator inside the model, between "
        "the stem (its first layers) and the head; the field is what it integrates; features are what the head sees.",
        f"arithmetic: {result.arithmetic}.",
        f"time: constants {done.constants_seconds:.2f} s, images {done.certification_seconds:.2f} s",
    ):
        console.print(text, markup=False)


def _native_words(result: CertifiedAccuracy) -> list[str]:
    """Says which way the radii of a norm other than L2 were found, and how often."""
    if result.norm == "L2":
        return []
    sign = NORM_SIGNS.get(result.norm, result.norm)
    counted = ", ".join(f"{route}: {result.routes.count(route)}" for route in dict.fromkeys(result.routes))
    words = [f"radii by route: {counted} of {len(result.routes)} images"]
    if result.native_lipschitz is not None:
        number = format_number(float(result.native_lipschitz), kind="upper", digits=8)
        words.append(f"features in {sign} itself: at most {number}, {result.native_lipschitz.source}")
    elif result.native_refusal:
        words.append(f"no constant in {sign} itself: {result.native_refusal}")
    return words


def constants_table(constants: CertificateConstants) -> Table:
    """Each part's upper constant with its source."""
    table = Table(title="upper Lipschitz constants, L2, on all inputs", box=box.SIMPLE)
    table.add_column("part", no_wrap=True)
    table.add_column("≤", justify="right", no_wrap=True)
    table.add_column("source")
    for name, bound in constants.bounds.parts:
        table.add_row(name, format_number(float(bound), kind="upper", digits=8), bound.source)
    return table


def write_radii(done: Certification, output: Path) -> None:
    """The radius of every image; in JSON with all that it takes to verify it again."""
    labels, radii = done.subject.labels.tolist(), radii_to_write(done.result)
    if output.suffix == ".csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["image", "label", "radius"])
        writer.writerows(
            (position, label, radius) for position, (label, radius) in enumerate(zip(labels, radii, strict=True))
        )
        write_or_rescue(output, buffer.getvalue().encode(), what="the radii")
    else:
        write_certificates(_file_of(done), output)
    console.print(f"radii: {output}", markup=False, soft_wrap=True)


def _file_of(done: Certification) -> CertificateFile:
    """The certificates as a file that `--check` verifies again."""
    subject = done.subject
    return certificate_file(
        subject.model,
        subject.images,
        subject.labels,
        done.constants,
        done.result,
        time_limit=done.time_limit,
        network=subject.target.network_sha256,
        subject=subject.identity,
    )
