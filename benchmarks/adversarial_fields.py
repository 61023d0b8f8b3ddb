"""Families of fields with K = 1 made to break bounds of adaptive solves: a vector of genes is one field and one pair.

Every sample of a batch has a field of its own, so that a whole population is solved at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from natrob_theory.bounds.adaptive import AffineRemainder, FlowConstants
from natrob_theory.numbers.norms import Norm

ROOM = 1.0 + 1e-12
"""Norms by SVD are divided by this much more, so that K = 1 is an upper bound."""
PIECES = 8


@dataclass(frozen=True, kw_only=True)
class Population:
    """Fields and pairs of starts.

    Attributes:
        field: f(t, y) for the whole batch.
        constants: K = 1 and μ in L2, with linear part and remainder where the family has them.
        corners: Jacobians (batch, corners, d, d) whose convex hull holds every Jacobian of the field.
        start: y_0, (batch, d).
        perturbation: ε, (batch, d).
        flow: the exact flow of a state over a time, where it is known.
    """

    field: Callable[[Tensor, Tensor], Tensor]
    constants: FlowConstants
    corners: Tensor
    start: Tensor
    perturbation: Tensor
    flow: Callable[[Tensor, float], Tensor] | None = None

    def constants_in(self, norm: Norm) -> FlowConstants:
        """K and μ in a norm; in L∞ and L1 the largest of the corners, as both are convex in the Jacobian."""
        if norm == "L2":
            return self.constants
        matrices = self.corners if norm == "Linf" else self.corners.transpose(-1, -2)
        sizes, diagonal = matrices.abs(), matrices.diagonal(dim1=-2, dim2=-1)
        rows = sizes.sum(dim=-1)
        lipschitz = rows.flatten(1).amax(dim=1) * ROOM
        one_sided = (rows - diagonal.abs() + diagonal).flatten(1).amax(dim=1) + 1e-12 * lipschitz
        return FlowConstants(lipschitz=lipschitz, one_sided=torch.minimum(one_sided, lipschitz))


Family = Callable[[Tensor, float], Population]
"""Turns genes (batch, genes), standard normal numbers at first, into a population for steps of at most H."""


class Wave:
    """A zigzag w with w′ in [−1, 1] and free breaks, one for each sample; w′ has a period near H.

    Args:
        genes: the first `WAVE_GENES` of a sample.
        largest_step: H.
        drifting: whether w may end a period elsewhere than it began; else a free part of its mean is taken off.
    """

    def __init__(self, genes: Tensor, largest_step: float, *, drifting: bool) -> None:
        lengths = torch.softmax(genes[:, :PIECES], dim=1)
        slopes = torch.tanh(8.0 * genes[:, PIECES : 2 * PIECES])
        if not drifting:
            slopes = slopes - (slopes * lengths).sum(dim=1, keepdim=True)
        self.slopes = slopes / slopes.abs().amax(dim=1, keepdim=True).clamp_min(1e-3)
        self.lengths, self.starts = lengths, torch.cumsum(lengths, dim=1) - lengths
        self.period = largest_step * torch.exp(0.1 * genes[:, 2 * PIECES : 2 * PIECES + 1].clamp(-2, 2) ** 3)
        self.drift = (self.slopes * lengths).sum(dim=1, keepdim=True) * self.period
        self.offset = torch.zeros_like(self.period)
        if not drifting:
            mean = self._integral_inside(torch.ones_like(self.period)) / self.period
            self.offset = -mean * torch.sigmoid(4.0 * genes[:, 2 * PIECES + 1 : 2 * PIECES + 2])

    @property
    def height(self) -> Tensor:
        """At least |w| of a wave that does not drift, (batch, 1)."""
        corners = torch.cumsum(self.slopes * self.lengths, dim=1).abs().amax(dim=1, keepdim=True)
        return corners * self.period + self.offset.abs()

    def __call__(self, position: Tensor) -> Tensor:
        """w, (batch, 1)."""
        inside = self._inside(position)
        periods = position / self.period - inside
        within = (self.slopes * self._covered(inside)).sum(dim=1, keepdim=True) * self.period
        return periods * self.drift + within + self.offset

    def integral(self, position: Tensor) -> Tensor:
        """∫₀ w, (batch, 1)."""
        inside = self._inside(position)
        periods = position / self.period - inside
        whole = periods * self._integral_inside(torch.ones_like(inside)) + self._integral_inside(inside)
        return whole + self.drift * self.period * (0.5 * periods * (periods - 1.0) + periods * inside)

    def _inside(self, position: Tensor) -> Tensor:
        """The place in its period, in [0, 1)."""
        inside = position / self.period
        return inside - torch.floor(inside)

    def _covered(self, inside: Tensor) -> Tensor:
        return torch.minimum((inside - self.starts).clamp_min(0.0), self.lengths)

    def _integral_inside(self, inside: Tensor) -> Tensor:
        covered = self._covered(inside)
        pieces = self.slopes * covered * (inside - self.starts - 0.5 * covered)
        return pieces.sum(dim=1, keepdim=True) * self.period**2 + self.offset * inside * self.period


WAVE_GENES = 2 * PIECES + 2


def zigzag(genes: Tensor, largest_step: float) -> Population:
    """f = (1, w(y₁)), whose flow is known: μ = ½ in L2."""
    wave, rest = Wave(genes, largest_step, drifting=True), genes[:, WAVE_GENES:]

    def field(_time: Tensor, state: Tensor) -> Tensor:
        return torch.cat([torch.ones_like(state[:, :1]), wave(state[:, :1])], dim=1)

    def flow(state: Tensor, duration: float) -> Tensor:
        later = state[:, :1] + duration
        return torch.cat([later, state[:, 1:] + wave.integral(later) - wave.integral(state[:, :1])], dim=1)

    # y₂ near 1 and no smaller: a start at 0 makes the solver's first step tiny.
    start = torch.cat([wave.period * rest[:, :1].clamp(-1, 1) * (rest[:, 1:2] > 0), 1.0 + rest[:, 2:3].abs()], dim=1)
    step = torch.cat([wave.period * rest[:, 3:4], wave.period * rest[:, 4:5]], dim=1)
    perturbation = step * 10.0 ** (rest[:, 5:6].clamp(-4.0, 0.5))
    corners = torch.zeros(len(genes), 2, 2, 2, dtype=torch.float64)
    corners[:, 0, 1, 0], corners[:, 1, 1, 0] = 1.0, -1.0
    return Population(
        field=field, constants=_constants(0.5), corners=corners, start=start, perturbation=perturbation, flow=flow
    )


def turned_zigzag(genes: Tensor, largest_step: float) -> Population:
    """f = (1, g(y₂)w(y₁)), g from −1 to 1 where y₂ changes its sign: the errors of a pair point apart."""
    wave, rest = Wave(genes, largest_step, drifting=False), genes[:, WAVE_GENES:]
    width = wave.period * torch.exp(rest[:, :1].clamp(-4, 2) - 1.0)
    height = wave.height / width
    amplitude = 1.0 / (torch.sqrt(1.0 + height**2) * ROOM)

    def field(_time: Tensor, state: Tensor) -> Tensor:
        turned = amplitude * wave(state[:, :1]) * (state[:, 1:] / width).clamp(-1.0, 1.0)
        return torch.cat([torch.ones_like(turned), turned], dim=1)

    across = (amplitude * height)[:, 0]  # |∂f₂/∂y₂|, and |∂f₂/∂y₁| ≤ amplitude: μ ≤ (a + √(a² + 1))/2
    mu = (0.5 * (across + torch.sqrt(across**2 + 1.0)) * ROOM).clamp_max(1.0)
    phase = torch.round(1.0 / wave.period) + rest[:, 1:2].clamp(-1, 1) * (rest[:, 2:3] > 0)  # y₁ near 1, not 0
    start = torch.cat([wave.period * phase, width * rest[:, 3:4]], dim=1)
    other = torch.cat([start[:, :1] + wave.period * rest[:, 4:5] * (rest[:, 5:6] > 0), -width * rest[:, 3:4]], dim=1)
    corners = torch.zeros(len(genes), 4, 2, 2, dtype=torch.float64)
    for corner, (along, turning) in enumerate(product((-1.0, 1.0), repeat=2)):
        corners[:, corner, 1, 0], corners[:, corner, 1, 1] = along * amplitude[:, 0], turning * across
    return Population(field=field, constants=_constants(mu), corners=corners, start=start, perturbation=other - start)


def gradient_flow(genes: Tensor, largest_step: float) -> Population:
    """f = −Wᵀrelu(Wy + b), ‖W‖ = 1, on d = 2: μ = 0, A = −½WᵀW, K_ρ = ½."""
    weight, rest = _matrices(genes, 6, 2)
    bias = rest[:, :6]

    def field(_time: Tensor, state: Tensor) -> Tensor:
        hidden = torch.relu((weight @ state[:, :, None])[..., 0] + bias)
        return -(weight.transpose(1, 2) @ hidden[..., None])[..., 0]

    corners = -_with_gates(weight.transpose(1, 2), weight)
    return _with_pair(field, _constants(0.0, affine=(0.5, 0.5)), corners, rest[:, 6:], largest_step)


def skew_and_gradient_flow(genes: Tensor, largest_step: float) -> Population:
    """½(rotation) + ½(gradient flow) on d = 2: μ = 0, ‖A‖ = √(½² + ¼²), K_ρ = ¼."""
    weight, rest = _matrices(genes, 6, 2)
    bias = rest[:, :6]

    def field(_time: Tensor, state: Tensor) -> Tensor:
        hidden = torch.relu((weight @ state[:, :, None])[..., 0] + bias)
        turned = torch.stack([-state[:, 1], state[:, 0]], dim=1)
        return 0.5 * turned - 0.5 * (weight.transpose(1, 2) @ hidden[..., None])[..., 0]

    rotation = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    corners = 0.5 * rotation - 0.5 * _with_gates(weight.transpose(1, 2), weight)
    return _with_pair(field, _constants(0.0, affine=(0.5591, 0.25)), corners, rest[:, 6:], largest_step)


def two_layers(genes: Tensor, largest_step: float) -> Population:
    """f = W₂relu(W₁y + b), both norms 1, on d = 2: μ = K."""
    inner, rest = _matrices(genes, 6, 2)
    outer, rest = _matrices(rest, 2, 6)
    bias = rest[:, :6]

    def field(_time: Tensor, state: Tensor) -> Tensor:
        hidden = torch.relu((inner @ state[:, :, None])[..., 0] + bias)
        return (outer @ hidden[..., None])[..., 0]

    return _with_pair(field, _constants(1.0), _with_gates(outer, inner), rest[:, 6:], largest_step)


def linear(genes: Tensor, largest_step: float) -> Population:
    """f = My + c, ‖M‖ = 1, on d = 2: μ = λ_max of the symmetric part, no remainder."""
    matrix, rest = _matrices(genes, 2, 2)
    offset = rest[:, :2]

    def field(_time: Tensor, state: Tensor) -> Tensor:
        return (matrix @ state[:, :, None])[..., 0] + offset

    mu = torch.linalg.eigvalsh(0.5 * (matrix + matrix.transpose(1, 2))).amax(dim=1)
    constants = _constants((mu + 1e-12).clamp_max(1.0), affine=(1.0, 0.0))

    def flow(state: Tensor, duration: float) -> Tensor:
        whole = torch.zeros(len(state), 3, 3, dtype=torch.float64)
        whole[:, :2, :2], whole[:, :2, 2] = matrix, offset
        padded = torch.cat([state, torch.ones(len(state), 1, dtype=torch.float64)], dim=1)
        return (torch.linalg.matrix_exp(duration * whole) @ padded[:, :, None])[:, :2, 0]

    return replace(_with_pair(field, constants, matrix[:, None], rest[:, 2:], largest_step), flow=flow)


FAMILIES: dict[str, tuple[Family, int]] = {
    "zigzag": (zigzag, WAVE_GENES + 6),
    "turned zigzag": (turned_zigzag, WAVE_GENES + 6),
    "gradient flow": (gradient_flow, 12 + 6 + 5),
    "skew + gradient flow": (skew_and_gradient_flow, 12 + 6 + 5),
    "two layers": (two_layers, 24 + 6 + 5),
    "linear": (linear, 4 + 2 + 5),
}
"""Name, and the family with the number of its genes."""


def attaining_genes(signs: Sequence[float], lengths: Sequence[float], genes: Tensor) -> Tensor:
    """Genes whose wave is near a given pattern of slopes."""
    found = genes.clone()
    pieces = torch.full((PIECES,), 1e-4, dtype=torch.float64)
    pieces[: len(lengths)] = torch.tensor(lengths, dtype=torch.float64)
    found[:, :PIECES] += torch.log(pieces / pieces.sum())
    found[:, PIECES : PIECES + len(signs)] += torch.tensor(signs, dtype=torch.float64)
    return found


def _constants(mu: float | Tensor, affine: tuple[float, float] | None = None) -> FlowConstants:
    """K = 1 with these others."""
    return FlowConstants(
        lipschitz=torch.tensor(1.0, dtype=torch.float64),
        one_sided=torch.as_tensor(mu, dtype=torch.float64),
        affine=None if affine is None else AffineRemainder(linear=_number(affine[0]), remainder=_number(affine[1])),
    )


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def _matrices(genes: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Matrices of norm 1 from the first genes, and the other genes."""
    count = rows * columns
    matrix = genes[:, :count].reshape(-1, rows, columns)
    norm = torch.linalg.matrix_norm(matrix, ord=2)[:, None, None]
    return matrix / (norm * ROOM), genes[:, count:]


def _with_gates(outer: Tensor, inner: Tensor) -> Tensor:
    """W₂DW₁ for every diagonal D of zeros and ones: the corners of what ReLU makes of two layers."""
    gates = torch.tensor(list(product((0.0, 1.0), repeat=inner.shape[1])), dtype=torch.float64)
    return torch.einsum("bih,gh,bhj->bgij", outer, gates, inner)


def _with_pair(
    field: Callable[[Tensor, Tensor], Tensor], constants: FlowConstants, corners: Tensor, genes: Tensor,
    largest_step: float,
) -> Population:  # fmt: skip
    """A population on d = 2 from five genes: start, direction and size of the perturbation."""
    size = largest_step * 10.0 ** (2.0 * genes[:, 4:5]).clamp(-6.0, 1.0)
    start, perturbation = genes[:, :2], size * genes[:, 2:4]
    return Population(field=field, constants=constants, corners=corners, start=start, perturbation=perturbation)
