"""How far the features can move behind adaptive solves: affine in the perturbation, image by image.

An ordinary layer multiplies distances by its constant. A Neural ODE with `max_step_size` takes a distance d to at most
e^{μT}d + E_clean + E_any(v + Kd) (theory, section 8), whatever steps its controller accepts for either image. One
after the other they give ‖F(x′) − F(x)‖ ≤ slope·‖x′ − x‖ + constant. The constant also holds what the passes round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from natrob_empirical.models import AbstractClassifier, IntegratorClassifier, SequentialClassifier
from natrob_theory import (
    AffineBound,
    Bound,
    NeuralODE,
    StackedNeuralODE,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive import Completion, FlowConstants, adaptive_affine_bound, completion
from natrob_theory.bounds.adaptive.rounding import solve_rounding
from natrob_theory.layers.questions import evaluated, output_shape
from natrob_theory.layers.statements import Evaluated, Shape
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import round_up, unit_roundoff


@dataclass(frozen=True, kw_only=True)
class AdaptiveStage:
    """One layer, or one Neural ODE, between image and features.

    Attributes:
        module: in float64.
        input_shape: of one sample that enters it.
        lipschitz: of the layer, or K of the Neural ODE's field; upper, L2.
        one_sided: μ of the field; None for a layer.
    """

    module: nn.Module
    input_shape: Shape
    lipschitz: Bound
    one_sided: Bound | None


@dataclass(frozen=True, kw_only=True)
class AdaptiveBounds:
    """The constants of a classifier with adaptive solves in it.

    Attributes:
        stages: from the image to the features, in order.
    """

    stages: tuple[AdaptiveStage, ...]

    @property
    def parts(self) -> tuple[tuple[str, Bound], ...]:
        """Each part's name and its constant; of a Neural ODE those of its field."""
        named: list[tuple[str, Bound]] = []
        for number, stage in enumerate(self.stages, start=1):
            name = f"{number} {type(stage.module).__name__}"
            if stage.one_sided is None:
                named.append((name, stage.lipschitz))
            else:
                named += [(f"{name}: K of the field", stage.lipschitz), (f"{name}: μ of the field", stage.one_sided)]
        return tuple(named)


@dataclass(frozen=True, kw_only=True)
class AffineFeatures:
    """Features of clean images in float64, and how far those of a perturbed image can lie from them.

    Attributes:
        features: as computed.
        slope, constant: ‖F(x′) − features‖₂ ≤ slope·‖x′ − x‖₂ + constant, F the network that is certified.
        solves: the adaptive solves on the way.
    """

    features: Float[Tensor, "images features"]
    slope: Float[Tensor, " images"]
    constant: Float[Tensor, " images"]
    solves: tuple["PassedSolve", ...]

    def reach_their_end(self, radii: Float[Tensor, " images"], dtype: torch.dtype) -> Bool[Tensor, " images"]:
        """Whether every solve in `dtype` of every image in these balls is proved to reach its end time.

        Source: theory, section 8.
        Proof: proofs/symbolic/completion.py.
        """
        found = torch.ones_like(radii, dtype=torch.bool)
        for solve in self.solves:
            found &= solve.completion(round_up(solve.slope * radii + solve.constant, 2), dtype).proved
        return found


@dataclass(frozen=True, kw_only=True)
class PassedSolve:
    """One adaptive solve, and where its clean and perturbed starts lie.

    Attributes:
        stage: the Neural ODE, with μ.
        state_norm, speed: ‖y_0‖₂ and ‖f(y_0)‖₂ of the clean start y_0, from above.
        slope, constant: ‖z_0 − y_0‖₂ ≤ slope·‖x′ − x‖₂ + constant.
    """

    stage: AdaptiveStage
    state_norm: Float[Tensor, " images"]
    speed: Float[Tensor, " images"]
    slope: Float[Tensor, " images"]
    constant: Float[Tensor, " images"]

    def completion(self, distance: Float[Tensor, " images"], dtype: torch.dtype) -> Completion:
        """Whether a solve from at most so far away reaches its end."""
        net, stage = self.stage.module, self.stage
        assert isinstance(net, NeuralODE)
        assert stage.one_sided is not None
        return completion(
            net,
            state_norm=self.state_norm,
            distance=distance,
            speed=self.speed,
            lipschitz=float(stage.lipschitz),
            one_sided=min(float(stage.lipschitz), float(stage.one_sided)),
            input_shape=stage.input_shape,
            dtype=dtype,
        )


def has_adaptive_solves(model: nn.Module) -> bool:
    """Whether a Neural ODE is inside."""
    return any(isinstance(module, NeuralODE) for module in model.modules())


def adaptive_bounds(model: AbstractClassifier, image_shape: Shape) -> AdaptiveBounds:
    """Upper constants of every part of the map from images to features.

    Raises:
        LayerRefusedError: a part that cannot be bounded; its message names it.
    """
    shape = image_shape
    stages: list[AdaptiveStage] = []
    for module in _modules_of(model):
        solve = isinstance(module, NeuralODE)
        bounded = module.field if isinstance(module, NeuralODE) else module
        stages.append(
            AdaptiveStage(
                module=module,
                input_shape=shape,
                lipschitz=lipschitz_upper_bound(bounded, input_shape=shape),
                one_sided=one_sided_lipschitz_upper_bound(bounded, input_shape=shape) if solve else None,
            )
        )
        shape = shape if solve else output_shape(module, shape)
    return AdaptiveBounds(stages=tuple(stages))


def _modules_of(model: AbstractClassifier) -> Sequence[nn.Module]:
    if isinstance(model, SequentialClassifier):
        modules = list(model.layers)
    else:
        assert isinstance(model, IntegratorClassifier)
        modules = [model.stem, model.trunk, model.pool]
    return [part for module in modules for part in (module.parts if isinstance(module, StackedNeuralODE) else [module])]


@torch.no_grad()
def affine_features(
    bounds: AdaptiveBounds,
    images: Float[Tensor, "images channels height width"],
    *,
    radii: Float[Tensor, " images"],
    deployed: torch.dtype | None,
) -> AffineFeatures:
    """The features of images, and the affine bound of their distance from those of perturbed images.

    Args:
        bounds: of the classifier.
        images: float64.
        radii: no perturbation is larger; what rounds in the perturbed pass is bounded for these.
        deployed: the type in which perturbed images are run; None for exact arithmetic.

    Raises:
        IntegrationError: a clean solve does not reach its end.
        LayerRefusedError: a part whose rounding is not known.

    Source: theory, sections 6 to 8.
    Proof: proofs/coq/affine_bound.v, proofs/coq/lipschitz_composition.v, proofs/coq/margin_certificate.v.
    """
    value, slope, constant = images, torch.ones_like(radii), torch.zeros_like(radii)
    solves: list[PassedSolve] = []
    for stage in bounds.stages:
        reach = round_up(slope * radii + constant, 2)
        if isinstance(stage.module, NeuralODE):
            speed = _norm_up(stage.module.field(torch.full_like(reach, stage.module.start_time), value))
            solves.append(
                PassedSolve(stage=stage, state_norm=_norm_up(value), speed=speed, slope=slope, constant=constant)
            )
            value, moved = _through_solve(solves[-1], value, reach, deployed)
        else:
            value, moved = _through_layer(stage, value, reach, deployed)
        slope = round_up(torch.as_tensor(moved.slope) * slope, 1)
        constant = round_up(torch.as_tensor(moved.slope) * constant + torch.as_tensor(moved.constant), 2)
    return AffineFeatures(features=value.flatten(1), slope=slope, constant=constant, solves=tuple(solves))


def _through_layer(
    stage: AdaptiveStage, value: Tensor, reach: Tensor, deployed: torch.dtype | None
) -> tuple[Tensor, AffineBound]:
    """L·d, and what both passes round."""
    size = _norm_up(value)
    rounded = _rounding(stage, size, torch.float64)
    if deployed is not None:
        rounded = rounded + _rounding(stage, size + reach, deployed)
    moved = AffineBound(
        slope=torch.full_like(reach, float(stage.lipschitz)), constant=round_up(rounded, 8), kind="upper"
    )
    return stage.module(value), moved


def _rounding(stage: AdaptiveStage, size: Tensor, dtype: torch.dtype) -> Tensor:
    """Bounds what a layer rounds on inputs of at most these norms."""
    norm = torch.tensor([1.0, 0.0], dtype=torch.float64)
    error = evaluated(stage.module, stage.input_shape, Evaluated(norm, 0.0 * norm), unit_roundoff(dtype)).error
    return float(error[0]) * size + float(error[1])


def _through_solve(
    passed: PassedSolve, value: Tensor, reach: Tensor, deployed: torch.dtype | None
) -> tuple[Tensor, AffineBound]:
    """e^{μT}d + E_clean + E_any, and what both solves round.

    The perturbed solve takes as many steps as are proved to be enough, or `max_num_steps`.
    """
    stage = passed.stage
    net = stage.module
    assert isinstance(net, NeuralODE)
    assert stage.one_sided is not None
    run = net.trajectory(value)
    bound = adaptive_affine_bound(net, value, lipschitz=stage.lipschitz, one_sided=stage.one_sided, trajectory=run)
    constants = FlowConstants(
        lipschitz=torch.tensor(float(stage.lipschitz), dtype=torch.float64),
        one_sided=torch.tensor(min(float(stage.lipschitz), float(stage.one_sided)), dtype=torch.float64),
    )

    def rounding(dtype: torch.dtype, steps: int | Tensor) -> AffineBound:
        return solve_rounding(
            net, state_norm=passed.state_norm, speed=passed.speed, constants=constants,
            input_shape=stage.input_shape, dtype=dtype, steps=steps,
        )  # fmt: skip

    rounded = torch.as_tensor(rounding(torch.float64, len(run.times) - 1).at(0.0).value)
    if deployed is not None:
        enough = passed.completion(reach, deployed).most_trials.clamp_max(net.max_num_steps)
        rounded = rounded + torch.as_tensor(rounding(deployed, enough).at(reach).value)
    moved = AffineBound(
        slope=bound.slope, constant=round_up(torch.as_tensor(bound.constant) + rounded, 3), kind="upper"
    )
    return run.states[-1], moved


def _norm_up(value: Tensor) -> Float[Tensor, " images"]:
    return round_up(per_sample_l2(value), value[0].numel() + 8)
