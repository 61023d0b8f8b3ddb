"""The same weights under other solvers: the same modules, about the same function, and images that transfer."""

from typing import Any

import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import PGD, RandomNoise, TransferAttack
from natrob_empirical.attacks.margin import margin
from natrob_empirical.masking import (
    fixed_step_surrogate,
    gradient_surrogate,
    solver_surrogates,
    tolerance_surrogates,
)
from natrob_empirical.masking.gradient_probe import cosine, probe_gradient
from natrob_empirical.models import IntegratorClassifier
from natrob_empirical.threat_models import LinfBall
from natrob_theory import EulerNet, RungeKuttaNet

Images = tuple[Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def trunk(surrogate: Any) -> Any:
    return surrogate.model.trunk


def test_they_hold_the_models_own_modules(neural_ode: IntegratorClassifier) -> None:
    surrogates = solver_surrogates(neural_ode)
    assert len(surrogates) == 4
    own = {id(parameter) for parameter in neural_ode.parameters()}
    for surrogate in surrogates:
        assert isinstance(surrogate.model, IntegratorClassifier)
        assert {id(parameter) for parameter in surrogate.model.parameters()} == own


def test_their_settings_are_what_they_say(neural_ode: IntegratorClassifier) -> None:
    original: Any = neural_ode.trunk
    fixed = trunk(fixed_step_surrogate(neural_ode, num_steps=8))
    assert isinstance(fixed, RungeKuttaNet)
    assert (fixed.num_steps, fixed.step_size * 8) == (8, pytest.approx(original.end_time))
    loose, tight = (trunk(surrogate) for surrogate in tolerance_surrogates(neural_ode))
    assert (loose.rtol, tight.rtol) == (pytest.approx(original.rtol * 10), pytest.approx(original.rtol / 10))
    other = gradient_surrogate(neural_ode)
    assert (original.gradients, trunk(other).gradients) == ("direct", "adjoint")
    assert isinstance(other.model, IntegratorClassifier)
    assert trunk(gradient_surrogate(other.model)).gradients == "direct"


def test_they_compute_about_the_same_function(neural_ode: IntegratorClassifier, hundred_digits: Images) -> None:
    x, y = hundred_digits[0][:30], hundred_digits[1][:30]
    with torch.no_grad():
        expected = neural_ode(x)
    gradient = probe_gradient(neural_ode, x, y, margin).gradient
    assert gradient is not None
    for surrogate in solver_surrogates(neural_ode):
        with torch.no_grad():
            assert torch.allclose(surrogate.model(x), expected, rtol=0, atol=0.05 * float(expected.abs().max()))
        other = probe_gradient(surrogate.model, x, y, margin).gradient
        assert other is not None
        assert float(cosine(gradient, other).min()) > 0.95


def test_images_made_under_rk4_transfer(neural_ode: IntegratorClassifier, hundred_digits: Images) -> None:
    x, y = hundred_digits[0][:40], hundred_digits[1][:40]
    ball = LinfBall(0.1)
    inner = PGD(ball, steps=15)
    transfer = TransferAttack(ball, source=fixed_step_surrogate(neural_ode, num_steps=10).model, attack=inner)
    white, moved, noise = (
        int(attack(neural_ode, x, y, generator=generator()).success.sum())
        for attack in (inner, transfer, RandomNoise(ball, 10))
    )
    assert abs(white - moved) <= 2
    assert moved > noise + 5


@pytest.mark.usefixtures("unchecked")
def test_other_models_have_none(neural_ode: IntegratorClassifier) -> None:
    original: Any = neural_ode.trunk
    euler = IntegratorClassifier(neural_ode.stem, EulerNet(original.field, 0.1, 10), neural_ode.pool, neural_ode.head)
    with pytest.raises(TypeError, match=r"whose trunk is a NeuralODE, got IntegratorClassifier with .* type EulerNet"):
        solver_surrogates(euler)
    with pytest.raises(TypeError, match="must be an IntegratorClassifier whose trunk is a NeuralODE, got NeuralODE"):
        fixed_step_surrogate(original)
    with pytest.raises(ValueError, match="`num_steps` must be at least 1, got 0"):
        fixed_step_surrogate(neural_ode, num_steps=0)
