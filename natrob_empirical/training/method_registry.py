"""The training methods by name, for the command line and the presets."""

from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.training.abstract_method import AbstractTrainingMethod
from natrob_empirical.training.adversarial import TRADES, YOPO, PGDAdversarialTraining
from natrob_empirical.training.interval_method import IntervalTraining
from natrob_empirical.training.lipschitz_penalty import LipschitzPenalty
from natrob_empirical.training.margin_method import MarginTraining
from natrob_empirical.training.noise_method import NoiseTraining
from natrob_empirical.training.orthonormal_training import OrthonormalTraining
from natrob_empirical.training.radius_method import RadiusTraining
from natrob_empirical.training.spectral_normalisation import SpectralNormalisation
from natrob_empirical.training.standard_method import StandardTraining

TRAINING_METHODS: Final = MappingProxyType(
    {
        method.name: method
        for method in (
            StandardTraining,
            PGDAdversarialTraining,
            TRADES,
            YOPO,
            MarginTraining,
            NoiseTraining,
            RadiusTraining,
            IntervalTraining,
            OrthonormalTraining,
            LipschitzPenalty,
            SpectralNormalisation,
        )
    }
)
"""Name → class; the class's fields are the settings."""


def training_method_named(name: str, **settings: Any) -> AbstractTrainingMethod:
    """The training method of this name; what is not set keeps the method's default.

    Raises:
        TypeError, ValueError: no method has this name or this method no such setting (near names are given), or the
            method refuses the value.
    """
    if name not in TRAINING_METHODS:
        raise unknown_name("training method", name, TRAINING_METHODS)
    method = TRAINING_METHODS[name]
    known = [field.name for field in fields(method)]
    for setting in settings:
        if not known:
            raise ValueError(f"training method {name!r} has no settings, got {setting!r}")
        if setting not in known:
            raise unknown_name(f"setting of training method {name}", setting, known)
    return method(**settings)
