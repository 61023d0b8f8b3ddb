"""A network of residual blocks as data that a record can hold."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from natrob_empirical.names.choices import require_choices
from natrob_empirical.names.near_names import unknown_name
from natrob_theory.numbers.argument_checks import require_count, require_positive

StepPlacement: TypeAlias = Literal["after_norm", "before_norm"]

DEFAULT_WIDTHS = {"resnet": 16, "resnet50": 64, "preact_resnet18": 64}
"""The channels of the first stage in the published networks; the keys are the networks there are."""


@final
@dataclass(frozen=True, kw_only=True)
class ResidualSpecification:
    """A residual network with normalisation, whose branches are scaled by h.

    Attributes:
        label: the name in tables, unique in a preset.
        network: "resnet" (He et al. for 32×32 images, 6·blocks + 2 layers), "resnet50" or "preact_resnet18".
        step_size: h > 0; 1 is the published network.
        step_placement: "after_norm" scales the finished branch. "before_norm" scales the input of the branch's last
            normalisation, which in training divides h out again as long as h²·variance is well above its eps
            (theory, section 2).
        blocks: per stage, of "resnet" only: 3 (its default) is ResNet-20, 9 is ResNet-56, 1 has three blocks in all.
            None for the other networks, whose depth their name says.
        width: channels of the first stage; the network's published one unless given.
    """

    label: str
    network: str
    step_size: float = 1.0
    step_placement: StepPlacement = "after_norm"
    blocks: int | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        if self.network not in DEFAULT_WIDTHS:
            raise unknown_name("network", self.network, DEFAULT_WIDTHS)
        require_positive("step_size", self.step_size)
        require_choices(self)
        # Filled in here, so that a record holds the numbers and not "the default".
        object.__setattr__(self, "width", require_count("width", self.first_width))
        if self.network == "resnet":
            object.__setattr__(self, "blocks", require_count("blocks", self.blocks_per_stage))
        elif self.blocks is not None:
            raise ValueError(f"`blocks` is a setting of resnet only, got {self.blocks} for {self.network}")

    @property
    def first_width(self) -> int:
        """Channels of the first stage."""
        return DEFAULT_WIDTHS[self.network] if self.width is None else self.width

    @property
    def blocks_per_stage(self) -> int:
        """Blocks of each of the three stages of "resnet"."""
        return 3 if self.blocks is None else self.blocks
