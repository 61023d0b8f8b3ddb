"""The flags of a diagnosis: what each means, and what to do next."""

from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, final

Kind = Literal["masking", "weak attack"]


@final
@dataclass(frozen=True, kw_only=True)
class Flag:
    """One thing that an evaluation of robustness must not show.

    Attributes:
        name: the key.
        kind: "masking": the accuracy under attack comes from the attack's failure, not from the model. "weak attack":
            the attack could not have found out.
        meaning: what it says.
        advice: what to do next.
    """

    name: str
    kind: Kind
    meaning: str
    advice: str


_masking: Final = partial(Flag, kind="masking")
_weak_attack: Final = partial(Flag, kind="weak attack")

ONE_STEP_STRONGER: Final = _masking(
    name="one-step-stronger",
    meaning="one gradient step fools images that many steps do not: the many steps lose their way",
    advice="lower the step size, raise the number of steps and restarts, and attack the margin of the logits",
)
BLACK_BOX_STRONGER: Final = _masking(
    name="black-box-stronger",
    meaning="an attack without gradients fools images that the gradient attack does not: the gradients mislead",
    advice="report the black-box accuracy, and find what hides the gradient before trusting a gradient attack",
)
FLAT_IN_EPSILON: Final = _masking(
    name="flat-in-epsilon",
    meaning="the accuracy hardly falls as the ball grows, up to one that holds every class's images",
    advice="the attack, not the ball, is what limits it: use another loss, more steps, or a black-box attack",
)
RISING_IN_EPSILON: Final = _masking(
    name="rising-in-epsilon",
    meaning="the accuracy is higher in a larger ball, though that ball holds every image of the smaller one",
    advice="the attack overshoots in the larger ball: lower its step size and raise its number of steps",
)
ABOVE_CEILING: Final = _masking(
    name="above-ceiling",
    meaning="the accuracy exceeds the largest class share where the ball holds the gray image, which no deterministic "
    "classifier can",
    advice="the number is a fact about the attack: run Move to Gray, which reaches the ceiling without a gradient",
)
NOT_ONE_LABEL: Final = _masking(
    name="not-one-label",
    meaning="one image does not always get one label: its answers change, or Move to Gray, whose last image is the "
    "same for all, leaves more than the largest class",
    advice="make the output deterministic, or average it over its randomness and attack the average",
)
NOISE_AS_STRONG: Final = _masking(
    name="noise-as-strong",
    meaning="random points of the ball fool as many images as the gradient attack: its gradients carry no information",
    advice="look for a step that is not differentiable or saturates, and replace its gradient by that of a smooth one",
)
NOT_DIFFERENTIABLE: Final = _masking(
    name="not-differentiable",
    meaning="the logits cannot be traced back to the image, so no gradient attack can run",
    advice="remove the detach or the non-differentiable step, or give it a gradient; until then only black-box counts",
)
ZERO_GRADIENTS: Final = _masking(
    name="zero-gradients",
    meaning="the gradient of the loss is exactly zero, so a gradient attack does not move",
    advice="look for rounding or a saturated activation; attack the margin of the logits, or a smooth replacement",
)
EXPLODING_GRADIENTS: Final = _masking(
    name="exploding-gradients",
    meaning="the gradient of the loss is so large that it holds over less than a gray level",
    advice="rescale the logits, shorten the solve, or attack with difference quotients (SPSA)",
)
NON_FINITE_GRADIENTS: Final = _masking(
    name="non-finite-gradients",
    meaning="the gradient of the loss is NaN or infinite",
    advice="look for a root, logarithm or division at its edge in the model, or attack it in float64",
)
GRADIENTS_DISAGREE: Final = _masking(
    name="gradients-disagree",
    meaning="the gradient is not that of the function which the model computes",
    advice="look for a detached part or a backward pass of its own, and attack with difference quotients (SPSA)",
)
GRADIENTS_LOCAL: Final = _masking(
    name="gradients-local",
    meaning="the gradient is right at the image but not over the distances that the attack moves pixels by",
    advice="look for a steep step such as a thermometer or quantiser, smooth it, and attack with Square, without a "
    "gradient, in thousands of queries",
)
ADJOINT_DISAGREES: Final = _masking(
    name="adjoint-disagrees",
    meaning="the adjoint's gradient and the one through the solver's steps point in different directions",
    advice="tighten the tolerances, or attack through the steps (direct gradients)",
)
TRANSFER_STRONGER: Final = _masking(
    name="transfer-stronger",
    meaning="images made on a surrogate fool the model where its own gradients do not",
    advice="report the transfer accuracy; with the same weights under another solver, attack that and transfer",
)
FLAT_LOSS: Final = _masking(
    name="flat-loss",
    meaning="the loss underflows: it has no slope in this precision where the logits themselves have one",
    advice="attack the margin of the logits (DLR loss) or logits divided by their size, or attack in float64",
)
TOO_FEW_STEPS: Final = _weak_attack(
    name="too-few-steps",
    meaning="the attack cannot cross the ball: its steps together are shorter than the diameter",
    advice="raise the number of steps or the step size until their product is at least 2ε",
)
TOO_FEW_QUERIES: Final = _weak_attack(
    name="too-few-queries",
    meaning="the black-box attack had not finished",
    advice="raise its number of queries until the accuracy stops falling",
)
TOO_FEW_IMAGES: Final = _weak_attack(
    name="too-few-images",
    meaning="too few images are classified correctly for one attack to be told from another",
    advice="diagnose more images",
)
