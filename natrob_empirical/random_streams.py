"""Random numbers that do not depend on the batch: named streams of a run, and one stream per sample.

`RandomStreams` turns the one seed of a run into a generator per purpose, so that drawing more numbers for the
data does not change the attack. `SampleStreams` gives every sample of a batch a stream of its own, so that
what a sample receives depends neither on the batch's size nor on its neighbours.
"""

import copy
import hashlib
import math
from typing import Final, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from natrob_theory.numbers.argument_checks import require_count, require_generator


@final
class RandomStreams:
    """The named random streams of one run.

    The stream `name` is seeded with the first 64 bits of SHA-256 of the text "seed:name". The runner uses the
    names "data", "init", "train" and "attack"; any other non-empty name is a stream too.

    Args:
        seed: the seed of the run, an integer of at least 0.

    Raises:
        TypeError, ValueError: `seed` is not such an integer.
    """

    def __init__(self, seed: int) -> None:
        self.seed: Final = require_count("seed", seed, minimum=0)

    def generator(self, name: str) -> torch.Generator:
        """A fresh CPU generator at the start of the stream `name`; equal names give equal generators."""
        if not isinstance(name, str):
            raise TypeError(f"`name` must be a string, got {name!r} of type {type(name).__name__}")
        if not name:
            raise ValueError("`name` must be a non-empty string, got ''")
        digest = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        return torch.Generator(device="cpu").manual_seed(int.from_bytes(digest[:8], "big"))


def _as_signed(value: int) -> int:
    """The int64 with the bits of this unsigned 64-bit number: torch has no arithmetic on uint64."""
    return value - (1 << 64) if value >> 63 else value


_ELEMENT_STRIDE: Final = _as_signed(0x9E3779B97F4A7C15)  # 2⁶⁴ divided by the golden ratio, made odd
_CALL_STRIDE: Final = _as_signed(0xD1342543DE82EF95)  # an odd multiplier unrelated to the one above
_FIRST_MULTIPLIER: Final = _as_signed(0xBF58476D1CE4E5B9)
_SECOND_MULTIPLIER: Final = _as_signed(0x94D049BB133111EB)


# z = v + c·v³ with v = s·(k + ½): the variance and the fourth moment over all bytes k are those of a standard normal
_BYTE_SCALE: Final = 0.6075658039822268 / 128
_BYTE_CURVE: Final = 2.911752828764012 / 0.6075658039822268**2


def _shift_right(bits: Int64[Tensor, "*shape"], places: int) -> Int64[Tensor, "*shape"]:
    """Logical right shift; torch's own shift of an int64 copies the sign bit."""
    return (bits >> places).bitwise_and_((1 << (64 - places)) - 1)


def _mix(bits: Int64[Tensor, "*shape"]) -> Int64[Tensor, "*shape"]:
    """The output function of SplitMix64, a bijection of the 64-bit integers in which every input bit matters.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the
    constants of Stafford's variant 13. The products wrap modulo 2⁶⁴, on every device alike.
    """
    bits = _shift_right(bits, 30).bitwise_xor_(bits).mul_(_FIRST_MULTIPLIER)  # in place: half the time
    bits = _shift_right(bits, 27).bitwise_xor_(bits).mul_(_SECOND_MULTIPLIER)
    return _shift_right(bits, 31).bitwise_xor_(bits)


@final
class SampleStreams:
    """One independent random stream per sample of a batch.

    Each sample has a 64-bit seed and a call counter. Entry i of its call number c is
    `mix(mix(seed + c·C) + i·E)` with odd constants C and E: a function of the sample alone. The seeds are
    drawn from `generator` one after the other, so two batches of 3 and 5 samples get the seeds of one
    batch of 8.

    Integers and uniform numbers are the same bits on every device; normal numbers agree up to the rounding of
    that device's inverse normal distribution function.

    Args:
        generator: a CPU generator; advances by one 64-bit draw per sample.
        batch_size: the number of samples, at least 1.
        device: where the numbers are made.

    Raises:
        TypeError: `generator` is no torch.Generator or `batch_size` no integer.
        ValueError: `generator` is not on the CPU, or `batch_size` is below 1.
    """

    def __init__(self, generator: torch.Generator, batch_size: int, device: torch.device | str = "cpu") -> None:
        require_count("batch_size", batch_size)
        require_cpu_generator("generator", generator)
        limits = torch.iinfo(torch.int64)
        with torch.inference_mode(False):  # the counters are updated in place, in or out of inference mode
            seeds = torch.randint(limits.min, limits.max, (batch_size,), dtype=torch.int64, generator=generator)
            self._seeds = seeds.to(device)
            self._calls = torch.zeros_like(self._seeds)
            self._rows = torch.arange(batch_size, device=device)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def device(self) -> torch.device:
        """The device that the numbers are made on."""
        return self._seeds.device

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "batch *shape"]:
        """Uniform numbers in [0, 1), never 1.

        They lie on the grid `k·2⁻ᵖ`, 0 ≤ k < 2ᵖ, with p the precision of `dtype` in bits.
        Returns a tensor of shape (batch, *shape) and advances every sample's counter by one call.
        """
        precision = 1 - round(math.log2(torch.finfo(dtype).eps))
        return _shift_right(self._next_bits(shape), 64 - precision).to(dtype) * 2.0**-precision

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "batch *shape"]:
        """Standard normal numbers `Φ⁻¹(u)`, always finite (at most 8.3 in size).

        u is one of the 2⁵² midpoints `(k + ½)·2⁻⁵²`, which float64 holds exactly and which never reach 0
        or 1. Returns a tensor of shape (batch, *shape) and advances every sample's counter by one call.
        """
        midpoints = (2 * _shift_right(self._next_bits(shape), 12) + 1).to(torch.float64) * 2.0**-53
        return torch.special.ndtri(midpoints).to(dtype)

    def signs(self, *shape: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "batch *shape"]:
        """−1 or +1 with equal chance, 64 of them from the bits of one random integer: far cheaper than `uniform`.

        Returns a tensor of shape (batch, *shape) and advances every sample's counter by one call.
        """
        entries = math.prod(shape)
        octets = self._next_bits((-(-entries // 64),)).view(torch.uint8).long()
        every_octet = torch.arange(256, device=self.device)[:, None] >> torch.arange(8, device=self.device)
        signs_of_octet = (2 * (every_octet & 1) - 1).to(dtype)
        return signs_of_octet[octets].flatten(1)[:, :entries].reshape(len(self), *shape)

    def near_normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Float[Tensor, "batch *shape"]:
        """Numbers that are nearly standard normal and cost a small part of `normal`'s time: for noise in bulk.

        Each is one of 256 values `v + c·v³`, v = s·(k + ½), of a random byte k in −128 … 127, all equally likely and at
        most 2.36 in size. Their first five moments are those of the standard normal, and so are those of every linear
        combination, as cumulants add: a direction of many such numbers is close to isotropic. The sixth moment is 11.5
        instead of 15; there are no tails. Returns a tensor of shape (batch, *shape) and advances every sample's counter
        by one call.
        """
        count = math.prod(shape)
        places = self._next_bits((-(-count // 8),)).view(torch.int8)[:, :count].to(dtype)
        places.add_(0.5).mul_(_BYTE_SCALE)
        return torch.addcmul(places, places, places * places, value=_BYTE_CURVE).reshape(len(self), *shape)

    def select(self, index: Bool[Tensor, " batch"] | Int64[Tensor, " chosen"]) -> "SampleStreams":
        """The streams of some of the samples, in the order of `index` (a mask, or distinct positions).

        The result shares the counters of this object: what a subset draws is drawn for those samples here
        too, and no number is handed out twice.

        Raises:
            TypeError: `index` is neither a boolean nor an int64 tensor.
            ValueError: a mask of another length, an index of another dimension, or a position named twice.
        """
        if not isinstance(index, Tensor) or index.dtype not in (torch.bool, torch.int64):
            kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
            raise TypeError(f"`index` must be a boolean or int64 tensor, got {kind}")
        if index.dim() != 1 or (index.dtype == torch.bool and len(index) != len(self)):
            raise ValueError(
                f"`index` must be a mask of shape ({len(self)},) or a list of positions, "
                f"got {index.dtype} of shape {tuple(index.shape)}"
            )
        rows = self._rows[index]
        if len(rows.unique()) != len(rows):
            raise ValueError("`index` must name each sample at most once, got a position twice")
        chosen = copy.copy(self)
        chosen._rows = rows
        return chosen

    def _next_bits(self, shape: tuple[int, ...]) -> Int64[Tensor, "batch *shape"]:
        """64 random bits per entry; advances the counters."""
        self._calls[self._rows] += 1
        keys = _mix(self._seeds[self._rows] + self._calls[self._rows] * _CALL_STRIDE)
        entries = torch.arange(1, math.prod(shape) + 1, device=self.device) * _ELEMENT_STRIDE
        return _mix(keys[:, None] + entries).reshape(len(self), *shape)


def require_cpu_generator(name: str, value: object) -> torch.Generator:
    """Return `value` if it is a torch.Generator on the CPU; raises TypeError or ValueError otherwise."""
    generator = require_generator(name, value)
    if generator.device.type != "cpu":
        raise ValueError(
            f"`{name}` must be a generator on the CPU, so that every device draws the same numbers, "
            f"got one on {generator.device}"
        )
    return generator
