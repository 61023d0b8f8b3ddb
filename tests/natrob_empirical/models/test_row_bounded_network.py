"""Neural ODE classifiers with bounded rows: their constant, their trained form, their settings."""

from dataclasses import asdict

import pytest
import torch

from natrob_empirical.models import (
    IntegratorClassifier,
    RowBoundedSpecification,
    build_classifier,
    specification_from,
    trained_form,
)
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training.interval_method import worst_logits
from natrob_theory import HeunNet, StackedNeuralODE, lipschitz_upper_bound


def built(**settings: object) -> tuple[RowBoundedSpecification, IntegratorClassifier]:
    specification = RowBoundedSpecification(label="small", channels=4, features=12, hidden=10, **settings)  # type: ignore[arg-type]
    generator = RandomStreams(0).generator("init")
    return specification, build_classifier(specification, image_shape=(1, 8, 8), num_classes=3, generator=generator)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_every_field_has_the_constant_that_was_asked_for_whatever_its_parameters_are(size: float) -> None:
    _, model = built(lipschitz=0.5, num_steps=3)
    with torch.no_grad():
        for parameter in model.trunk.parameters():
            parameter.mul_(size)
    assert isinstance(model.trunk, StackedNeuralODE)
    assert len(model.trunk.fields) == 3
    for field in model.trunk.fields:
        assert float(lipschitz_upper_bound(field, input_shape=(12,), norm="Linf")) <= 0.5 * (1 + 1e-9)


def test_the_trained_form_shares_weights_and_is_near_the_solve() -> None:
    specification, model = built(lipschitz=0.5, trained_steps=4, tolerance=1e-6, max_step_size=0.05)
    form = trained_form(model, specification)
    assert isinstance(form, IntegratorClassifier)
    assert isinstance(form.trunk, HeunNet)
    assert {id(p) for p in form.parameters()} == {id(p) for p in model.parameters()}
    x = torch.rand((5, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(form.eval()(x), model.eval()(x), rtol=0.0, atol=2e-3)
    worst_logits(form, x, torch.zeros(5, dtype=torch.int64), 0.1).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_settings_come_back_from_a_record_and_bad_ones_are_refused() -> None:
    specification, _ = built()
    assert specification_from(asdict(specification)) == specification
    bad = ({"lipschitz": 0.0}, "lipschitz"), ({"network": "row_bound_ode"}, "row_bounded_ode")
    for settings, message in bad:
        with pytest.raises(ValueError, match=message):
            built(**settings)
    with pytest.raises(ValueError, match="sides"):
        build_classifier(
            specification, image_shape=(1, 3, 3), num_classes=3, generator=RandomStreams(0).generator("init")
        )
