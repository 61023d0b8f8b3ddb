"""Whether a model answers an image by that image alone, or by its company in the batch."""

from dataclasses import dataclass
from typing import Final, final

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from natrob_theory import IntegrationError

from .averaged_model import AveragedModel
from .counted_model import Classifier, CountedModel
from .tensor_types import Classes, ExactValues, Images, Logits

BEYOND_ROUNDING: Final = 10.0
"""An answer depends on the batch where it moves by more than so many times what rounding explains."""

_SAME: Final = 1e-4  # of the largest logit: two calls on one image may differ so much, which rounding never reaches
_LONE_IMAGES: Final = 3
_CALIBRATED: Final = 3
_NUDGES: Final = 8
_ULPS: Final = 64.0  # differences that no measurement need explain: a few roundings of the logits themselves
_AMPLIFICATION: Final = 30.0  # most that rounding inside the model may exceed that of nudged pixels
_TF32_SPACING: Final = 2.0**-10


@final
@dataclass(frozen=True, kw_only=True)
class CompanyLook:
    """How the answers to some images change with the batch that they are shown in.

    All sizes are shares of the largest logit of the image.

    Attributes:
        num_images: how many images were looked at.
        difference: the largest change of a logit between batches.
        rounding: what rounding explains of it, measured where the change is most out of proportion; 0 where so small a
            change needed no explanation.
        changed_labels: the share of images whose label was not the same in all batches.
        depends: whether the change is beyond rounding; False of a random model, of which nobody can tell.
        repeat_difference: the largest change of a logit between two calls on one image alone.
    """

    num_images: int
    difference: float
    rounding: float
    changed_labels: float
    depends: bool
    repeat_difference: float

    @property
    def random(self) -> bool:
        """Whether an image alone has more than one answer."""
        return self.repeat_difference > _SAME


@final
class OneImageAtATime(nn.Module):
    """A model that is shown the images of a batch one after the other, so that none has company.

    Args:
        model: images to logits; an `nn.Module` follows this one's mode.
    """

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Images) -> Logits:
        """The answers to the images alone."""
        return torch.cat([self.model(image) for image in x.split(1)])


def look_at_company(model: Classifier, x: Images, in_company: Logits | None = None) -> CompanyLook:
    """Show the model its images in other company: half of it, in another order, and three of them alone, twice.

    Every image changes its company and place; a single one gets its negative and a darker copy for company. What
    changes by more than a few units in the last place of its logits is measured: an image alone is compared with itself
    in the company of copies, in batches of the sizes and at all places that it was shown in. That changes kernels, and
    nothing else for a model that depends on its neighbours. Copies are company too for a model that sums over its
    batch, so they may explain no more than thirty times what it moves by when the pixels of the image alone are nudged
    by one rounding. The answer depends on the batch where it moves by more than ten times what is thus explained.

    One batch more, three images alone and, only where differences are seen, some batches of copies are passed. A
    dependence that none of these batches shows goes unseen: one that needs a certain neighbour, or more of them; one on
    the batch's size alone where the copies explain it; one below a hundred thousandth of the largest logit in float32.
    An `AveragedModel` draws for places in a batch by its nature: it is not looked at.

    Args:
        model: in the mode it is to be attacked in.
        x: the images.
        in_company: the model's answer to all of them, if it is known.

    Raises:
        TypeError, ValueError: as `CountedModel.logits`; ValueError also where the model fails on an image alone.
    """
    with torch.no_grad():
        if isinstance(model, AveragedModel):
            return CompanyLook(
                num_images=len(x),
                difference=0.0,
                rounding=0.0,
                changed_labels=0.0,
                depends=False,
                repeat_difference=0.0,
            )
        return _Look(model, x).compared(in_company) if len(x) > 1 else _Look(model, _with_company(x)).compared(None)


@final
class _Look:
    """One look: the model, the images, and the order in which they are shown again."""

    def __init__(self, model: Classifier, x: Tensor) -> None:
        self._model = model
        self._x = x.detach()
        self._half = -(-len(x) // 2)
        self._order: Classes = _other_order(len(x)).to(x.device)

    def compared(self, in_company: Tensor | None) -> CompanyLook:
        company = self._answer(self._x) if in_company is None else in_company
        other = self._in_other_company()
        change = (other.double() - company.double()).abs().amax(dim=1)
        scale = torch.maximum(_largest(company), _largest(other))
        lone = self._lone_images(change / scale.where(scale > 0, 1.0))
        alone, again = (torch.cat([self._alone(row) for row in lone.tolist()]) for _ in range(2))
        scale[lone] = torch.maximum(scale[lone], _largest(alone))
        change[lone] = torch.maximum(change[lone], (alone.double() - company[lone].double()).abs().amax(dim=1))
        labels = (other.argmax(dim=1) != company.argmax(dim=1)).clone()
        labels[lone] |= alone.argmax(dim=1) != company[lone].argmax(dim=1)
        scale = scale.where(scale > 0, 1.0)
        repeat = float(((again.double() - alone.double()).abs().amax(dim=1) / scale[lone]).max())
        depends, rounding = self._judged(change, scale, repeat)
        return CompanyLook(
            num_images=len(self._x),
            difference=float((change / scale).max()),
            rounding=rounding,
            changed_labels=float(labels.double().mean()),
            depends=depends,
            repeat_difference=repeat,
        )

    def _in_other_company(self) -> Tensor:
        """The answers to all images, half of them at a time and in the other order."""
        answers = torch.cat([self._answer(part) for part in self._x[self._order].split(self._half)])
        return answers[self._order.argsort()]

    def _lone_images(self, change: ExactValues) -> Int64[Tensor, " lone"]:
        """The first, the last and the one that changed most with its company."""
        rows = dict.fromkeys((0, len(change) - 1, int(change.argmax())))
        return torch.tensor(list(rows)[:_LONE_IMAGES], device=change.device)

    def _judged(self, change: ExactValues, scale: ExactValues, repeat: float) -> tuple[bool, float]:
        """Whether a change is beyond rounding, and how much rounding there is where it is largest."""
        unit = torch.finfo(self._x.dtype).eps
        share = change / scale
        rows = (share > _ULPS * unit).nonzero().squeeze(1)
        if not len(rows) or repeat > _SAME:
            return False, 0.0
        worst = rows[share[rows].argsort(descending=True)][:_CALIBRATED]
        found: list[tuple[float, float]] = []
        for row in worst.tolist():
            explained = max(self._rounding(row, float(scale[row])), repeat, _ULPS / BEYOND_ROUNDING * unit)
            found.append((float(share[row]), explained))
        changed, rounding = max(found, key=lambda pair: pair[0] / pair[1])
        return changed > BEYOND_ROUNDING * rounding, rounding

    def _rounding(self, row: int, scale: float) -> float:
        """Measures how much of one image's answers the rounding of kernels explains, over its largest logit."""
        alone = self._alone(row).double()
        image = self._x[row : row + 1]
        sizes = {len(self._x), self._half}
        copies = max(
            float((self._answer(image.expand(size, *image.shape[1:])).double() - alone).abs().max()) for size in sizes
        )
        signs = torch.randint(0, 2, (_NUDGES, *image.shape[1:]), generator=torch.Generator().manual_seed(row))
        nudged = (image * (1 + _nudge(image) * (2 * signs.to(image) - 1))).clamp(0, 1)
        moved = max(float((self._answer(one).double() - alone).abs().max()) for one in nudged.split(1))
        bound = _AMPLIFICATION * max(moved, torch.finfo(image.dtype).eps * scale)
        return min(copies, bound) / scale

    def _answer(self, x: Tensor) -> Tensor:
        return CountedModel(self._model, len(x), x.device).logits(x)

    def _alone(self, row: int) -> Tensor:
        image = self._x[row : row + 1]
        try:
            return self._answer(image)
        except IntegrationError:
            raise
        except (RuntimeError, IndexError, ValueError) as error:
            raise ValueError(
                "`model` must answer an image alone as it does in a batch, for an attack to know whose answer it is; "
                f"on one image of shape {tuple(image.shape)} it fails: {' '.join(str(error).split())}"
            ) from error


def _with_company(x: Tensor) -> Tensor:
    """One image and two that are made of it: some attacks show several variants of an image at once."""
    return torch.cat([x, 1 - x, x / 2])


def _other_order(count: int) -> Int64[Tensor, " batch"]:
    """An order in which hardly an image keeps its place, and none its neighbours."""
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(count))
    return shuffled.roll(1) if count > 2 and bool((shuffled == torch.arange(count)).all()) else shuffled


def _largest(logits: Tensor) -> ExactValues:
    return logits.double().abs().amax(dim=1)


def _nudge(x: Tensor) -> float:
    """The spacing of numbers near 1 that the factors of products are rounded to, on a GPU perhaps those of TF32."""
    tf32 = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    return _TF32_SPACING if x.is_cuda and x.dtype == torch.float32 and tf32 else torch.finfo(x.dtype).eps
