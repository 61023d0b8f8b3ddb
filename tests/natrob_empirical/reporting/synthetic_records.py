"""Records made up for the tests of the report: a small run whose numbers a reader can check by hand."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from natrob_empirical.records import (
    AttackRefusal,
    AttackResult,
    AttackRunResult,
    BoundCheckSummary,
    CellKey,
    CellRecord,
    CertifiedPoint,
    Curve,
    Environment,
    FieldGrowth,
    Number,
    StepSizePoint,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
    VacuityPoint,
)

IMAGES = 200
PAIRS = 64
BUDGETS: tuple[tuple[Literal["Linf", "L2"], float], ...] = (("Linf", 0.05), ("Linf", 0.1), ("Linf", 0.5), ("L2", 0.3))
ENVIRONMENT = Environment(
    natrob="0.1.0",
    python="3.11.7",
    torch="2.11.0",
    torchvision="0.26.0",
    torchdiffeq="0.2.5",
    platform="Linux x86_64",
    hardware="Imaginary CPU, 2 cores",
    device="cpu",
    threads=2,
    commit="0123456789ab",
    created="2026-01-02T03:04:05+00:00",
)


def number(
    value: float,
    kind: Literal["lower", "upper", "estimate", "measured"] = "measured",
    n: int | None = IMAGES,
    source: str = "made up",
) -> Number:
    return Number(value=value, kind=kind, n=n, source=source)


def key(model: str = "ResNet, h = 0.2", **changes: Any) -> CellKey:
    fields = {
        "preset": "quick",
        "dataset": "digits",
        "model": model,
        "network": "euler",
        "training": "plain",
        "seed": 0,
    }
    return CellKey.model_validate(fields | changes)


def exponential(exponent: float) -> float:
    return math.exp(exponent) if exponent < 700 else math.inf


def curves(lipschitz: float, steps: int, step_size: float) -> list[Curve]:
    times = [step_size * n for n in range(steps + 1)]
    upper = [exponential(n * math.log1p(step_size * lipschitz)) for n in range(steps + 1)]
    measured = [1 + 0.3 * time / (1 + time) for time in times]

    def curve(label: str, kind: Literal["upper", "estimate", "measured"], values: list[float]) -> Curve:
        return Curve(label=label, kind=kind, n=PAIRS if kind == "measured" else None, times=times, values=values)

    return [
        curve(
            "measured growth, median",
            "measured",
            [0.9 * value if index else 1.0 for index, value in enumerate(measured)],
        ),
        curve("measured growth, largest", "measured", measured),
        curve("bound from the pair's secants, largest", "upper", [value**1.6 for value in measured]),
        curve("bound from upper K", "upper", upper),
        curve("e^{tK}, upper K", "upper", [exponential(time * lipschitz) for time in times]),
        curve("e^{tK}, lower K", "estimate", [exponential(time * lipschitz / 4) for time in times]),
    ]


def theory_result(
    *,
    lipschitz: float = 3.0,
    step_size: float | None = 0.2,
    steps: int = 5,
    vacuous_from: float = 0.1,
    certified: Sequence[tuple[Literal["Linf", "L2"], float, float]] = (("Linf", 0.05, 0.2), ("L2", 0.3, 0.35)),
    clean: float = 0.95,
    violations: int = 0,
    **changes: Any,
) -> TheoryResult:
    h = 0.2 if step_size is None else step_size
    growth = exponential(steps * math.log1p(h * lipschitz))
    check = {"pairs": PAIRS, "comparisons": PAIRS * steps, "rounding": "float64 with allowance, c = 4"}
    fields: dict[str, Any] = {
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
        "exponential_bound": number(exponential(h * steps * lipschitz), "upper", None),
        "feature_lipschitz_upper": number(2 * growth, "upper", None),
        "measured_growth_median": number(min(1.1, growth), n=PAIRS),
        "measured_growth_largest": number(min(1.3, growth), n=PAIRS),
        "feature_diameter": number(5.0, "lower"),
        "bound_checks": [
            BoundCheckSummary(
                constant="secant constants of each pair", kind="upper", violations=0, worst_ratio=0.97, **check
            ),
            BoundCheckSummary(
                constant="upper K of the field", kind="upper", violations=violations, worst_ratio=0.61, **check
            ),
        ],
        "curves": curves(lipschitz, steps, h),
        "vacuity": [
            VacuityPoint(
                norm=norm, epsilon=epsilon, displacement_bound=2 * growth * epsilon, vacuous=epsilon >= vacuous_from
            )
            for norm, epsilon in BUDGETS
        ],
        "certified": [
            CertifiedPoint(norm=norm, epsilon=epsilon, accuracy=number(value, "lower"))
            for norm, epsilon, value in certified
        ],
    }
    return TheoryResult.model_validate(fields | changes)


def attack_result(
    accuracy: float, *, epsilon: float, clean: float = 0.95, n: int = IMAGES, **changes: Any
) -> AttackResult:
    fields: dict[str, Any] = {
        "accuracy": number(accuracy, "upper", n),
        "clean_accuracy": number(clean, n=n),
        "majority_share": 0.11,
        "largest_distance": epsilon,
        "mean_queries": 22.0,
        "mean_gradient_calls": 20.0,
        "seconds": 0.4,
    }
    return AttackResult.model_validate(fields | changes)


def record(
    cell: CellKey,
    result: TheoryResult | TheoryRefusal | AttackResult | AttackRefusal | StepSizeResult | AttackRunResult,
    **changes: Any,
) -> CellRecord:
    environment = ENVIRONMENT.model_copy(update=changes.pop("environment", {}))
    settings = {
        "data": {"name": cell.dataset, "test_images": IMAGES},
        "seed": cell.seed,
        "model": {"label": cell.model},
    }
    if cell.attack is not None:
        settings["attack"] = {"label": cell.attack, "epsilon": cell.epsilon, "steps": 20}
    return CellRecord(
        cell=cell, settings=settings | changes.pop("settings", {}), environment=environment, result=result
    )


def theory_record(
    model: str = "ResNet, h = 0.2", *, key_changes: dict[str, Any] | None = None, **changes: Any
) -> CellRecord:
    return record(key(model, **(key_changes or {})), theory_result(**changes))


def attack_record(
    model: str = "ResNet, h = 0.2",
    attack: str = "PGD-20",
    norm: str = "Linf",
    epsilon: float = 0.1,
    accuracy: float = 0.5,
    *,
    key_changes: dict[str, Any] | None = None,
    **changes: Any,
) -> CellRecord:
    cell = key(model, attack=attack, norm=norm, epsilon=epsilon, **(key_changes or {}))
    return record(cell, attack_result(accuracy, epsilon=epsilon, **changes))


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


def step_size_record(*fields: FieldGrowth, **changes: Any) -> CellRecord:
    result = StepSizeResult(total_time=2.0, dimension=4, fields=list(fields or (field_growth(),)), seconds=1.0)
    return record(key("Step size against growth", training="none"), result, **changes)


# label, network class, h, N, K, what is left of the accuracy at ε = 0.05, 0.1, 0.5 under PGD
MODELS = (
    ("ResNet, h = 1", "euler", 1.0, 5, 3.0, (0.71, 0.40, 0.0)),
    ("ResNet, h = 0.2", "euler", 0.2, 5, 3.0, (0.73, 0.43, 0.02)),
    ("Heun, h = 0.2", "heun", 0.2, 5, 2.5, (0.70, 0.41, 0.0)),
    ("PolyNet, h = 0.2", "polynet", 0.2, 5, 400.0, (0.66, 0.35, 0.0)),
    ("RevNet, h = 0.2", "revnet", 0.2, 5, 2.0, (0.75, 0.47, 0.30)),
    ("Neural ODE, T = 1", "neural_ode", None, 7, 2.2, (0.74, 0.45, 0.14)),
)


def run_records(
    *, seeds: Sequence[int] = (0,), models: Sequence[tuple[Any, ...]] = MODELS, **key_changes: Any
) -> list[CellRecord]:
    """A whole run: theory, FGSM, PGD-20 and noise in L∞, PGD-20 in L2, for six networks."""
    found: list[CellRecord] = []
    for seed in seeds:
        shift = 0.01 * seed
        for label, network, step_size, steps, lipschitz, left in models:
            place = {"network": network, "seed": seed} | key_changes
            found.append(
                theory_record(label, key_changes=place, lipschitz=lipschitz + shift, step_size=step_size, steps=steps)
            )
            for attack, gain in (("FGSM", 0.03), ("Random Noise", 0.2), ("PGD-20", 0.0)):
                for (norm, epsilon), accuracy in zip(BUDGETS[:3], left, strict=True):
                    value = min(accuracy + gain + shift, 0.95)
                    found.append(attack_record(label, attack, norm, epsilon, value, key_changes=place))
            found.append(attack_record(label, "PGD-20", "L2", 0.3, left[0] - 0.1 + shift, key_changes=place))
    return found
