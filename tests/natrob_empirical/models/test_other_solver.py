"""A Neural ODE under another solver: the same weights and about the same function, and nothing shared."""

from typing import Any

import pytest
import torch
from torch import Tensor

from natrob_empirical.models import (
    IntegratorClassifier,
    ModelSpecification,
    OtherSolver,
    build_classifier,
    resnet_20,
    with_solver,
)
from natrob_empirical.models.other_solver import SolverNetwork
from natrob_theory import EulerNet, HeunNet, NeuralODE, RungeKuttaNet

CHANGES = [
    OtherSolver(network="runge_kutta", num_steps=20),
    OtherSolver(network="heun", num_steps=60),
    OtherSolver(tolerance=1e-6),
    OtherSolver(tolerance_factor=0.1),
    OtherSolver(solver="torchdiffeq"),
    OtherSolver(gradients="adjoint"),
]


def trained(network: str = "neural_ode", **changes: Any) -> IntegratorClassifier:
    """Weights three times the initial ones, so that the trunk bends."""
    model = build_classifier(
        ModelSpecification(label="a", network=network, channels=4, hidden=6, **changes),
        image_shape=(1, 8, 8),
        num_classes=10,
        generator=torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        for parameter in model.trunk.parameters():
            parameter.mul_(3)
    return model.double().eval()


def images() -> Tensor:
    return torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(1)).double()


@torch.no_grad()
def test_the_function_is_about_the_same() -> None:
    model = trained()
    reference = with_solver(model, OtherSolver(tolerance=1e-9))(images())
    stem_only = model.head(model.pool(model.stem(images())).flatten(1))
    # The trunk moves the logits, and the solvers disagree about a small part of that.
    errors = [float((with_solver(model, other)(images()) - reference).norm()) for other in CHANGES]
    assert max(errors) < 0.01 * float((stem_only - reference).norm()), errors
    assert min(errors) > 0.0  # no change is ignored


def test_the_fixed_steps_are_those_of_the_trained_time_span() -> None:
    model = trained(step_size=0.5, num_steps=4)
    nets: tuple[tuple[SolverNetwork, type], ...]
    nets = (("euler", EulerNet), ("heun", HeunNet), ("runge_kutta", RungeKuttaNet))
    for network, kind in nets:
        trunk = with_solver(model, OtherSolver(network=network, num_steps=8)).trunk
        assert isinstance(trunk, kind)
        assert (trunk.start_time, trunk.step_size, trunk.num_steps) == (0.0, 0.25, 8)
    x = images()
    y = model.stem(x)
    for _ in range(3):
        y = y + (2 / 3) * model.trunk.get_submodule("field")(torch.tensor(0.0), y)
    expected = model.head(model.pool(y).flatten(1))
    torch.testing.assert_close(with_solver(model, OtherSolver(network="euler", num_steps=3))(x), expected)


def test_only_what_is_named_changes() -> None:
    original = trained(tolerance=1e-4, gradients="adjoint").trunk
    assert isinstance(original, NeuralODE)

    def settings(trunk: Any) -> tuple[object, ...]:
        return trunk.rtol, trunk.atol, trunk.solver, trunk.gradients

    def changed(**changes: Any) -> tuple[object, ...]:
        return settings(with_solver(trained(tolerance=1e-4, gradients="adjoint"), OtherSolver(**changes)).trunk)

    assert changed() == settings(original) == (1e-4, 1e-4, "natrob", "adjoint")
    assert changed(tolerance=1e-2) == (1e-2, 1e-2, "natrob", "adjoint")
    assert changed(tolerance_factor=10.0) == (pytest.approx(1e-3), pytest.approx(1e-3), "natrob", "adjoint")
    assert changed(gradients="checkpointed") == (1e-4, 1e-4, "natrob", "checkpointed")
    assert changed(solver="torchdiffeq") == (1e-4, 1e-4, "torchdiffeq", "direct")  # it knows no others


@pytest.mark.parametrize("other", CHANGES, ids=repr)
def test_nothing_is_shared(other: OtherSolver) -> None:
    model = trained()
    model(images()).sum().backward()  # a solve with gradients is on record
    copied = with_solver(model, other)
    assert not copied.training
    assert not copied.trunk.training
    assert with_solver(model.train(), other).trunk.training
    pairs = list(zip(model.state_dict().values(), copied.state_dict().values(), strict=True))
    assert all(torch.equal(own, other) for own, other in pairs)
    assert not {id(module) for module in model.modules()} & {id(module) for module in copied.modules()}
    before = [tensor.clone() for tensor in model.state_dict().values()]
    with torch.no_grad():
        for parameter in copied.parameters():
            assert parameter.grad is None
            parameter.add_(1.0)
    assert all(torch.equal(one, two) for one, two in zip(before, model.state_dict().values(), strict=True))


@pytest.mark.usefixtures("unchecked")
def test_what_does_not_go_together_is_named() -> None:
    with pytest.raises(ValueError, match=r"`tolerance` is no setting of runge_kutta, got 0\.01"):
        OtherSolver(network="runge_kutta", num_steps=3, tolerance=0.01)
    with pytest.raises(ValueError, match="`num_steps` is no setting of neural_ode, got 3"):
        OtherSolver(num_steps=3)
    with pytest.raises(TypeError, match="`num_steps` must be an integer, got None"):
        OtherSolver(network="euler")
    with pytest.raises(ValueError, match="`tolerance` and `tolerance_factor` exclude each other"):
        OtherSolver(tolerance=0.1, tolerance_factor=2.0)
    with pytest.raises(ValueError, match="`tolerance` must be greater than 0"):
        OtherSolver(tolerance=0.0)
    other: Any = "leapfrog"
    with pytest.raises(ValueError, match="`network` must be one of neural_ode, euler, heun, runge_kutta, got 'leap"):
        OtherSolver(network=other)
    with pytest.raises(ValueError, match="takes only the tableau DOPRI5, `gradients` = "):
        with_solver(trained(), OtherSolver(solver="torchdiffeq", gradients="adjoint"))
    with pytest.raises(TypeError, match=r"whose trunk is a NeuralODE, got IntegratorClassifier with .* type EulerNet"):
        with_solver(trained("euler"), OtherSolver())
    residual: Any = build_classifier(
        resnet_20(), image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    with pytest.raises(TypeError, match="whose trunk is a NeuralODE, got ResidualClassifier"):
        with_solver(residual, OtherSolver())
