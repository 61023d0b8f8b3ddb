import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    AveragedModel,
    ModelCheck,
    ProbabilitiesWarning,
    RandomisedModelError,
    check_model,
)

Images = tuple[Tensor, Tensor]


@pytest.fixture
def x(digit_images: Images) -> Tensor:
    return digit_images[0]


def noisy(net: nn.Module, scale: float) -> Any:
    return lambda images: net(images) + scale * torch.randn(len(images), 10)


def test_an_honest_model_passes(digits_net: nn.Module, x: Tensor) -> None:
    check = check_model(digits_net, x)
    assert check == ModelCheck(
        num_images=60, calls=3, num_classes=10, probabilities=False, spread=0.0, changed_labels=0.0
    )
    assert not check.randomised
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check.warn_of_probabilities()
    check.require_deterministic()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_probabilities_are_warned_of(dtype: torch.dtype, x: Tensor) -> None:
    weight = torch.randn(10, 64, generator=torch.Generator().manual_seed(0)).to(dtype)

    def model(images: Tensor) -> Tensor:
        return torch.softmax(images.flatten(1) @ weight.T, dim=1)

    check = check_model(model, x.to(dtype))
    assert check.probabilities
    with pytest.warns(ProbabilitiesWarning, match="let it return logits, without the last softmax"):
        check.warn_of_probabilities()


@pytest.mark.parametrize(
    "change",
    [lambda p: p.log(), lambda p: p * 1.01, lambda p: p - 0.001, lambda p: torch.cat([p[:1].log(), p[1:]])],
    ids=["log-probabilities", "another sum", "a negative one", "one row of logits"],
)
def test_what_only_looks_like_probabilities_is_not(change: Any, digits_net: nn.Module, x: Tensor) -> None:
    assert not check_model(lambda images: change(torch.softmax(0.1 * digits_net(images), dim=1)), x).probabilities


def test_randomness_is_found(digits_net: nn.Module, x: Tensor) -> None:
    with torch.random.fork_rng():
        check = check_model(noisy(digits_net, 5.0), x)
    assert check.randomised
    assert 0 < check.changed_labels <= 1
    with pytest.raises(RandomisedModelError, match=r"other labels for .* of 60 images, in 3 calls.*AveragedModel"):
        check.require_deterministic()


def test_randomness_that_changes_no_label_is_found_and_rounding_is_not(digits_net: nn.Module, x: Tensor) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        slight = check_model(noisy(digits_net, 0.01), x)
        rounding = check_model(noisy(digits_net, 1e-6), x)
    assert slight.randomised
    assert slight.changed_labels == 0
    assert rounding.spread > 0
    assert not rounding.randomised


def test_dropout_is_off_in_eval_mode(x: Tensor) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10)).train()
    assert not check_model(net, x).randomised
    assert all(module.training for module in net.modules())


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_refused(digits_net: nn.Module, x: Tensor) -> None:
    with pytest.raises(ValueError, match="`calls` must be at least 2, got 1"):
        check_model(digits_net, x, calls=1)
    with pytest.raises(ValueError, match="finite logits, got NaN or infinity for 60 of 60"):
        check_model(lambda images: digits_net(images) * torch.nan, x)


def averaged(net: Any, samples: int, seed: int = 0) -> AveragedModel:
    return AveragedModel(net, samples=samples, generator=torch.Generator().manual_seed(seed))


def test_the_mean_approaches_the_expectation(digits_net: nn.Module, x: Tensor) -> None:
    """The error of the mean of 400 draws of scale 1 is 1/20."""
    net = digits_net.eval()
    with torch.no_grad():
        error = averaged(noisy(net, 1.0), 400)(x) - net(x)
    assert float(error.std()) == pytest.approx(1 / 20, rel=0.15)


def test_the_mean_is_differentiable(x: Tensor) -> None:
    def model(images: Tensor) -> Tensor:
        return images.flatten(1)[:, :4] * torch.rand(len(images), 1)

    image = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(averaged(model, 400)(image).sum(), image)
    assert torch.allclose(gradient.flatten(1)[:, :4], torch.tensor(0.5), atol=0.07)


def test_the_same_generator_gives_the_same_answers_and_every_call_draws_anew(digits_net: nn.Module, x: Tensor) -> None:
    first, second, other = (averaged(noisy(digits_net, 1.0), 3, seed) for seed in (0, 0, 1))
    with torch.no_grad():
        answers = [[model(x) for _ in range(2)] for model in (first, second, other)]
    assert torch.equal(torch.stack(answers[0]), torch.stack(answers[1]))
    assert not torch.equal(answers[0][0], answers[0][1])
    assert not torch.equal(answers[0][0], answers[2][0])


def test_nobody_outside_sees_the_seeding(digits_net: nn.Module, x: Tensor) -> None:
    before = torch.random.get_rng_state()
    averaged(noisy(digits_net, 1.0), 3)(x)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_draws_of_one_call_differ(x: Tensor) -> None:
    seen: list[Tensor] = []

    def model(images: Tensor) -> Tensor:
        seen.append(torch.rand(3))
        return images.flatten(1)

    averaged(model, 3)(x)
    assert len({tuple(draw.tolist()) for draw in seen}) == 3


def test_a_model_that_works_in_place_sees_the_image_every_time(x: Tensor) -> None:
    answer = averaged(lambda images: images.mul_(0.5).flatten(1), 3)(x)
    assert torch.allclose(answer, 0.5 * x.flatten(1))


@pytest.mark.usefixtures("unchecked")
def test_wrong_averages_are_refused(digits_net: nn.Module) -> None:
    for model, samples, source, error, message in (
        (3, 2, torch.Generator(), TypeError, "`model` must be callable, images to logits, got int"),
        (digits_net, 0, torch.Generator(), ValueError, "`samples` must be at least 1, got 0"),
        (digits_net, 2, 0, TypeError, r"`generator` must be a torch\.Generator"),
    ):
        with pytest.raises(error, match=message):
            AveragedModel(model, samples=samples, generator=source)  # pyright: ignore[reportArgumentType]
