import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import natrob_theory
from natrob_theory import (
    BackwardEulerNet,
    lipschitz_lower_bound,
    one_sided_lipschitz_lower_bound,
)
from natrob_theory.numbers.jacobian_products import Linearisation, NotDifferentiableError, jacobian_vector_product


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_against_the_full_jacobian() -> None:
    weight, point, direction = normal(4, 4, seed=0), normal(3, 4, seed=1), normal(3, 4, seed=2)

    def function(y: Tensor) -> Tensor:
        return torch.tanh(y @ weight.T) * y

    product = jacobian_vector_product(function, point, direction)
    for sample in range(3):
        jacobian = torch.autograd.functional.jacobian(function, point[sample])
        assert isinstance(jacobian, Tensor)
        torch.testing.assert_close(product[sample], jacobian @ direction[sample], rtol=1e-13, atol=1e-14)


class OnceDifferentiable(torch.autograd.Function):
    """y², whose backward is not differentiable."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Tensor:
        (y,) = arguments
        ctx.save_for_backward(y)
        ctx.save_for_forward(y)
        return y.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Any) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return 2 * ctx.saved_tensors[0] * gradients[0]

    @staticmethod
    def jvp(ctx: Any, *directions: Any) -> Tensor:
        return 2 * ctx.saved_tensors[0] * directions[0]


def test_many_products_share_one_graph_and_are_those_of_forward_mode() -> None:
    calls = 0

    def function(y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return torch.tanh(y).cumsum(1) * y

    point, directions = normal(3, 4, seed=0), normal(20, 3, 4, seed=1)
    many, few = (Linearisation(function, point, expected_products=count) for count in (20, 1))
    products = [many.times(direction) for direction in directions]
    assert calls <= 2
    for product, direction in zip(products, directions, strict=True):
        torch.testing.assert_close(product, few.times(direction), rtol=1e-13, atol=1e-14)
    assert calls >= 20


def test_many_products_of_a_function_without_second_derivatives_are_those_of_forward_mode() -> None:
    def squared(y: Tensor) -> Any:
        return OnceDifferentiable.apply(y)

    point, direction = normal(3, 4, seed=0), normal(3, 4, seed=1)
    linearisation = Linearisation(squared, point, expected_products=20)
    torch.testing.assert_close(linearisation.times(direction), 2 * point * direction, rtol=1e-14, atol=0.0)


def test_no_warning_reaches_the_caller() -> None:
    """torch warns of its own torch.jit.script when forward mode is first used: here in a fresh interpreter."""
    code = (
        "import torch\nfrom natrob_theory.numbers.jacobian_products import jacobian_vector_product\n"
        "print(jacobian_vector_product(torch.sin, torch.zeros(1, 2), torch.ones(1, 2)).tolist())"
    )
    root = Path(natrob_theory.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-W", "always::FutureWarning", "-W", "always::DeprecationWarning:torch", "-c", code],
        capture_output=True, text=True, check=True, cwd=root,
    )  # fmt: skip
    assert run.stdout.strip() == "[[1.0, 1.0]]"
    assert "torch.jit.script" not in run.stderr


def test_other_warnings_are_not_swallowed() -> None:
    def warning(y: Tensor) -> Tensor:
        warnings.warn("the field's own", FutureWarning, stacklevel=1)
        return y

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jacobian_vector_product(warning, torch.zeros(1, 1), torch.ones(1, 1))
    assert [str(entry.message) for entry in caught] == ["the field's own"]


class FirstOrder(torch.autograd.Function):
    """−y³ without forward mode; its backward can be differentiated."""

    @staticmethod
    def forward(ctx: Any, state: Tensor) -> Tensor:  # type: ignore[override]
        ctx.save_for_backward(state)
        return -(state**3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        (state,) = ctx.saved_tensors
        return -3 * state**2 * gradient


class Once(FirstOrder):
    """The same with a backward that refuses to be differentiated."""

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return FirstOrder.backward(ctx, gradient)


class Detached(FirstOrder):
    """The same with a backward whose derivative would silently be 0."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return FirstOrder.backward(ctx, gradient).detach()


class Neither(FirstOrder):
    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        raise NotImplementedError("no backward of mine")


def potential(state: Tensor) -> Tensor:
    """−∇ of y⁴/4, by differentiating inside itself."""
    with torch.enable_grad():
        point = state.clone().requires_grad_()
        return -torch.autograd.grad((point**4).sum() / 4, point, create_graph=True)[0]


def in_place(state: Tensor) -> Tensor:
    value = state.clone()
    value.mul_(state)
    value *= -state
    return value


def through_complex_numbers(state: Tensor) -> Tensor:
    return -(torch.fft.ifft(torch.fft.fft(state, dim=1), dim=1).real ** 3)


CUBES: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda state: -(state**3),
    "differentiates inside itself": potential,
    "no forward mode": FirstOrder.apply,  # type: ignore[dict-item]
    "first order only": Once.apply,  # type: ignore[dict-item]
    "detached backward": Detached.apply,  # type: ignore[dict-item]
    "in place": in_place,
    "complex": through_complex_numbers,
}


@pytest.mark.parametrize("name", list(CUBES))
def test_every_way_gives_the_same_products(name: str) -> None:
    point, direction = normal(3, 4, seed=0), normal(3, 4, seed=1)
    jacobian = Linearisation(CUBES[name], point)
    for _ in range(2):
        torch.testing.assert_close(jacobian.times(direction), -3 * point**2 * direction)
        torch.testing.assert_close(jacobian.transposed_times(direction), -3 * point**2 * direction)
    with torch.no_grad():
        torch.testing.assert_close(jacobian_vector_product(CUBES[name], point, direction), -3 * point**2 * direction)


@pytest.mark.parametrize("name", list(CUBES))
def test_bounds_and_implicit_steps_do_not_ask_how_a_field_is_differentiated(name: str) -> None:
    def field(time: Tensor, state: Tensor) -> Tensor:
        return CUBES[name](state)

    start = torch.ones(1, 1, dtype=torch.float64)
    root = BackwardEulerNet(field, 1.0, 1)(start)  # z + z³ = 1
    assert float(root.detach()) == pytest.approx(0.6823278038280193, rel=1e-12)
    constant = lipschitz_lower_bound(field, start, radius=0.1, generator=torch.Generator().manual_seed(0))
    assert 0.98 * 3 * 1.1**2 <= float(constant) <= 3 * 1.1**2  # both ends within [0.9, 1.1]
    mu = one_sided_lipschitz_lower_bound(field, start, radius=0.1, generator=torch.Generator().manual_seed(0))
    assert -1.02 * 3 * 0.9**2 <= float(mu) <= -3 * 0.9**2


def test_what_no_mode_differentiates_is_refused_by_the_fields_name() -> None:
    def field_of_mine(time: Tensor, state: Tensor) -> Tensor:
        return Neither.apply(state)  # type: ignore[return-value]

    start = torch.ones(2, 3, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(NotDifferentiableError, match=r"field field_of_mine under backward Euler.*no backward of mine"):
        BackwardEulerNet(field_of_mine, 1.0, 1)(start)
    with pytest.raises(NotDifferentiableError, match=r"field field_of_mine cannot be.*no backward of mine"):
        lipschitz_lower_bound(field_of_mine, start, radius=0.1, generator=generator)
    with pytest.raises(NotDifferentiableError, match="field field_of_mine"):
        one_sided_lipschitz_lower_bound(field_of_mine, start, radius=0.1, generator=generator)


def test_a_function_that_fails_by_itself_says_so_itself() -> None:
    def broken(state: Tensor) -> Tensor:
        return state @ torch.zeros(7, 7)

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as raised:
        jacobian_vector_product(broken, torch.zeros(1, 2), torch.ones(1, 2))
    assert not isinstance(raised.value, NotDifferentiableError)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_attention_is_differentiated_in_its_plain_form(dtype: torch.dtype) -> None:
    def attention(state: Tensor) -> Tensor:
        tokens = state.view(len(state), 1, -1, 2)
        return -nn.functional.scaled_dot_product_attention(tokens, tokens, tokens).reshape(state.shape)

    point, direction = normal(2, 8, seed=0).to(dtype), normal(2, 8, seed=1).to(dtype)
    product = Linearisation(attention, point).times(direction)
    step = 1e-6
    wide, along = point.double(), direction.double()
    slope = (attention(wide + step * along) - attention(wide - step * along)) / (2 * step)
    torch.testing.assert_close(product.double(), slope, rtol=1e-4, atol=1e-5)
