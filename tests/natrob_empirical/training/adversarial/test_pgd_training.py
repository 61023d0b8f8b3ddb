from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.training import PGDAdversarialTraining, StandardTraining
from natrob_empirical.training.adversarial.perturbation import uniform_noise

METHOD = PGDAdversarialTraining(epsilon=0.1, step_size=0.03, steps=5)

Stream = Callable[[int], torch.Generator]


class LinearLogits(nn.Module):
    """Two logits, linear in the pixels."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T


def loss_slope(net: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """The sign of the gradient of −log softmax, written out, with respect to the image."""
    x = x.detach().requires_grad_()
    exponentials = net(x).exp()
    (-(exponentials.gather(1, labels[:, None])[:, 0] / exponentials.sum(dim=1)).log()).sum().backward()
    net.zero_grad()
    assert x.grad is not None
    return x.grad.sign()


def test_perturbed_images_are_those_of_a_loop_by_hand(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    net = build_net()
    x = (images + uniform_noise(images, 0.1, generator=stream(0))).clamp(0, 1)
    straight, first_direction = x, loss_slope(net, x, labels)
    for _ in range(5):
        direction = loss_slope(net, x, labels)
        x = (x + 0.03 * direction).minimum(images + 0.1).maximum(images - 0.1).clamp(0, 1)
        straight = (straight + 0.03 * first_direction).minimum(images + 0.1).maximum(images - 0.1).clamp(0, 1)
    found = METHOD.perturb(net, images, labels, generator=stream(0))
    torch.testing.assert_close(found, x, rtol=0, atol=1e-12)
    assert not torch.allclose(found, straight)  # one gradient for all steps would be seen
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_linear_model_is_attacked_optimally(batch: tuple, stream: Stream) -> None:
    images, labels = batch[0], batch[1] % 2
    weight = torch.randn((2, 16), generator=stream(5), dtype=torch.float64)
    net = LinearLogits(weight.clone())
    method = replace(METHOD, step_size=0.05)  # five steps reach every corner from every start
    outcome = method.backward(net, images, labels, generator=stream(0))
    # the loss falls with the margin (w_y − w_other)·x, which is least at the corner of ball and pixel range
    margin_slope = weight[labels] - weight[1 - labels]
    worst = (images.flatten(1) - 0.1 * margin_slope.sign()).clamp(0, 1)
    margin = (margin_slope * worst).sum(dim=1)
    torch.testing.assert_close(outcome.loss, (1 + (-margin).exp()).log().mean())
    assert outcome.correct == (margin > 0).sum()
    # ∂loss/∂w_y = −σ(−margin)·x, and the opposite for the other row
    share = torch.sigmoid(-margin)[:, None] * worst / len(images)
    expected = torch.zeros_like(weight).index_add_(0, labels, -share).index_add_(0, 1 - labels, share)
    torch.testing.assert_close(net.weight.grad, expected)


def test_gradients_are_those_of_the_last_images_and_are_added(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    images, labels = batch
    net = build_net()
    perturbed = METHOD.perturb(net, images, labels, generator=stream(0))
    nn.functional.cross_entropy(net(perturbed), labels).backward()
    once = gradients(net)
    METHOD.backward(net, images, labels, generator=stream(0))
    for found, expected in zip(gradients(net), once, strict=True):
        torch.testing.assert_close(found, 2 * expected)


def test_without_a_budget_it_is_standard_training(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    nets = [build_net(), build_net()]
    replace(METHOD, epsilon=0.0).backward(nets[0], *batch, generator=stream(0))
    StandardTraining().backward(nets[1], *batch, generator=stream(0))
    for found, expected in zip(gradients(nets[0]), gradients(nets[1]), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_same_generator_gives_the_same_gradients(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    found = []
    for seed in (0, 0, 1):
        net = build_net()
        METHOD.backward(net, *batch, generator=stream(seed))
        found.append(torch.cat([gradient.flatten() for gradient in gradients(net)]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(("mode", "batches_seen"), [("train", 6), ("eval", 1)])
def test_running_statistics_move_as_the_mode_says(
    build_net: Callable, batch: tuple, stream: Stream, mode: str, batches_seen: int
) -> None:
    net = build_net(batch_norm=True)
    replace(METHOD, attack_mode=mode).backward(net, *batch, generator=stream(0))
    assert net.rest[0].num_batches_tracked == batches_seen
    assert all(part.training for part in net.modules())
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_the_mode_decides_which_statistics_the_attack_sees(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    net = build_net(batch_norm=True)
    found = replace(METHOD, attack_mode="eval").perturb(net, images, labels, generator=stream(0))
    in_eval = METHOD.perturb(build_net(batch_norm=True).eval(), images, labels, generator=stream(0))
    in_train = METHOD.perturb(build_net(batch_norm=True), images, labels, generator=stream(0))
    assert torch.equal(found, in_eval)
    assert not torch.equal(found, in_train)


def test_it_passes_the_network_once_per_step_and_once_more(
    build_net: Callable, batch: tuple, stream: Stream, count_passes: Callable
) -> None:
    net = build_net()
    passes = count_passes(net.rest)
    METHOD.backward(net, *batch, generator=stream(0))
    assert (passes.forward, passes.backward) == (6, 6)


@pytest.mark.usefixtures("unchecked")
def test_bad_settings_are_named() -> None:
    for change, message in (
        ({"epsilon": -0.1}, "`epsilon` must be at least 0, got -0.1"),
        ({"step_size": 0.0}, "`step_size` must be greater than 0, got 0.0"),
        ({"steps": 0}, "`steps` must be at least 1, got 0"),
        ({"attack_mode": "both"}, "`attack_mode` must be one of train, eval, got 'both'"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(METHOD, **change)
