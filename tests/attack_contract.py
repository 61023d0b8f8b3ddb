"""The promises of the library for every attack, as tests that an attack's own test class inherits."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import ClassVar, get_args

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attack_names import AttackKind
from natrob_empirical.attacks import (
    AbstractAttack,
    AbstractMinimumNormAttack,
    AttackResult,
    MinimumNormResult,
    MostCalls,
    RegisteredAttack,
    look_at_company,
)
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]
Model = Callable[[Tensor], Tensor]

COUNT = 24
"""Images of each test, of which the first two have a wrong label."""
GRAY = torch.full((3, 1, 4, 4), 0.5), torch.zeros(3, dtype=torch.int64)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


PATCH = torch.zeros(1, 8, 8, dtype=torch.bool)
PATCH[:, 2:6, 3:7] = True
PATCH[:, 3, 4] = False
RADII = 0.3 * torch.rand(1, 8, 8, generator=generator(7))
RADII[:, :, :2] = 0.0


SMALL = {"steps": 4, "restarts": 2, "queries": 30, "trials": 3, "targets": 2, "samples": 6, "samples_at_once": 4}
"""Settings that take no time, by the names that attacks have for them."""


def small(entry: RegisteredAttack, ball: AbstractBall) -> AbstractAttack:
    """A registered attack with such settings."""
    attack = entry.attack(ball, **entry.fixed)
    own = {one.name for one in fields(attack)}
    return replace(attack, **{name: value for name, value in SMALL.items() if name in own})


def stubborn(num_classes: int) -> Model:
    """Class 0 near gray, with a gradient towards every other; class 1 from a mean distance of 0.15 on."""

    def model(x: Tensor) -> Tensor:
        brightness = x.flatten(1).mean(dim=1)
        far = ((x - 0.5).abs().flatten(1).mean(dim=1) - 0.15).clamp(min=0)
        others = (brightness**k for k in range(2, num_classes + 1))
        return torch.stack([10 + brightness - 1e4 * far, *others], dim=1)

    return model


def fragile(num_classes: int) -> Model:
    """Class 0 at gray, class 1 where brighter and class 2, if there is one, where darker."""

    def model(x: Tensor) -> Tensor:
        change = 100 * (x.flatten(1).mean(dim=1) - 0.5)
        others = (-1 - k + 0.01 * change for k in range(3, num_classes))
        first = [torch.full_like(change, 1e-3), change, -change][:num_classes]
        return torch.stack([*first, *others], dim=1)

    return model


@dataclass(frozen=True, kw_only=True, eq=False)
class AttackCase:
    """An attack in one ball.

    Attributes:
        name: of the test.
        build: the attack in a ball, with settings that take no time.
        kind: what it says it is.
        ball: the ball.
        spends_all: whether an image that nothing fools costs all that the attack says.
    """

    name: str
    build: Callable[[AbstractBall], AbstractAttack]
    kind: AttackKind
    ball: AbstractBall
    spends_all: bool = True

    @cached_property
    def attack(self) -> AbstractAttack:
        return self.build(self.ball)

    def masked(self) -> list[tuple[AbstractAttack, Tensor]]:
        """The attack in masked balls of the same norm, and the radius of each pixel."""
        if isinstance(self.ball, L2Ball):
            balls = [(L2Ball(2.0, mask=PATCH), 2.0 * PATCH.double())]
        else:
            balls = [
                (LinfBall(0.4, mask=PATCH), 0.4 * PATCH.double()),
                (LinfBall(RADII, mask=PATCH), RADII.double() * PATCH),
            ]
        return [(self.build(ball), allowed) for ball, allowed in balls]


class AttackContract:
    """Tests of one attack.

    A subclass says how it is built in a ball, with few steps and queries, and its kind; where it does not work in both
    norms, also in which balls; where an image that nothing fools may cost less than the attack says, also that.
    """

    kind: ClassVar[AttackKind]
    balls: ClassVar[tuple[AbstractBall, ...]] = (LinfBall(0.15), L2Ball(0.8))
    spends_all: ClassVar[bool] = True

    @staticmethod
    def build(ball: AbstractBall) -> AbstractAttack:
        raise NotImplementedError

    @classmethod
    def cases(cls) -> list[AttackCase]:
        return [
            AttackCase(name=cls.__name__, build=cls.build, kind=cls.kind, ball=ball, spends_all=cls.spends_all)
            for ball in cls.balls
        ]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "case" in metafunc.fixturenames:
            cases = self.cases()
            metafunc.parametrize("case", cases, ids=[f"{one.name}-{type(one.ball).__name__}" for one in cases])

    @pytest.fixture
    def images(self, digit_images: Images) -> Images:
        x, y = digit_images[0][:COUNT].double(), digit_images[1][:COUNT].clone()
        y[:2] = (y[:2] + 1) % 10
        return x, y

    @pytest.fixture
    def net(self, digits_net: nn.Module) -> nn.Module:
        """In float64, where rounding that depends on the batch's size does not show."""
        return copy.deepcopy(digits_net).double()

    def test_it_says_its_kind(self, case: AttackCase) -> None:
        assert case.attack.kind == case.kind
        assert case.kind in get_args(AttackKind)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_results_are_in_the_ball_and_judged_by_the_model(
        self, case: AttackCase, dtype: torch.dtype, net: nn.Module, images: Images
    ) -> None:
        x, y = images[0].to(dtype), images[1]
        given, net = (x.clone(), y.clone()), net.to(dtype)
        result = case.attack(net, x, y, generator=generator())
        found, offset = result.adversarial, (result.adversarial.double() - x.double()).flatten(1)
        order = 2 if isinstance(case.ball, L2Ball) else torch.inf
        assert float(torch.linalg.vector_norm(offset, ord=order, dim=1).max()) <= case.ball.epsilon
        assert bool(case.ball.contains(found, x).all())
        assert 0 <= float(found.min()) <= float(found.max()) <= 1
        assert (found.dtype, found.device, found.requires_grad) == (dtype, x.device, False)
        assert torch.equal(result.success, net(found).argmax(dim=1) != y)
        assert torch.equal(x, given[0])
        assert torch.equal(y, given[1])
        _require_within(result, case.attack.most_calls(10))
        assert not result.one_at_a_time
        # misclassified images are left alone
        assert torch.equal(found[:2], x[:2])
        assert result.queries[:2].tolist() == [1, 1]
        assert result.gradient_calls[:2].tolist() == [0, 0]

    def test_a_generator_decides_everything(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        torch.manual_seed(0)
        first = case.attack(net, *images, generator=generator())
        torch.manual_seed(1)
        second = case.attack(net, *images, generator=generator())
        _require_same(first, second)

    def test_an_image_fares_alone_and_at_any_place_as_in_company(
        self, case: AttackCase, net: nn.Module, images: Images
    ) -> None:
        x, y = images
        together = case.attack.run(net, x, y, streams=SampleStreams(generator(), COUNT))
        order = torch.randperm(COUNT, generator=generator(5))
        for rows in (order, torch.tensor([7]), torch.tensor([COUNT - 1])):
            streams = SampleStreams(generator(), COUNT).select(rows)
            _require_same(case.attack.run(net, x[rows], y[rows], streams=streams), together, rows)

    def test_leaving_the_batch_changes_no_result(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        leaving = case.attack(net, *images, generator=generator())
        staying = replace(case.attack, compaction=False)(net, *images, generator=generator())
        assert torch.allclose(leaving.adversarial, staying.adversarial, rtol=0, atol=1e-12)
        assert torch.equal(leaving.success, staying.success)
        assert bool((leaving.queries <= staying.queries).all())

    def test_radius_zero_returns_the_images(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        result = case.build(type(case.ball)(0.0))(net, *images, generator=generator())
        assert torch.equal(result.adversarial, images[0])

    def test_calls_are_counted_and_never_more_than_it_says(self, case: AttackCase) -> None:
        for classes in (2, 11):
            for make in (stubborn, fragile):
                for target in (None, 1) if case.attack.takes_targets else (None,):
                    _require_counted(case, make, classes, target)

    def test_mixed_precision_asks_again_at_most_once_a_query(self, case: AttackCase) -> None:
        attack = replace(case.attack, mixed_precision=True)
        _require_within(attack(fragile(4), *GRAY, generator=generator()), attack.most_calls(4))

    def test_the_model_is_left_as_it_was(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        net.train()
        next(net.children()).eval()
        before = [(module, module.training) for module in net.modules()]
        weights = copy.deepcopy(net.state_dict())
        parameters = list(net.parameters())
        parameters[0].grad = torch.full_like(parameters[0], 3.0)
        parameters[1].requires_grad_(False)
        case.attack(net, *images, generator=generator())
        assert [(module, module.training) for module in net.modules()] == before
        assert all(torch.equal(weights[name], value) for name, value in net.state_dict().items())
        assert bool((parameters[0].grad == 3).all())
        assert all(parameter.grad is None for parameter in parameters[1:])
        assert [parameter.requires_grad for parameter in parameters] == [True, False, *[True] * (len(parameters) - 2)]

    def test_gradients_are_taken_where_they_are_switched_off(
        self, case: AttackCase, net: nn.Module, images: Images
    ) -> None:
        expected = case.attack(net, *images, generator=generator())
        with torch.inference_mode():
            found = case.attack(net, images[0].clone(), images[1].clone(), generator=generator())
        assert torch.equal(found.adversarial, expected.adversarial)
        assert not found.adversarial.is_inference()

    def test_a_model_that_works_in_place_does_no_harm(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        x, y = images[0][:6], images[1][:6]
        given = x.clone()
        result = case.attack(lambda z: net(z.clamp_(0.05, 0.95)), x, y, generator=generator())
        assert torch.equal(x, given)
        assert bool(case.ball.contains(result.adversarial, x).all())

    def test_targets_are_each_image_s_own(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        x, y = images[0][2:14], images[1][2:14]
        targets = (y + 1) % 10
        if not case.attack.takes_targets:
            with pytest.raises(ValueError, match="takes no target class"):
                case.attack(net, x, y, generator=generator(), targeted=targets)
            return
        attack = case.build(type(case.ball)(3 * case.ball.epsilon))
        together = attack.run(net, x, y, streams=SampleStreams(generator(), 12), targeted=targets)
        assert torch.equal(together.success, net(together.adversarial).argmax(dim=1) == targets)
        order = torch.randperm(12, generator=generator(3))
        streams = SampleStreams(generator(), 12).select(order)
        _require_same(attack.run(net, x[order], y[order], streams=streams, targeted=targets[order]), together, order)

    def test_every_pixel_stays_within_its_radius(self, case: AttackCase, net: nn.Module, images: Images) -> None:
        x = images[0].float()
        for attack, allowed in case.masked():
            found = attack(net.float(), x, images[1], generator=generator()).adversarial
            assert bool(((found.double() - x.double()).abs() <= allowed).all())
            assert bool(attack.ball.contains(found, x).all())
            assert 0 <= float(found.min()) <= float(found.max()) <= 1

    def test_a_model_that_depends_on_the_batch_is_attacked_one_image_at_a_time(
        self, case: AttackCase, net: nn.Module, images: Images
    ) -> None:
        def model(x: Tensor) -> Tensor:
            return net(x) - net(x).mean(0) / 2

        x, y = images[0][2:6], images[1][2:6]
        together = case.attack.run(model, x, y, streams=SampleStreams(generator(), 4))
        assert together.one_at_a_time
        for row in range(4):
            streams = SampleStreams(generator(), 4).select(torch.tensor([row]))
            alone = case.attack.run(model, x[row : row + 1], y[row : row + 1], streams=streams)
            _require_same(alone, together, torch.tensor([row]))

    @pytest.mark.usefixtures("unchecked")
    def test_wrong_arguments_are_refused(self, case: AttackCase, images: Images) -> None:
        with pytest.raises(TypeError, match="`ball` must be a"):
            replace(case.attack, ball=0.1)
        with pytest.raises(ValueError, match="`y` must hold labels from 0 to 3"):
            case.attack(fragile(4), images[0][2:], images[1][2:].clamp(min=4), generator=generator())


def _require_within(result: AttackResult | MinimumNormResult, most: MostCalls) -> None:
    assert int(result.queries.max()) <= most.queries
    assert int(result.gradient_calls.max()) <= most.gradient_calls


def _require_same(found: AttackResult, expected: AttackResult, rows: Tensor | None = None) -> None:
    index = torch.arange(len(expected.success)) if rows is None else rows
    assert torch.allclose(found.adversarial, expected.adversarial[index], rtol=0, atol=1e-9)
    for name in ("success", "queries", "gradient_calls"):
        assert torch.equal(getattr(found, name), getattr(expected, name)[index]), name


def _require_counted(case: AttackCase, make: Callable[[int], Model], classes: int, target: int | None) -> None:
    """The attack's counts are those of the passes that are seen, at most what it says, and reach it if nobody falls."""
    attack, model = case.build(type(case.ball)(0.1)), make(classes)
    rows: list[int] = []
    gradients: list[int] = []

    def seen(x: Tensor) -> Tensor:
        rows.append(len(x))
        logits = model(x)
        if logits.requires_grad:
            logits.register_hook(lambda gradient: gradients.append(len(gradient)))
        return logits

    look_at_company(seen, GRAY[0], model(GRAY[0]))
    looked = sum(rows)  # the passes that tell whether the model depends on the batch are booked to no image
    rows.clear()
    try:
        result = attack(seen, *GRAY, generator=generator(), targeted=target, at_once=1)
    except ValueError as error:
        if classes < 4 and "must have at least" in str(error):  # an attack may need more classes, and then says so
            return
        raise
    assert int(result.queries.sum()) == sum(rows) - looked
    assert int(result.gradient_calls.sum()) == sum(gradients)
    most = attack.most_calls(classes, targeted=target is not None)
    _require_within(result, most)
    _require_within(result, attack.most_calls(targeted=target is not None))  # a bound for any number of classes
    if make is stubborn and case.spends_all:
        assert (int(result.queries.min()), int(result.gradient_calls.min())) == most, (classes, target)
    if isinstance(attack, AbstractMinimumNormAttack):
        _require_within(attack.minimise(model, *GRAY, generator=generator(), targeted=target), most)
