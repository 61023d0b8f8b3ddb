"""What jax makes of the same problems: diffrax's adaptive solve, and `jax.lax.scan` over fixed steps, compiled.

The fields of `benchmarks.states` are written out once more for jax, with the same weights; images are kept with the
channels last, which its convolutions on a CPU prefer. Everything runs in the problem's dtype, on one thread.
Compiling happens when a contestant is prepared or first called, never in a timed turn.
"""

import os
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, nn

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import diffrax
import jax

MOST_STEPS: Final = 256
"""Steps that diffrax may take: few, because its backward pass keeps room for all of them."""

Weights: TypeAlias = list[Any]
JaxField: TypeAlias = Callable[[Weights, Any], Any]
"""F(weights, y) of one sample."""


def _array(tensor: Tensor) -> Any:
    with jax.enable_x64(tensor.dtype == torch.float64):
        return jax.numpy.asarray(tensor.detach().numpy())


def jax_state(y0: Tensor) -> Any:
    """The state as jax takes it: (batch, features), or (batch, height, width, channels)."""
    return _array(y0 if y0.dim() == 2 else y0.permute(0, 2, 3, 1).contiguous())


def torch_state(array: Any) -> Tensor:
    """The state as torch has it; shares memory where the layout allows."""
    tensor = torch.from_dlpack(array)
    return tensor if tensor.dim() == 2 else tensor.permute(0, 3, 1, 2)


def jax_field(network: nn.Module) -> tuple[JaxField, Weights]:
    """F and its weights for a Sequential of Linear, Tanh and 3×3 Conv2d with padding 1."""
    weights: Weights = []
    applied: list[Callable[[Weights, Any], Any]] = []
    for layer in network.children():
        place = len(weights)
        if isinstance(layer, nn.Linear):
            weights += [_array(layer.weight.t().contiguous()), _array(layer.bias)]
            applied.append(lambda w, y, n=place: y @ w[n] + w[n + 1])
        elif isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            weights += [_array(layer.weight.permute(2, 3, 1, 0).contiguous()), _array(layer.bias)]
            applied.append(lambda w, y, n=place: _convolved(y, w[n]) + w[n + 1])
        else:
            assert isinstance(layer, nn.Tanh)
            applied.append(lambda _, y: jax.numpy.tanh(y))

    def field(given: Weights, state: Any) -> Any:
        for apply in applied:
            state = apply(given, state)
        return state

    return field, weights


def _convolved(state: Any, kernel: Any) -> Any:
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(state[None], kernel, (1, 1), "SAME", dimension_numbers=layout)[0]


class DiffraxSolve:
    """diffrax's Dopri5 with its PID controller, a sample each by `vmap`, compiled.

    Args:
        network: F of f(t, y) = F(y).
        y0: (batch, *state).
        tolerance: rtol = atol.
        end_time: T.
    """

    def __init__(self, network: nn.Module, y0: Tensor, *, tolerance: float, end_time: float) -> None:
        self.field, self.weights = jax_field(network)
        self.y0 = jax_state(y0)
        term = diffrax.ODETerm(lambda _, y, weights: self.field(weights, y))  # pyright: ignore[reportArgumentType]
        controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)

        def solve(weights: Weights, state: Any) -> Any:
            found = diffrax.diffeqsolve(
                term, diffrax.Dopri5(), 0.0, end_time, None, state, args=weights, stepsize_controller=controller,
                max_steps=MOST_STEPS,
            )  # fmt: skip
            assert found.ys is not None
            return found.ys[0]

        batched = jax.vmap(solve, in_axes=(None, 0))
        self._forward = jax.jit(batched)
        self._is_double = y0.dtype == torch.float64
        self._gradients = jax.jit(jax.grad(lambda w, y: jax.numpy.sum(batched(w, y) ** 2), argnums=(0, 1)))

    def forward(self) -> Tensor:
        """y(T), (batch, *state)."""
        with jax.enable_x64(self._is_double):
            return torch_state(self._forward(self.weights, self.y0).block_until_ready())

    def gradients(self) -> object:
        """The gradients of Σ y(T)² in the weights and in y_0, by diffrax's default adjoint."""
        with jax.enable_x64(self._is_double):
            return jax.block_until_ready(self._gradients(self.weights, self.y0))


def scanned_steps(network: nn.Module, y0: Tensor, *, method: str, step_size: float, steps: int) -> Callable[[], Tensor]:
    """y_N by `jax.lax.scan` over steps of "Euler", "Heun" or "RK4", compiled."""
    field, weights = jax_field(network)
    batched = jax.vmap(field, in_axes=(None, 0))
    h = step_size

    def euler(w: Weights, y: Any) -> Any:
        return y + h * batched(w, y)

    def heun(w: Weights, y: Any) -> Any:
        first = batched(w, y)
        return y + h / 2 * (first + batched(w, y + h * first))

    def rk4(w: Weights, y: Any) -> Any:
        first = batched(w, y)
        second = batched(w, y + h / 2 * first)
        third = batched(w, y + h / 2 * second)
        return y + h / 6 * (first + 2 * second + 2 * third + batched(w, y + h * third))

    step = {"Euler": euler, "Heun": heun, "RK4": rk4}[method]
    run = jax.jit(lambda w, y: jax.lax.scan(lambda state, _: (step(w, state), None), y, length=steps)[0])
    start = jax_state(y0)
    return lambda: torch_state(run(weights, start).block_until_ready())
