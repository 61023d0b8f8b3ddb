"""The networks of the paper's tables and figures, as specifications."""

from typing import Final

from natrob_empirical.models.residual_specification import ResidualSpecification, StepPlacement
from natrob_empirical.models.specification import ModelSpecification
from natrob_empirical.paper import DatasetName, table_a1

FIGURE_1_STEP_SIZES: Final = tuple(10.0**-power for power in range(11))
"""h = 10⁰ … 10⁻¹⁰: one ResNet-56 each."""


def _table_a1(dataset: DatasetName) -> ModelSpecification:
    printed = table_a1(dataset)
    return ModelSpecification(
        label=f"Neural ODE, T = {printed.stop_time}",
        network="neural_ode",
        channels=printed.channels,
        hidden=printed.channels,
        field_convolutions=printed.convolution_layers,
        step_size=1.0,
        num_steps=printed.stop_time - printed.start_time,
        stem_stride=2,
        pool_size=1,
        gradients="checkpointed",
    )


TABLE_A1_MNIST: Final = _table_a1("mnist")
"""Field of four convolutions of 128 channels, T from 0 to 100, dopri5 (the paper's Table A1).

The library's own choices, where the table is silent: a stem of stride 2, global average pooling, tolerance 10⁻³, and
checkpointed gradients, which are the direct ones in less memory.
"""

TABLE_A1_CIFAR10: Final = _table_a1("cifar10")
"""Field of five convolutions of 256 channels, T from 0 to 500, dopri5 (the paper's Table A1); the rest as above."""

RESNET_50: Final = ResidualSpecification(label="ResNet-50", network="resnet50")
"""The network that Table 1 compares with the Neural ODE."""

PREACT_RESNET_18: Final = ResidualSpecification(label="PreAct-ResNet-18", network="preact_resnet18")
"""The network that Table 2 trains with PGD-10, TRADES-10 and YOPO-5-3."""

THREE_BLOCKS: Final = ResidualSpecification(label="ResNet, 3 blocks", network="resnet", blocks=1)
"""The network that Figure 1 makes its FGSM images on."""


def resnet_56(*, step_size: float = 1.0, step_placement: StepPlacement = "after_norm") -> ResidualSpecification:
    """ResNet-56 with residual branches scaled by h: Figure 1."""
    return _resnet(9, step_size, step_placement)


def resnet_20(*, step_size: float = 1.0, step_placement: StepPlacement = "after_norm") -> ResidualSpecification:
    """ResNet-20, the stand-in for ResNet-56 where time is short."""
    return _resnet(3, step_size, step_placement)


def _resnet(blocks: int, step_size: float, step_placement: StepPlacement) -> ResidualSpecification:
    where = "" if step_placement == "after_norm" else " before the norm"
    return ResidualSpecification(
        label=f"ResNet-{6 * blocks + 2}, h = {step_size:g}{where}",
        network="resnet",
        blocks=blocks,
        step_size=step_size,
        step_placement=step_placement,
    )
