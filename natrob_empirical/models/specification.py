"""What a model is, as data that a record can hold."""

from dataclasses import dataclass

from natrob_theory.argument_checks import require_count, require_positive


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
        order: PolyNet's.
        columns: FractalNet's.
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

    def __post_init__(self) -> None:
        for name in ("channels", "hidden", "num_steps", "stem_stride", "pool_size", "order", "columns"):
            require_count(name, getattr(self, name))
        require_count("field_convolutions", self.field_convolutions, minimum=2)
        require_positive("step_size", self.step_size)
        require_positive("tolerance", self.tolerance)
