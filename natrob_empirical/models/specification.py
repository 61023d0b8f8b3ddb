"""An integrator classifier as data that a record can hold."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, TypeAlias

from natrob_empirical.files.plain_settings import added_setting
from natrob_empirical.names.choices import require_choices
from natrob_theory.networks.neural_ode import Gradients, Solver
from natrob_theory.numbers.argument_checks import require_count, require_positive

Weights: TypeAlias = Literal["shared", "per_step"]
Initialisation: TypeAlias = Literal["torch", "interval"]

OWN_SETTINGS: Final = {
    "tolerance": "neural_ode",
    "solver": "neural_ode",
    "gradients": "neural_ode",
    "order": "polynet",
    "columns": "fractalnet",
    "weights": "euler",
}
"""Settings that one network alone has, and which."""

IMAGE_SETTINGS: Final = ("stem_stride", "stem_block", "pool_size", "field_convolutions")
"""Settings of states that are images: those on vectors have none of these."""


@dataclass(frozen=True, kw_only=True)
class ModelSpecification:
    """A classifier: linear convolutional stem, integrator trunk with one shared field, average pooling, linear head.

    With `stem_convolutions` the states are vectors: the stem is a few convolutions with ReLU and a linear map, the
    fields are dense, and the head sees every entry.

    Attributes:
        label: the name in tables, unique in a preset.
        network: a key of `NETWORKS`.
        channels: of the state; even for RevNet.
        hidden: channels between the field's convolutions.
        field_convolutions: of the field, at least 2, with ReLU between them.
        step_size: h; the Neural ODE uses T = h·num_steps.
        num_steps: N.
        stem_stride: of the stem's 3×3 convolution.
        pool_size: the side of the pooled image.
        tolerance: the Neural ODE's rtol and atol.
        solver: the Neural ODE's, "natrob" or "torchdiffeq".
        stem_block: above 1, blocks of so many pixels a side become channels in place of the convolution, and channels
            of zeros are appended: an isometry in every norm. It divides the image's sides, and `channels` must be at
            least those of the image times its square.
        weights: "shared" by all steps, or of each step its own ("per_step"), of the Euler network.
        stem_convolutions: above 0, so many of size 4 and stride 2, each with ReLU, and then a linear map to a vector of
            `channels` entries; `hidden` are then the entries between the two linear maps of a field.
        stem_width: channels of the first of them; each next one has twice as many.
        initialisation: as "torch" draws weights, or for training by "interval" (`weigh_for_intervals`).
        gradients: the Neural ODE's, "direct", "checkpointed" or "adjoint". The first keeps every step's stages for
            backward; a long T may not leave room for that.
        order: PolyNet's.
        columns: FractalNet's.

    Raises:
        ValueError: a setting out of range, or one that the network does not have.
    """

    label: str
    network: str
    channels: int = 8
    hidden: int = 16
    step_size: float = 0.2
    num_steps: int = 5
    stem_stride: int = 1
    pool_size: int = 4
    tolerance: float = 1e-3
    order: int = 2
    columns: int = 2
    field_convolutions: int = 2
    solver: Solver = "natrob"
    gradients: Gradients = "direct"
    stem_block: int = added_setting(1)
    weights: Weights = added_setting("shared")  # noqa: RUF009 - it is dataclasses.field
    stem_convolutions: int = added_setting(0)
    stem_width: int = added_setting(16)
    initialisation: Initialisation = added_setting("torch")  # noqa: RUF009 - it is dataclasses.field

    def __post_init__(self) -> None:
        for name in ("channels", "hidden", "num_steps", "stem_stride", "pool_size", "order", "columns", "stem_block"):
            require_count(name, getattr(self, name))
        require_count("stem_convolutions", self.stem_convolutions, minimum=0)
        require_count("stem_width", self.stem_width)
        require_count("field_convolutions", self.field_convolutions, minimum=2)
        require_positive("step_size", self.step_size)
        require_positive("tolerance", self.tolerance)
        require_choices(self)
        for field in fields(self):
            owner = OWN_SETTINGS.get(field.name, self.network)
            value = getattr(self, field.name)
            if owner != self.network and value != field.default:
                raise ValueError(f"`{field.name}` is a setting of {owner} only, got {value!r} for {self.network}")
        if self.solver == "torchdiffeq" and self.gradients != "direct":
            raise ValueError(f'`gradients` must be "direct" with the solver torchdiffeq, got {self.gradients!r}')
        if self.stem_block > 1 and self.stem_stride > 1:
            raise ValueError(f"`stem_stride` must be 1 beside `stem_block` = {self.stem_block}, got {self.stem_stride}")
        self._require_settings_of_the_state()

    def _require_settings_of_the_state(self) -> None:
        """No setting of images beside states that are vectors, and none of vectors beside images."""
        on_vectors = self.stem_convolutions > 0
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in (IMAGE_SETTINGS if on_vectors else ("stem_width",)) and value != field.default:
                raise ValueError(
                    f"`{field.name}` must be {field.default} beside `stem_convolutions` = {self.stem_convolutions}, "
                    f"got {value}"
                )

    def state_sides(self, image_sides: Sequence[int]) -> list[int]:
        """The sides of the trunk's states for images of these; none where the states are vectors."""
        if self.stem_convolutions:
            return []
        return [-(-side // (self.stem_stride * self.stem_block)) for side in image_sides]
