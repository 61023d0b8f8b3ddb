"""What every attack guarantees, whatever it does inside."""

import copy
import math
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    APGD,
    DI2FGSM,
    DLR,
    FAB,
    FGSM,
    PGD,
    SPSA,
    AbstractAttack,
    ActiveSet,
    AttackResult,
    AutoAttack,
    BoundaryAttack,
    MoveToGray,
    NonFiniteGradientError,
    RandomNoise,
    Square,
    TargetedAPGD,
    TransferAttack,
    look_at_company,
)
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def ten_waves(x: Tensor) -> Tensor:
    """A linear source of ten classes for images of any size."""
    pixels = torch.arange(1, x[0].numel() + 1, dtype=x.dtype)  # at 0 all classes weigh alike: a gradient of rounding
    return x.flatten(1) @ torch.cos(pixels[:, None] * torch.arange(1, 11, dtype=x.dtype))


ATTACKS = [
    attack
    for ball in (LinfBall(0.15), L2Ball(0.8))
    for attack in (
        FGSM(ball),
        PGD(ball, steps=7, restarts=2),
        PGD(ball, steps=5, random_start=False),
        RandomNoise(ball, 3),
        MoveToGray(ball, steps=3),
        DI2FGSM(ball, steps=4),
        APGD(ball, steps=5, restarts=2),
        APGD(ball, loss=DLR(), steps=6),
        TargetedAPGD(ball, steps=3, targets=2, restarts=2),
        AutoAttack(ball, steps=3, targets=2, queries=8),
        Square(ball, queries=40),
        TransferAttack(ball, source=ten_waves),
        FAB(ball, steps=5, targets=3),
        SPSA(ball, steps=4, samples=6, learning_rate=0.05, samples_at_once=4),
    )
] + [BoundaryAttack(L2Ball(0.8), queries=60)]
each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=str)


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


@each_attack
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_are_inside_ball_and_pixel_range(
    attack: AbstractAttack, dtype: torch.dtype, digits_net: nn.Module, digit_images: Images
) -> None:
    x, y = digit_images
    net = copy.deepcopy(digits_net).to(dtype)
    x = x.to(dtype)
    result = attack(net, x, y, generator=generator())
    assert result.adversarial.dtype == dtype
    offset = (result.adversarial.double() - x.double()).flatten(1)
    order = math.inf if isinstance(attack.ball, LinfBall) else 2
    assert float(torch.linalg.vector_norm(offset, ord=order, dim=1).max()) <= attack.ball.epsilon
    assert float(result.adversarial.min()) >= 0
    assert float(result.adversarial.max()) <= 1
    assert not result.adversarial.requires_grad


@each_attack
def test_success_is_what_the_model_says(attack: AbstractAttack, digits_net: nn.Module, digit_images: Images) -> None:
    result = run(attack, digits_net, digit_images)
    assert torch.equal(result.success, digits_net(result.adversarial).argmax(dim=1) != digit_images[1])
    assert bool(result.success.any())


@each_attack
def test_the_same_generator_gives_the_same_result(
    attack: AbstractAttack, digits_net: nn.Module, digit_images: Images
) -> None:
    first, second = (run(attack, digits_net, digit_images) for _ in range(2))
    assert torch.equal(first.adversarial, second.adversarial)
    assert torch.equal(first.success, second.success)
    deterministic = isinstance(attack, FAB | FGSM | MoveToGray) or (isinstance(attack, PGD) and not attack.random_start)
    other = run(attack, digits_net, digit_images, seed=1)
    assert torch.equal(first.adversarial, other.adversarial) == deterministic


@each_attack
def test_permuting_a_batch_permutes_the_result(
    attack: AbstractAttack, digits_net: nn.Module, digit_images: Images
) -> None:
    x, y = digit_images[0].double(), digit_images[1]
    net = copy.deepcopy(digits_net).double()
    order = torch.randperm(len(x), generator=generator(5))
    straight = attack.run(net, x, y, streams=SampleStreams(generator(), len(x)))
    permuted_streams = SampleStreams(generator(), len(x)).select(order)
    permuted = attack.run(net, x[order], y[order], streams=permuted_streams)
    assert torch.allclose(permuted.adversarial, straight.adversarial[order], rtol=0, atol=1e-9)
    assert torch.equal(permuted.success, straight.success[order])
    assert torch.equal(permuted.queries, straight.queries[order])


@each_attack
def test_radius_zero_returns_the_images(attack: AbstractAttack, digits_net: nn.Module, digit_images: Images) -> None:
    still = replace(attack, ball=type(attack.ball)(0.0))
    result = run(still, digits_net, digit_images)
    assert torch.equal(result.adversarial, digit_images[0])
    assert torch.equal(result.success, digits_net(digit_images[0]).argmax(dim=1) != digit_images[1])


@each_attack
def test_misclassified_samples_come_back_as_they_are(attack: AbstractAttack) -> None:
    x, y = squares(4)
    y[:2] = 1 - y[:2]
    result = run(attack, two_class, (x, y))
    assert torch.equal(result.adversarial[:2], x[:2])
    assert result.success[:2].tolist() == [True, True]
    assert result.queries[:2].tolist() == [1, 1]
    assert result.gradient_calls[:2].tolist() == [0, 0]


@each_attack
def test_queries_and_gradients_are_counted_exactly(attack: AbstractAttack) -> None:
    forward_rows: list[int] = []
    gradient_rows: list[int] = []

    def model(x: Tensor) -> Tensor:
        forward_rows.append(len(x))
        logits = two_class(x)
        if logits.requires_grad:
            logits.register_hook(lambda gradient: gradient_rows.append(len(gradient)))
        return logits

    x, y = squares(5)
    y[0] = 1 - y[0]
    look_at_company(model, x, two_class(x))
    looked = sum(forward_rows)  # what tells whether the model depends on the batch is booked to no sample
    forward_rows.clear()
    result = run(attack, model, (x, y))
    assert int(result.queries.sum()) == sum(forward_rows) - looked
    assert int(result.gradient_calls.sum()) == sum(gradient_rows)


@each_attack
def test_a_sample_that_nothing_fools_costs_the_whole_budget(attack: AbstractAttack) -> None:
    """The model's answer never changes, but its logits do, so that there is a gradient."""

    def model(x: Tensor) -> Tensor:
        brightness = x.flatten(1).mean(dim=1)
        return torch.stack([10 + brightness, brightness**2, brightness, -brightness], dim=1)

    x, _ = squares(5)
    result = run(attack, model, (x, torch.zeros(5, dtype=torch.int64)))
    budget = {
        FGSM: lambda one: (3, 1),
        PGD: lambda one: (2 + one.restarts * (one.steps + 1), one.restarts * one.steps),
        RandomNoise: lambda one: (2 + one.trials, 0),
        MoveToGray: lambda one: (2 + one.steps, 0),
        DI2FGSM: lambda one: (3 + one.steps, one.steps),
        APGD: lambda one: (2 + one.restarts * (one.steps + 1), one.restarts * one.steps),
        TargetedAPGD: lambda one: (
            3 + one.targets * one.restarts * (one.steps + 1),
            one.targets * one.restarts * one.steps,
        ),
        AutoAttack: lambda one: (
            14 + one.steps + one.targets * (3 * one.steps + 1) + one.queries,
            (1 + 2 * one.targets) * one.steps,
        ),
        Square: lambda one: (2 + one.queries, 0),
        TransferAttack: lambda one: (4 + 5, 0),  # the 51 points of PGD-50
        SPSA: lambda one: (2 + one.steps * (2 * one.samples + 1), 0),
        FAB: lambda one: (
            10 + 2 * one.steps * one.targets * one.restarts,
            one.steps * one.targets * one.restarts,
        ),
        BoundaryAttack: lambda one: (2 + min(one.start_trials, one.queries), 0),
    }[type(attack)](attack)
    assert {(int(q), int(g)) for q, g in zip(result.queries, result.gradient_calls, strict=True)} == {budget}


def test_a_batch_without_correct_samples_costs_one_query() -> None:
    x, y = squares()
    result = run(PGD(LinfBall(0.3)), two_class, (x, 1 - y))
    assert result.success.all()
    assert result.queries.tolist() == [1, 1, 1]


@each_attack
def test_every_submodule_gets_its_mode_back(attack: AbstractAttack) -> None:
    modes: list[bool] = []

    class Recorder(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            modes.append(self.training)
            return two_class(x)

    model = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.5), Recorder())
    model.train()
    model[0].eval()
    run(attack, model, squares())
    assert [module.training for module in model.modules()] == [True, False, True, True]
    assert not any(modes)


@pytest.mark.usefixtures("unchecked")
def test_the_mode_is_restored_after_an_error() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).train()
    x, _ = squares()
    with pytest.raises(ValueError, match="must propose finite images"):
        run(Proposing(LinfBall(0.1), proposal=lambda x: x * math.nan), model, (x, model(x).argmax(dim=1)))
    assert all(module.training for module in model.modules())


@each_attack
def test_parameter_gradients_stay_untouched(
    attack: AbstractAttack, digits_net: nn.Module, digit_images: Images
) -> None:
    parameters = list(digits_net.parameters())
    assert all(parameter.grad is None for parameter in parameters)
    parameters[0].grad = torch.full_like(parameters[0], 3.0)
    try:
        run(attack, digits_net, digit_images)
        assert bool((parameters[0].grad == 3).all())
        assert all(parameter.grad is None for parameter in parameters[1:])
    finally:
        parameters[0].grad = None


@each_attack
@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_gradients_are_taken_where_they_are_switched_off(
    attack: AbstractAttack, context: Any, digits_net: nn.Module, digit_images: Images
) -> None:
    expected = run(attack, digits_net, digit_images)
    with context():
        x, y = digit_images[0].clone(), digit_images[1].clone()
        found = run(attack, digits_net, (x, y))
    assert torch.equal(found.adversarial, expected.adversarial)
    assert not found.adversarial.is_inference()


@each_attack
def test_a_model_that_works_in_place_does_no_harm(attack: AbstractAttack) -> None:
    def in_place(x: Tensor) -> Tensor:
        return two_class(x.clamp_(0.45, 0.55))

    x, y = squares()
    result = run(attack, in_place, (x, y))
    assert torch.equal(x, squares()[0])
    assert bool(attack.ball.contains(result.adversarial, x).all())


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
@each_attack
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
@pytest.mark.parametrize("attack_type", [FGSM, PGD, RandomNoise])
def test_the_ball_must_be_a_ball(attack_type: Any) -> None:
    with pytest.raises(TypeError, match=r"`ball` must be a ball such as LinfBall\(8/255\), got 0.1 of type float"):
        attack_type(0.1)


@pytest.mark.usefixtures("unchecked")
def test_attacks_are_values_that_print_themselves() -> None:
    assert PGD(LinfBall(0.1), steps=3) == PGD(LinfBall(0.1), steps=3)
    assert repr(FGSM(L2Ball(0.5))) == "FGSM(ball=L2Ball(epsilon=0.5))"
    with pytest.raises(TypeError, match="abstract"):
        AbstractAttack(LinfBall(0.1))  # pyright: ignore[reportAbstractUsage] - the error is the point
