"""Records made up with certificates, margins, amplification and distances image by image."""

import math
import random
from collections.abc import Sequence
from typing import Any, Literal

from synthetic_experiments import attack
from synthetic_records import key, number, record, theory_result

from natrob_empirical.records import CellRecord, SampleAmplification, SampleCertificates, SampleMargins, packed

RADII = (0.0, 0.1, 0.2, 0.3, 0.5)
DISTANCES = (0.0, 0.2, 0.6, 0.7, math.inf)
"""Of five images: one wrong from the start, one never fooled."""


def certificates(
    radii: Sequence[float] = RADII, norm: Literal["L2", "Linf"] = "L2", **changes: Any
) -> SampleCertificates:
    fields = {"method": "global", "norm": norm, "images": len(radii), "radii": packed(radii)}
    return SampleCertificates.model_validate(fields | changes)


def certified_theory(
    model: str = "A", *, network: str = "euler", preset: str = "certified-tiny", dataset: str = "digits",
    radii: Sequence[float] = RADII, **changes: Any,
) -> CellRecord:  # fmt: skip
    fields = {"certificates": [certificates(radii)], "certified": (), **changes}
    cell = key(model, preset=preset, dataset=dataset, network=network, training="standard")
    return record(cell, theory_result(**fields))


def letters_at(distances: Sequence[float], epsilon: float) -> str:
    """What a search without a radius says of one."""
    return "".join("w" if d == 0 else "f" if d <= epsilon else "k" for d in distances)


def attacked(
    model: str = "A", *, label: str = "FAB", epsilon: float = 0.6, distances: Sequence[float] = DISTANCES,
    network: str = "euler", norm: str = "L2", preset: str = "certified-tiny", kind: str = "FAB", **changes: Any,
) -> CellRecord:  # fmt: skip
    return attack(
        model, network, label, epsilon, 0.0, preset=preset, dataset="digits", norm=norm, n=len(distances), kind=kind,
        letters=letters_at(distances, epsilon), distances=packed(distances), settings={"model": {"label": model}},
        **changes,
    )  # fmt: skip


def explained(n: int = 120, *, seed: int = 0, model: str = "A", growth_matters: bool = False) -> list[CellRecord]:
    """A model whose margins decide which images are fooled, and whose amplification does so only if asked for."""
    draw = random.Random(seed)
    margins = [draw.uniform(0.1, 2.0) for _ in range(n)]
    growth = [draw.uniform(1.0, 3.0) for _ in range(n)]
    distances = [0.3 * (1 / g if growth_matters else m) for m, g in zip(margins, growth, strict=True)]
    middle = sorted(distances)[n // 2]
    amplification = SampleAmplification(
        positions=" ".join(map(str, range(n))),
        perturbations="r" * (n // 2) + "f" * (n - n // 2),
        distances=packed([0.5] * n),
        trunk=packed(growth),
        features=packed(growth),
    )
    theory = certified_theory(
        model,
        radii=[0.01 * m for m in margins],
        margins=SampleMargins(
            logits=packed([m * (1 + 0.2 * (i % 3)) for i, m in enumerate(margins)]), normalised=packed(margins)
        ),
        amplification=amplification,
        trunk_lipschitz_lower=number(2.0, "lower", 16),
    )
    epsilons = (0.1 * middle, middle, 3 * middle)
    return [theory, *(attacked(model, epsilon=epsilon, distances=distances) for epsilon in epsilons)]
