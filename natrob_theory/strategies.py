"""Hypothesis strategies for integrators: fields with known constants, tableaus, step sizes, perturbations.

For tests, this library's and other people's. Paste into a test file:

    import torch
    from hypothesis import given
    from natrob_theory import EulerNet, check_bound
    from natrob_theory.strategies import fields, perturbations, step_sizes

    @given(fields(dimension=3), step_sizes(1e-3, 1.0), perturbations((4, 3)))
    def test_perturbations_stay_below_the_bound(known, step_size, perturbation):
        net = EulerNet(known.field, step_size, 5)
        y0 = torch.ones(4, 3, dtype=torch.float64)
        assert check_bound(net, y0, perturbation, lipschitz=known.lipschitz).all_hold

Importing this module needs Hypothesis; nothing else in natrob_theory does.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory.fields import DissipativeField, GradientFlowField, LinearField, broadcast_time
from natrob_theory.numbers.argument_checks import require_count, require_positive
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.spectra.singular_values import matrix_norm_upper
from natrob_theory.tableaus import TABLEAUS, ButcherTableau
from natrob_theory.tableaus.rooted_trees import order_of

Draw: TypeAlias = Callable[..., Any]
"""What `st.composite` hands in; its own protocol `st.DrawFn` cannot be checked at run time."""


@dataclass(frozen=True, kw_only=True)
class KnownField:
    """A field on states (batch, dimension) in float64 with constants that hold for all y and all t.

    Attributes:
        field: f(t, y).
        lipschitz: a true upper bound of K in L2.
        one_sided: a true upper bound of μ in L2: exact for multiples of y and linear fields, 0 for skew fields and
            gradient flows, −ρ for dissipative ones, K for the others.
        dimension: d.
        description: what f is, for the failure report.
    """

    field: Field
    lipschitz: float
    one_sided: float
    dimension: int
    description: str

    def __repr__(self) -> str:
        return f"KnownField({self.description}, K={self.lipschitz:.6g}, μ={self.one_sided:.6g})"


def step_sizes(smallest: float = 1e-10, largest: float = 10.0) -> st.SearchStrategy[float]:
    """Step sizes h, log-uniform between `smallest` and `largest`, both included; shrinks towards 1 or the nearest."""
    low = math.log10(require_positive("smallest", smallest))
    high = math.log10(require_positive("largest", largest))
    return st.floats(low, high).map(lambda exponent: min(max(10.0**exponent, smallest), largest))


@st.composite
def perturbations(draw: Draw, shape: tuple[int, ...], *, smallest: float = 1e-12, largest: float = 1e3) -> Tensor:
    """Perturbations of shape (batch, *state), float64; ‖ε‖₂ of each sample between `smallest` and `largest`."""
    seed = draw(st.integers(0, 2**32 - 1))
    exponents = draw(
        st.lists(st.floats(math.log10(smallest), math.log10(largest)), min_size=shape[0], max_size=shape[0])
    )
    direction = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    direction = direction / direction.flatten(1).norm(dim=1).view(-1, *[1] * (len(shape) - 1))
    lengths = torch.tensor([10.0**exponent for exponent in exponents], dtype=torch.float64)
    return direction * lengths.view(-1, *[1] * (len(shape) - 1))


def fields(*, dimension: int = 4, largest_lipschitz: float = 3.0) -> st.SearchStrategy[KnownField]:
    """Fields with known constants: multiples of y, linear, skew, sine, networks, gradient flows, dissipative, in time.

    Args:
        dimension: d of the states (batch, d).
        largest_lipschitz: K is at most this, up to outward rounding.
    """
    require_count("dimension", dimension)
    require_positive("largest_lipschitz", largest_lipschitz)
    families = (_scalar, _linear, _skew, _sine, _network, _gradient_flow, _dissipative, _rotating)
    return st.one_of([family(dimension, largest_lipschitz) for family in families])


def _constants(low: float, high: float) -> st.SearchStrategy[float]:
    """Constants that are 0 or at least 10⁻¹⁰⁰: a smaller one underflows in f, which no relative error covers."""
    return st.floats(low, high).map(lambda value: value if abs(value) >= 1e-100 else 0.0)


@st.composite
def _matrices(draw: Draw, rows: int, columns: int, largest_norm: float) -> Tensor:
    """A Gaussian matrix scaled to a spectral norm between 0 and `largest_norm`."""
    seed = draw(st.integers(0, 2**32 - 1))
    norm = draw(_constants(0.0, largest_norm))
    matrix = torch.randn((rows, columns), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return matrix * (norm / float(torch.linalg.matrix_norm(matrix, ord=2)))


def _largest_eigenvalue(matrix: Tensor) -> float:
    """λ_max of the symmetric part, rounded up by far more than eigvalsh errs."""
    symmetric = (matrix + matrix.T) / 2
    return float(torch.linalg.eigvalsh(symmetric)[-1]) + 1e-14 * (1.0 + float(symmetric.norm()))


@st.composite
def _scalar(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = λy: the case in which K alone is sharp for λ = K > 0."""
    rate = draw(_constants(-largest, largest))
    return KnownField(
        field=lambda _time, state: rate * state,
        lipschitz=abs(rate),
        one_sided=rate,
        dimension=dimension,
        description=f"{rate!r}·y",
    )


@st.composite
def _linear(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = Ay."""
    matrix = draw(_matrices(dimension, dimension, largest))
    norm = matrix_norm_upper(matrix)
    return KnownField(
        field=LinearField(matrix),
        lipschitz=norm,
        one_sided=min(norm, _largest_eigenvalue(matrix)),
        dimension=dimension,
        description="Ay",
    )


@st.composite
def _skew(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = (A − Aᵀ)y: μ = 0."""
    matrix = draw(_matrices(dimension, dimension, largest / 2))
    skew = matrix - matrix.T
    return KnownField(
        field=LinearField(skew),
        lipschitz=matrix_norm_upper(skew),
        one_sided=0.0,
        dimension=dimension,
        description="(A − Aᵀ)y",
    )


@st.composite
def _sine(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = K sin(y) componentwise: nonlinear, and K is attained at 0."""
    constant = draw(_constants(0.0, largest))
    return KnownField(
        field=lambda _time, state: constant * torch.sin(state),
        lipschitz=constant,
        one_sided=constant,
        dimension=dimension,
        description=f"{constant!r}·sin y",
    )


@st.composite
def _network(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = W₂σ(W₁y + b), σ ReLU or tanh: K ≤ ‖W₂‖‖W₁‖."""
    hidden = draw(st.integers(1, 2 * dimension))
    inner = draw(_matrices(hidden, dimension, math.sqrt(largest)))
    outer = draw(_matrices(dimension, hidden, math.sqrt(largest)))
    activation: Callable[[Tensor], Tensor] = draw(st.sampled_from([torch.relu, torch.tanh]))
    shift = draw(st.floats(-1.0, 1.0))
    constant = matrix_norm_upper(inner) * matrix_norm_upper(outer) * (1.0 + 1e-15)
    return KnownField(
        field=lambda _time, state: activation(state @ inner.T + shift) @ outer.T,
        lipschitz=constant,
        one_sided=constant,
        dimension=dimension,
        description=f"W₂ {activation.__name__}(W₁y + {shift!r})",
    )


@st.composite
def _gradient_flows(draw: Draw, dimension: int, largest: float) -> GradientFlowField:
    """−Wᵀσ(Wy + b) with K = ‖W‖² ≤ `largest`; W is 0 where the square of its norm would come near underflow."""
    weight = draw(_matrices(draw(st.integers(1, 2 * dimension)), dimension, math.sqrt(largest)))
    field = GradientFlowField(nn.Linear(dimension, len(weight), dtype=torch.float64), draw(_activations()))
    field.linear_map.weight.data.copy_(weight if float(weight.norm()) >= 1e-50 else torch.zeros_like(weight))
    field.linear_map.bias.data.fill_(draw(st.floats(-1.0, 1.0)))  # type: ignore[union-attr]
    return field.requires_grad_(False)


def _activations() -> st.SearchStrategy[nn.Module]:
    return st.sampled_from([nn.ReLU, nn.Tanh]).map(lambda kind: kind())


@st.composite
def _gradient_flow(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = −Wᵀσ(Wy + b): K = ‖W‖², μ = 0."""
    field = draw(_gradient_flows(dimension, largest))
    return KnownField(
        field=field,
        lipschitz=matrix_norm_upper(field.linear_map.weight) ** 2 * (1.0 + 1e-15),
        one_sided=0.0,
        dimension=dimension,
        description=f"−Wᵀ {type(field.activation).__name__}(Wy + b)",
    )


@st.composite
def _dissipative(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = −Wᵀσ(Wy + b) − ρy: K = ‖W‖² + ρ, μ = −ρ, a contraction."""
    rate = draw(_constants(0.0, largest / 2))
    field = draw(_gradient_flows(dimension, largest / 2))
    return KnownField(
        field=DissipativeField(field, rate),
        lipschitz=(matrix_norm_upper(field.linear_map.weight) ** 2 + rate) * (1.0 + 1e-15),
        one_sided=-rate,
        dimension=dimension,
        description=f"−Wᵀ {type(field.activation).__name__}(Wy + b) − {rate!r}·y",
    )


@st.composite
def _rotating(draw: Draw, dimension: int, largest: float) -> KnownField:
    """f = cos(ωt)·K·tanh(y): depends on time."""
    constant = draw(_constants(0.0, largest))
    frequency = draw(st.floats(0.0, 10.0))
    return KnownField(
        field=lambda time, state: torch.cos(frequency * broadcast_time(time, state)) * constant * torch.tanh(state),
        lipschitz=constant,
        one_sided=constant,
        dimension=dimension,
        description=f"cos({frequency!r}t)·{constant!r}·tanh y",
    )


def tableaus() -> st.SearchStrategy[ButcherTableau]:
    """The library's tableaus, and random consistent explicit ones of one to five stages, with negative entries too."""
    return st.one_of(st.sampled_from(TABLEAUS), _random_tableaus())


@st.composite
def _random_tableaus(draw: Draw) -> ButcherTableau:
    """Random A and b with Σb = 1 and c the row sums; the order is what the order conditions say it is."""
    stages = draw(st.integers(1, 5))
    entries = st.fractions(min_value=-2, max_value=2, max_denominator=12)
    a = tuple(
        tuple(draw(entries) if column < row else Fraction(0) for column in range(stages)) for row in range(stages)
    )
    free = [draw(entries) for _ in range(stages - 1)]
    b = (*free, 1 - sum(free, Fraction(0)))
    return ButcherTableau(
        name="random",
        a=a,
        b=b,
        c=tuple(sum(row, Fraction(0)) for row in a),
        order=order_of(a, b),
        source="drawn at random",
    )
