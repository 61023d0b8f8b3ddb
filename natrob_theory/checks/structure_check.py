"""Does a field have the structure that its class states? Its Jacobian at some points says so, or gives it away."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.point_pairs import scaled
from natrob_theory.fields import evaluate_field
from natrob_theory.fields.evaluation import field_name
from natrob_theory.layers.answers import answers_of
from natrob_theory.layers.questions import stated_structure
from natrob_theory.layers.statements import Structure
from natrob_theory.numbers.argument_checks import require_count, require_finite, require_generator, require_state
from natrob_theory.numbers.jacobian_products import Linearisation
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.spectra.lanczos import top_direction

Property: TypeAlias = Literal["symmetric", "skew-symmetric", "dissipative"]

TOLERANCE = 1e3
"""Defects up to so many unit roundoffs times √d, relative to ‖J‖, count as rounding."""

PROBES = 2
LANCZOS_STEPS = 12


class StructureError(ValueError):
    """A field whose Jacobian contradicts what its class states; the message names field, property and defect."""


@dataclass(frozen=True, kw_only=True)
class StructureDefect:
    """How far the Jacobian is from one stated property, the worst of all points and probes.

    Attributes:
        field: its name.
        statement: which property.
        defect: |⟨u, Jv⟩ − ⟨Ju, v⟩|, |⟨u, Jv⟩ + ⟨Ju, v⟩| or ⟨v, Jv⟩ − μ, over ‖u‖‖v‖ and the size of J that was seen; 0
            where the field is flat, NaN where J is.
        tolerance: up to which it counts as rounding.
    """

    field: str
    statement: Property
    defect: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the defect is within the tolerance. A NaN is not."""
        return self.defect <= self.tolerance


def check_structure(
    field: nn.Module,
    points: Float[Tensor, "batch *state"],
    *,
    time: float = 0.0,
    generator: torch.Generator,
    probes: int = PROBES,
) -> list[StructureDefect]:
    """Measure how far the field's Jacobian at some points departs from what the field's class states of it.

    With J = ∂f/∂y and random u, v: a gradient flow of a convex potential has ⟨u, Jv⟩ = ⟨Ju, v⟩ and ⟨v, Jv⟩ ≤ 0, a skew
    field ⟨u, Jv⟩ = −⟨Ju, v⟩, and one with a stated μ has ⟨v, Jv⟩ ≤ μ‖v‖², where v is what Lanczos's method finds to be
    the steepest direction of ½(J + Jᵀ). Jv comes from the field as it is called, hooks
    and overridden methods included, so a field that computes something else than its class says shows it. Parts of
    sums and multiples are looked at as well. Passing proves nothing: it is a test at these points.

    Args:
        field: f(t, y).
        points: states y, best in float64.
        time: t.
        generator: of u and v, on the CPU.
        probes: pairs (u, v) per point.

    Returns:
        One entry per stated property of the field and of its parts; none where nothing is stated.

    Raises:
        TypeError, ValueError: an argument that is not as described, or the field changes the state's shape.
    """
    if not isinstance(field, nn.Module):
        raise TypeError(f"`field` must be an nn.Module, got {type(field).__name__}")
    points = require_state("points", points).detach()
    require_generator("generator", generator)
    require_finite("time", time)
    require_count("probes", probes)
    found = []
    for part in _parts(field):
        stated = stated_structure(part, tuple(points.shape[1:]))
        if stated != Structure():
            found += _defects(part, stated, points, time, generator, probes)
    return found


def require_structure(
    field: nn.Module, points: Float[Tensor, "batch *state"], *, time: float = 0.0, generator: torch.Generator
) -> None:
    """Raise StructureError, naming field, property and defect, unless `check_structure` finds none."""
    for found in check_structure(field, points, time=time, generator=generator):
        if not found.holds:
            raise StructureError(
                f"{found.field} states that its Jacobian is {found.statement}, but at a state of the clean trajectory "
                f"it departs from that by {found.defect:.3g} of its size, more than the {found.tolerance:.1g} that "
                f"rounding explains"
            )


def _parts(field: nn.Module) -> list[nn.Module]:
    """The fields inside sums, multiples and dissipation, and the field: who is at fault comes first."""
    return [*(part for one in answers_of(field).parts() for part in _parts(one)), field]


def _defects(
    field: nn.Module, stated: Structure, points: Tensor, time: float, generator: torch.Generator, probes: int
) -> list[StructureDefect]:
    """The worst defect of each stated property over all points and probes."""
    drawn = [_direction(points, generator) for _ in range(2 * probes)]
    u, v = torch.cat(drawn[::2]), torch.cat(drawn[1::2])
    jacobian = Linearisation(lambda state: evaluate_field(field, time, state), torch.cat([points] * probes))
    image_u, image_v = (jacobian.times(vector) for vector in (u, v))
    size = torch.maximum(_norm(image_u), _norm(image_v))
    crossed, other = _dot(u, image_v), _dot(v, image_u)
    asymmetry = _relative((crossed - other).abs(), size)
    skewness = _relative(torch.maximum((crossed + other).abs(), 2 * _dot(v, image_v).abs()), size)
    tolerance = TOLERANCE * torch.finfo(points.dtype).eps * float(points[0].numel()) ** 0.5
    measured: list[tuple[Property, Tensor]] = []
    if stated.symmetric:
        measured.append(("symmetric", asymmetry))
    if stated.skew_symmetric:
        measured.append(("skew-symmetric", skewness))
    if stated.one_sided is not None:
        symmetric = stated.symmetric and bool((asymmetry <= tolerance).all())
        measured.append(("dissipative", _rise(jacobian, u, size, stated.one_sided, symmetric=symmetric)))
    return [
        StructureDefect(field=field_name(field), statement=name, defect=float(worst.max()), tolerance=tolerance)
        for name, worst in measured
    ]


def _rise(jacobian: Linearisation, start: Tensor, size: Tensor, mu: float, *, symmetric: bool) -> Tensor:
    """⟨v, Jv⟩ − μ along the direction v that Lanczos's method finds to be the steepest.

    A Jacobian that was seen to be symmetric is its own transpose, whose products take a third of the time.
    """

    def symmetric_part(vector: Tensor) -> Tensor:
        pulled = jacobian.transposed_times(vector)
        return pulled if symmetric else 0.5 * (jacobian.times(vector) + pulled)

    steepest = scaled(top_direction(symmetric_part, start, LANCZOS_STEPS), 1.0)
    rise = _dot(steepest, jacobian.times(steepest))
    return _relative(rise - mu * (_norm(steepest) > 0).to(rise), size + abs(mu))


def _relative(defect: Tensor, size: Tensor) -> Tensor:
    """defect/size, in float64: 0 where the field is flat, NaN where a Jacobian is no number.

    Products that underflow leave errors of the size of the smallest normal number. Jacobians so small that these would
    show are measured against the size at which they do not: nothing can be told of them.
    """
    limits = torch.finfo(defect.dtype)
    return defect.double() / (size.double() + limits.tiny / limits.eps)


def _direction(points: Tensor, generator: torch.Generator) -> Tensor:
    """A random unit vector for each sample."""
    drawn = torch.randn(points.shape, generator=generator, dtype=points.dtype).to(points.device)
    return scaled(drawn, 1.0)


def _norm(vectors: Tensor) -> Tensor:
    return per_sample_l2(vectors).to(vectors.dtype)


def _dot(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).flatten(1).sum(dim=1)
