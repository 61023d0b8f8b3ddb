"""A classifier with a contractive trunk as data that a record can hold."""

from dataclasses import dataclass, fields
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.files.plain_settings import added_setting
from natrob_empirical.names.choices import require_choices
from natrob_empirical.names.near_names import unknown_name
from natrob_theory.numbers.argument_checks import require_count, require_positive

ContractiveMethod: TypeAlias = Literal["euler", "backward_euler", "adaptive"]
AdaptiveTableau: TypeAlias = Literal["heun_euler", "bogacki_shampine", "dopri5"]
Layout: TypeAlias = Literal["dense", "convolutional"]
Stem: TypeAlias = Literal["isometric", "orthogonal"]
TrunkConstraint: TypeAlias = Literal["exact", "gram", "rescaled", "orthogonal", "projected"]
Head: TypeAlias = Literal["orthogonal", "spectral", "free"]

CONTRACTIVE_NETWORKS: Final = {
    "gradient_flow": "Gradient flow of a convex potential",
    "skew_gradient_flow": "Skew-symmetric field and gradient flow",
    "dissipative": "Skew-symmetric field, gradient flow and dissipation",
}
"""The networks there are, with their titles in text."""

_OWN_SETTINGS: Final = {
    "step_share": ("method", "euler"),
    "step_size": ("method", "backward_euler"),
    "part_time": ("method", "adaptive"),
    "max_step_size": ("method", "adaptive"),
    "tolerance": ("method", "adaptive"),
    "tableau": ("method", "adaptive"),
    "downscale": ("layout", "convolutional"),
    "kernel_size": ("layout", "convolutional"),
    "stages": ("layout", "convolutional"),
    "rate": ("network", "dissipative"),
}
"""Settings that have a meaning under one choice only: (the choice's name, its value)."""


@final
@dataclass(frozen=True, kw_only=True)
class ContractiveSpecification:
    """A classifier in which no two images move apart before the head: trunk and stem are Lipschitz with constant 1.

    Every step has a field of its own, made of maps with ‖W‖₂ ≤ 1 by construction (`natrob_theory.constrain_norm`):
    f(y) = −Wᵀσ(Wy + b) with σ the ReLU ("gradient_flow"); that plus ½(A − Aᵀ)y ("skew_gradient_flow"); that less ρy
    ("dissipative"). Theory, section 3: Euler's method then expands no distance up to h = 2/K on gradient flows and up
    to h = −2μ/K² on any field with μ < 0; backward Euler expands none at any h, since μ ≤ 0.

    Attributes:
        label: the name in tables, unique in a preset.
        network: a key of `CONTRACTIVE_NETWORKS`.
        method: "euler" takes `step_share` of the largest step that the theorem allows, "backward_euler" takes
            `step_size`. Euler's method expands on a skew-symmetric field at every step size, so "skew_gradient_flow"
            has backward Euler only. None becomes "backward_euler" there, and "euler" elsewhere. "adaptive" is a
            `StackedNeuralODE` of dense gradient flows; one with orthonormal rows is trained by its exact flow
            (`trained_form`), which Euler's method at h = 1 − e^{−part_time} is.
        layout: "dense" flattens the image; "convolutional" makes an image of channels by `downscale`, and its maps are
            zero-padded convolutions.
        channels: of the state, its features if dense; None for as many as the image has there. More are zeros at first.
        hidden: rows of W, its output channels if convolutional; None for as many as the state.
        num_steps: N, each step with weights of its own; the parts of "adaptive".
        step_share: of Euler's largest step, above 0 and at most 1.
        step_size: of backward Euler.
        part_time: of "adaptive": the time that each field is followed for.
        max_step_size: of "adaptive": no step of the solver exceeds it, so that there is a certificate.
        tolerance: rtol and atol of "adaptive".
        tableau: the embedded pair of "adaptive".
        rate: ρ > 0 of "dissipative".
        downscale: side of the pixel blocks that become channels; it divides the image's sides.
        kernel_size: odd, of the trunk's convolutions.
        constraint: how ‖W‖₂ ≤ 1 comes about in the trunk, see `natrob_theory.constrain_norm`; "projected" leaves plain
            weights with orthonormal rows or columns, which `OrthonormalTraining` keeps so and no other training does.
        stem: "isometric" rearranges pixels and appends zeros; "orthogonal" rearranges them and mixes the channels by a
            trained map with orthonormal rows or columns, which may lower their number.
        stages: trunks one after the other, each of `num_steps` and with `hidden` rows; between two of them blocks of
            2×2 pixels become channels, an isometry, where residual networks subsample what their shortcut carries.
        head: its rows are orthonormal ("orthogonal"), its norm is at most 1 ("spectral"), or it is as it is ("free").

    Raises:
        TypeError, ValueError: a setting out of range, or one that has no meaning beside the others.
    """

    label: str
    network: str
    method: ContractiveMethod | None = None
    layout: Layout = "dense"
    channels: int | None = None
    hidden: int | None = None
    num_steps: int = 5
    step_share: float = 1.0
    step_size: float = 1.0
    rate: float = 1.0
    downscale: int = 1
    kernel_size: int = 3
    constraint: TrunkConstraint = "gram"
    stem: Stem = "isometric"
    head: Head = "orthogonal"
    stages: int = added_setting(1)
    part_time: float = added_setting(2.0)
    max_step_size: float = added_setting(0.5)
    tolerance: float = added_setting(1e-3)
    tableau: AdaptiveTableau = added_setting("dopri5")  # noqa: RUF009 - it is dataclasses.field

    def __post_init__(self) -> None:
        if self.network not in CONTRACTIVE_NETWORKS:
            raise unknown_name("network", self.network, CONTRACTIVE_NETWORKS)
        if self.method is None:  # settings hold the name, so that an identity does not rest on a default
            method = "backward_euler" if self.network == "skew_gradient_flow" else "euler"
            object.__setattr__(self, "method", method)
        require_choices(self)
        for name in ("channels", "hidden"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name))
        for name in ("num_steps", "downscale", "kernel_size", "stages"):
            require_count(name, getattr(self, name))
        for name in ("step_share", "step_size", "rate", "part_time", "max_step_size", "tolerance"):
            require_positive(name, getattr(self, name))
        if self.step_share > 1.0:
            raise ValueError(
                f"`step_share` must be at most 1, beyond which Euler's method may expand, got {self.step_share}"
            )
        self._require_settings_that_fit()

    def _require_settings_that_fit(self) -> None:
        if self.network == "skew_gradient_flow" and self.method == "euler":
            raise ValueError(
                '`method` = "euler" expands on the skew-symmetric part of skew_gradient_flow at every step size, by '
                '√(1 + h²K²): take "backward_euler", or the network dissipative'
            )
        if self.method == "adaptive" and (self.network != "gradient_flow" or self.layout != "dense"):
            raise ValueError(
                '`method` = "adaptive" is for dense gradient flows, '
                f'got `network` = "{self.network}", `layout` = "{self.layout}"'
            )
        for field in fields(self):
            choice, owner = _OWN_SETTINGS.get(field.name, ("label", self.label))
            if getattr(self, choice) != owner and getattr(self, field.name) != field.default:
                raise ValueError(
                    f'`{field.name}` is a setting for `{choice}` = "{owner}" only, got {getattr(self, field.name)!r} '
                    f'beside "{getattr(self, choice)}"'
                )
        if self.constraint == "projected" and (self.network != "gradient_flow" or self.layout != "dense"):
            raise ValueError(
                '`constraint` = "projected" is for dense gradient flows, '
                f'got `network` = "{self.network}", `layout` = "{self.layout}"'
            )
        if self.kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd, got {self.kernel_size}")
        if self.constraint == "orthogonal" and self.layout == "convolutional" and self.kernel_size > 1:
            raise ValueError(
                '`constraint` = "orthogonal" is for dense maps and convolutions with one tap, '
                f'got `kernel_size` = {self.kernel_size}; take "gram" or "rescaled"'
            )
