"""A field on convex sets around a path: one linear part for the whole set, and what is left of it.

A set is the hull of states of a path, widened by a ball of radius r. Between any two of its states the field acts as
A + R with ‖R‖ ≤ K_ρ, so f(u) = f(y) + A(u − y) + ρ(u) for every start y in it. A takes every activation in the middle
of its slopes on the set: a rectifier that may switch counts half.

The first matrix of a chain is applied to the path's states themselves. So its outputs range from their least to their
largest on the path, and ‖w_i‖r further, whatever the path's length.

Proof: proofs/symbolic/local_lipschitz.py; of the sets proofs/symbolic/adaptive_tube.py.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import affine_value, widened
from natrob_theory.bounds.local.chain_passage import PreparedChain
from natrob_theory.bounds.local.points import Points
from natrob_theory.bounds.local.prepared_map import PreparedMap
from natrob_theory.layers.questions import field_terms
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.statements import Activation, AffineMap, Shape, Term
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.eigenvalues import largest_eigenvalue_upper
from natrob_theory.spectra.singular_values import spectral_norms_upper

ENTRIES_AT_ONCE = 2**23
"""How many entries the matrices of the sets of one pass may have together."""

DECOMPOSED = 512
"""Up to so many entries of a state ‖A‖ is a singular value; beyond, a product of norms."""


@dataclass(frozen=True, kw_only=True)
class SeenPath:
    """A path's states, and what the first matrix of each chain makes of them.

    Attributes:
        states: y_0, …, y_N, flat, float64.
        lower, upper: of each chain, the range of its first matrix's outputs at each state, rounding included; the state
            itself for a chain that begins without a matrix.
    """

    states: Float[Tensor, "points batch entries"]
    lower: tuple[Float[Tensor, "points batch outputs"], ...]
    upper: tuple[Float[Tensor, "points batch outputs"], ...]

    def hull(self, first: int, chosen: Bool[Tensor, "some batch"]) -> "Hull":
        """The hull of the chosen states from the one at `first` on, at least one of each sample."""
        end = first + len(chosen)
        out = ~chosen[:, :, None]
        some = self.states[first:end]
        low = some.masked_fill(out, math.inf).amin(dim=0)
        high = some.masked_fill(out, -math.inf).amax(dim=0)
        center = 0.5 * low + 0.5 * high
        apart = torch.linalg.vector_norm(some - center, dim=2).masked_fill(~chosen, 0.0).amax(dim=0)
        return Hull(
            center=center,
            spread=round_up(apart, some.shape[2] + 8),
            lower=tuple(each[first:end].masked_fill(out, math.inf).amin(dim=0) for each in self.lower),
            upper=tuple(each[first:end].masked_fill(out, -math.inf).amax(dim=0) for each in self.upper),
        )

    def chords(self) -> "Hull":
        """The hulls of every two states that follow each other, steps times samples as one batch."""
        middles = 0.5 * self.states[1:] + 0.5 * self.states[:-1]
        apart = torch.maximum(
            *(torch.linalg.vector_norm(ends - middles, dim=2) for ends in (self.states[1:], self.states[:-1]))
        )
        return Hull(
            center=middles.flatten(0, 1),
            spread=round_up(apart, middles.shape[2] + 8).flatten(),
            lower=tuple(torch.minimum(each[1:], each[:-1]).flatten(0, 1) for each in self.lower),
            upper=tuple(torch.maximum(each[1:], each[:-1]).flatten(0, 1) for each in self.upper),
        )


@dataclass(frozen=True, kw_only=True)
class Hull:
    """Hulls of states, one a set.

    Attributes:
        center: any point; the sets lie within `spread` of it.
        spread: the largest distance of a state from it.
        lower, upper: as `SeenPath` has them, over all states of the hull.
    """

    center: Float[Tensor, "sets entries"]
    spread: Float[Tensor, " sets"]
    lower: tuple[Float[Tensor, "sets outputs"], ...]
    upper: tuple[Float[Tensor, "sets outputs"], ...]

    def part(self, start: int, end: int) -> "Hull":
        """Some of the sets."""
        return Hull(
            center=self.center[start:end],
            spread=self.spread[start:end],
            lower=tuple(each[start:end] for each in self.lower),
            upper=tuple(each[start:end] for each in self.upper),
        )


class PartsOnSets(NamedTuple):
    """Upper bounds on every set: ‖A‖, K_ρ, and μ, which is ∞ unless it was asked for."""

    linear: Float[Tensor, " sets"]
    remainder: Float[Tensor, " sets"]
    one_sided: Float[Tensor, " sets"]


@final
class FieldOnSets:
    """A field made of matrices and activations, prepared for any number of sets.

    Args:
        field: a sum of chains, as `local_lipschitz_upper_bound` follows them.
        input_shape: of one state.

    Raises:
        LayerRefusedError: a layer of the field has neither a matrix nor known slopes.
    """

    def __init__(self, field: nn.Module, input_shape: Shape) -> None:
        self._terms = [_PreparedTerm(term, type(field).__name__) for term in field_terms(field, input_shape)]
        entries = math.prod(input_shape)
        widest = max([entries, *(term.widest for term in self._terms)])
        self._at_once = max(1, ENTRIES_AT_ONCE // (entries * widest))

    def seen(self, states: Float[Tensor, "points batch *state"]) -> SeenPath:
        """The states, flat, and what the first matrices make of them."""
        flat = states.detach().flatten(2).double()
        ranges = [term.first_outputs(flat) for term in self._terms]
        return SeenPath(
            states=flat,
            lower=tuple(lower for lower, _ in ranges),
            upper=tuple(upper for _, upper in ranges),
        )

    def on(self, hull: Hull, radius: Float[Tensor, " sets"], *, one_sided: bool = False) -> PartsOnSets:
        """The linear parts and remainders on hulls that are widened by balls of these radii.

        Args:
            hull: of every set.
            radius: at least 0; ∞ excludes nothing.
            one_sided: whether μ is wanted.
        """
        parts = [
            self._on_some(hull.part(start, start + self._at_once), radius[start : start + self._at_once], one_sided)
            for start in range(0, len(radius), self._at_once)
        ]
        return PartsOnSets(*(torch.cat(some) for some in zip(*parts, strict=True)))

    def _on_some(self, hull: Hull, radius: Tensor, one_sided: bool) -> PartsOnSets:
        total, size = torch.zeros((1, 1, 1), dtype=torch.float64, device=radius.device), torch.zeros_like(radius)
        remainder, most = torch.zeros_like(radius), 0.0
        for place, term in enumerate(self._terms):
            linear, rest = term.on(hull, place, radius)
            total, size = total + linear, size + torch.linalg.matrix_norm(linear)
            remainder, most = remainder + rest, most + term.most
        rounded = round_up(2 * (len(self._terms) + 2) * EPSILON * size, 8)
        remainder = round_up(remainder + rounded, len(self._terms) + 4)
        product = torch.full_like(radius, most * (1.0 + (len(self._terms) + 4) * EPSILON))
        known = product
        if total.shape[2] <= DECOMPOSED:
            known = torch.minimum(product, spectral_norms_upper(total).expand_as(radius))
        mu = torch.full_like(radius, math.inf)
        if one_sided:
            symmetric = largest_eigenvalue_upper(total, input_error=torch.zeros_like(total[:, 0, 0]))
            mu = symmetric.expand_as(radius) + remainder
            mu = mu + 4 * EPSILON * mu.abs()
        return PartsOnSets(known, remainder, torch.nan_to_num(mu, nan=math.inf))


class _PreparedTerm:
    """One chain with its factor: its first matrix, and what follows."""

    def __init__(self, term: Term, name: str) -> None:
        chain = [piece for piece in term.chain if isinstance(piece, AffineMap | Activation)]
        if len(chain) < len(term.chain):
            raise LayerRefusedError(f"field {name} has a layer of which neither matrix nor slopes are known")
        self._factor = abs(term.factor)
        self._sign = 1.0 if term.factor >= 0 else -1.0
        head = chain[0] if chain and isinstance(chain[0], AffineMap) else None
        self._first = None if head is None else PreparedMap(head)
        self._rest = PreparedChain(chain if head is None else chain[1:], middle=True)
        self._rest_constant = self._rest.constant()
        norm = 1.0 if self._first is None else self._first.norm
        self.most = self._factor * norm * self._rest_constant * (1.0 + 8 * EPSILON)
        maps = self._rest.maps + ([] if self._first is None else [self._first])
        self.widest = max([1, *(len(each.bias) for each in maps)])

    def first_outputs(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """The range of the first matrix's outputs, or of the states."""
        if self._first is None:
            return states, states
        first = self._first.on(states.device)
        value, error = affine_value(first, states.flatten(0, 1))
        value, error = (each.view(*states.shape[:2], -1) for each in (value, error))
        end = torch.full_like(value, math.inf)
        return torch.nextafter(value - error, -end), torch.nextafter(value + error, end)

    def on(self, hull: Hull, place: int, radius: Tensor) -> tuple[Tensor, Tensor]:
        """c·A of the chain, and at least |c|‖R‖."""
        center, zero, one = hull.center, torch.zeros_like(radius), torch.ones_like(radius)
        rows, jacobian, deviation, constant, drift = one[:, None], None, zero, one, zero
        if self._first is not None:
            first = self._first.on(radius.device)
            center, error = affine_value(first, center)
            drift = round_up(per_sample_l2(error), error.shape[1] + 8)
            rows, jacobian = first.row_norms, first.matrix[None]
            deviation, constant = zero + first.entry_error * first.size, zero + first.norm
        reach = round_up(rows * radius[:, None], 2)
        points = Points(
            box=widened(center, hull.lower[place], hull.upper[place], reach),
            drift=drift,
            outer=one,
            radius=round_up(hull.spread + radius, 2),
            jacobian=jacobian,
            deviation=deviation,
            constant=constant,
            settled=True,
        )
        slope = self._rest.slope(points, center.shape[1])
        rest = slope.switching + self._rest_constant * deviation
        return self._sign * self._factor * slope.jacobian, round_up(self._factor * rest, 6)
