"""A Neural ODE classifier for certificates in L∞ as data that a record can hold."""

from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.models.contractive_specification import AdaptiveTableau
from natrob_empirical.names.choices import require_choices
from natrob_empirical.names.near_names import unknown_name
from natrob_theory.numbers.argument_checks import require_count, require_positive

ROW_BOUNDED_NETWORKS: Final = {"row_bounded_ode": "Neural ODE with bounded rows"}
"""The networks there are, with their titles in text."""


@final
@dataclass(frozen=True, kw_only=True)
class RowBoundedSpecification:
    """Two strided convolutions and a linear map with ReLU between, a stacked Neural ODE, a linear head.

    Every part has a field f(y) = K·(W₂σ(W₁y + b₁) + b₂) of its own, σ the ReLU, in which the absolute values of each
    row of W₁ and W₂ sum to at most 1 (`natrob_theory.constrain_norm`). So K is its Lipschitz constant in L∞, whatever
    its parameters are. It is trained with a few steps of Heun's method a part (`trained_form`), which intervals go
    through.

    Attributes:
        label: the name in tables, unique in a preset.
        network: a key of `ROW_BOUNDED_NETWORKS`.
        channels: of the first convolution, 4×4 with stride 2; the second, of the same kind, has twice as many.
        features: of the Neural ODE's states.
        hidden: units of each field.
        num_steps: parts of the Neural ODE, each with a field of its own.
        part_time: the time that each field is followed for.
        lipschitz: K.
        trained_steps: steps of Heun's method a part in training.
        max_step_size: no step of the solver exceeds it, so that there is a certificate.
        tolerance: rtol and atol.
        tableau: the embedded pair.

    Raises:
        TypeError, ValueError: a setting out of range.
    """

    label: str
    network: str = "row_bounded_ode"
    channels: int = 16
    features: int = 128
    hidden: int = 128
    num_steps: int = 2
    part_time: float = 1.0
    lipschitz: float = 1.0
    trained_steps: int = 2
    max_step_size: float = 0.25
    tolerance: float = 1e-2
    tableau: AdaptiveTableau = "bogacki_shampine"

    def __post_init__(self) -> None:
        if self.network not in ROW_BOUNDED_NETWORKS:
            raise unknown_name("network", self.network, ROW_BOUNDED_NETWORKS)
        require_choices(self)
        for name in ("channels", "features", "hidden", "num_steps", "trained_steps"):
            require_count(name, getattr(self, name))
        for name in ("part_time", "lipschitz", "max_step_size", "tolerance"):
            require_positive(name, getattr(self, name))
