"""The model under diagnosis, its images, and what each attack did to them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.attack_names import label_of
from natrob_empirical.attacks import (
    PGD,
    AbstractAttack,
    AttackResult,
    Classifier,
    CompanyLook,
    CountedModel,
    NonFiniteGradientError,
    OneImageAtATime,
    look_at_company,
)
from natrob_empirical.attacks.attack_inputs import require_labels_in_range
from natrob_empirical.attacks.counted_model import evaluation_mode
from natrob_empirical.random_streams import RandomStreams, SampleStreams
from natrob_empirical.threat_models import AbstractBall
from natrob_theory import IntegrationError

from .gradient_probe import Probe, cross_entropy, probe_gradient
from .level import Level
from .solver_surrogates import Surrogate


@final
class CheckNotRunError(Exception):
    """A check that cannot run on this model; the message says why."""


@final
class Subject:
    """A model, those of its images that it classifies correctly, and the outcome of each attack, which runs once.

    Args:
        model, x, y, ball: as for `diagnose`.
        level: the budgets.
        attack: the gradient attack whose numbers are in question; None means PGD with the level's budget.
        surrogates: of the caller.
        generator: one draw decides all random numbers; each attack has a named stream, so that none disturbs another.

    Attributes:
        x, y: the correctly classified images and their labels.
        num_images: how many images were given, misclassified ones included.
        ceiling: how many of them have the most frequent label.
        non_finite: the messages of attacks that met a gradient that is not finite.
        given: the model as it was given.
        model: the same; where its answers depend on the batch, shown one image at a time.
        company: how its answers change with the batch.
    """

    def __init__(
        self,
        model: Classifier,
        x: Tensor,
        y: Tensor,
        ball: AbstractBall,
        *,
        level: Level,
        attack: AbstractAttack | None,
        surrogates: Sequence[Surrogate],
        generator: torch.Generator,
    ) -> None:
        self.given = model
        self.company = _company_of(model, x)
        self.model: Classifier = OneImageAtATime(model) if self.company.depends else model
        self.ball = ball
        self.level = level
        self.surrogates = tuple(surrogates)
        self.attack = PGD(ball, steps=level.steps, restarts=level.restarts) if attack is None else attack
        self.num_images = len(x)
        self.ceiling = int(y.bincount().max())
        self.non_finite: list[str] = []
        correct = _is_correct(self.model, x, y)
        self.x, self.y = x.detach()[correct], y[correct]
        self._streams = RandomStreams(int(torch.randint(2**62, (), generator=generator)))
        self._results: dict[str, AttackResult] = {}
        self._probe: Probe | None = None

    def __len__(self) -> int:
        return len(self.x)

    def streams(self, name: str) -> SampleStreams:
        """Random numbers for the images, the same whenever this name is given."""
        return SampleStreams(self._streams.generator(name), len(self), self.x.device)

    def run(self, attack: AbstractAttack, *, name: str | None = None) -> AttackResult:
        """Runs the attack on the correctly classified images.

        Args:
            attack: it runs once; the same settings give the same result.
            name: of its random stream and its result, where its settings do not say all.

        Raises:
            CheckNotRunError: it met a gradient that is not finite, or a solve that did not end.
        """
        key = repr(attack) if name is None else name
        if key not in self._results:
            try:
                self._results[key] = attack.run(self.model, self.x, self.y, streams=self.streams(key))
            except NonFiniteGradientError as error:
                self.non_finite.append(str(error))
                raise CheckNotRunError(f"{label_of(attack)} stopped: {error}") from error
            except IntegrationError as error:
                raise CheckNotRunError(f"{label_of(attack)} stopped: {error}") from error
        return self._results[key]

    def white_box(self, ball: AbstractBall | None = None) -> AttackResult:
        """Runs the gradient attack, with its own settings, in its own ball or another.

        Raises:
            CheckNotRunError: as `run`; also where the model is not differentiable.
        """
        self.loss_gradient()
        return self.run(self.attack if ball is None else replace(self.attack, ball=ball))

    def probe(self) -> Probe:
        """The loss and its gradient at the images."""
        if self._probe is None:
            self._probe = probe_gradient(self.model, self.x, self.y, cross_entropy)
        return self._probe

    def loss_gradient(self) -> Float[Tensor, "images channels height width"]:
        """The gradient of the loss at the images.

        Raises:
            CheckNotRunError: autograd cannot trace the logits back to the image.
        """
        gradient = self.probe().gradient
        if gradient is None:
            raise CheckNotRunError("the model is not differentiable with respect to the image")
        return gradient

    def accuracy(self, result: AttackResult) -> float:
        """The share of all images given that stay correct: an UPPER bound of the robust accuracy on them."""
        return int((~result.success).sum()) / self.num_images

    def impossible_radius(self) -> float:
        """From which the ball of every image holds the gray one: ½ in L∞, ½√d in L2; with a mask perhaps none, ∞."""
        return self.ball.grey_radius(self.x.shape[1:])

    def require_grey(self) -> None:
        """Raise CheckNotRunError where no ball of this mask holds the gray image."""
        if math.isinf(self.impossible_radius()):
            raise CheckNotRunError("the mask holds pixels as they are, so no ball of any radius holds the gray image")

    def radii(self) -> tuple[float, ...]:
        """A geometric ladder from ε to the impossible radius; one that ends at ε where ε is larger.

        Where a mask leaves no such radius, it ends where the pixels that may change can all be gray.
        """
        top, count = self.impossible_radius(), self.level.radii
        if math.isinf(top):
            top = replace(self.ball, mask=None).grey_radius(self.x.shape[1:])
        if self.ball.epsilon >= top:
            return tuple(self.ball.epsilon / 2 ** (count - 1 - rung) for rung in range(count))
        ratio = (top / self.ball.epsilon) ** (1 / (count - 1))
        return (*(self.ball.epsilon * ratio**rung for rung in range(count - 1)), top)

    def ball_of(self, radius: float) -> AbstractBall:
        """The ball of the same norm and mask with another radius."""
        return replace(self.ball, epsilon=radius)


def _company_of(model: Classifier, x: Tensor) -> CompanyLook:
    with evaluation_mode(model):
        return look_at_company(model, x.detach())


def _is_correct(model: Classifier, x: Tensor, y: Int64[Tensor, " images"]) -> Tensor:
    with evaluation_mode(model):
        logits = CountedModel(model, len(x), x.device).logits(x.detach())
    require_labels_in_range(y, logits.shape[1])
    return logits.argmax(dim=1) == y
