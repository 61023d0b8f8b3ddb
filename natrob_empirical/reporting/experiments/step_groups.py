"""Which networks of Figure 1 differ in what: the step at fixed depth, the step at fixed T, the place of h."""

from collections import Counter
from dataclasses import dataclass
from typing import final

from natrob_empirical.reporting.record_groups import ModelRuns, Section


@final
@dataclass(frozen=True, kw_only=True)
class StepGroups:
    """The attacked residual networks of a section.

    Attributes:
        fixed_depth: h after the normalisation, the depth that most networks have; by falling h.
        fixed_time: the same product of h and depth as the network of `fixed_depth` with the largest h; by falling h,
            that network first.
        cancelled: h before a normalisation, which divides it out again.
    """

    fixed_depth: tuple[ModelRuns, ...]
    fixed_time: tuple[ModelRuns, ...]
    cancelled: tuple[ModelRuns, ...]


def step_groups(section: Section) -> StepGroups:
    """Group by the specifications in the records, not by the labels."""
    networks = [model for model in section.models if model.network == "resnet" and model.attacks and depth_of(model)]
    after = [model for model in networks if not before_normalisation(model)]
    depths = Counter(depth_of(model) for model in after)
    depth = max(depths, key=lambda found: (depths[found], -found), default=0)
    fixed_depth = sorted((m for m in after if depth_of(m) == depth), key=step_of, reverse=True)
    total = step_of(fixed_depth[0]) * depth if fixed_depth else 0.0
    others = [m for m in after if depth_of(m) != depth and abs(step_of(m) * depth_of(m) - total) < 1e-9 * total]
    fixed_time = [*fixed_depth[:1], *sorted(others, key=step_of, reverse=True)] if others else []
    return StepGroups(
        fixed_depth=tuple(fixed_depth),
        fixed_time=tuple(fixed_time),
        cancelled=tuple(model for model in networks if before_normalisation(model)),
    )


def depth_of(model: ModelRuns) -> int:
    """Blocks per stage, or 0 if the record does not say."""
    blocks = model.specification.get("blocks")
    return blocks if isinstance(blocks, int) else 0


def step_of(model: ModelRuns) -> float:
    """h."""
    return float(model.specification.get("step_size", 1.0))


def before_normalisation(model: ModelRuns) -> bool:
    """Whether h stands before a normalisation, which cancels it."""
    return model.specification.get("step_placement") == "before_norm"


def some_steps(section: Section) -> tuple[ModelRuns, ...]:
    """At most seven networks: the two largest steps, the smallest one, those of fixed T and the control."""
    groups = step_groups(section)
    depth = groups.fixed_depth
    chosen = [*depth[:2], *depth[-1:], *groups.fixed_time[1:], *groups.cancelled[:1]]
    kept = [model for model in section.models if model in chosen][:7]
    return tuple(kept) or section.models
