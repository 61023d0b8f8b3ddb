"""The computation of `natrob check`: one row per method, measured growth against its bounds."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from natrob_empirical.command_line.methods import method_named
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import (
    Bound,
    BoundCheck,
    LayerRefusedError,
    check_bound,
    dense_field,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.checks.certificates import Arithmetic
from natrob_theory.numbers.argument_checks import require_nonnegative
from natrob_theory.numbers.tensor_types import Field

PERTURBATION_SIZES = (1e-6, 1e-3, 1.0)
"""L2 norms of the perturbations, one block of pairs each."""


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """The settings of a check.

    Attributes:
        step_size, steps: h and N.
        state_shape: of one sample.
        pairs: trajectories compared per perturbation size.
        lipschitz: K as the user claims it; None takes the upper bound of the layers, if there is one.
        seed: of states, perturbations and built-in weights.
        arithmetic: of the comparisons, as for `check_bound`.
    """

    step_size: float
    steps: int
    state_shape: tuple[int, ...]
    pairs: int
    lipschitz: float | None
    seed: int
    arithmetic: Arithmetic = "float"


@dataclass(frozen=True, kw_only=True)
class CheckedField:
    """A field with what is known of its K and its μ.

    Attributes:
        field: f(t, y).
        lower: found by search at t = 0 near normal states.
        upper: from its layers or from the user; None if there is none, and then `no_upper` says why.
        one_sided_lower: μ, found like `lower`.
        one_sided_upper: μ from its structure; None if there is none.
        one_sided_in_use: μ for the bounds: `one_sided_upper`, but None where the user gave K, so that the bounds
            check the user's claim and nothing else.
    """

    field: Field
    lower: Bound
    upper: Bound | None
    no_upper: str
    one_sided_lower: Bound
    one_sided_upper: Bound | None
    one_sided_in_use: Bound | None


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """The outcome for one method.

    Attributes:
        method: its name.
        claimed: K as the user gave it, or None.
        field: with what is known of it.
        growth: bound of the growth over all steps from the upper constants, or None, and then `no_bound` says why.
        from_upper: measured against that bound, or None.
        from_secants: measured against the bound from each pair's own secant constants.
        measured_growth: largest ‖e_N‖/‖e_0‖.
    """

    method: str
    claimed: float | None
    field: CheckedField
    growth: Bound | None
    no_bound: str
    from_upper: BoundCheck | None
    from_secants: BoundCheck
    measured_growth: float

    @property
    def violations(self) -> int:
        """How many comparisons exceeded an upper bound and its allowance."""
        return sum(int(check.violated.sum()) for check in self._checks if check.kind == "upper")

    @property
    def undecided(self) -> int:
        """How many comparisons ball arithmetic could neither prove nor refute."""
        return sum(int(check.undecided.sum()) for check in self._checks)

    @property
    def _checks(self) -> list[BoundCheck]:
        return [check for check in (self.from_upper, self.from_secants) if check is not None]


def built_in_field(state_shape: tuple[int, ...], seed: int) -> nn.Module:
    """A random two-layer ReLU field in float64, for flat states.

    Raises:
        ValueError: the state has more than one axis.
    """
    if len(state_shape) != 1:
        raise ValueError(f"the built-in field acts on flat states, such as --state-shape 16, got {state_shape}")
    with initialised_with(RandomStreams(seed).generator("init")):
        return dense_field(state_shape[0], 2 * state_shape[0]).double().eval()


def field_shape(method: str, state_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape a field sees: RevNet splits the state in halves and uses the field for both."""
    return (state_shape[0] // 2, *state_shape[1:]) if method == "revnet" else state_shape


def with_constants(field: Field, shape: tuple[int, ...], settings: CheckSettings) -> CheckedField:
    """The field with the lower and, where there are any, the upper bounds of its K and μ on states of this shape."""
    streams = RandomStreams(settings.seed)
    points = torch.randn((settings.pairs, *shape), generator=streams.generator("points"), dtype=torch.float64)
    upper, no_upper = _upper_constant(field, shape, settings.lipschitz)
    one_sided = _one_sided_upper(field, shape)
    return CheckedField(
        field=field,
        lower=lipschitz_lower_bound(field, points, radius=1.0, generator=streams.generator("lipschitz search")),
        upper=upper,
        no_upper=no_upper,
        one_sided_lower=one_sided_lipschitz_lower_bound(
            field, points, generator=streams.generator("one-sided search"), radius=1.0
        ),
        one_sided_upper=one_sided,
        one_sided_in_use=one_sided if settings.lipschitz is None else None,
    )


def check_method(name: str, checked: CheckedField, settings: CheckSettings) -> CheckRow:
    """Run pairs of trajectories under one method and compare them with its bounds, from float64 states.

    Raises:
        ValueError: an unknown method, or whatever the field or the network refuses.
    """
    net = method_named(name)(checked.field, settings.step_size, settings.steps)
    y0, perturbation = _pairs(settings, RandomStreams(settings.seed))
    compared = partial(check_bound, net, y0, perturbation, arithmetic=settings.arithmetic)
    from_secants = compared()
    from_upper = growth = None
    no_bound = checked.no_upper
    if checked.upper is not None:
        try:
            one_sided = checked.one_sided_in_use
            from_upper = compared(lipschitz=checked.upper, one_sided=one_sided)
            growth = net.growth_bound(checked.upper, one_sided=one_sided).over_samples()
        except ValueError as refusal:
            no_bound = str(refusal)
    ends = from_secants.distance[-1] / from_secants.distance[0]
    return CheckRow(
        method=name,
        claimed=settings.lipschitz,
        field=checked,
        growth=growth,
        no_bound=no_bound,
        from_upper=from_upper,
        from_secants=from_secants,
        measured_growth=float(ends.max()),
    )


def _pairs(settings: CheckSettings, streams: RandomStreams) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal states, and normal directions scaled to each of `PERTURBATION_SIZES`."""
    generator = streams.generator("pairs")
    shape = (settings.pairs * len(PERTURBATION_SIZES), *settings.state_shape)
    y0 = torch.randn(shape, generator=generator, dtype=torch.float64)
    direction = torch.randn(shape, generator=generator, dtype=torch.float64)
    sizes = torch.tensor(PERTURBATION_SIZES, dtype=torch.float64).repeat_interleave(settings.pairs)
    factor = sizes / direction.flatten(1).norm(dim=1)
    return y0, direction * factor.view(-1, *[1] * len(settings.state_shape))


def _one_sided_upper(field: Field, shape: tuple[int, ...]) -> Bound | None:
    """An upper bound of μ from the field's structure, or None."""
    if not isinstance(field, nn.Module):
        return None
    try:
        return one_sided_lipschitz_upper_bound(field, input_shape=shape)
    except LayerRefusedError:
        return None


def _upper_constant(field: Field, shape: tuple[int, ...], claimed: float | None) -> tuple[Bound | None, str]:
    """An upper bound of K with its source, or None and the reason why there is none."""
    if claimed is not None:
        claimed = require_nonnegative("--lipschitz", claimed)
        return Bound(value=claimed, kind="upper", source="as given with --lipschitz"), ""
    if not isinstance(field, nn.Module):
        return None, "a plain function has no layers to bound; give --lipschitz"
    try:
        return lipschitz_upper_bound(field, input_shape=shape), ""
    except LayerRefusedError as refusal:
        return None, f"{refusal}; or give --lipschitz"
