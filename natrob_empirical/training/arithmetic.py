"""Precision, memory format and compilation of a model's passes, for as long as it is trained."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from natrob_empirical.training.specification import EngineOptions
from natrob_theory import AbstractField


@contextmanager
def arithmetic(model: nn.Module, options: EngineOptions, device: torch.device) -> Iterator[None]:
    """Within the block the model's passes are done as the options say; afterwards everything is as it was."""
    with ExitStack() as stack:
        stack.enter_context(_float32_products("tf32" if options.tf32 else "ieee"))
        if options.channels_last:
            stack.enter_context(_in_channels_last(model))
        if options.compiled:
            stack.enter_context(_compiled(model))
        if options.precision == "bfloat16":
            stack.enter_context(_forward_in_bfloat16(model, device))
        yield


def memory_format(options: EngineOptions) -> torch.memory_format:
    """The memory format of images and weights."""
    return torch.channels_last if options.channels_last else torch.contiguous_format


@contextmanager
def _float32_products(precision: str) -> Iterator[None]:
    """Products of float32 matrices and convolutions on an NVIDIA GPU; torch's own default differs between the two."""
    backends = [torch.backends.cuda.matmul, getattr(torch.backends.cudnn, "conv")]  # noqa: B009  # torch has no stub of it
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = precision
        yield
    finally:
        for backend, old in zip(backends, before, strict=True):
            backend.fp32_precision = old


@contextmanager
def _in_channels_last(model: nn.Module) -> Iterator[None]:
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        yield
    finally:
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


@contextmanager
def _compiled(model: nn.Module) -> Iterator[None]:
    """`torch.compile` in place: the names of the weights stay, and so does what the model is an instance of."""
    before = model._compiled_call_impl
    model.compile(dynamic=False)
    try:
        yield
    finally:
        model._compiled_call_impl = before


@contextmanager
def _forward_in_bfloat16(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Autocast around every pass that a method may ask for: the model's, and its two parts at the first layer.

    Only the forward passes: autograd repeats each operation's type on the way back. What comes out is float32, so
    losses and adjoints are computed in full precision. So is what comes out of a field: the states of an integrator
    stay float32, and a field that a trunk evaluates anew on the way back is evaluated as it was before.
    """
    first = getattr(model, "first_layer", None)
    fields = [module for module in model.modules() if isinstance(module, AbstractField)]
    entries = [(model, "forward"), (model, "after_first_layer"), (first, "forward")]
    entries += [(field, "forward") for field in fields]
    shadowed = [(module, name) for module, name in entries if isinstance(module, nn.Module) and hasattr(module, name)]
    try:
        for module, name in shadowed:
            module.__dict__[name] = _under_autocast(getattr(module, name), device)
        yield
    finally:
        for module, name in shadowed:
            module.__dict__.pop(name, None)


def _under_autocast(function: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    def run(*inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return function(*inputs).float()

    return run
