"""The base of all attacks, which owns what every attack must guarantee."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, final

import torch
from torch import Tensor

from natrob_empirical.attack_names import AttackKind
from natrob_empirical.norms import Norm
from natrob_empirical.random_streams import SampleStreams, require_cpu_generator
from natrob_empirical.runs.freed_memory import keep_freed_memory
from natrob_empirical.runs.work_watch import current_watch
from natrob_empirical.threat_models import AbstractBall
from natrob_theory.numbers.argument_checks import require_count

from .active_set import AT_ONCE, ActiveSet
from .attack_inputs import require_images_and_labels, require_targets
from .attack_result import AttackResult
from .attacked_batch import AttackedBatch
from .company import OneImageAtATime
from .counted_model import Classifier, CountedModel, evaluation_mode
from .model_checks import shown_alone_if_needed
from .most_calls import MostCalls
from .tensor_types import Classes, Images

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class AbstractAttack(ABC):
    """An attack on a classifier within a ball around each image.

    A new attack is a frozen dataclass that adds its settings as keyword-only fields, says its `kind`, and supplies
    `_perturb` and `_most_calls`. This class does the rest, for all attacks alike:

    1. it validates the images, labels and logits;
    2. it attacks in eval mode and puts the model back as it was; parameters' `.grad` stays untouched;
    3. samples that are misclassified already, or already taken for their target class, come back unchanged, as
       successes, without an attack;
    4. it projects what `_perturb` returns onto the ball and the pixel range once more;
    5. it judges success itself, by a forward pass in the dtype of the images;
    6. it counts every forward pass and gradient of each sample;
    7. it compares the answers to images in other batches and alone: where they depend on the batch, every image is
       attacked alone, so that the result is that of an attack on it alone, and says so; a model that answers one image
       alone at random is refused.

    Args:
        ball: the threat model.
        compaction: fooled samples leave the batch at once. False keeps them: the same result, slower.
        mixed_precision: passes on the way run under torch.autocast; success is judged in the dtype of the images.

    Raises:
        TypeError: `ball` is not an `AbstractBall`.
    """

    kind: ClassVar[AttackKind]
    """The kind of answer it asks of the model; every attack says so."""

    takes_targets: ClassVar[bool] = False
    """Whether `_perturb` follows `active.goal`, so that the attack can be given target classes."""

    norms: ClassVar[tuple[Norm, ...]] = ("Linf", "L2")
    """Those of the balls it works in."""

    setting_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """A setting that can be asked for by name → the argument that it is here, where they differ."""

    variants: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    """A name that the attack is registered by → the arguments that make it that one, where it has several names."""

    ball: AbstractBall
    compaction: bool = field(default=True, kw_only=True, repr=False)
    mixed_precision: bool = field(default=False, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.ball, AbstractBall):
            raise TypeError(
                f"`ball` must be a ball such as LinfBall(8/255), got {self.ball!r} of type {type(self.ball).__name__}"
            )

    @final
    def __call__(
        self,
        model: Classifier,
        x: Images,
        y: Classes,
        *,
        generator: torch.Generator,
        targeted: int | Classes | None = None,
        at_once: int = AT_ONCE,
    ) -> AttackResult:
        """Attack every image of a batch.

        Args:
            model: images to logits; an `nn.Module` is attacked in eval mode, another callable as it is.
            x: float32 or float64 images in [0, 1].
            y: their true labels.
            generator: a CPU generator; advances by one draw per sample, so that splitting a batch into
                several calls gives every sample the same random numbers.
            targeted: the class that the images are to be taken for, one for all or one per image; no image's own label.
                Success is then to be taken for it, and no other misclassification. None is content with any.
            at_once: an attack that shows several images of a sample together shows at most so many in one pass, unless
                the batch is larger; at least 1. It changes time and memory, and results by the model's rounding only.

        Raises:
            TypeError, ValueError: an argument or the model's output that is not as required; also targets for an attack
                that takes none.
            RandomisedModelError: the model answers one image at random and is no `AveragedModel`.
            NonFiniteGradientError: a gradient attack met a NaN or infinite gradient.
        """
        require_images_and_labels(x, y)
        require_cpu_generator("generator", generator)
        streams = SampleStreams(generator, len(x), x.device)
        return self.run(model, x, y, streams=streams, targeted=targeted, at_once=at_once)

    @final
    def run(
        self,
        model: Classifier,
        x: Images,
        y: Classes,
        *,
        streams: SampleStreams,
        targeted: int | Classes | None = None,
        at_once: int = AT_ONCE,
    ) -> AttackResult:
        """Like calling the attack, with the random stream of each sample given: for parts of a larger attack.

        Raises:
            TypeError, ValueError, NonFiniteGradientError: as for a call; also if there is not one stream
                per sample.
        """
        return self._outcome(self._attack, AttackResult.joined, model, x, y, streams, targeted, at_once)

    @final
    def _outcome(
        self,
        attempt: Callable[[CountedModel, AttackedBatch, Tensor], Outcome],
        joined: Callable[[list[Outcome]], Outcome],
        model: Classifier,
        x: Tensor,
        y: Tensor,
        streams: SampleStreams,
        targeted: int | Tensor | None,
        at_once: int,
    ) -> Outcome:
        """Validates, and makes the attempt on the whole batch, or on each image where the answers depend on the batch.

        Args:
            attempt: takes the counted model, the images, and the model's first answer to them.
            joined: makes one outcome of those of single images.
            model, x, y, streams, targeted, at_once: as in `run`.
        """
        require_images_and_labels(x, y)
        if not isinstance(streams, SampleStreams):
            raise TypeError(f"`streams` must be SampleStreams, got {type(streams).__name__}")
        if len(streams) != len(x):
            raise ValueError(f"`streams` must hold one stream per image, {len(x)}, got {len(streams)}")
        require_count("at_once", at_once)
        keep_freed_memory()
        self.ball.shares(x)
        batch = AttackedBatch(
            x=x.detach().clone(),
            y=y.clone(),
            target=self._targets(targeted, y),
            streams=streams,
            at_once=at_once,
        )
        watch = current_watch()
        if watch is not None:
            watch.begin_attack(type(self).__name__)
        with evaluation_mode(model):
            counted = CountedModel(model, len(x), x.device, mixed_precision=self.mixed_precision)
            logits = counted.full_precision_logits(batch.x)
            batch.require_classes(logits.shape[1])
            shown = shown_alone_if_needed(model, batch.x, logits)
            if not isinstance(shown, OneImageAtATime):
                return attempt(counted, batch, logits)
            found: list[Outcome] = []
            for row in range(len(x)):
                if watch is not None:
                    watch.begin_attack(f"{type(self).__name__} on image {row + 1} of {len(x)} alone")
                counted = CountedModel(shown, 1, x.device, mixed_precision=self.mixed_precision)
                image = batch.only(row)
                found.append(attempt(counted, image, counted.full_precision_logits(image.x)))
            return joined(found)

    @final
    def most_calls(self, num_classes: int | None = None, *, targeted: bool = False) -> MostCalls:
        """Returns how much the attack spends on one image at most, whatever the model answers.

        Args:
            num_classes: of the model, at least 2; None gives a bound for any number.
            targeted: whether it is given target classes.

        Raises:
            NotImplementedError: the attack does not say; it has no `_most_calls`.
            TypeError, ValueError: `num_classes` is not as described.
        """
        if num_classes is not None:
            require_count("num_classes", num_classes, minimum=2)
        calls = self._most_calls(num_classes, targeted=targeted)
        # in mixed precision every image that seems to fool the model is shown to it once more
        return MostCalls(2 * calls.queries if self.mixed_precision else calls.queries, calls.gradient_calls)

    @property
    def reach(self) -> float | None:
        """How far its steps lead together, in the ball's norm; None of an attack that sets their size itself."""
        return None

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        """As `most_calls`, in the dtype of the images."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say how many calls it makes: it has no `_most_calls`"
        )

    @final
    def _targets(self, targeted: int | Tensor | None, y: Tensor) -> Tensor | None:
        if targeted is not None and not self.takes_targets:
            raise ValueError(f"{type(self).__name__} takes no target class, got `targeted` = {targeted!r}")
        return require_targets(targeted, y)

    @abstractmethod
    def _perturb(self, active: ActiveSet) -> None:
        """The attack itself, on samples that are all classified correctly so far: its result is `active.best`."""

    @final
    def _attack(self, model: CountedModel, batch: AttackedBatch, logits: Tensor) -> AttackResult:
        success = batch.reached(logits)
        adversarial = batch.x.clone()
        active = (~success).nonzero().squeeze(1)
        if len(active):
            meter, chosen = model.select(active), batch.select(active)
            search = chosen.search(meter, self.ball, compaction=self.compaction, attack=type(self).__name__)
            self._perturb(search)
            self._require_finite(search.best)
            candidate = self.ball.project(search.best, chosen.x)
            adversarial[active] = candidate
            success[active] = chosen.reached(meter.full_precision_logits(candidate))
        return AttackResult(
            adversarial=adversarial,
            success=success,
            queries=model.queries,
            gradient_calls=model.gradient_calls,
            one_at_a_time=isinstance(model.classifier, OneImageAtATime),
        )

    @final
    def _require_finite(self, candidate: Tensor) -> None:
        """Guards the projection, to which NaN is no distance."""
        affected = int((~candidate.isfinite()).flatten(1).any(dim=1).sum())
        if affected:
            raise ValueError(
                f"{type(self).__name__} must propose finite images, "
                f"got NaN or infinity in {affected} of {len(candidate)}"
            )
