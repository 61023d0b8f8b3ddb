"""Records, runs and proofs made up for tests: small enough that a reader can check every number by hand.

A builder takes the names of the cell's key (`preset`, `dataset`, `network`, `training`, `seed`), `settings` and
`created`, and gives all other names to the result.
"""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from natrob_empirical.claims import Evidence
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.proofs import ProofOutcome, ProofVerdict, by_path
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import (
    AttackResult,
    BoundCheckSummary,
    CeilingPoint,
    CellKey,
    CellRecord,
    CertifiedPoint,
    Curve,
    Environment,
    FieldGrowth,
    Number,
    RecordStore,
    SampleCertificates,
    StepSizePoint,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
    VacuityPoint,
    packed,
)

IMAGES, PAIRS = 200, 64
RESNET, ODE = "ResNet-50, width 16", "Neural ODE, 16 channels"
ENVIRONMENT = Environment(
    natrob="0.1.0", python="3.11.7", torch="2.11.0", torchvision="0.26.0", torchdiffeq="0.2.5",
    platform="Linux x86_64", hardware="Imaginary CPU, 2 cores", device="cpu", threads=2, commit="0123456789ab",
    created="2026-01-02T03:04:05+00:00",
)  # fmt: skip
Kind = Literal["lower", "upper", "estimate", "measured"]


def number(value: float, kind: Kind = "measured", n: int | None = IMAGES, source: str = "made up") -> Number:
    return Number(value=value, kind=kind, n=n, source=source)


def power(base: float, exponent: float) -> float:
    """base^exponent, ∞ where it overflows."""
    return math.exp(exponent * math.log(base)) if exponent * math.log(base) < 700 else math.inf


def letters(share: float, n: int = IMAGES, *, wrong: float = 0.05, seed: int | None = None) -> str:
    """n outcomes with round(share·n) kept; attacks are nested, and every twenty images alike.

    With a `seed` the images are fooled in an order of their own.
    """
    order = sorted(range(n), key=lambda image: (7 * image % 20, image))
    if seed is not None:
        random.Random(seed).shuffle(order)
    fooled, missed = n - round(share * n), round(min(wrong, 1 - share) * n)
    found = ["k"] * n
    for rank, image in enumerate(order[:fooled]):
        found[image] = "w" if rank < missed else "f"
    return "".join(found)


def cell_record(kind: type, model: str, fields: Mapping[str, Any], changes: dict[str, Any]) -> CellRecord:
    """A record whose result is of this kind, its fields replaced by the changes that are no part of the key."""
    place = {"preset": "quick", "dataset": "digits", "network": "euler", "training": "standard", "seed": 0}
    place |= {name: changes.pop(name) for name in CellKey.model_fields if name in changes}
    cell = CellKey.model_validate({"model": model, **place})
    settings = {
        "model": {"label": model, "network": cell.network},
        "training": {"method": {"name": cell.training}},
        "data": {"name": cell.dataset, "test_images": IMAGES},
        "seed": cell.seed,
        **changes.pop("settings", {}),
    }
    environment = ENVIRONMENT.model_copy(update={"created": changes.pop("created", ENVIRONMENT.created)})
    result = kind.model_validate({**fields, **changes})
    return CellRecord(cell=cell, settings=settings, environment=environment, result=result)


def theory(
    model: str = "A", *, lipschitz: float = 3.0, step_size: float | None = 0.2, steps: int = 5, clean: float = 0.95,
    violations: int = 0, vacuous_from: float = 0.1, certified: Sequence[tuple[str, float, float]] = (),
    radii: Sequence[float] = (), norm: str = "L2", **changes: Any,
) -> CellRecord:  # fmt: skip
    """A theory cell.

    Args:
        model: its label.
        lipschitz, step_size, steps, clean: K, h, N and the clean accuracy; all bounds follow from them.
        violations: of the bound from K.
        vacuous_from: the L∞ radius from which on the bound says nothing.
        certified: (norm, ε, share).
        radii, norm: certified image by image.
        changes: of the key, the settings and the result.
    """
    h = 0.2 if step_size is None else step_size
    growth = power(1 + h * lipschitz, steps)
    curve = {"times": [h * step for step in range(steps + 1)], "values": [1 + 0.1 * step for step in range(steps + 1)]}
    fields = {
        "parameters": 12_345,
        "step_size": step_size,
        "num_steps": steps,
        "total_time": h * steps,
        "evaluations": steps,
        "train_accuracy": number(0.99, n=1000),
        "clean_accuracy": number(clean),
        "training_seconds": 1.5,
        "field_lipschitz_upper": number(lipschitz, "upper", None),
        "field_lipschitz_lower": number(lipschitz / 4, "lower", 48),
        "stem_lipschitz_upper": number(2.0, "upper", None),
        "growth_bound": number(growth, "upper", None, "(1 + hK)^n"),
        "exponential_bound": number(power(math.e, h * steps * lipschitz), "upper", None),
        "feature_lipschitz_upper": number(2 * growth, "upper", None),
        "measured_growth_median": number(min(1.1, growth), n=PAIRS),
        "measured_growth_largest": number(min(1.3, growth), n=PAIRS),
        "feature_diameter": number(5.0, "lower"),
        "bound_checks": [
            bound_check("secant constants of each pair", steps=steps, worst_ratio=0.97),
            bound_check("upper K of the field", steps=steps, violations=violations),
        ],
        "curves": [Curve(label="measured growth, largest", kind="measured", n=PAIRS, **curve)],
        "vacuity": [
            VacuityPoint(norm="Linf", epsilon=e, displacement_bound=2 * growth * e, vacuous=e >= vacuous_from)
            for e in (0.05, 0.1, 0.5)
        ],
        "certified": [
            CertifiedPoint.model_validate({"norm": ball, "epsilon": epsilon, "accuracy": number(share, "lower")})
            for ball, epsilon, share in certified
        ],
        "certificates": [certificate(radii, norm)] if radii else [],
    }
    return cell_record(TheoryResult, model, fields, changes)


def bound_check(constant: str, *, steps: int = 5, **changes: Any) -> BoundCheckSummary:
    fields = {"constant": constant, "kind": "upper", "pairs": PAIRS, "comparisons": PAIRS * steps, "violations": 0,
              "worst_ratio": 0.61, "rounding": "float64 with allowance, c = 4"}  # fmt: skip
    return BoundCheckSummary.model_validate(fields | changes)


def certificate(radii: Sequence[float], norm: str = "L2", **changes: Any) -> SampleCertificates:
    """Radii image by image, or a refusal."""
    fields = {"method": "global", "norm": norm, "images": len(radii), "radii": packed(radii)}
    return SampleCertificates.model_validate(fields | changes)


def theory_refusal(model: str = "A", *, reason: str = "no bound for this layer", **changes: Any) -> CellRecord:
    fields = {"parameters": 12_345, "train_accuracy": number(0.99, n=1000), "clean_accuracy": number(0.95),
              "training_seconds": 1.5, "reason": reason}  # fmt: skip
    return cell_record(TheoryRefusal, model, fields, changes)


def attack(
    model: str = "A", label: str = "PGD-40", epsilon: float = 0.1, left: float | str = 0.5, *, norm: str = "Linf",
    n: int = IMAGES, kind: str = "", source: str | None = None, steps: int | None = None,
    distances: Sequence[float] = (), **changes: Any,
) -> CellRecord:  # fmt: skip
    """An attack cell.

    Args:
        model: its label.
        label, epsilon, norm: the attack and its budget.
        left: the outcomes, or the share of n images that is kept, nested over attacks.
        n: images, where `left` is a share.
        kind: the attack's class, the label's first word unless told.
        source: the model that the images were made on.
        steps: in the attack's settings.
        distances: image by image; with them the outcomes follow, and `left` counts for nothing.
        changes: of the key, the settings and the result; `outcomes=""` leaves the outcomes out.
    """
    found = left if isinstance(left, str) else letters(left, n)
    if distances:
        found = "".join("w" if d == 0 else "f" if d <= epsilon else "k" for d in distances)
    own = {"attack": kind or re.split("[- ]", label, maxsplit=1)[0], "norm": norm, "epsilon": epsilon, "steps": steps,
           "source": source, "images": len(found)}  # fmt: skip
    changes["settings"] = {"attack": own, **changes.pop("settings", {})}
    fields = {
        "accuracy": number(found.count("k") / len(found), "upper", len(found), label),
        "clean_accuracy": number(1 - found.count("w") / len(found), n=len(found)),
        "majority_share": 0.11,
        "largest_distance": epsilon,
        "mean_queries": 22.0,
        "mean_gradient_calls": 20.0,
        "seconds": 0.4,
        "outcomes": found,
        "distances": packed(distances),
    }
    return cell_record(AttackResult, model, fields, {"attack": label, "norm": norm, "epsilon": epsilon, **changes})


def sweep(*fields: FieldGrowth, **changes: Any) -> CellRecord:
    """The sweep over step sizes."""
    found = {"total_time": 2.0, "dimension": 4, "fields": list(fields or (field_growth(),)), "seconds": 1.0}
    return cell_record(StepSizeResult, "Step size against growth", found, {"training": "none", **changes})


def field_growth(
    label: str = "skew", *, one_sided: float = 0.0, found: float = 0.9, lipschitz: float = 2.0
) -> FieldGrowth:
    """Growth over T = 2 at h = 2, 1, 1/2, 1/4; what was found is this share of the bound from (μ, K)."""
    points = []
    for steps in (1, 2, 4, 8):
        h = 2.0 / steps
        both = (1 + 2 * h * one_sided + (h * lipschitz) ** 2) ** (steps / 2)
        points.append(
            StepSizePoint(
                step_size=h,
                num_steps=steps,
                measured=number(found * both, "lower", 8),
                from_lipschitz=number((1 + h * lipschitz) ** steps, "upper", None),
                from_one_sided=number(both, "upper", None),
                from_gradient_flow=number(2 * both, "upper", None) if label == "gradient flow" else None,
            )
        )
    return FieldGrowth(
        label=label,
        lipschitz_lower=number(lipschitz, "lower", 8),
        lipschitz_upper=number(lipschitz, "upper", None),
        one_sided_lower=number(one_sided - 0.1, "lower", 8),
        one_sided_upper=number(one_sided, "upper", None),
        exact_flow=number(math.exp(2 * one_sided), "upper", None),
        points=points,
    )


def table_1(*, ode_fgsm: float = 0.8, ode_strong: float = 0.05, resnet: float = 0.1, **place: Any) -> list[CellRecord]:
    """ResNet-50 and the Neural ODE: FGSM leaves the ODE much, AutoAttack on half of the images does not."""
    place = {"preset": "table1-cpu", "dataset": "mnist", **place}
    found: list[CellRecord] = []
    for model, other, network, fgsm, strong in (
        (RESNET, ODE, "resnet50", resnet + 0.1, resnet),
        (ODE, RESNET, "neural_ode", ode_fgsm, ode_strong),
    ):
        own = {"network": network, **place}
        found.append(theory(model, step_size=1.0 if network == "resnet50" else None, **own))
        for epsilon, share in ((0.2, 1.0), (0.5, 0.9)):
            found += [
                attack(model, "FGSM", epsilon, fgsm * share, **own),
                attack(model, "PGD-40", epsilon, 0.5 * fgsm * share, steps=40, **own),
                attack(model, f"PGD-40 from {other.split(',')[0]}", epsilon, 0.4, source=other, steps=40, **own),
                attack(model, "AutoAttack", epsilon, strong * share, n=IMAGES // 2, **own),
            ]
    return found


def ceiling(epsilon: float, most: int, *, images: int = IMAGES, norm: str = "Linf") -> CeilingPoint:
    """At most so many of the first images are robust at this radius."""
    fields = {"norm": norm, "epsilon": epsilon, "images": images, "most": most, "reached": most, "conflicts": 1}
    return CeilingPoint.model_validate(fields | {"undecided": 0, "method": "clique cover"})


def run(*records: CellRecord, source: str = "") -> Run:
    """The one run that these records make."""
    (found,) = runs_of(records, source=source)
    return found


def proof(
    path: str = "proofs/symbolic/discrete_bound.py", verdict: ProofVerdict = "proved as stated", *, failure: str = ""
) -> ProofOutcome:
    return ProofOutcome(
        path=path, title="A title", system="coq" if path.endswith(".v") else "sympy", verdict=verdict,
        statement="A statement.", source="(10)", passed=not failure, failure=failure,
    )  # fmt: skip


def evidence(*records: CellRecord, proofs: Sequence[ProofOutcome] = ()) -> Evidence:
    return Evidence(runs=runs_of(records), proofs=by_path(proofs))


def write_folder(folder: Path, *records: CellRecord) -> Path:
    """The folder with these records, as a run leaves it."""
    store = RecordStore(folder / "records")
    for each in records:
        store.write(each)
    return folder


def write_proofs(path: Path, *outcomes: ProofOutcome) -> Path:
    """The file that `python -m proofs --json` writes."""
    path.write_text(json.dumps({"proofs": [each.model_dump() for each in outcomes]}), encoding="utf-8")
    return path
