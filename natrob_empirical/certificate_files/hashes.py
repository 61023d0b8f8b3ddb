"""Hashes that tell images, labels and networks from others."""

import hashlib

import torch
from torch import Tensor, nn

from natrob_empirical.certificate_files.grids import grids_of
from natrob_empirical.records.schema import HashedTensor


def tensor_hash(values: Tensor) -> HashedTensor:
    """SHA-256 of dtype and shape as text, then of the bytes, little-endian, the last axis fastest.

    Args:
        values: images in the dtype in which they enter the network, or labels in int64; in order.
    """
    digest = hashlib.sha256()
    digest.update(_described(values))
    digest.update(_bytes(values))
    dtype = str(values.dtype).removeprefix("torch.")
    return HashedTensor(sha256=digest.hexdigest(), shape=list(values.shape), dtype=dtype)


def network_sha256(model: nn.Module) -> str:
    """SHA-256 of a network as it is stored.

    It covers every module's name, class and `extra_repr`, every integrator's grid, then name, dtype, shape and bytes of
    every parameter and buffer. A weight that is computed from parameters counts as those parameters.
    """
    digest = hashlib.sha256()
    for name, module in model.named_modules():
        digest.update(repr((name, type(module).__name__, module.extra_repr())).encode())
    for grid in grids_of(model):
        digest.update(grid.model_dump_json().encode())
    for kind in (model.named_parameters, model.named_buffers):
        for name, value in sorted(kind(remove_duplicate=False), key=lambda pair: pair[0]):
            digest.update(name.encode() + b"\0" + _described(value))
            digest.update(_bytes(value))
    return digest.hexdigest()


def _described(values: Tensor) -> bytes:
    return repr((str(values.dtype), tuple(values.shape))).encode()


def _bytes(values: Tensor) -> bytes:
    """The bytes, little-endian also where the machine is not."""
    plain = values.detach().cpu().contiguous()
    if plain.numel() == 0:
        return b""
    if plain.dtype == torch.bfloat16:  # NumPy has no such type
        plain = plain.view(torch.int16)
    array = plain.numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
