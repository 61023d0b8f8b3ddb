"""Local constants against decompositions of Jacobians that are written out."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.models import initialised_with
from natrob_empirical.training.local_constants import Quantity, local_constants
from natrob_theory import LinearField


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=stream(seed), dtype=torch.float64)


def at_time_zero(field: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda y: field(torch.zeros((), dtype=y.dtype), y)


def exact(jacobian: Tensor, quantity: Quantity) -> Tensor:
    if quantity == "lipschitz":
        return torch.linalg.svdvals(jacobian)[..., 0]
    return torch.linalg.eigvalsh((jacobian + jacobian.mT) / 2)[..., -1]


def curved(seed: int = 3) -> nn.Module:
    with initialised_with(stream(seed)):
        return nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 6)).double()


@pytest.mark.parametrize("quantity", ["lipschitz", "one_sided"])
def test_a_linear_field_has_its_known_constant(quantity: Quantity) -> None:
    matrix = random(7, 7, seed=1)
    found = local_constants(
        at_time_zero(LinearField(matrix)), random(4, 7, seed=2), quantity=quantity, iterations=7, generator=stream()
    )
    torch.testing.assert_close(found, exact(matrix, quantity).expand(4), rtol=1e-10, atol=0)


def test_a_search_of_few_steps_follows_the_symmetric_part() -> None:
    """A strong rotation leaves ⟨v, Jv⟩ alone, so it must not lead the search astray."""
    symmetric = torch.diag(torch.cat([torch.tensor([5.0]), torch.linspace(-1, 1, 29)]).double())
    skew = random(30, 30, seed=5)
    field = LinearField(symmetric + 10 * (skew - skew.T))
    found = local_constants(
        at_time_zero(field), random(3, 30, seed=2), quantity="one_sided", iterations=5, generator=stream()
    )
    torch.testing.assert_close(found, torch.full((3,), 5.0, dtype=torch.float64), rtol=0.01, atol=0)


def test_a_field_that_contracts_has_a_negative_one_sided_constant() -> None:
    field = LinearField(torch.diag(torch.tensor([-3.0, -0.5, -1.0], dtype=torch.float64)))
    found = local_constants(
        at_time_zero(field), random(2, 3, seed=2), quantity="one_sided", iterations=3, generator=stream()
    )
    torch.testing.assert_close(found, torch.full((2,), -0.5, dtype=torch.float64))


@pytest.mark.parametrize("quantity", ["lipschitz", "one_sided"])
@pytest.mark.parametrize("iterations", [1, 2, 6])
def test_each_point_has_a_lower_bound_that_the_search_reaches(quantity: Quantity, iterations: int) -> None:
    field, points = curved(), random(5, 6, seed=4)
    jacobians = torch.stack([torch.autograd.functional.jacobian(field, point) for point in points])
    truth = exact(jacobians, quantity)
    found = local_constants(field, points, quantity=quantity, iterations=iterations, generator=stream())
    assert bool((found <= truth + 1e-12).all())
    if iterations == 6:
        torch.testing.assert_close(found, truth, rtol=1e-8, atol=0)


@pytest.mark.parametrize("quantity", ["lipschitz", "one_sided"])
def test_the_gradient_in_the_weights_is_that_of_the_exact_constant(quantity: Quantity) -> None:
    field, points = curved(), random(3, 6, seed=4)
    found = local_constants(field, points, quantity=quantity, iterations=6, generator=stream()).sum()
    gradients = torch.autograd.grad(found, list(field.parameters()), allow_unused=True)
    for position, parameter in enumerate(field.parameters()):
        numerical = torch.zeros_like(parameter)
        for entry in range(parameter.numel()):
            values = []
            for shift in (1e-5, -1e-5):
                parameter.data.view(-1)[entry] += shift
                jacobians = torch.stack([torch.autograd.functional.jacobian(field, point) for point in points])
                values.append(float(exact(jacobians, quantity).sum()))
                parameter.data.view(-1)[entry] -= shift
            numerical.view(-1)[entry] = (values[0] - values[1]) / 2e-5
        expected = gradients[position]
        found_here = torch.zeros_like(parameter) if expected is None else expected
        torch.testing.assert_close(found_here, numerical, rtol=1e-5, atol=1e-7)


def test_a_map_between_spaces_has_the_norm_of_its_jacobian() -> None:
    matrix = random(3, 5, seed=6)
    found = local_constants(
        lambda y: y @ matrix.T, random(2, 5, seed=7), quantity="lipschitz", iterations=4, generator=stream()
    )
    torch.testing.assert_close(found, exact(matrix, "lipschitz").expand(2), rtol=1e-8, atol=0)


def test_where_nothing_moves_the_constant_is_zero_and_so_is_its_gradient() -> None:
    matrix = torch.zeros((3, 3), dtype=torch.float64, requires_grad=True)
    found = local_constants(
        lambda y: y @ matrix.T, random(2, 3, seed=7), quantity="lipschitz", iterations=2, generator=stream()
    )
    assert found.tolist() == [0.0, 0.0]
    (gradient,) = torch.autograd.grad(found.sum(), matrix)
    assert bool(torch.isfinite(gradient).all())


def test_the_same_generator_gives_the_same_number() -> None:
    field, points = curved(), random(3, 6, seed=4)
    found = [
        local_constants(field, points, quantity="lipschitz", iterations=1, generator=stream(seed)) for seed in (0, 0, 1)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("scale", [1e-30, 1e-25, 1.0, 1e25, 1e30])
def test_layers_of_every_size_have_their_norms_found_in_single_precision(scale: float) -> None:
    layer = nn.Linear(6, 5, bias=False)
    true = float(torch.linalg.matrix_norm(layer.weight.detach().double(), ord=2))
    layer.weight.data.mul_(scale)
    found = local_constants(
        layer, torch.zeros(1, 6), quantity="lipschitz", iterations=8, generator=torch.Generator().manual_seed(0)
    )
    assert float(found.detach()) / scale == pytest.approx(true, rel=1e-4)
    (gradient,) = torch.autograd.grad(found.sum(), layer.weight)
    assert float(gradient.norm()) == pytest.approx(1.0, rel=1e-4)  # ∂‖W‖/∂W = uvᵀ
