"""Verifies the certificates of a file again: hashes, constants and radii are recomputed, none searched for."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, final

import torch
from torch import Tensor, nn

from natrob_empirical.certificate_files.grids import grids_of
from natrob_empirical.certificate_files.hashes import network_sha256, tensor_hash
from natrob_empirical.certification import (
    CertificateConstants,
    certificate_constants,
    native_constants,
    require_radii,
    share_certified,
    verified_radii_at,
)
from natrob_empirical.records.schema import CertificateFile, GridOnFile, HashedTensor
from natrob_theory import LayerRefusedError
from natrob_theory.numbers.argument_checks import require_nonnegative

IMAGES_AT_ONCE = 256

ON_MACHINES: Final = 1e-6
"""An upper constant on file may be by this share below the one computed here, for another machine's rounding."""


class CertificateMismatchError(ValueError):
    """The file speaks of another network, or of other images; the message names what differs."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class CertificateCheck:
    """Holds the findings of a check.

    Attributes:
        file: that was checked.
        constants: as they were recomputed.
        verified: per image, whether its radius was proved again; False where the file certifies nothing.
        unverified: positions of the images whose radius on file was not proved.
        complete: of the verified images those for which every adaptive solve is proved to reach its end; None without
            such solves.
        faults: statements of the file besides the radii that are not so, in words.
    """

    file: CertificateFile
    constants: CertificateConstants
    verified: tuple[bool, ...]
    unverified: tuple[int, ...]
    complete: int | None
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every certificate was proved again, and every statement beside them found true."""
        return not self.unverified and not self.faults

    def accuracy(self, epsilon: float) -> float:
        """The share of images whose label was proved again at this radius."""
        radii = torch.tensor(self.file.radii, dtype=torch.float64) * torch.tensor(self.verified)
        return share_certified(radii, epsilon)


def check_certificates(
    file: CertificateFile,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    network: str | None = None,
    time_limit: float | None = None,
) -> CertificateCheck:
    """Verify every radius of the file by one proof at that radius.

    No number of the file is believed. Hashes of images, labels and network are recomputed first. Constants on balls are
    computed on the stated balls, relaxations bound them once. Branching is repeated within its time limit: a slower
    machine may leave an image unverified, and a longer limit then helps.

    Args:
        file: to be checked.
        model: the network, as for `certified_accuracy`.
        x, y: images and labels, in the order of the file.
        network: `network_sha256` of the network as it is stored; None for that of `model`.
        time_limit: seconds that branching may take for an image; None for those on file.

    Raises:
        CertificateMismatchError: another network, other images or labels, or the same in another order.
        CertificateRefusedError: there is no certificate for this model, or no proof of a route on file.
        ValueError: a route that is not known, or radii beyond the pixel range.
    """
    limit = require_nonnegative("time_limit", file.time_limit if time_limit is None else time_limit)
    _require_same("images", tensor_hash(x), file.images)
    _require_same("labels", tensor_hash(y), file.label_hash)
    _require_same_labels(file.labels, y)
    found = network or network_sha256(model)
    if found != file.network.sha256:
        raise CertificateMismatchError(
            f"the network is another one: its sha256 is {found[:16]}…, that on file {file.network.sha256[:16]}…"
        )
    _require_same_grids(grids_of(model), file.grid)
    require_radii(file.radii, file.norm, x[0].numel(), name="radii")
    shape = (x.shape[1], x.shape[2], x.shape[3])
    constants = certificate_constants(model, shape, precision=file.precision, looked_at=x)
    radii = torch.tensor(file.radii, dtype=torch.float64)
    routes = tuple(file.routes)
    proved = verified_radii_at(constants, x, y, radii, norm=file.norm, routes=routes, time_limit=limit)
    complete = None if proved.complete is None else int((proved.complete & proved.verified).sum())
    return CertificateCheck(
        file=file,
        constants=constants,
        verified=tuple(proved.verified.tolist()),
        unverified=tuple(((radii > 0) & ~proved.verified).nonzero()[:, 0].tolist()),
        complete=complete,
        faults=(*_of_constants(file, constants), *_of_shares(file, constants, x, y)),
    )


def _require_same(what: str, found: HashedTensor, stated: HashedTensor) -> None:
    for name in ("shape", "dtype"):
        here, there = getattr(found, name), getattr(stated, name)
        if here != there:
            raise CertificateMismatchError(f"the {what} are others: {name} {here}, on file {there}")
    if found.sha256 != stated.sha256:
        raise CertificateMismatchError(
            f"the {what} are others, or in another order: their sha256 is {found.sha256[:16]}…, that on file "
            f"{stated.sha256[:16]}…"
        )


def _require_same_labels(stated: list[int], y: Tensor) -> None:
    for place, (there, here) in enumerate(zip(stated, y.tolist(), strict=True)):
        if there != here:
            raise CertificateMismatchError(f"the label of image {place} is {here}, on file {there}")


def _require_same_grids(found: list[GridOnFile], stated: list[GridOnFile]) -> None:
    for here, there in zip_longest(found, stated):
        if here != there:
            part = here or there
            raise CertificateMismatchError(
                f"the grid of part `{part.part}` is another one: {_settings(here)}, on file {_settings(there)}"
            )


def _settings(grid: GridOnFile | None) -> str:
    if grid is None:
        return "none"
    return ", ".join(f"{name} {value}" for name, value in grid.model_dump(exclude_none=True).items())


def _of_constants(file: CertificateFile, constants: CertificateConstants) -> list[str]:
    """Names constants on file that are no upper bounds, as far as is known here."""
    stated = {one.part: one.upper for one in file.constants}
    parts = {name: float(bound) for name, bound in constants.bounds.parts}
    faults = [f"the constant of `{name}` is not of this network" for name in stated if name not in parts]
    faults += [f"the constant of `{name}` is missing" for name in parts if name not in stated]
    if file.norm != "L2" and file.native.upper is not None:
        try:
            native = float(native_constants(constants.model, constants.image_shape, file.norm).features)
            parts[f"features in {file.norm}"], stated[f"features in {file.norm}"] = native, file.native.upper
        except LayerRefusedError as refusal:
            faults.append(f"the constant in {file.norm} on file has no source: {refusal}")
    for name, upper in stated.items():
        if name in parts and not upper >= parts[name] - ON_MACHINES * abs(parts[name]):
            faults.append(f"the constant of `{name}` is {upper!r} on file, and only {parts[name]!r} is proved")
    return faults


def _of_shares(file: CertificateFile, constants: CertificateConstants, x: Tensor, y: Tensor) -> list[str]:
    """Names shares on file that the radii, and the labels of the network, do not bear out."""
    radii = torch.tensor(file.radii, dtype=torch.float64)
    faults = [
        f"the certified accuracy at {point.epsilon!r} is {point.accuracy!r} on file, the radii say {share!r}"
        for point in file.certified
        if (share := share_certified(radii, point.epsilon)) != point.accuracy
    ]
    with torch.no_grad():
        images = x.detach().to(constants.model.head.weight)
        logits = torch.cat([constants.model(some) for some in images.split(IMAGES_AT_ONCE)])
    clean = float(((logits.argmax(dim=1) == y) & ~logits.isnan().any(dim=1)).double().mean())
    if clean != file.clean_accuracy:
        faults.append(f"the clean accuracy is {file.clean_accuracy!r} on file, and {clean!r} here")
    return faults
