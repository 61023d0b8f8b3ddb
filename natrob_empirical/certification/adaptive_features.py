"""How far the features can move behind adaptive solves: affine in the perturbation, image by image.

An ordinary layer multiplies distances by its constant. A Neural ODE with `max_step_size` takes a distance d to at most
e^{μT}d + E_clean + E_any(v + Kd) (theory, section 8), whatever steps its controller accepts for either image. One
after the other they give ‖F(x′) − F(x)‖ ≤ slope·‖x′ − x‖ + constant. The constant also holds what the passes round.
All of it holds in L2 and in L∞, each with its own K, μ and constants of layers. What rounds is bounded in L2, where
‖·‖_∞ ≤ ‖·‖₂ ≤ √D‖·‖_∞ for D entries.

In L2 there are sharper constants for perturbations of a known size: "tube" takes the field's linear part and remainder
along the tube around each solve, "local" besides those of the other layers on balls around each image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
from natrob_theory.bounds.adaptive import (
    Completion,
    FlowConstants,
    SolvesRounding,
    adaptive_affine_bound,
    adaptive_tube_bound,
    completion,
)
from natrob_theory.bounds.adaptive.rounding import solve_rounding
from natrob_theory.bounds.local.local_bound import ball_constants
from natrob_theory.layers.questions import evaluated, output_shape
from natrob_theory.layers.statements import Evaluated, Shape
from natrob_theory.numbers.norms import Norm, per_sample_norm
from natrob_theory.numbers.rounding import EPSILON, round_up, unit_roundoff

AdaptiveMethod: TypeAlias = Literal["global", "tube", "local"]
"""Where the constants hold: on all states, along tubes around the solves, or besides on balls around images."""


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

    def constants_in(self, norm: Norm) -> tuple[Bound, Bound | None]:
        """Lipschitz constant and μ in a norm. Raises LayerRefusedError where there is none."""
        if norm == "L2":
            return self.lipschitz, self.one_sided
        return _constants(self.module, self.input_shape, norm)

    def longest(self, norm: Norm) -> float:
        """At least ‖y‖₂/‖y‖ of what enters: √D in L∞, else 1."""
        return math.sqrt(math.prod(self.input_shape)) * (1.0 + 2 * EPSILON) if norm == "Linf" else 1.0

    def rounding(self, size: Float[Tensor, " images"], dtype: torch.dtype) -> Float[Tensor, " images"]:
        """Bounds in L2 what a layer rounds on inputs of at most these L2 norms."""
        norm = torch.tensor([1.0, 0.0], dtype=torch.float64)
        error = evaluated(self.module, self.input_shape, Evaluated(norm, 0.0 * norm), unit_roundoff(dtype)).error
        return float(error[0]) * size + float(error[1])


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
        norm: "L2" or "Linf".
        features: as computed.
        slope, constant: ‖F(x′) − features‖ ≤ slope·‖x′ − x‖ + constant in that norm, F the network that is certified.
        solves: the adaptive solves on the way.
    """

    norm: Norm
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
            distance = round_up(solve.slope * radii + solve.constant, 2)
            found &= solve.completion(distance * solve.stage.longest(self.norm), dtype).proved
        return found


@dataclass(frozen=True, kw_only=True)
class PassedSolve:
    """One adaptive solve, and where its clean and perturbed starts lie.

    Attributes:
        stage: the Neural ODE, with μ.
        state_norm, speed: ‖y_0‖₂ and ‖f(y_0)‖₂ of the clean start y_0, from above.
        slope, constant: ‖z_0 − y_0‖ ≤ slope·‖x′ − x‖ + constant, in the norm of the radii.
    """

    stage: AdaptiveStage
    state_norm: Float[Tensor, " images"]
    speed: Float[Tensor, " images"]
    slope: Float[Tensor, " images"]
    constant: Float[Tensor, " images"]

    def completion(self, distance: Float[Tensor, " images"], dtype: torch.dtype) -> Completion:
        """Whether a solve from at most so far away in L2 reaches its end."""
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

    def rounding(self, norm: Norm, dtype: torch.dtype, steps: int | Tensor) -> AffineBound:
        """Bounds in a norm what a solve rounds; affine in the L2 distance of its start from y_0."""
        net, stage = self.stage.module, self.stage
        assert isinstance(net, NeuralODE)
        assert stage.one_sided is not None
        native = stage.constants_in(norm)
        return solve_rounding(
            net, state_norm=self.state_norm, speed=self.speed, constants=_plain(stage.lipschitz, stage.one_sided),
            input_shape=stage.input_shape, dtype=dtype, steps=steps, norm=norm, norm_constants=_plain(*native),
        )  # fmt: skip


def _plain(lipschitz: Bound, one_sided: Bound | None) -> FlowConstants:
    """K and min(μ, K) alone."""
    assert one_sided is not None
    numbers = float(lipschitz), min(float(lipschitz), float(one_sided))
    first, second = (torch.tensor(number, dtype=torch.float64) for number in numbers)
    return FlowConstants(lipschitz=first, one_sided=second)


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
        lipschitz, one_sided = _constants(module, shape, "L2")
        stages.append(AdaptiveStage(module=module, input_shape=shape, lipschitz=lipschitz, one_sided=one_sided))
        shape = shape if isinstance(module, NeuralODE) else output_shape(module, shape)
    return AdaptiveBounds(stages=tuple(stages))


def _constants(module: nn.Module, shape: Shape, norm: Norm) -> tuple[Bound, Bound | None]:
    """A layer's constant; for a Neural ODE K and μ of its field."""
    if not isinstance(module, NeuralODE):
        return lipschitz_upper_bound(module, input_shape=shape, norm=norm), None
    lipschitz = lipschitz_upper_bound(module.field, input_shape=shape, norm=norm)
    return lipschitz, one_sided_lipschitz_upper_bound(module.field, input_shape=shape, norm=norm)


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
    norm: Norm = "L2",
    method: AdaptiveMethod = "global",
) -> AffineFeatures:
    """The features of images, and the affine bound of their distance from those of perturbed images.

    Args:
        bounds: of the classifier.
        images: float64.
        radii: no perturbation is larger, in `norm`; what rounds in the perturbed pass is bounded for these.
        deployed: the type in which perturbed images are run; None for exact arithmetic.
        norm: "L2" or "Linf", of images, states and features.
        method: "tube" and "local" in L2 only; slope and constant then hold up to `radii`.

    Raises:
        IntegrationError: a clean solve does not reach its end.
        LayerRefusedError: a part whose rounding, or whose constant in this norm, is not known.

    Source: theory, sections 6 to 8.
    Proof: proofs/coq/affine_bound.v, proofs/coq/lipschitz_composition.v, proofs/coq/margin_certificate.v.
    """
    value, slope, constant = images, torch.ones_like(radii), torch.zeros_like(radii)
    solves: list[PassedSolve] = []
    for stage in bounds.stages:
        reach = round_up(slope * radii + constant, 2)
        if isinstance(stage.module, NeuralODE):
            solves.append(passed_from(stage, value, slope=slope, constant=constant))
            value, moved = _through_solve(solves[-1], value, reach, deployed, norm, method)
        else:
            value, moved = _through_layer(stage, value, reach, deployed, norm, method)
        slope = round_up(torch.as_tensor(moved.slope) * slope, 1)
        constant = round_up(torch.as_tensor(moved.slope) * constant + torch.as_tensor(moved.constant), 2)
    return AffineFeatures(norm=norm, features=value.flatten(1), slope=slope, constant=constant, solves=tuple(solves))


def passed_from(stage: AdaptiveStage, start: Tensor, *, slope: Tensor, constant: Tensor) -> PassedSolve:
    """The solve of a Neural ODE from these states, float64."""
    net = stage.module
    assert isinstance(net, NeuralODE)
    speed = norm_up(net.field(torch.full_like(slope, net.start_time), start))
    return PassedSolve(stage=stage, state_norm=norm_up(start), speed=speed, slope=slope, constant=constant)


def _through_layer(
    stage: AdaptiveStage,
    value: Tensor,
    reach: Tensor,
    deployed: torch.dtype | None,
    norm: Norm,
    method: AdaptiveMethod,
) -> tuple[Tensor, AffineBound]:
    """L·d, and what both passes round."""
    size = norm_up(value)
    rounded = stage.rounding(size, torch.float64)
    if deployed is not None:
        rounded = rounded + stage.rounding(size + reach * stage.longest(norm), deployed)
    slope = torch.full_like(reach, float(stage.constants_in(norm)[0]))
    if method == "local":
        slope = torch.minimum(slope, ball_constants(stage.module, stage.input_shape).on_balls(value, reach))
    return stage.module(value), AffineBound(slope=slope, constant=round_up(rounded, 8), kind="upper", norm=norm)


def _through_solve(
    passed: PassedSolve,
    value: Tensor,
    reach: Tensor,
    deployed: torch.dtype | None,
    norm: Norm,
    method: AdaptiveMethod,
) -> tuple[Tensor, AffineBound]:
    """e^{μT}d + E_clean + E_any, and what both solves round.

    The perturbed solve takes as many steps as are proved to be enough, or `max_num_steps`.
    """
    net = passed.stage.module
    assert isinstance(net, NeuralODE)
    run = net.trajectory(value)
    lipschitz, one_sided = passed.stage.constants_in(norm)
    clean = torch.as_tensor(passed.rounding(norm, torch.float64, len(run.times) - 1).at(0.0).value)
    perturbed = torch.zeros_like(clean)
    if deployed is not None:
        distance = round_up(reach * passed.stage.longest(norm), 1)
        enough = passed.completion(distance, deployed).most_trials.clamp_max(net.max_num_steps)
        perturbed = torch.as_tensor(passed.rounding(norm, deployed, enough).at(distance).value)
    if method == "global":
        bound = adaptive_affine_bound(net, value, lipschitz=lipschitz, one_sided=one_sided, norm=norm, trajectory=run)
    else:
        bound = adaptive_tube_bound(
            net, value, lipschitz=lipschitz, one_sided=one_sided, reach=reach,
            rounding=SolvesRounding(clean, perturbed), trajectory=run,
        )  # fmt: skip
    constant = round_up(torch.as_tensor(bound.constant) + clean + perturbed, 4)
    return run.states[-1], AffineBound(slope=bound.slope, constant=constant, kind="upper", norm=norm)


def norm_up(value: Tensor, norm: Norm = "L2") -> Float[Tensor, " images"]:
    """The norm of each sample, rounded outward."""
    return round_up(per_sample_norm(value, norm), value[0].numel() + 8)
