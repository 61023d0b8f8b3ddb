"""Refuses models and radii without a certificate, each with its reason."""

import math
from collections.abc import Iterable, Sequence

from torch import nn
from torch.nn.utils import parametrize

from natrob_empirical.certification.classifier_bounds import ImageShape, classifier_bounds
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.sequential_classifier import CLASSIFIER_METHODS, TWO_WAYS, as_classifier
from natrob_empirical.models import AbstractClassifier
from natrob_theory import Bound, NeuralODE
from natrob_theory.bounds.adaptive import affine_bound_obstacle
from natrob_theory.layers.altered_layers import alteration, alteration_of_rule
from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.numbers.argument_checks import require_nonnegative

BATCH_DEPENDENT = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
RUNNING = ("running_mean", "running_var")
RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def require_certifiable(model: nn.Module, image_shape: ImageShape) -> AbstractClassifier:
    """The model, or the classifier that a plain nn.Sequential is (`as_classifier`).

    Raises CertificateRefusedError for one that is no function of one image with an upper constant.

    Batch norm in training mode makes an answer depend on the other images, dropout on chance. A weight that is computed
    anew at every use, as torch's spectral norm does it, is another one later. A copy in eval mode would be
    another network than the one that was given, so none is switched silently. Of hooks and replaced methods nothing is
    known; those of the layers are looked at where their constants are computed.
    """
    if not isinstance(model, (AbstractClassifier, nn.Sequential)):
        raise CertificateRefusedError(
            f"no certificate: the model is a {type(model).__name__} with a forward of its own, of which nothing is "
            f"known; {TWO_WAYS}"
        )
    _require_finite(model)
    _require_a_function(model)
    if isinstance(model, nn.Sequential):
        model = as_classifier(model, image_shape)
    for part, altered in (
        ("the classifier", alteration_of_rule(model, classifier_bounds.registry, methods=CLASSIFIER_METHODS)),
        ("its head", alteration(model.head, nn.Linear)),
    ):
        if altered:
            raise CertificateRefusedError(f"no certificate: {part} has {altered}")
    return model


def _require_finite(model: nn.Module) -> None:
    """Refuse a model with weights, or running statistics, that are no numbers: nothing could be said of its logits."""
    statistics = [(name, value) for name, value in model.named_buffers() if name.endswith(RUNNING)]
    for name, value in (*model.named_parameters(), *statistics):
        if not bool(value.isfinite().all()):
            raise CertificateRefusedError(f"no certificate: `{name}` of the model has NaN or infinite entries")


def _require_a_function(model: nn.Module) -> None:
    """Refuse a model whose answer to an image depends on chance, on the rest of its batch, or on a solver's choices."""
    for module in model.modules():
        obstacle = affine_bound_obstacle(module) if isinstance(module, NeuralODE) else None
        if obstacle is not None:
            raise CertificateRefusedError(
                f"no certificate: the solver may choose other steps for a perturbed image, and {obstacle}"
            )
    for name, module in model.named_modules():
        reason, where = "", f"{type(module).__name__} `{name}`"
        if isinstance(module, BATCH_DEPENDENT):
            reason = f"{where} is in training mode, where the answer to an image depends on the rest of its batch"
        elif isinstance(module, RANDOM) and module.p > 0:
            reason = f"{where} is in training mode, where the answer is random"
        elif parametrize.is_parametrized(module) and not _only_norm_constraints(module):
            reason = f"the weight of {where} is parametrized and in training mode, where it may change at every use"
        if reason and module.training:
            raise CertificateRefusedError(f"no certificate: {reason}; call model.eval() first")


def _only_norm_constraints(module: nn.Module) -> bool:
    """Whether all that computes the module's weights are constraints of this library, which are functions."""
    lists = module.parametrizations
    assert isinstance(lists, nn.ModuleDict)
    return all(isinstance(part, AbstractNormConstraint) for some in lists.values() for part in some)  # type: ignore[attr-defined]


def require_radii(epsilons: Sequence[float], norm: str, entries: int, *, name: str = "epsilons") -> tuple[float, ...]:
    """The radii as floats; `name` is what they are called in an error.

    Raises:
        TypeError: a number by itself.
        ValueError: one is negative, NaN or infinite, or larger than the pixel range: an L∞ ball of radius 1 around an
            image, an L2 ball of radius √d, and an L1 ball of radius d, hold every image.
    """
    largest, sign = {
        "Linf": (1.0, "1 in L∞"),
        "L2": (math.sqrt(entries), f"√{entries} in L2"),
        "L1": (float(entries), f"{entries} in L1"),
    }[norm]
    if not isinstance(epsilons, Iterable):
        raise TypeError(f"`{name}` must be a sequence of radii, got {epsilons!r}")
    radii = tuple(require_nonnegative(name, epsilon) for epsilon in epsilons)
    for radius in radii:
        if radius > largest:
            raise ValueError(
                f"`{name}` must be at most {sign}, beyond which every image with pixels in [0, 1] lies, got {radius}"
            )
    return radii


def require_upper(bound: Bound, what: str) -> None:
    """Raise CertificateRefusedError unless the bound is an upper one: a certificate never rests on an estimate."""
    if bound.kind != "upper":
        article = "an estimate" if bound.kind == "estimate" else "a lower bound"
        raise CertificateRefusedError(
            f"no certificate: {what} is {article}, not an upper bound ({bound.source or 'no source given'})"
        )
