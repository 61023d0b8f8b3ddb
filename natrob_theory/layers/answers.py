"""One object answers for a layer, whatever bound asks: its constant, slopes, pieces, rounding, enclosure in balls.

A kind of torch layer is described by a class of its own, registered once:

    @describes(MyLayer)
    class MyLayerAnswers(AbstractLayer[MyLayer]):
        def lipschitz(self, input_shape: tuple[int, ...]) -> float:
            return 1.0

A field of one's own is an `AbstractField` and carries the same methods itself. Whatever a class leaves out is derived
from what it says, or refused by name. A module that does not compute what the answering class computes (a subclass
with another forward, hooks) is refused: an answer speaks of the forward of the class that gives it.
"""

import abc
import importlib
import math
import sys
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.affine import ELEMENTWISE_ERROR, RELATIVE
from natrob_theory.layers.altered_layers import FORWARD_METHODS, alteration
from natrob_theory.layers.entry_sums import ones_like_shape
from natrob_theory.layers.operators import Operation
from natrob_theory.layers.refusal import ActivationRefusedError, BallRefusedError, LayerRefusedError, refuse
from natrob_theory.layers.runs import image_norm, shape_after, takes_time
from natrob_theory.layers.statements import (
    Affine,
    BallField,
    CentredConstants,
    Evaluated,
    OneSidedConstant,
    Opaque,
    Piece,
    Shape,
    Slopes,
    Structure,
    Term,
)
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, times_up

Described = TypeVar("Described", bound=nn.Module)
Answer = TypeVar("Answer")
Description = TypeVar("Description", bound="type[AbstractLayer[Any]]")


class AbstractAnswers(abc.ABC):
    """The questions that bounds ask. Shapes are those of one sample, without the batch axis; all is rounded outward.

    Proof of what is derived: proofs/coq/one_sided.v for μ ≤ K, proofs/symbolic/evaluation_error.py for rounding,
        proofs/symbolic/skew_gradient_flow_euler.py for the parts of a field,
        proofs/symbolic/row_and_column_norms.py for L∞ and L1.
    """

    takes_time: ClassVar[bool | None] = None
    """Whether the module is called as f(t, y); None where its forward says so."""

    computed_by: ClassVar[tuple[str, ...]] = FORWARD_METHODS
    """The methods whose results the answers speak of: a class that overrides one of them must answer anew."""

    @property
    @abc.abstractmethod
    def described(self) -> Any:
        """The module that is spoken of."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one sample after the layer; derived: a field keeps it, a layer is run on zeros."""
        return input_shape if takes_time(self.described) else shape_after(self.described, input_shape)

    def lipschitz(self, input_shape: Shape) -> float:
        """At least the Lipschitz constant in L2 on all inputs. Raises LayerRefusedError."""
        layer = self.described
        chain = "write it as an nn.Sequential of layers that have one, or " if any(layer.children()) else ""
        raise LayerRefusedError(
            f"no Lipschitz upper bound is known for layer {type(layer).__name__} (input shape {input_shape}); {chain}"
            f"register one with natrob_theory.layer_lipschitz.register"
        )

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """At least the Lipschitz constant in this norm on all inputs.

        Derived: in L2 from `lipschitz`; in L∞ and L1 from `reach`, the largest that becomes of ones. One of the two
        must be stated. Raises LayerRefusedError.
        """
        layer = self.described
        if norm == "L2":
            return ask(layer, "lipschitz", input_shape)
        if type(self).reach is AbstractAnswers.reach:
            name, chain = type(layer).__name__, ""
            if any(layer.children()):
                chain = "write it as an nn.Sequential of layers that have one, or "
            raise LayerRefusedError(
                f"no Lipschitz upper bound in {norm} is known for layer {name} (input shape {input_shape}); {chain}"
                f"register one with natrob_theory.layer_lipschitz_in.register({name}, lambda layer, norm, input_shape: "
                f"...)"
            )
        shape = input_shape if norm == "Linf" else answers_of(layer).output_shape(input_shape)
        return float(ask(layer, "reach", norm, ones_like_shape(shape), input_shape).max())

    def reach(self, norm: Norm, sizes: Float[Tensor, "batch *entries"], input_shape: Shape) -> Tensor:
        """Bounds differences entry by entry: `layers/entry_sums.py`.

        Derived: the constant times the largest of the sizes, at every entry. Raises LayerRefusedError.

        Args:
            norm: "Linf": |z − y| ≤ a entry by entry gives |f(z) − f(y)| ≤ the result. "L1": weights b on the outputs,
                Σ b_j|f(z) − f(y)|_j ≤ Σ (result)_i|z − y|_i.
            sizes: a of the inputs' shape, b of the outputs' shape; float64, at least 0.
            input_shape: as everywhere.
        """
        layer = self.described
        constant = ask(layer, "lipschitz_in", norm, input_shape)
        shape = answers_of(layer).output_shape(input_shape) if norm == "Linf" else input_shape
        most = times_up(sizes.flatten(1).amax(dim=1), constant)
        return most.view(-1, *[1] * len(shape)).expand(-1, *shape)

    def lipschitz_near(
        self, center: Float[Tensor, "batch *input"], radius: Float[Tensor, " batch"], input_shape: Shape
    ) -> Float[Tensor, " batch"]:
        """At least the constant on each sample's ball in L2; derived: the constant on all inputs.

        Args:
            center: float64.
            radius: float64, at least 0.
            input_shape: as everywhere.
        """
        return torch.full_like(radius, ask(self.described, "lipschitz", input_shape))

    def scaled_lipschitz(self, input_shape: Shape, scale: Callable[[], Tensor]) -> float | None:
        """‖diag(scale)W‖₂ of a linear layer W with a scale per channel; None where nothing better than ‖W‖₂ is known.

        Args:
            input_shape: as everywhere.
            scale: gives the scales in float64, with a relative error of at most `affine.SCALE_ERROR`.
        """
        return None

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """The range of an elementwise function's secant slopes on [lower, upper]. Raises ActivationRefusedError."""
        raise ActivationRefusedError(
            f"the slopes of activation {type(self.described).__name__} are not known; register them with "
            f"natrob_theory.activation_slopes.register"
        )

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """Matrices and activations on flat vectors, in order; derived: the layer as its constant."""
        return [Opaque(ask(self.described, "lipschitz", input_shape), self.described, input_shape)]

    def operations(self, input_shape: Shape) -> list[Operation] | None:
        """The layer as parts that need no matrix, however large the image; derived: None, for none are known."""
        return None

    def pieces_after(self, before: list[Piece], input_shape: Shape) -> list[Piece]:
        """The pieces of a chain with this layer at its end."""
        return [*before, *ask(self.described, "pieces", input_shape)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """At least ‖fl f(y) − f(y)‖ for every y of at most this norm whose entries the arithmetic can hold.

        Derived, as an assumption: φu(‖f(y)‖ + L‖y‖), φ = d^1.5 for d entries of the larger of the two ends, as in
        `check_bound` (theory, section 7). Raises LayerRefusedError where a part computes another function (`departs`).
        """
        layer = self.described
        if departs(layer):
            refuse(layer, input_shape, "a part that is not computed as its function is, and no rounding of its own")
        constant = ask(layer, "lipschitz", input_shape)
        entries = max(math.prod(input_shape), math.prod(answers_of(layer).output_shape(input_shape)))
        return float(entries) ** 1.5 * unit * (image_norm(layer, input_shape, norm, constant) + constant * norm)

    def evaluated(self, input_shape: Shape, before: Evaluated, unit: float) -> Evaluated:
        """The layer's value, computed from a computed input.

        ‖f(y)‖ ≤ L‖y‖ + ‖f(0)‖, and ‖fl f(ŷ) − f(y)‖ ≤ L‖ŷ − y‖ + ‖fl f(ŷ) − f(ŷ)‖.
        """
        layer = self.described
        constant = ask(layer, "lipschitz", input_shape)
        error = ask(layer, "rounding", input_shape, before.norm + before.error, unit)
        norm = image_norm(layer, input_shape, before.norm, constant)
        return Evaluated(norm, (constant * before.error + error) * RELATIVE)

    def evaluation_error(self, point: Tensor, value: Tensor) -> Tensor:
        """An elementwise function in float64: at least |fl σ(x) − σ(x)|, entry by entry; derived: 32u(|x| + |σ(x)|).

        Args:
            point: x.
            value: σ(x) as computed, of the same shape.
        """
        return 0.5 * ELEMENTWISE_ERROR * EPSILON * (point.abs() + value.abs())

    def in_balls(self) -> BallField:
        """The field or layer as a function of balls (theory, section 7). Raises BallRefusedError."""
        raise BallRefusedError(
            f"no enclosure in balls is known for {type(self.described).__name__}; register one with "
            f"natrob_theory.ball_field.register"
        )

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """At least μ, for all states; derived: μ ≤ K. Raises LayerRefusedError where K is not known either."""
        name = type(self.described).__name__
        try:
            constant = ask(self.described, "lipschitz", input_shape)
        except LayerRefusedError as refusal:
            raise LayerRefusedError(
                f"no one-sided Lipschitz upper bound is known for field {name}: register one with "
                f"natrob_theory.one_sided_lipschitz.register ({refusal})"
            ) from refusal
        return OneSidedConstant(constant, f"μ ≤ K of {name}, layer by layer: nothing better is known")

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """At least the logarithmic norm of the Jacobian in this norm, for all states; derived: μ ≤ K there.

        In L∞ max_i (J_ii + Σ_{j≠i}|J_ij|), in L1 the same by columns. Raises LayerRefusedError.
        """
        if norm == "L2":
            return ask(self.described, "one_sided", input_shape)
        constant = ask(self.described, "lipschitz_in", norm, input_shape)
        name = type(self.described).__name__
        return OneSidedConstant(constant, f"μ ≤ K of {name} in {norm}: nothing better is known")

    def is_gradient_flow(self) -> bool:
        """Whether it is known that f(t, ·) = −∇V_t with V_t convex and differentiable, for every t."""
        return False

    def structure(self, input_shape: Shape) -> Structure:
        """The statement on the Jacobian; derived from the convex potential and a one-sided constant of one's own."""
        symmetric = self.is_gradient_flow()
        one_sided = 0.0 if symmetric else None
        if type(self).one_sided is not AbstractAnswers.one_sided:
            one_sided = float(self.one_sided(input_shape).value)
        return Structure(symmetric=symmetric, one_sided=one_sided)

    def centred(self, input_shape: Shape) -> CentredConstants:
        """γ, s and r of f = −γy + skew part + remainder; derived: γ = s = 0, r = K."""
        return CentredConstants(0.0, 0.0, ask(self.described, "lipschitz", input_shape))

    def terms(self, input_shape: Shape) -> list[Term]:
        """The field as a sum of chains of pieces."""
        return [Term(1.0, ask(self.described, "pieces_after", [], input_shape))]

    def parts(self) -> tuple[nn.Module, ...]:
        """The fields that a sum, a multiple or a dissipation is made of."""
        return ()


class AbstractLayer(AbstractAnswers, Generic[Described]):
    """Answers for a kind of layer that cannot answer itself, as torch's cannot.

    Args:
        module: the layer.
    """

    def __init__(self, module: Described) -> None:
        self.module = module

    @property
    def described(self) -> Described:
        """The layer."""
        return self.module


class AbstractField(nn.Module, AbstractAnswers):
    """A field f(t, y) that answers for itself: override what you know of it, the rest is derived or refused."""

    takes_time = True

    @property
    def described(self) -> nn.Module:
        """The field."""
        return self

    def output_shape(self, input_shape: Shape) -> Shape:
        """A field keeps the state's shape."""
        return input_shape


class UnknownLayer(AbstractLayer[nn.Module]):
    """A layer that nothing is known of: every answer is derived from others or refused."""


_DESCRIPTIONS: dict[type, type[AbstractLayer[Any]]] = {}
_AWAITED: dict[str, str] = {}
"""Module of layers -> the module that describes them, once somebody has imported the former."""


def described_by(layers: str, describing: str) -> None:
    """Register a module of descriptions for layers that need not be imported.

    No layer of a module that nobody has imported can be asked about, and torchvision's models take a second to import.

    Args:
        layers: the name of the module that defines the layers.
        describing: the name of the module that registers answers for them when it is imported.
    """
    _AWAITED[layers] = describing


def _import_awaited_descriptions() -> None:
    for layers in [name for name in _AWAITED if name in sys.modules]:
        importlib.import_module(_AWAITED.pop(layers))


def describes(*kinds: type[nn.Module]) -> Callable[[Description], Description]:
    """Register a class of answers for these kinds of layer."""

    def register(description: Description) -> Description:
        _DESCRIPTIONS.update(dict.fromkeys(kinds, description))
        return description

    return register


def described_kinds() -> dict[type, type[AbstractLayer[Any]]]:
    """Every kind of layer with its class of answers, in the order of registration."""
    _import_awaited_descriptions()
    return dict(_DESCRIPTIONS)


def answers_of(module: nn.Module) -> AbstractAnswers:
    """The object that answers for the module: itself, that of its nearest registered class, or one that refuses."""
    if _AWAITED:
        _import_awaited_descriptions()
    for kind in type(module).__mro__:
        if kind in _DESCRIPTIONS:
            return _DESCRIPTIONS[kind](module)
        if issubclass(kind, AbstractAnswers):
            return cast(AbstractAnswers, module)
    return UnknownLayer(module)


def asked(module: nn.Module, question: str) -> tuple[AbstractAnswers, str]:
    """Who answers the question of the module, and in words how the module departs from what the answer speaks of."""
    answers = answers_of(module)
    kind = _speaks_of(type(module), question)
    return answers, "" if kind is None else alteration(module, kind, methods=answers.computed_by)


def _speaks_of(kind: type, question: str) -> type | None:
    """The class whose forward the answer speaks of; None for answers that are derived from others, or refused."""
    for base in kind.__mro__:
        if base in _DESCRIPTIONS:
            return base
        if base in (AbstractField, AbstractAnswers):
            return None
        if issubclass(base, AbstractAnswers) and question in vars(base):
            return base
    return None


def ask(module: nn.Module, question: str, *arguments: Any) -> Any:
    """Ask a question by its name, as the answers that are derived from others do; see `layers/questions.py`."""
    return _QUESTIONS[question](module, *arguments)


_QUESTIONS: dict[str, "Question[Any]"] = {}


class Question(Generic[Answer]):
    """A question that bounds ask of a module, and the seam by which an answer to it alone is registered.

    Args:
        name: the method of `AbstractAnswers`.
        refuse: called with the module, in words how it is altered, and the question's arguments; None to answer for
            altered modules too.
    """

    def __init__(self, name: str, refuse: Callable[..., Answer] | None) -> None:
        self.name = name
        self._refuse = refuse
        _QUESTIONS[name] = self

    def __call__(self, module: nn.Module, *arguments: Any) -> Answer:
        """The answer, for a module that computes what the answering class computes; else the refusal."""
        answers, altered = asked(module, self.name)
        if altered and self._refuse is not None:
            return self._refuse(module, altered, *arguments)
        return getattr(answers, self.name)(*arguments)

    def register(self, kind: Any, answer: Callable[..., Answer] | None = None) -> Any:
        """Register one answer for one kind: `question.register(Kind, function)`, or as a decorator.

        The function is called with the module and the question's arguments. As a decorator it takes the kind as its
        argument, or from the annotation of the function's first parameter.
        """
        if answer is not None:
            _add_answer(kind, self.name, answer)
            return answer
        if isinstance(kind, type):
            return lambda function: self.register(kind, function)
        first = next(iter(kind.__annotations__.values()))
        return self.register(first, kind)


def _add_answer(kind: type[nn.Module], name: str, answer: Callable[..., Any]) -> None:
    """Give the kind a class of answers with this one; a kind that computes as a described base keeps the others."""
    _import_awaited_descriptions()
    base = _DESCRIPTIONS.get(kind)
    if base is None:
        described = (one for one in kind.__mro__ if one in _DESCRIPTIONS)
        base = next((_DESCRIPTIONS[one] for one in described if _computes_alike(kind, one)), AbstractLayer)

    def method(self: AbstractLayer[Any], *arguments: Any) -> Any:
        return answer(self.module, *arguments)

    _DESCRIPTIONS[kind] = cast(
        "type[AbstractLayer[Any]]", type(f"{kind.__name__}Answers", (base,), {name: method, "__doc__": answer.__doc__})
    )


def _computes_alike(kind: type, base: type) -> bool:
    """Whether the kind has every method of the base whose results answers speak of."""
    return all(getattr(kind, method, None) is getattr(base, method, None) for method in FORWARD_METHODS)


def departs(module: nn.Module) -> bool:
    """Whether a part of it computes something else than its function, as softplus does beyond its threshold."""
    derived = AbstractAnswers.evaluation_error
    return any(type(answers_of(part)).evaluation_error is not derived for part in module.modules())
