from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.training import YOPO, PGDAdversarialTraining
from natrob_empirical.training.adversarial.perturbation import uniform_noise

METHOD = YOPO(epsilon=0.1, step_size=0.02, outer_steps=3, inner_steps=2)

Stream = Callable[[int], torch.Generator]


def inputs_of(module: nn.Module) -> list[Tensor]:
    """A list that every input of the module, from now on, is added to."""
    seen: list[Tensor] = []
    module.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().clone()))
    return seen


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean of −log softmax, written out."""
    return (logits.exp().sum(dim=1).log() - logits[range(len(labels)), labels]).mean()


def adjoint_by_hand(net: Any, point: Tensor, labels: Tensor) -> Tensor:
    """∂L/∂z at the first layer's output, from backpropagation through the whole network."""
    z = net.first_layer(point)
    (adjoint,) = torch.autograd.grad(cross_entropy(net.rest(z), labels), z)
    return adjoint


def points_by_hand(net: Any, images: Tensor, labels: Tensor, method: YOPO, start: Tensor) -> list[Tensor]:
    """x + η_1 … x + η_{m+1}; the inner gradient is the first layer's Jacobian, transposed, times the adjoint."""
    points = [start]
    for _ in range(method.outer_steps):
        x = points[-1]
        adjoint = adjoint_by_hand(net, x, labels)
        for _ in range(method.inner_steps):
            jacobian = torch.autograd.functional.jacobian(net.first_layer, x)
            slope = torch.tensordot(adjoint, jacobian, dims=adjoint.dim())
            x = x + method.step_size * slope.sign()
            x = x.minimum(images + method.epsilon).maximum(images - method.epsilon).clamp(0, 1)
        points.append(x)
    return points


def start_of(images: Tensor, method: YOPO, generator: torch.Generator) -> Tensor:
    return (images + uniform_noise(images, method.epsilon, generator=generator)).clamp(0, 1)


def test_perturbations_are_those_of_a_loop_by_hand(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    net = build_net(curved=True)
    expected = points_by_hand(net, images, labels, METHOD, start_of(images, METHOD, stream(0)))
    seen = inputs_of(net.first_layer)
    METHOD.backward(net, images, labels, generator=stream(0))
    # per propagation one input of its own and one per inner step; the last input is the last perturbation
    found = [*seen[:: METHOD.inner_steps + 1]]
    assert len(found) == METHOD.outer_steps + 1
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
    for point in seen:
        assert float((point - images).abs().max()) <= 0.1 + 1e-15
        assert float(point.min()) >= 0
        assert float(point.max()) <= 1


def test_the_adjoint_is_that_of_full_backpropagation(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    method = replace(METHOD, outer_steps=1)
    net = build_net(curved=True)
    expected = adjoint_by_hand(net, start_of(images, method, stream(0)), labels)
    arriving: list[Tensor] = []

    def watch(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.register_hook(lambda gradient: arriving.append(gradient.clone()))

    net.first_layer.register_forward_hook(watch)
    method.backward(net, images, labels, generator=stream(0))
    # one propagation: its own backward pass, two inner steps and the Hamiltonian's weight gradient, all with one p
    assert len(arriving) == 1 + 2 + 1
    for adjoint in arriving:
        torch.testing.assert_close(adjoint, expected, rtol=1e-12, atol=1e-14)


def test_one_inner_step_makes_it_pgd(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    net = build_net(curved=True)
    seen = inputs_of(net.first_layer)
    replace(METHOD, outer_steps=4, inner_steps=1).backward(net, images, labels, generator=stream(0))
    pgd = PGDAdversarialTraining(epsilon=0.1, step_size=0.02, steps=4)
    torch.testing.assert_close(seen[-1], pgd.perturb(net, images, labels, generator=stream(0)), rtol=0, atol=1e-12)


def test_steps_through_an_affine_layer_are_one_long_step(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    net = build_net()
    seen = inputs_of(net.first_layer)
    METHOD.backward(net, images, labels, generator=stream(0))
    pgd = PGDAdversarialTraining(epsilon=0.1, step_size=2 * 0.02, steps=3)
    torch.testing.assert_close(seen[-1], pgd.perturb(net, images, labels, generator=stream(0)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("curved", [True, False])
def test_gradients_are_the_sums_over_the_propagations(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable, curved: bool
) -> None:
    images, labels = batch
    net = build_net(curved=curved)
    METHOD.backward(net, images, labels, generator=stream(0))
    found = gradients(net)
    by_hand = build_net(curved=curved)
    points = points_by_hand(by_hand, images, labels, METHOD, start_of(images, METHOD, stream(0)))
    expected = [torch.zeros_like(parameter) for parameter in by_hand.parameters()]
    first = list(by_hand.first_layer.parameters())
    for point, next_point in pairwise(points):
        full = torch.autograd.grad(cross_entropy(by_hand(point), labels), list(by_hand.parameters()))
        adjoint = adjoint_by_hand(by_hand, point, labels)
        hamiltonian = torch.autograd.grad((adjoint * by_hand.first_layer(next_point)).sum(), first)
        for position, part in enumerate(full):
            expected[position] += part
        for position, part in enumerate(hamiltonian):  # the first layer's parameters come first
            expected[position] += part
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-13)
    METHOD.backward(net, images, labels, generator=stream(0))
    for twice, once in zip(gradients(net), found, strict=True):
        torch.testing.assert_close(twice, 2 * once)


def test_one_update_of_a_scalar_network_by_hand() -> None:
    """Logits (v·w·x, 0) of a single pixel x = ½, label 0: everything is arithmetic."""

    class Scalar(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first_layer = nn.Linear(1, 1, bias=False)
            self.factor = nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
            self.first_layer.weight = nn.Parameter(torch.tensor([[2.0]], dtype=torch.float64))

        def after_first_layer(self, z: Tensor) -> Tensor:
            logit = (self.factor * z).flatten(1)
            return torch.cat([logit, torch.zeros_like(logit)], dim=1)

    net = Scalar()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    images = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    method = YOPO(epsilon=0.05, step_size=0.01, outer_steps=2, inner_steps=3)
    start = float(start_of(images, method, torch.Generator().manual_seed(0)))
    method.backward(net, images, torch.tensor([0]), generator=torch.Generator().manual_seed(0))
    optimiser.step()

    def sigmoid(t: float) -> float:
        return float(torch.tensor(t, dtype=torch.float64).sigmoid())

    # L = log(1 + exp(−v·w·x)) falls with x: each propagation moves x down by 3 · 0.01, to 0.45 at the least
    x1 = start
    x2 = max(x1 - 0.03, 0.45)
    x3 = max(x2 - 0.03, 0.45)
    slope1, slope2 = -sigmoid(-6 * x1), -sigmoid(-6 * x2)  # ∂L/∂logit
    p1, p2 = slope1 * 3, slope2 * 3
    gradient_v = slope1 * 2 * x1 + slope2 * 2 * x2
    gradient_w = (p1 * x1 + p1 * x2) + (p2 * x2 + p2 * x3)
    assert net.factor.item() == pytest.approx(3 - 0.1 * (gradient_v + 0.01 * 3), rel=1e-12)
    assert net.first_layer.weight.item() == pytest.approx(2 - 0.1 * (gradient_w + 0.01 * 2), rel=1e-12)


@pytest.mark.parametrize(("outer_steps", "inner_steps"), [(5, 3), (1, 1), (2, 4)])
def test_passes_are_as_few_as_said(
    build_net: Callable, batch: tuple, stream: Stream, count_passes: Callable, outer_steps: int, inner_steps: int
) -> None:
    net = build_net()
    remainder, first = count_passes(net.rest), count_passes(net.first_layer)
    method = replace(METHOD, outer_steps=outer_steps, inner_steps=inner_steps)
    method.backward(net, *batch, generator=stream(0))
    assert (remainder.forward, remainder.backward) == (outer_steps, outer_steps)
    assert (first.forward, first.backward) == (outer_steps * (inner_steps + 1) + 1,) * 2


def test_what_was_seen_is_the_last_propagation(build_net: Callable, batch: tuple, stream: Stream) -> None:
    images, labels = batch
    net = build_net(curved=True)
    logits = net(points_by_hand(net, images, labels, METHOD, start_of(images, METHOD, stream(0)))[-2])
    outcome = METHOD.backward(net, images, labels, generator=stream(0))
    torch.testing.assert_close(outcome.loss, cross_entropy(logits, labels).detach())
    assert outcome.correct == (logits.argmax(dim=1) == labels).sum()
    assert not outcome.loss.requires_grad


def test_running_statistics_move_once_per_propagation(build_net: Callable, batch: tuple, stream: Stream) -> None:
    net = build_net(batch_norm=True)
    METHOD.backward(net, *batch, generator=stream(0))
    assert net.rest[0].num_batches_tracked == 3
    assert all(part.training for part in net.modules())
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_the_same_generator_gives_the_same_gradients(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    found = []
    for seed in (0, 0, 1):
        net = build_net(batch_norm=True)
        METHOD.backward(net, *batch, generator=stream(seed))
        found.append(torch.cat([gradient.flatten() for gradient in gradients(net)]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_a_first_layer_that_is_not_trained_is_left_alone(build_net: Callable, batch: tuple, stream: Stream) -> None:
    net = build_net()
    net.first_layer.requires_grad_(False)
    METHOD.backward(net, *batch, generator=stream(0))
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in net.first_layer.parameters())
    trained = build_net()
    METHOD.backward(trained, *batch, generator=stream(0))
    torch.testing.assert_close(net.rest[-1].weight.grad, trained.rest[-1].weight.grad)


def test_a_wrapper_under_autocast_hands_on_both_parts(
    build_net: Callable, batch: tuple, stream: Stream, gradients: Callable
) -> None:
    class Autocast(nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner: Any = inner
            self.first_layer = Lowered(inner.first_layer)

        def after_first_layer(self, z: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner.after_first_layer(z)

    class Lowered(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner(x)

    images, labels = batch[0].float(), batch[1]
    full, lowered = build_net().float(), build_net().float()
    METHOD.backward(full, images, labels, generator=stream(0))
    outcome = METHOD.backward(Autocast(lowered), images, labels, generator=stream(0))
    assert outcome.loss.dtype == torch.float32
    for found, expected in zip(gradients(lowered), gradients(full), strict=True):
        assert found.dtype == torch.float32
        assert float((found - expected).norm()) < 0.1 * float(expected.norm())


def test_a_model_without_a_first_layer_is_named() -> None:
    class Whole(nn.Linear):
        pass

    with pytest.raises(TypeError, match=r"`model` must have `first_layer`.*YOPO.*got Whole; PGD and TRADES train it"):
        METHOD.backward(Whole(2, 2), torch.zeros(1, 1, 1, 2), torch.tensor([0]), generator=torch.Generator())


def test_bad_settings_are_named() -> None:
    for change, message in (
        ({"epsilon": -0.1}, "`epsilon` must be at least 0, got -0.1"),
        ({"step_size": 0.0}, "`step_size` must be greater than 0, got 0.0"),
        ({"outer_steps": 0}, "`outer_steps` must be at least 1, got 0"),
        ({"inner_steps": 0}, "`inner_steps` must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(METHOD, **change)
