"""Classifiers with a contractive trunk, from their specifications."""

import math
from typing import Final, NamedTuple

from torch import nn

from natrob_empirical.models.classifiers import IntegratorClassifier
from natrob_empirical.models.contractive_specification import ContractiveSpecification
from natrob_empirical.models.isometric_layers import PaddedChannels
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    HEUN_EULER,
    AbstractIntegratorNet,
    BackwardEulerNet,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    ScaledField,
    SkewSymmetricField,
    StackedNeuralODE,
    SumField,
    constrain_norm,
)

ADAPTIVE_TABLEAUS: Final = {"heun_euler": HEUN_EULER, "bogacki_shampine": BOGACKI_SHAMPINE, "dopri5": DOPRI5}


class _State(NamedTuple):
    """The shape of the trunk's states: channels, and the image's sides; none for dense states."""

    channels: int
    sides: tuple[int, ...]


def build_contractive(
    specification: ContractiveSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> IntegratorClassifier:
    """The classifier, with weights as torch's current generator gives them.

    Raises:
        ValueError: a state too narrow for the image and an isometric stem, an image whose sides `downscale` and
            `stages` do not divide, or more classes than features under an orthogonal head.
    """
    pixels = _pixels(specification, image_shape)
    state = _State(specification.channels or pixels.channels, pixels.sides)
    features = state.channels * math.prod(state.sides)
    return IntegratorClassifier(
        _stem(specification, pixels, state),
        _trunk(specification, state),
        _further_stages(specification, state),
        _head(specification, features, num_classes),
    )


def _pixels(specification: ContractiveSpecification, image_shape: tuple[int, int, int]) -> _State:
    """The image as the stem rearranges it, before anything is appended."""
    channels, *sides = image_shape
    if specification.layout == "dense":
        return _State(math.prod(image_shape), ())
    block = specification.downscale
    if any(side % block for side in sides):
        raise ValueError(f"`downscale` = {block} must divide the sides of the images, got {tuple(image_shape)}")
    return _State(channels * block**2, tuple(side // block for side in sides))


def _stem(specification: ContractiveSpecification, pixels: _State, state: _State) -> nn.Sequential:
    """Rearranged pixels and zeros, or these mixed by a map of norm 1: affine either way."""
    dense = specification.layout == "dense"
    rearranged = nn.Flatten() if dense else nn.PixelUnshuffle(specification.downscale)
    if specification.stem == "orthogonal":
        if dense:
            mixing = constrain_norm(nn.Linear(pixels.channels, state.channels), method="orthogonal")
        else:
            mixing = constrain_norm(nn.Conv2d(pixels.channels, state.channels, 1), method="orthogonal")
        return nn.Sequential(rearranged, mixing)
    if state.channels < pixels.channels:
        images = "flattened" if dense else f"in blocks of {specification.downscale}"
        raise ValueError(
            f"`channels` must be at least {pixels.channels} for images {images} and an isometric stem, "
            f'got {state.channels}; take more, or `stem` = "orthogonal"'
        )
    return nn.Sequential(rearranged, PaddedChannels(pixels.channels, state.channels))


def _trunk(specification: ContractiveSpecification, state: _State) -> AbstractIntegratorNet:
    fields = [_field(specification, state) for _ in range(specification.num_steps)]
    if specification.method == "backward_euler":
        return BackwardEulerNet(fields, specification.step_size)
    if specification.method == "adaptive":
        return StackedNeuralODE(
            fields,
            specification.num_steps * specification.part_time,
            tableau=ADAPTIVE_TABLEAUS[specification.tableau],
            max_step_size=specification.max_step_size,
            rtol=specification.tolerance,
            atol=specification.tolerance,
        )
    return EulerNet(fields, specification.step_share * largest_euler_step(specification))


def _further_stages(specification: ContractiveSpecification, state: _State) -> nn.Module:
    """The stages after the first and nn.Flatten(): all of it moves no two states apart."""
    layers: list[nn.Module] = []
    for _ in range(specification.stages - 1):
        if any(side % 2 for side in state.sides):
            raise ValueError(
                f"`stages` = {specification.stages} must leave even sides to every stage but the last, "
                f"got a stage with sides {state.sides}"
            )
        state = _State(4 * state.channels, tuple(side // 2 for side in state.sides))
        layers += [nn.PixelUnshuffle(2), _trunk(specification, state)]
    return nn.Sequential(*layers, nn.Flatten()) if layers else nn.Flatten()


def largest_euler_step(specification: ContractiveSpecification) -> float:
    """The largest h at which the theorem says that Euler's method expands no distance.

    2/K on a gradient flow with K = ‖W‖₂² ≤ 1; −2μ/K² on "dissipative", where μ = −ρ and K = 1 + 1 + ρ.
    A weight's norm may exceed 1 by its last roundings; so may then the growth exceed 1.

    Raises:
        ValueError: "skew_gradient_flow", for which there is none.

    Source: theory, section 3. Proof: proofs/coq/gradient_flow_euler.v, proofs/symbolic/euler_one_sided.py.
    """
    if specification.network == "gradient_flow":
        return 2.0
    if specification.network == "dissipative":
        return 2.0 * specification.rate / (2.0 + specification.rate) ** 2
    raise ValueError(f"Euler's method has no step at which it does not expand on {specification.network}")


def _field(specification: ContractiveSpecification, state: _State) -> nn.Module:
    hidden = specification.hidden or state.channels
    flow = GradientFlowField(_map(specification, state, hidden, bias=True), nn.ReLU())
    if specification.network == "gradient_flow":
        return flow
    skew = SkewSymmetricField(_map(specification, state, state.channels, bias=False))
    both = SumField([flow, ScaledField(skew, 0.5)])  # with ‖A‖₂ ≤ 1 half of A − Aᵀ has norm at most 1
    return both if specification.network == "skew_gradient_flow" else DissipativeField(both, specification.rate)


def _map(specification: ContractiveSpecification, state: _State, outputs: int, *, bias: bool) -> nn.Linear | nn.Conv2d:
    """W or A with norm at most 1; an orthogonal or projected one starts at random orthonormal rows or columns."""
    constraint = specification.constraint
    if specification.layout == "dense":
        dense = nn.Linear(state.channels, outputs, bias=bias)
        if constraint in ("orthogonal", "projected"):
            nn.init.orthogonal_(dense.weight)
        return dense if constraint == "projected" else constrain_norm(dense, method=constraint)
    assert constraint != "projected"
    size = specification.kernel_size
    convolution = nn.Conv2d(state.channels, outputs, size, padding=size // 2, bias=bias)
    height, width = state.sides
    return constrain_norm(convolution, method=constraint, state_sides=(height, width))


def _head(specification: ContractiveSpecification, features: int, num_classes: int) -> nn.Linear:
    head = nn.Linear(features, num_classes)
    if specification.head == "free":
        return head
    if specification.head == "spectral":
        return constrain_norm(head, method="gram")
    if features < num_classes:
        raise ValueError(f'`head` = "orthogonal" needs at least {num_classes} features, got {features}')
    return constrain_norm(head, method="orthogonal")
