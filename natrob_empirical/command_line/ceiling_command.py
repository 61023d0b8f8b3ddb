"""The work of `natrob ceiling`: which images, at which radii, and how the ceilings are shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch
from rich import box
from rich.table import Table
from torch import Tensor

from natrob_empirical.ceiling import Branching, Ceiling, CeilingNorm, UpperCertificate, robustness_ceilings
from natrob_empirical.command_line.console import console
from natrob_empirical.command_line.device_and_data import dataset_named
from natrob_empirical.command_line.displays import WorkDisplay
from natrob_empirical.command_line.options import epsilons_of
from natrob_empirical.command_line.plain_numbers import numbers_of
from natrob_empirical.display.formatting import NORM_SIGNS, format_epsilon, format_number, format_share
from natrob_empirical.names.near_names import unknown_name

_NORMS: Final[dict[str, CeilingNorm]] = {"linf": "Linf", "l2": "L2", "l1": "L1"}
_RADII: Final[dict[CeilingNorm, tuple[float, ...]]] = {
    "Linf": (0.1, 0.2, 0.3, 0.4, 0.49, 0.5),
    "L2": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0),
    "L1": (1.0, 2.0, 4.0, 8.0),
}


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenImages:
    """Images with their labels.

    Attributes:
        title: of the data set, with the part in words.
        images: pixels in [0, 1].
        labels: of the images.
    """

    title: str
    images: Tensor
    labels: Tensor


def norm_of_ceiling(text: str) -> CeilingNorm:
    """The norm of this name. Raises ValueError, with near names, if there is none."""
    if text.lower() not in _NORMS:
        raise unknown_name("norm", text, _NORMS)
    return _NORMS[text.lower()]


def radii_of(texts: list[str] | None, norm: CeilingNorm) -> list[float]:
    """The radii asked for, each once, or some of the norm. Raises ValueError as `epsilons_of`."""
    if not texts:
        return list(_RADII[norm])
    if norm != "L1":
        return epsilons_of(texts, norm)
    found = numbers_of("--epsilon", texts)
    for part, epsilon in found:
        if epsilon < 0:
            raise ValueError(f"`--epsilon` must be at least 0, got {part!r}")
    return list(dict.fromkeys(epsilon for _, epsilon in found))


def chosen_images(
    data: str, *, part: str, parts: Sequence[str], count: int | None, data_root: Path | None
) -> ChosenImages:
    """Loads the data set and takes the images of a part, or the first of them.

    Raises:
        ValueError: there is no such part, no image in it, or fewer than `count`.
    """
    if part not in parts:
        raise unknown_name("part", part, parts)
    dataset = dataset_named(data, data_root)
    pieces = {"train": (dataset.train_x, dataset.train_y), "test": (dataset.test_x, dataset.test_y)}
    taken = [pieces[name] for name in (("train", "test") if part == "all" else (part,))]
    stored, labels = torch.cat([images for images, _ in taken]), torch.cat([labels for _, labels in taken])
    if len(stored) == 0:
        raise ValueError(f"`--part` must name images that are there, got {part!r}, and {dataset.name} has none")
    if count is not None and not 1 <= count <= len(stored):
        raise ValueError(f"`--images` must be from 1 to {len(stored)}, the images there are, got {count}")
    kind = {"test": "test images", "train": "training images", "all": "training and test images"}[part]
    number = len(stored) if count is None else count
    title = f"{number:,} {kind} of {dataset.title}"
    return ChosenImages(title=title, images=dataset.to_images(stored[:number]), labels=labels[:number])


def measured_ceilings(chosen: ChosenImages, radii: list[float], *, norm: CeilingNorm) -> tuple[Ceiling, ...]:
    """The ceilings, with a bar on standard error."""
    with WorkDisplay("conflicts and covers"):
        return robustness_ceilings(chosen.images, chosen.labels, radii, norm=norm)


def print_ceilings(chosen: ChosenImages, found: Sequence[Ceiling]) -> None:
    """A row a radius, then the nearest pair, equal images, and what the numbers mean."""
    first = found[0]
    console.print(chosen.title, markup=False)
    table = Table(title=f"ceiling, {NORM_SIGNS.get(first.norm, first.norm)}", box=box.SIMPLE)
    for header in ("ε", "ceiling ≤", "at most", "at least", "conflicts"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("exact", no_wrap=True)
    table.add_column("method")
    for each in found:
        table.add_row(
            format_epsilon(each.epsilon), format_share(each.value, kind="upper"), f"{each.most:,}",
            f"{len(each.robust):,}", f"{each.conflicts:,}", "yes" if each.attained else "no", each.method,
        )  # fmt: skip
    console.print(table)
    for text in _notes(found):
        console.print(text, markup=False)


def _notes(found: Sequence[Ceiling]) -> list[str]:
    """The facts that a reader of these numbers must know."""
    first = found[0]
    nearest = min((each.witnesses[0] for each in found if each.witnesses), key=lambda pair: pair.distance, default=None)
    notes = []
    if first.classes == 1:
        notes.append("one class: a single label occurs, so that nothing conflicts and the ceiling is 1.")
    if first.equal_images:
        notes.append(f"equal images: {first.equal_images:,} pairs of equal images have different labels (distance 0).")
    if nearest is not None:
        notes.append(
            f"nearest conflict: images {nearest.first} and {nearest.second}, {format_number(nearest.distance)} apart."
        )
    undecided = max(each.undecided for each in found)
    if undecided:
        notes.append(f"ties: rounding leaves up to {undecided:,} pairs open; they do not lower the ceiling.")
    left_out = max(each.left_out for each in found)
    if left_out:
        notes.append(f"too many: up to {left_out:,} conflicts were left out, which only raises the ceiling.")
    notes.append("images: at most so many are robust at once, and some classifier keeps at least so many.")
    notes.append(
        "ceiling: an UPPER bound of the robust and the certified accuracy of every deterministic classifier that "
        "looks at one image at a time. An accuracy under attack above it proves the attack weak."
    )
    return notes


def to_json(chosen: ChosenImages, found: Sequence[Ceiling]) -> str:
    """The ceilings with their certificates."""
    content = {"images": chosen.title, "ceilings": [_described(each) for each in found]}
    return json.dumps(content, ensure_ascii=False)


def _described(ceiling: Ceiling) -> dict[str, Any]:
    return {
        "norm": ceiling.norm,
        "epsilon": ceiling.epsilon,
        "ceiling": ceiling.value,
        "kind": ceiling.kind,
        "images": ceiling.images,
        "robust_at_most": ceiling.most,
        "robust_at_least": len(ceiling.robust),
        "exact": ceiling.attained,
        "method": ceiling.method,
        "classes": ceiling.classes,
        "conflicts": ceiling.conflicts,
        "undecided": ceiling.undecided,
        "left_out": ceiling.left_out,
        "equal_images": ceiling.equal_images,
        "witnesses": [[pair.first, pair.second, pair.distance] for pair in ceiling.witnesses],
        "robust_images": list(ceiling.robust),
        "cover": _certificate(ceiling.cover),
    }


def _certificate(cover: UpperCertificate) -> dict[str, Any]:
    """A cover with its cliques, or the two cases of a vertex."""
    if isinstance(cover, Branching):
        return {"vertex": cover.vertex, "inside": _certificate(cover.inside), "outside": _certificate(cover.outside)}
    cliques = [[numerator, *clique] for numerator, clique in zip(cover.numerators, cover.cliques, strict=True)]
    return {"denominator": cover.denominator, "cliques": cliques}
