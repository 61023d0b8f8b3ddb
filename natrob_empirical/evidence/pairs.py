"""Pairs of networks of one run that differ in one thing alone: like is compared with like."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from natrob_empirical.evidence.comparison import same_size_pairs
from natrob_empirical.evidence.run import Model, Run

CONSTRAINED_TRAININGS: Final = ("lipschitz_penalty", "spectral_normalisation")
LEARNED: Final = 0.5
"""A network that classifies fewer clean images rightly has not learned: its pair says nothing."""
_NO_GROWTH: Final = 1 + 1e-3
"""A trunk with at most this growth bound does not expand: the rest is what the constraint and rounding leave over."""


def learned(models: Iterable[Model]) -> bool:
    """Whether every network classifies at least half of its clean images rightly."""
    return all(model.clean_accuracy is not None and model.clean_accuracy.value >= LEARNED for model in models)


def neural_ode_pairs(run: Run) -> list[tuple[Model, Model]]:
    """(Neural ODE, residual network) of as many parameters (± 5 %), both trained without a defence."""
    return [pair for pair in same_size_pairs(run) if pair[1].network == "euler" or pair[1].residual]


def step_pairs(run: Run) -> list[tuple[Model, Model]]:
    """(smallest, largest step) of every plainly trained network with the same T and the same settings otherwise."""
    groups: dict[object, list[Model]] = {}
    for model in run.models:
        if model.plain and model.step_size is not None and model.theory is not None and model.attacks:
            settings = _without(model.specification, "label", "step_size", "num_steps")
            key = (model.network, model.training, model.parameters, f"{model.theory.total_time:.6g}", settings)
            groups.setdefault(key, []).append(model)
    ordered = [sorted(models, key=lambda model: model.step_size or 0.0) for models in groups.values()]
    return [(models[0], models[-1]) for models in ordered if models[0].step_size != models[-1].step_size]


def constrained_pairs(run: Run) -> list[tuple[Model, Model]]:
    """(constants held down in training, plainly trained) of every network with the same settings otherwise."""
    return [
        (first, second)
        for first in run.models
        for second in run.models
        if first.training in CONSTRAINED_TRAININGS
        and second.plain
        and first.network == second.network
        and _without(first.specification, "label") == _without(second.specification, "label")
    ]


def contractive_pairs(run: Run) -> list[tuple[Model, Model]]:
    """(network whose trunk cannot expand, plainly trained one that may); more than that may differ between them."""
    own = [model for model in run.models if contractive(model)]
    others = [model for model in run.models if model.plain and model not in own and model.attacks]
    return [(first, second) for first in own for second in others]


def contractive(model: Model) -> bool:
    """Whether the growth bound is 1 by structure, where steps of that size could make it more."""
    if model.theory is None or model.plain:
        return False
    bound = model.theory.growth_bound
    return bound.kind == "upper" and bound.value <= _NO_GROWTH and model.theory.exponential_bound.value > _NO_GROWTH**2


def _without(settings: Mapping[str, Any], *names: str) -> str:
    """The other settings, in order."""
    return repr(sorted((name, value) for name, value in settings.items() if name not in names))
