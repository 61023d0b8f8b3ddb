import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.training import TRADES, StandardTraining
from natrob_empirical.training.adversarial import prediction_divergence
from natrob_empirical.training.adversarial.perturbation import normal_noise

METHOD = TRADES(epsilon=0.1, step_size=0.03, steps=5, weight=6.0)

Stream = Callable[[int], torch.Generator]


def divergence_by_definition(clean_logits: Tensor, perturbed_logits: Tensor) -> Tensor:
    """Σ p log(p/q), sums written out."""
    p = clean_logits.exp() / clean_logits.exp().sum(dim=1, keepdim=True)
    q = perturbed_logits.exp() / perturbed_logits.exp().sum(dim=1, keepdim=True)
    return (p * (p / q).log()).sum()


def two_predictions() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(6)
    clean, perturbed = 2 * torch.randn((2, 7, 4), generator=generator, dtype=torch.float64)
    return clean.requires_grad_(), perturbed.requires_grad_()


def test_the_clean_prediction_comes_first() -> None:
    clean = torch.tensor([[0.9, 0.1]], dtype=torch.float64).log() + 3  # logits are free up to a constant
    perturbed = torch.tensor([[0.5, 0.5]], dtype=torch.float64).log()
    expected = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    reverse = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert float(prediction_divergence(clean, perturbed)) == pytest.approx(expected, rel=1e-12)
    assert float(prediction_divergence(perturbed, clean)) == pytest.approx(reverse, rel=1e-12)


def test_the_divergence_and_both_its_gradients_are_the_definitions() -> None:
    clean, perturbed = two_predictions()
    value, expected = prediction_divergence(clean, perturbed), divergence_by_definition(clean, perturbed)
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=0)
    found = torch.autograd.grad(value, (clean, perturbed))
    for one, other in zip(found, torch.autograd.grad(expected, (clean, perturbed)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-13)
    torch.testing.assert_close(found[1], perturbed.softmax(dim=1) - clean.softmax(dim=1))


def test_the_divergence_of_sure_predictions_stays_finite() -> None:
    clean = torch.tensor([[500.0, 0.0]])
    assert float(prediction_divergence(clean, clean)) == 0
    assert float(prediction_divergence(clean, -clean)) == pytest.approx(500)


def test_perturbed_images_are_those_of_a_loop_by_hand(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, _ = batch
    net = build_net()
    x = images + normal_noise(images, 0.001, generator=stream(0))
    for _ in range(5):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(divergence_by_definition(net(images), net(x)), x)
        x = (x + 0.03 * slope.sign()).minimum(images + 0.1).maximum(images - 0.1).clamp(0, 1)
    found = METHOD.perturb(net, images, generator=stream(0))
    torch.testing.assert_close(found, x.detach(), rtol=0, atol=1e-12)
    assert float((found - images).abs().max()) <= 0.1 + 1e-15
    assert all(parameter.grad is None for parameter in net.parameters())


def test_loss_and_gradients_are_the_definitions(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    images, labels = batch
    net = build_net()
    perturbed = METHOD.perturb(net, images, generator=stream(0))
    clean_logits, perturbed_logits = net(images), net(perturbed)
    cross_entropy = -clean_logits.softmax(dim=1)[range(6), labels].log().sum() / 6
    loss = cross_entropy + 6.0 * divergence_by_definition(clean_logits, perturbed_logits) / 6
    loss.backward()
    expected = gradients(net)
    net.zero_grad()
    outcome = METHOD.backward(net, images, labels, generator=stream(0))
    torch.testing.assert_close(outcome.loss, loss.detach())
    assert not outcome.loss.requires_grad
    assert outcome.correct == (perturbed_logits.argmax(dim=1) == labels).sum()
    for found, by_hand in zip(gradients(net), expected, strict=True):
        torch.testing.assert_close(found, by_hand, rtol=1e-9, atol=1e-12)


def test_without_the_divergence_it_is_standard_training(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    nets = [build_net(), build_net()]
    replace(METHOD, weight=0.0).backward(nets[0], *batch, generator=stream(0))
    StandardTraining().backward(nets[1], *batch, generator=stream(0))
    for found, expected in zip(gradients(nets[0]), gradients(nets[1]), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_ascent_is_in_eval_mode_and_the_loss_in_training_mode(
    build_net: Callable, batch: tuple, stream: Stream
) -> None:
    images, labels = batch
    net = build_net(batch_norm=True)
    norm = net.rest[0]
    perturbed = METHOD.perturb(net, images, generator=stream(0))
    assert norm.num_batches_tracked == 0
    assert torch.equal(perturbed, METHOD.perturb(build_net(batch_norm=True).eval(), images, generator=stream(0)))
    outcome = METHOD.backward(net, images, labels, generator=stream(0))
    assert norm.num_batches_tracked == 2
    other = build_net(batch_norm=True)
    clean_logits, perturbed_logits = other(images), other(perturbed)
    divergence = divergence_by_definition(clean_logits, perturbed_logits) / 6
    torch.testing.assert_close(outcome.loss, nn.functional.cross_entropy(clean_logits, labels) + 6 * divergence)
    torch.testing.assert_close(norm.running_mean, other.rest[0].running_mean)
    assert all(part.training for part in net.modules())
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_passes_are_as_few_as_said(build_net: Callable, batch: tuple, stream: Stream, count_passes: Callable) -> None:
    net = build_net()
    passes = count_passes(net.rest)
    METHOD.backward(net, *batch, generator=stream(0))
    assert (passes.forward, passes.backward) == (5 + 3, 5 + 2)


def test_the_same_generator_gives_the_same_gradients(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    found = []
    for seed in (0, 0, 1):
        net = build_net()
        # one step short of the box's faces, where the start would be forgotten
        replace(METHOD, steps=1).backward(net, *batch, generator=stream(seed))
        found.append(torch.cat([gradient.flatten() for gradient in gradients(net)]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_bad_settings_are_named() -> None:
    for change, message in (
        ({"epsilon": -0.1}, "`epsilon` must be at least 0, got -0.1"),
        ({"step_size": 0.0}, "`step_size` must be greater than 0, got 0.0"),
        ({"steps": 0}, "`steps` must be at least 1, got 0"),
        ({"weight": math.nan}, "`weight` must be finite, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(METHOD, **change)
