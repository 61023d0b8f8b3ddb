import pytest

from natrob_empirical.training import (
    TRADES,
    TRAINING_METHODS,
    YOPO,
    IntervalTraining,
    LipschitzPenalty,
    MarginTraining,
    NoiseTraining,
    OrthonormalTraining,
    PGDAdversarialTraining,
    RadiusTraining,
    SpectralNormalisation,
    StandardTraining,
    training_method_named,
)


def test_methods_are_found_by_their_names() -> None:
    assert training_method_named("standard") == StandardTraining()
    assert training_method_named("pgd", steps=3) == PGDAdversarialTraining(steps=3)
    assert training_method_named("trades", weight=2.0, epsilon=0.1) == TRADES(weight=2.0, epsilon=0.1)
    assert training_method_named("yopo", outer_steps=2) == YOPO(outer_steps=2)
    assert training_method_named("margin", offset=0.5) == MarginTraining(offset=0.5)
    assert training_method_named("noise", sigma=0.5) == NoiseTraining(sigma=0.5)
    assert training_method_named("radius", asked=0.5) == RadiusTraining(asked=0.5)
    assert training_method_named("interval", kappa=0.2) == IntervalTraining(kappa=0.2)
    assert training_method_named("orthonormal", products="bfloat16") == OrthonormalTraining(products="bfloat16")
    assert training_method_named("lipschitz_penalty", weight=2.0) == LipschitzPenalty(weight=2.0)
    assert training_method_named("spectral_normalisation", bound=2.0) == SpectralNormalisation(bound=2.0)
    assert {name: method.name for name, method in TRAINING_METHODS.items()} == {name: name for name in TRAINING_METHODS}


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(
        ValueError, match=r"unknown training method 'tradess'; did you mean trades or radius\? \(known: interval"
    ):
        training_method_named("tradess")
    with pytest.raises(
        ValueError, match=r"unknown setting of training method pgd 'step'; did you mean steps or step_size\? \(known: "
    ):
        training_method_named("pgd", step=3)
    with pytest.raises(ValueError, match="training method 'standard' has no settings, got 'steps'"):
        training_method_named("standard", steps=3)
    with pytest.raises(ValueError, match="`steps` must be at least 1, got 0"):
        training_method_named("pgd", steps=0)
