"""Records made up for the reports of the paper's figures and tables, with outcomes image by image."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from synthetic_records import attack_result, key, number, record, theory_result

from natrob_empirical.records import CellRecord, EvaluationStatistics, GridStatistics, PublishedNumber

TRAINING = {
    "method": {"name": "standard"},
    "epochs": 3,
    "learning_rate": 3e-3,
    "milestones": [],
    "engine": {"precision": "float32", "tf32": False},
}
FIGURE_1_STEPS = [10.0**-k for k in range(11)]


def outcomes(share: float, n: int, *, wrong: float = 0.05, seed: int = 0) -> str:
    """n letters with round(share·n) kept; images are fooled in one random order, so that attacks are nested."""
    order = list(range(n))
    random.Random(seed).shuffle(order)
    kept, missed = round(share * n), round(wrong * n)
    letters = ["k"] * n
    for rank, image in enumerate(order):
        if rank < n - kept:
            letters[image] = "w" if rank < missed else "f"
    return "".join(letters)


def attack(
    model: str, network: str, label: str, epsilon: float, share: float, *, preset: str, dataset: str = "mnist",
    norm: str = "Linf", n: int = 200, kind: str = "PGD", source: str | None = None, steps: int | None = None,
    step_size: float | None = None, training: str = "standard", settings: Mapping[str, Any] | None = None,
    letters: str | None = None, **changes: Any,
) -> CellRecord:  # fmt: skip
    """One attack cell as the presets write it; `letters` "" leaves the outcomes out."""
    cell = key(model, preset=preset, dataset=dataset, network=network, training=training, attack=label, norm=norm,
               epsilon=epsilon)  # fmt: skip
    kept = outcomes(share, n) if letters is None else letters
    value = kept.count("k") / len(kept) if kept else share
    result = attack_result(value, epsilon=epsilon, n=n, outcomes=kept, **changes)
    own = {"attack": kind, "norm": norm, "epsilon": epsilon, "steps": steps, "step_size": step_size, "source": source,
           "images": n}  # fmt: skip
    return record(cell, result, settings={"attack": own, **(settings or model_settings(model, network, training))})


def model_settings(model: str, network: str, training: str = "standard", **specification: Any) -> dict[str, Any]:
    """The settings that all cells of a model share."""
    return {
        "model": {"label": model, "network": network, **specification},
        "training": {**TRAINING, "method": {"name": training}},
    }


def theory(
    model: str, network: str, *, preset: str, dataset: str = "mnist", training: str = "standard",
    settings: Mapping[str, Any] | None = None, **changes: Any,
) -> CellRecord:  # fmt: skip
    cell = key(model, preset=preset, dataset=dataset, network=network, training=training)
    return record(cell, theory_result(**changes), settings=dict(settings or model_settings(model, network, training)))


def figure_1(
    own: Sequence[float] | None = None, transferred: Sequence[float] | None = None, fixed: Sequence[float] | None = None
) -> list[CellRecord]:
    """ResNet-20 at eleven steps, the control, two networks with T fixed, and the source.

    Args:
        own, transferred: the accuracy per step under attacks on the network itself and on transferred images at
            ε = 0.1; larger radii leave less.
        fixed: the same under all attacks for the two networks with T fixed.
    """
    own = own or [0.3] * 11
    transferred = transferred or [0.5] * 11
    fixed = fixed or [0.3, 0.3]
    place: dict[str, Any] = {"preset": "fig1-cpu"}
    found = [theory("ResNet-8, the source", "resnet", step_size=1.0, steps=3, **place)]
    plan = [
        (f"ResNet-20, h = {h:g}", h, 3, "after_norm", a, t)
        for h, a, t in zip(FIGURE_1_STEPS, own, transferred, strict=True)
    ]
    plan.append(("ResNet-20, h = 0.001 before the normalisation", 1e-3, 3, "before_norm", own[0], transferred[0]))
    plan += [
        (f"ResNet-{6 * count + 2}, h = {3 / count:g}, T fixed", 3 / count, count, "after_norm", share, share)
        for count, share in zip((6, 12), fixed, strict=True)
    ]
    for label, h, blocks, placement, share, other in plan:
        settings = model_settings(label, "resnet", blocks=blocks, step_size=h, step_placement=placement)
        found.append(theory(label, "resnet", step_size=h, steps=3 * blocks, settings=settings, **place))
        for attack_label, kind, left, source in (
            ("FGSM from ResNet-8", "FGSM", other, "ResNet-8, the source"),
            ("FGSM", "FGSM", share + 0.1, None),
            ("PGD-40", "PGD", share, None),
        ):
            for epsilon, factor in ((0.1, 1.0), (0.3, 0.5), (0.5, 0.3)):
                found.append(
                    attack(label, "resnet", attack_label, epsilon, left * factor, kind=kind, source=source,
                           settings=settings, majority_share=0.12, **place)
                )  # fmt: skip
    return found


RESNET, ODE = "ResNet-50, width 16", "Neural ODE, 16 channels"


def table_1(
    *, preset: str = "table1-cpu", ode_fgsm: float = 0.8, ode_strong: float = 0.05, resnet: float = 0.1
) -> list[CellRecord]:
    """ResNet-50 and the Neural ODE: FGSM leaves the ODE much, AutoAttack on half of the images does not."""
    found: list[CellRecord] = []
    for model, network, fgsm, strong in (
        (RESNET, "resnet50", resnet + 0.1, resnet),
        (ODE, "neural_ode", ode_fgsm, ode_strong),
    ):
        adaptive = network == "neural_ode"
        extra = {"evaluations_per_sample": statistics(), "grid": grid()} if adaptive else {}
        found.append(theory(model, network, preset=preset, step_size=None if adaptive else 1.0, **extra))
        other = RESNET if adaptive else ODE
        for epsilon, factor in ((0.2, 1.0), (0.5, 0.9)):
            published = (
                PublishedNumber(value=0.9748, source="A paper, Table 1") if adaptive and epsilon == 0.5 else None
            )
            common: dict[str, Any] = {"preset": preset, "majority_share": 0.12}
            found += [
                attack(model, network, "FGSM", epsilon, fgsm * factor, kind="FGSM", published=published, **common),
                attack(model, network, "PGD-40 (step size 0.01)", epsilon, 0.9 * fgsm * factor, steps=40,
                       step_size=0.01, **common),
                attack(model, network, f"PGD-40 from {other.split(',')[0]}", epsilon, 0.4, source=other, steps=40,
                       **common),
                attack(model, network, "PGD-40", epsilon, 0.5 * fgsm * factor, steps=40, **common),
                attack(model, network, "AutoAttack", epsilon, strong * factor, kind="AutoAttack", n=100, **common),
            ]  # fmt: skip
    return found


def figure_3() -> list[CellRecord]:
    """The Boundary Attack with its median distance, and PGD, both in L2."""
    found: list[CellRecord] = []
    for model, network, distance in ((RESNET, "resnet50", 1.234), (ODE, "neural_ode", 2.5)):
        found.append(theory(model, network, preset="fig3-cpu"))
        for epsilon, share in ((0.5, 0.9), (2.0, 0.4)):
            found.append(
                attack(model, network, "Boundary Attack", epsilon, share, norm="L2", kind="BoundaryAttack",
                       n=100, preset="fig3-cpu", median_distance=number(distance, "upper", 97))
            )  # fmt: skip
            found.append(attack(model, network, "PGD-40", epsilon, share / 2, norm="L2", steps=40, preset="fig3-cpu"))
    return found


def table_2(*, ode: float, others: Mapping[str, float]) -> list[CellRecord]:
    """The Neural ODE and PreAct-ResNet-18 by every training at 8/255; AutoAttack leaves the Neural ODE nothing."""
    found: list[CellRecord] = []
    plan = [("Neural ODE, 16 channels", "neural_ode", "standard", ode, 0.0)]
    plan += [
        (f"PreAct-ResNet-18 (width 16), {name.upper()}", "preact_resnet18", name, share, share - 0.02)
        for name, share in others.items()
    ]
    for label, network, training, pgd, strongest in plan:
        place: dict[str, Any] = {"preset": "table2-cpu", "dataset": "digits", "training": training}
        found.append(theory(label, network, **place))
        found.append(attack(label, network, "PGD-20 (step size 2/255)", 8 / 255, pgd, steps=20, **place))
        found.append(attack(label, network, "AutoAttack", 8 / 255, strongest, kind="AutoAttack", n=100, **place))
    return found


SKIP_TITLES = {
    "euler": "ResNet",
    "polynet": "PolyNet",
    "fractalnet": "FractalNet",
    "revnet": "RevNet",
    "backward_euler": "Backward Euler",
}


def skips(gain: Mapping[str, float] | None = None) -> list[CellRecord]:
    """Five networks at h = 1 and 1/4, T = 2; `gain` is what the small step keeps beyond h = 1."""
    found: list[CellRecord] = []
    for network, title in SKIP_TITLES.items():
        for h in (1.0, 0.25):
            label = f"{title}, h = {h:g}"
            share = 0.4 + ((gain or {}).get(network, 0.0) if h < 1 else 0.0)
            place: dict[str, Any] = {"preset": "skips-cpu"}
            found.append(theory(label, network, step_size=h, steps=round(2 / h), **place))
            for epsilon, factor in ((0.1, 1.0), (0.2, 0.5)):
                found.append(attack(label, network, "FGSM", epsilon, 1.2 * share * factor, kind="FGSM", **place))
                found.append(attack(label, network, "PGD-40", epsilon, share * factor, steps=40, **place))
            found.append(attack(label, network, "PGD-40", 1.0, share, norm="L2", steps=40, **place))
    return found


def statistics() -> EvaluationStatistics:
    return EvaluationStatistics(
        images=32, smallest=20, median=26.0, largest=44, rejected_smallest=0, rejected_median=1.0, rejected_largest=5
    )


def grid() -> GridStatistics:
    return GridStatistics(
        images=32, steps_smallest=3, steps_median=4.0, steps_largest=7, step_size_smallest=0.125,
        step_size_largest=80.0, hk_smallest=0.5, hk_largest=9.0, kind="adaptive",
    )  # fmt: skip
