"""`natrob certify --check`: what verifying a certificate file again found."""

from typing import Final

from rich import box
from rich.table import Table

from natrob_empirical.certificate_files import CertificateCheck, check_certificates
from natrob_empirical.certification import NOTHING
from natrob_empirical.command_line.attack_subject import AttackSubject
from natrob_empirical.command_line.certify_command import constants_table
from natrob_empirical.command_line.console import console
from natrob_empirical.display.formatting import NORM_SIGNS, format_epsilon, format_share
from natrob_empirical.records.schema import CertificateFile

_BRANCHED: Final = "branch_and_bound"


def checked(file: CertificateFile, subject: AttackSubject, *, time_limit: float | None) -> CertificateCheck:
    """Verify the file against the model and as many images as it speaks of.

    Raises:
        CertificateMismatchError, CertificateRefusedError, ValueError: as `check_certificates`.
    """
    count = len(file.radii)
    return check_certificates(
        file,
        subject.model,
        subject.images[:count],
        subject.labels[:count],
        network=subject.target.network_sha256,
        time_limit=time_limit,
    )


def print_check(found: CertificateCheck, subject: AttackSubject) -> None:
    """The certified accuracy that was proved again, and what was not."""
    file = found.file
    certified, proved = sum(radius > 0 for radius in file.radii), sum(found.verified)
    sign = NORM_SIGNS.get(file.norm, file.norm)
    console.print(
        f"{subject.target.label} ({subject.target.network}) and {len(file.radii)} test images of "
        f"{subject.dataset.name}: the hashes are those on file",
        markup=False,
    )
    table = Table(title=f"proved again, {sign}", box=box.SIMPLE)
    for header in ("ε", "certified accuracy ≥", "kind", "n"):
        table.add_column(header, justify="right", no_wrap=True)
    for point in file.certified:
        share = format_share(found.accuracy(point.epsilon), kind="lower")
        table.add_row(format_epsilon(point.epsilon), share, "lower bound", str(len(file.radii)))
    console.print(table)
    console.print(constants_table(found.constants))
    counts = ", ".join(f"{route}: {file.routes.count(route)}" for route in dict.fromkeys(file.routes))
    console.print(f"proofs by route: {counts} ({NOTHING}: no radius on file)", markup=False)
    console.print(f"arithmetic: {found.constants.arithmetic}.", markup=False)
    if found.complete is not None:
        console.print(f"every adaptive solve is proved to reach its end for {found.complete} of {proved} images")
    for fault in found.faults:
        console.print(f"NOT SO: {fault}", markup=False, soft_wrap=True)
    for place in found.unverified:
        time = (
            "; not within the time that branching had, see --time-limit"
            if file.routes[place].startswith(_BRANCHED)
            else ""
        )
        console.print(
            f"NOT PROVED: image {place}, radius {file.radii[place]!r}, {file.routes[place]}{time}", markup=False
        )
    console.print(f"{proved} of {certified} certificates proved again", markup=False)
