"""The base of all attacks guards what an attack is given, what it proposes and what the model answers."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    FAB,
    FGSM,
    PGD,
    AbstractAttack,
    ActiveSet,
    AttackResult,
    NonFiniteGradientError,
    RandomNoise,
)
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class Proposing(AbstractAttack):
    """Proposes a given image, whatever the model."""

    proposal: Any = None

    def _perturb(self, active: ActiveSet) -> None:
        active.propose(self.proposal(active.x))


def two_class(x: Tensor) -> Tensor:
    """Class 1 where the image is brighter than 0.5 on average; two more classes never win."""
    brightness = x.flatten(1).mean(dim=1)
    return torch.stack([0.5 - brightness, brightness - 0.5, -1 - brightness, -1.5 + 0 * brightness], dim=1)


def squares(count: int = 3) -> Images:
    """Dark, then bright images, in turn, with their labels."""
    labels = torch.arange(count) % 2
    return (0.4 + 0.2 * labels.float()).reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2), labels


def run(attack: AbstractAttack, model: Any, images: Images, seed: int = 0) -> AttackResult:
    return attack(model, *images, generator=generator(seed))


def test_a_batch_without_correct_samples_costs_one_query() -> None:
    x, y = squares()
    result = run(PGD(LinfBall(0.3)), two_class, (x, 1 - y))
    assert result.success.all()
    assert result.queries.tolist() == [1, 1, 1]


@pytest.mark.usefixtures("unchecked")
def test_the_mode_is_restored_after_an_error() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).train()
    x, _ = squares()
    with pytest.raises(ValueError, match="must propose finite images"):
        run(Proposing(LinfBall(0.1), proposal=lambda x: x * math.nan), model, (x, model(x).argmax(dim=1)))
    assert all(module.training for module in model.modules())


def test_a_detached_copy_of_tracked_images_is_attacked() -> None:
    x, y = squares()
    run(PGD(LinfBall(0.2)), two_class, (x.requires_grad_(), y))
    assert x.grad is None


def test_the_base_projects_whatever_is_proposed() -> None:
    for ball in (LinfBall(0.1), L2Ball(0.1)):
        result = run(Proposing(ball, proposal=lambda x: x + 10), two_class, squares())
        assert bool(ball.contains(result.adversarial, squares()[0]).all())


def test_the_base_judges_success_itself() -> None:
    result = run(Proposing(LinfBall(0.2), proposal=lambda x: x + 1), two_class, squares())
    assert result.success.tolist() == [True, False, True]


def test_what_an_attack_does_to_its_own_images_does_not_move_the_ball() -> None:
    x = squares()[0]
    result = run(Proposing(LinfBall(0.1), proposal=lambda own: own.add_(0.3)), two_class, squares())
    assert float((result.adversarial - x).abs().max()) <= 0.1 + 1e-7


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("proposal", "message"),
    [
        (lambda x: x[:1], r"Proposing must propose torch.float32 images of shape \(3, 1, 2, 2\), got .*\(1, 1, 2, 2\)"),
        (lambda x: x.double(), "got torch.float64 of shape"),
        (lambda x: x.index_fill(0, torch.tensor([1]), math.inf), "finite images, got NaN or infinity in 1 of 3"),
    ],
)
def test_a_wrong_proposal_is_refused(proposal: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(Proposing(LinfBall(0.1), proposal=proposal), two_class, squares())


X, Y = squares()


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("attack", [FGSM(LinfBall(0.1)), FAB(L2Ball(0.1))], ids=str)
@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X.numpy(), Y, TypeError, "`x` must be a torch.Tensor of images, got ndarray"),
        ((X * 255).byte(), Y, TypeError, r"got torch.uint8; divide stored images by 255"),
        (X.half(), Y, TypeError, r"`x` must be float32 or float64 images in \[0, 1\], got torch.float16$"),
        (X[0], Y, ValueError, r"of shape \(batch, channels, height, width\), got \(1, 2, 2\)"),
        (X[:0], Y[:0], ValueError, "`x` must be non-empty"),
        (X.index_fill(0, torch.tensor([1]), math.nan), Y, ValueError, "`x` must be finite, got .* in 1 of 3 images"),
        (X * 255, Y, ValueError, r"`x` must lie in the pixel range \[0, 1\], got 102.* to 153.*; divide images"),
        (X - 0.5, Y, ValueError, r"`x` must lie in the pixel range \[0, 1\], got -0.09.* to 0.10\d*$"),
        (X, [0, 1, 0], TypeError, "`y` must be a torch.Tensor of labels, got list"),
        (X, Y.int(), TypeError, "`y` must be int64, got torch.int32"),
        (X, Y[:, None], ValueError, r"`y` must have shape \(3,\), one label per image, got \(3, 1\)"),
        (X, Y[:2], ValueError, r"`y` must have shape \(3,\), one label per image, got \(2,\)"),
        (X, Y.to("meta"), ValueError, "`y` must be on the device of `x`, cpu, got meta"),
        (X, Y - 1, ValueError, "`y` must hold class numbers from 0 up, got -1"),
        (X, Y + 3, ValueError, "`y` must hold labels from 0 to 3, as the model has 4 logits, got 4"),
    ],
)
def test_wrong_images_and_labels_are_refused(
    attack: AbstractAttack, x: Any, y: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(attack, two_class, (x, y))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda x: x, ValueError, r"logits of shape \(batch, classes\) = \(3, 2 or more\), got \(3, 1, 2, 2\)"),
        (lambda x: two_class(x)[:1], ValueError, r"got \(1, 4\)"),
        (lambda x: x.flatten(1)[:, :1], ValueError, r"got \(3, 1\)"),
        (lambda x: two_class(x).argmax(dim=1), TypeError, "floating-point tensor of logits, got torch.int64"),
        (lambda x: (two_class(x),), TypeError, "floating-point tensor of logits, got tuple"),
        (lambda x: two_class(x).log(), ValueError, "finite logits, got NaN or infinity for 3 of 3 samples"),
    ],
)
def test_wrong_logits_are_refused(model: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match="`model` must return .*" + message):
        run(RandomNoise(LinfBall(0.1)), model, squares())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("attack", [FGSM(LinfBall(0.1)), PGD(L2Ball(0.1))], ids=str)
def test_an_untraceable_model_is_refused(attack: AbstractAttack) -> None:
    weight = nn.Parameter(torch.ones(()))
    for model in (lambda x: two_class(x.detach()), lambda x: two_class(x.detach()) * weight):
        with pytest.raises(ValueError, match="`model` must be differentiable with respect to the image"):
            run(attack, model, squares())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("attack", [FGSM(LinfBall(0.1)), PGD(L2Ball(0.1), random_start=False)], ids=str)
def test_a_gradient_that_is_not_finite_is_an_error(attack: AbstractAttack) -> None:
    def root_at_zero(x: Tensor) -> Tensor:
        return two_class(x) + (x - 0.4).abs().sqrt().flatten(1)[:, :1].nan_to_num() * torch.tensor([0.0, 1.0, 0.0, 0.0])

    x = torch.full((4, 1, 2, 2), 0.3)
    x[1] = 0.4
    labels = root_at_zero(x).argmax(dim=1)
    with pytest.raises(NonFiniteGradientError, match="NaN or infinite for 1 of 4 samples") as caught:
        run(attack, root_at_zero, (x, labels))
    assert (caught.value.affected, caught.value.batch) == (1, 4)


@pytest.mark.usefixtures("unchecked")
def test_wrong_sources_of_randomness_are_refused() -> None:
    attack: Any = RandomNoise(LinfBall(0.1))
    with pytest.raises(TypeError, match=r"`generator` must be a torch\.Generator"):
        attack(two_class, X, Y, generator=0)
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'generator'"):
        attack(two_class, X, Y)
    with pytest.raises(TypeError, match="`streams` must be SampleStreams, got Generator"):
        attack.run(two_class, X, Y, streams=generator())
    with pytest.raises(ValueError, match="`streams` must hold one stream per image, 3, got 2"):
        attack.run(two_class, X, Y, streams=SampleStreams(generator(), 2))


@pytest.mark.usefixtures("unchecked")
def test_attacks_are_values_that_print_themselves() -> None:
    assert PGD(LinfBall(0.1), steps=3) == PGD(LinfBall(0.1), steps=3)
    assert repr(FGSM(L2Ball(0.5))) == "FGSM(ball=L2Ball(epsilon=0.5))"
    with pytest.raises(TypeError, match="abstract"):
        AbstractAttack(LinfBall(0.1))  # pyright: ignore[reportAbstractUsage] - the error is the point
