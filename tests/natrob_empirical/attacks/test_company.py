"""Models that answer by the company of an image are found, and attacked one image at a time; honest ones are not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchdiffeq
import torchvision
from torch import Tensor, nn

from natrob_empirical.attacks import (
    FAB,
    PGD,
    AbstractMinimumNormAttack,
    AutoAttack,
    AveragedModel,
    BoundaryAttack,
    OneImageAtATime,
    RandomisedModelError,
    Square,
    TransferAttack,
    attack_accuracy,
    check_model,
    look_at_company,
)
from natrob_empirical.attacks.counted_model import evaluation_mode
from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory import NeuralODE

Images = tuple[Tensor, Tensor]
Model = Callable[[Tensor], Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def minus_the_mean(z: Tensor) -> Tensor:
    """Logits (0, pixel − mean of the batch)."""
    flat = z.flatten(1)
    return nn.functional.pad(flat - flat.mean(0), (1, 0))


FOUR_PIXELS = torch.tensor([0.2, 0.4, 0.6, 0.8]).view(4, 1, 1, 1)


def depends(model: Model, x: Tensor) -> bool:
    with evaluation_mode(model):
        return look_at_company(model, x).depends


def in_company(net: nn.Module) -> dict[str, Model]:
    """The ways in which a batch can change an answer; each change is small beside the logits of about 10."""

    def logits(x: Tensor) -> Tensor:
        return net(x)

    def ranked(x: Tensor) -> Tensor:
        return logits(x) * (1 + 1e-3 * x.flatten(1).mean(1).argsort().argsort()[:, None] / len(x))

    def bright_ones_see_the_mean(x: Tensor) -> Tensor:
        bright = (x.flatten(1).mean(1) > x.flatten(1).mean(1).quantile(0.9)).to(x.dtype)
        return logits(x) + 1e-2 * bright[:, None] * logits(x).mean(0)

    return {
        "mean": lambda x: logits(x) + 1e-3 * logits(x).mean(0),
        "sum": lambda x: logits(x) + 1e-4 * logits(x).sum(0),
        "size": lambda x: logits(x) + 1e-3 * len(x),
        "place": lambda x: logits(x) + 1e-2 * torch.arange(len(x))[:, None],
        "neighbour": lambda x: logits(x) + 1e-3 * logits(x).roll(1, 0),
        "rank": ranked,
        "largest": lambda x: logits(x) / logits(x).abs().max() * 10,
        "some images only": bright_ones_see_the_mean,
    }


@pytest.mark.parametrize("kind", in_company(nn.Identity()))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [60, 7, 2])
def test_dependence_on_the_batch_is_found(
    kind: str, dtype: torch.dtype, count: int, digits_net: nn.Module, digit_images: Images
) -> None:
    x = digit_images[0][:count].to(dtype)
    net = copy.deepcopy(digits_net).to(dtype)
    assert depends(in_company(net)[kind], x)
    assert not depends(net, x)


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_without_running_statistics_is_found_and_with_them_is_not(
    affine: bool, digit_images: Images
) -> None:
    torch.manual_seed(0)
    for tracked in (True, False):
        norm = nn.BatchNorm2d(4, affine=affine, track_running_stats=tracked)
        net = nn.Sequential(nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
        assert depends(net, digit_images[0]) != tracked


def test_a_model_that_puts_itself_into_training_mode_is_found(digit_images: Images) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=0.0), nn.Flatten(), nn.Linear(144, 10))
    assert depends(lambda x: net.train().forward(x), digit_images[0])


class OtherPeoplesODE(nn.Module):
    """As torchdiffeq's examples write it: one solve for the batch."""

    def __init__(self, tolerance: float) -> None:
        super().__init__()
        self.inner, self.out, self.tolerance = nn.Linear(64, 64), nn.Linear(64, 10), tolerance

    def forward(self, x: Tensor) -> Tensor:
        times = torch.tensor([0.0, 1.0])

        def field(t: Tensor, y: Tensor) -> Tensor:
            return 3 * torch.tanh(3 * self.inner(y)) + t

        states: Any = torchdiffeq.odeint(field, x.flatten(1), times, rtol=self.tolerance, atol=self.tolerance)
        return self.out(states[-1])


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4])
def test_the_neural_odes_of_torchdiffeq_are_found(tolerance: float, digit_images: Images) -> None:
    torch.manual_seed(0)
    assert depends(OtherPeoplesODE(tolerance), digit_images[0])


def neural_ode(solver: Any, seed: int, tolerance: float) -> IntegratorClassifier:
    specification = ModelSpecification(
        label="Neural ODE", network="neural_ode", channels=4, hidden=4, stem_stride=2, pool_size=4
    )
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=10, generator=generator(seed))
    for parameter in model.parameters():
        parameter.data.mul_(3)
    assert isinstance(model, IntegratorClassifier)
    field: Any = model.trunk.get_submodule("field")
    model.trunk = NeuralODE(field, 2.0, rtol=tolerance, atol=tolerance, solver=solver)
    return model


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2, 3))])
@pytest.mark.parametrize("tolerance", [0.1, 1e-3, 1e-5])
def test_the_library_s_own_neural_ode_answers_each_image_alone(
    tolerance: float, seed: int, digit_images: Images
) -> None:
    assert not depends(neural_ode("natrob", seed, tolerance), digit_images[0])


def test_the_same_network_solved_by_torchdiffeq_does_not(digit_images: Images) -> None:
    assert depends(neural_ode("torchdiffeq", 0, 1e-3), digit_images[0])


class Rounded(nn.Module):
    """No pixel is moved by a nudge."""

    def forward(self, x: Tensor) -> Tensor:
        return (8 * x).round() / 8


HONEST: dict[str, Callable[[], Model]] = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 10)),
    "wide": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 2000), nn.ReLU(), nn.Linear(2000, 10)),
    "resnet": lambda: torchvision.models.resnet18(num_classes=10),
    "deep resnet": lambda: torchvision.models.resnet50(num_classes=10),
    "logits that cancel": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(192, 500), nn.ReLU(), nn.Linear(500, 500), nn.Softmax(1), nn.Linear(500, 10)
    ),
    "rounded images": lambda: nn.Sequential(Rounded(), torchvision.models.resnet18(num_classes=10)),
    "group norm": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Flatten(), nn.Linear(288, 10)),
}


@pytest.mark.parametrize(("count", "seed"), [(2, 0), (5, 1), (24, 2)])
@pytest.mark.parametrize("name", HONEST)
def test_rounding_is_no_dependence(name: str, count: int, seed: int) -> None:
    torch.manual_seed(seed)
    assert not depends(HONEST[name](), torch.rand(count, 3, 8, 8, generator=generator(seed)))


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e30, 1e37])
def test_the_size_of_the_logits_does_not_matter(scale: float, digits_net: nn.Module, digit_images: Images) -> None:
    x = digit_images[0]
    assert not depends(lambda z: scale * digits_net(z), x)
    assert depends(lambda z: scale * in_company(digits_net)["mean"](z), x)


def test_check_model_reports_a_label_that_depends_on_the_batch() -> None:
    check = check_model(minus_the_mean, FOUR_PIXELS)
    assert check.depends_on_batch
    assert check.randomised
    assert not check.random
    assert check.company is not None
    assert check.company.changed_labels > 0
    check.require_deterministic()


def test_check_model_tells_randomness_from_company(digits_net: nn.Module, digit_images: Images) -> None:
    check = check_model(lambda x: digits_net(x) + torch.randn(len(x), 10), digit_images[0])
    assert (check.random, check.depends_on_batch, check.randomised) == (True, False, True)


def test_autoattack_judges_the_pixels_of_f6_alone() -> None:
    labels = minus_the_mean(FOUR_PIXELS).argmax(1)
    result = AutoAttack(LinfBall(0.05), steps=5, queries=20)(minus_the_mean, FOUR_PIXELS, labels, generator=generator())
    assert labels.tolist() == [0, 0, 1, 1]
    assert result.one_at_a_time
    assert result.success.tolist() == [False, False, True, True]  # alone, every logit is 0 and every label too


@pytest.mark.parametrize("attack", [FAB(L2Ball(0.5), steps=3, targets=2), BoundaryAttack(L2Ball(1.0), queries=40)])
def test_a_search_for_the_nearest_image_is_made_alone_too(
    attack: AbstractMinimumNormAttack, digits_net: nn.Module, digit_images: Images
) -> None:
    def model(x: Tensor) -> Tensor:
        return digits_net(x) - digits_net(x).mean(0) / 2

    x, y = digit_images[0][:5], digit_images[1][:5]
    found = attack.minimise(model, x, y, generator=generator())
    source = generator()
    parts = [attack.minimise(model, x[k : k + 1], y[k : k + 1], generator=source) for k in range(5)]
    assert found.one_at_a_time
    assert torch.equal(found.distance, torch.cat([part.distance for part in parts]))


def test_an_evaluation_says_so(digits_net: nn.Module, digit_images: Images) -> None:
    x, y = digit_images[0][:10], digit_images[1][:10]
    attack = PGD(LinfBall(0.05), steps=3)
    evaluations = [
        attack_accuracy(attack, in_company(digits_net)["mean"], x, y, generator=generator(), batch_size=size)
        for size in (3, 10)
    ]
    assert all(one.one_at_a_time for one in evaluations)
    assert torch.equal(evaluations[0].distance, evaluations[1].distance)
    assert not attack_accuracy(attack, digits_net, x, y, generator=generator()).one_at_a_time


def test_a_source_of_transferred_images_is_shown_them_alone_too(digits_net: nn.Module, digit_images: Images) -> None:
    x, y = digit_images[0][:6], digit_images[1][:6]
    attack = TransferAttack(LinfBall(0.1), source=in_company(digits_net)["largest"], attack=PGD(LinfBall(0.1), steps=3))
    shown = attack.run(digits_net, x, y, streams=SampleStreams(generator(), 6))
    alone = TransferAttack(
        LinfBall(0.1), source=OneImageAtATime(in_company(digits_net)["largest"]), attack=PGD(LinfBall(0.1), steps=3)
    ).run(digits_net, x, y, streams=SampleStreams(generator(), 6))
    assert torch.equal(shown.adversarial, alone.adversarial)


def test_a_model_random_on_one_image_is_refused_by_every_attack(digits_net: nn.Module, digit_images: Images) -> None:
    def noisy(x: Tensor) -> Tensor:
        return digits_net(x) + torch.randn(len(x), 10)

    x, y = digit_images
    for attack in (PGD(LinfBall(0.1), steps=2), Square(L2Ball(0.1), queries=3)):
        with pytest.raises(RandomisedModelError, match=r"between two calls on one image alone.*AveragedModel"):
            attack(noisy, x, y, generator=generator())
    averaged = AveragedModel(noisy, samples=3, generator=generator())
    assert not PGD(LinfBall(0.1), steps=2)(averaged, x, y, generator=generator()).one_at_a_time


@pytest.mark.usefixtures("unchecked")
def test_a_model_that_cannot_answer_an_image_alone_is_refused_by_name(digit_images: Images) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64, track_running_stats=False), nn.Linear(64, 10))
    with pytest.raises(
        ValueError, match=r"`model` must answer an image alone as it does in a batch.*Expected more than"
    ):
        PGD(LinfBall(0.1))(net, *digit_images, generator=generator())
