"""An integrator classifier as data that a record can hold."""

from dataclasses import dataclass, fields
from typing import Final

from natrob_empirical.names.choices import require_choices
from natrob_theory.networks.neural_ode import Gradients, Solver
from natrob_theory.numbers.argument_checks import require_count, require_positive

OWN_SETTINGS: Final = {
    "tolerance": "neural_ode",
    "solver": "neural_ode",
    "gradients": "neural_ode",
    "order": "polynet",
    "columns": "fractalnet",
}
"""Settings that one network alone has, and which."""


@dataclass(frozen=True, kw_only=True)
class ModelSpecification:
    """A classifier: linear convolutional stem, integrator trunk with one shared field, average pooling, linear head.

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

    def __post_init__(self) -> None:
        for name in ("channels", "hidden", "num_steps", "stem_stride", "pool_size", "order", "columns"):
            require_count(name, getattr(self, name))
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
