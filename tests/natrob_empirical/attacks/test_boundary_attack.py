"""The Boundary Attack: near the closed form, exact in its queries, one walk per sample, no farther than Foolbox."""

import copy
import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import AveragedModel, BoundaryAttack, MinimumNormResult, RandomNoise, look_at_company
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def minimise(model: Any, images: Images, seed: int = 0, epsilon: float = 0.5, **settings: Any) -> MinimumNormResult:
    return BoundaryAttack(L2Ball(epsilon), **settings).minimise(model, *images, generator=generator(seed))


def bright(x: Tensor) -> Tensor:
    """Class 1 above a mean of 0.5."""
    mean = x.flatten(1).mean(dim=1)
    return torch.stack([0.5 - mean, mean - 0.5], dim=1)


def grey(*levels: float) -> Images:
    x = torch.tensor(levels).reshape(-1, 1, 1, 1).repeat(1, 1, 4, 4)
    return x, bright(x).argmax(dim=1)


def distance_to_plane(linear_case: Any) -> Tensor:
    model, x, y = linear_case
    return model.margin(x, y) / torch.linalg.vector_norm(model.weight)


def test_a_linear_model_is_approached_to_the_closed_form(linear_case: Any) -> None:
    model, x, y = linear_case
    optimum = distance_to_plane(linear_case)
    medians = []
    for queries in (100, 400, 1600):
        result = minimise(model, (x, y), queries=queries)
        assert bool(result.found.all())
        assert bool((result.distance >= optimum * (1 - 1e-9)).all())
        medians.append(float((result.distance / optimum).median()))
    assert medians[0] > medians[1] > medians[2]
    assert medians[2] < 1.001


def test_results_are_misclassified_in_range_and_as_far_as_they_say(digits_cnn: nn.Module, digit_images: Images) -> None:
    x, y = digit_images
    result = minimise(digits_cnn, digit_images, queries=300)
    with torch.no_grad():
        assert torch.equal(digits_cnn(result.adversarial).argmax(dim=1) != y, result.found)
    assert bool(result.found.all())
    assert float(result.adversarial.min()) >= 0
    assert float(result.adversarial.max()) <= 1
    offset = (result.adversarial.double() - x.double()).flatten(1)
    assert torch.equal(torch.linalg.vector_norm(offset, dim=1), result.distance)


def test_more_queries_never_give_a_larger_distance(digits_cnn: nn.Module, digit_images: Images) -> None:
    x, y = digit_images[0][:20].double(), digit_images[1][:20]
    net = copy.deepcopy(digits_cnn).double()
    distances = [minimise(net, (x, y), queries=queries).distance for queries in (1, 2, 5, 12, 13, 30, 100, 300)]
    for fewer, more in itertools.pairwise(distances):
        assert bool((more <= fewer * (1 + 1e-9)).all())
    assert float(distances[-1].median()) < 0.5 * float(distances[0].median())


@pytest.mark.parametrize("queries", [1, 7, 11, 12, 40])
def test_each_sample_spends_exactly_its_budget(queries: int, digits_cnn: nn.Module, digit_images: Images) -> None:
    rows: list[int] = []

    def model(x: Tensor) -> Tensor:
        rows.append(len(x))
        return digits_cnn(x)

    with torch.no_grad():
        answers = digits_cnn(digit_images[0])
    wrong = answers.argmax(dim=1) != digit_images[1]
    look_at_company(model, digit_images[0], answers)
    looked = sum(rows)  # what tells whether the model depends on the batch is booked to no sample
    rows.clear()
    result = minimise(model, digit_images, queries=queries)
    assert result.queries.tolist() == torch.where(wrong, 1, queries + 2).tolist()
    assert int(result.queries.sum()) == sum(rows) - looked
    assert bool(wrong.any())
    assert result.distance[wrong].tolist() == [0] * int(wrong.sum())


def test_the_walk_is_a_samples_own(digits_cnn: nn.Module, digit_images: Images) -> None:
    x, y = digit_images[0].double(), digit_images[1]
    attack = BoundaryAttack(L2Ball(0.6), queries=120)
    net = copy.deepcopy(digits_cnn).double()
    streams = SampleStreams(generator(), len(x))
    together = attack.minimise(net, x, y, generator=generator())
    called = attack.run(net, x, y, streams=SampleStreams(generator(), len(x)))
    for row in (0, 7, 31):
        index = torch.tensor([row])
        alone = attack.run(net, x[index], y[index], streams=streams.select(index))
        assert torch.allclose(alone.adversarial[0], called.adversarial[row], rtol=0, atol=1e-10)
        assert int(alone.queries) == int(called.queries[row])
    first = attack.minimise(net, x[:1], y[:1], generator=generator())
    assert float(first.distance) == pytest.approx(float(together.distance[0]), abs=1e-10)


def test_images_without_a_start_harm_no_other() -> None:
    """All starts are dark, of no use to dark images."""
    x, y = grey(0.3, 0.8, 0.45, 0.6)
    starts = torch.tensor([0.1, 0.2, 0.3]).reshape(3, 1, 1, 1).repeat(1, 1, 4, 4)
    streams = SampleStreams(generator(), 4)
    attack = BoundaryAttack(L2Ball(0.45), queries=50, starts=starts)
    result = attack.minimise(bright, x, y, generator=generator())
    assert result.found.tolist() == [False, True, False, True]
    assert result.distance[~result.found].tolist() == [torch.inf, torch.inf]
    assert torch.equal(result.adversarial[~result.found], x[~result.found])
    assert result.queries.tolist() == [5, 52, 5, 52]
    called = attack.run(bright, x, y, streams=SampleStreams(generator(), 4))
    assert called.success.tolist() == [False, False, False, True]
    index = torch.tensor([1, 3])
    alone = attack.run(bright, x[index], y[index], streams=streams.select(index))
    assert torch.allclose(alone.adversarial, called.adversarial[index], atol=1e-6)
    nobody = attack.minimise(bright, x[:1], y[:1], generator=generator())
    assert nobody.found.tolist() == [False]


def test_a_call_stops_at_the_first_image_inside_the_ball() -> None:
    seen: list[Tensor] = []

    def model(images: Tensor) -> Tensor:
        seen.append(images.clone())
        return bright(images)

    x, y = grey(0.45)
    ball = L2Ball(0.5)
    look_at_company(model, x, bright(x))
    looked = len(seen)  # the calls that tell whether the model depends on the batch, which come after the first
    seen.clear()
    result = BoundaryAttack(ball, queries=400)(model, x, y, generator=generator())
    del seen[1 : 1 + looked]
    inside = [bool(ball.contains(images, x) & (bright(images).argmax(dim=1) != y)) for images in seen]
    assert int(result.queries) == len(seen) < 60
    assert inside == [False] * (len(seen) - 2) + [True, True]  # the first of them, then the verdict
    assert torch.equal(result.adversarial, seen[-2])


def test_who_is_not_fooled_spends_the_budget_while_others_leave() -> None:
    x, y = grey(0.45, 0.1, 0.6)
    result = BoundaryAttack(L2Ball(0.5), queries=400)(bright, x, y, generator=generator())
    assert result.success.tolist() == [True, False, True]
    assert int(result.queries[1]) == 402


def test_a_start_inside_the_ball_ends_the_search() -> None:
    x, y = grey(0.45)
    attack = BoundaryAttack(L2Ball(9.0), queries=50, starts=torch.full((1, 1, 4, 4), 0.9))
    result = attack(bright, x, y, generator=generator())
    assert result.success.tolist() == [True]
    assert result.queries.tolist() == [3]
    assert torch.equal(result.adversarial, torch.full_like(x, 0.9))


def test_the_nearest_start_is_tried_first() -> None:
    x, y = grey(0.3, 0.8)
    starts = torch.stack([torch.full((1, 4, 4), level) for level in (0.0, 0.95, 0.2, 0.6)])
    result = minimise(bright, (x, y), queries=3, starts=starts)
    assert bool(result.found.all())
    # the second sees 0.95, 0.6 and 0.2, which is misclassified; the first sees 0.2 and 0.6, then a halving: 0.45 is not
    assert result.adversarial[:, 0, 0, 0].tolist() == pytest.approx([0.6, 0.2])


def test_ten_halvings_bring_the_start_to_the_boundary() -> None:
    x, y = grey(0.1, 0.2, 0.45)
    result = minimise(bright, (x, y), queries=11, starts=torch.full((1, 1, 4, 4), 0.9))
    beyond = result.adversarial[:, 0, 0, 0] - 0.5
    assert bool((beyond > 0).all())
    assert bool((beyond <= (0.9 - x[:, 0, 0, 0]) / 1024 + 1e-6).all())


def steps_seen(answers: dict[int, bool], queries: int) -> list[Tensor]:
    """The questions to a model that says what it is told, by the number of the question, from an image of level ½.

    0 is the look at the image, 1 the start, 2 to 11 the halvings. The result is the offsets from the image.
    """
    seen: list[Tensor] = []
    x = torch.full((1, 1, 12, 12), 0.5, dtype=torch.float64)

    def model(images: Tensor) -> Tensor:
        fooled = answers.get(len(seen), len(seen) > 0)
        seen.append((images - x).flatten())
        return torch.tensor([[0.0, 1.0]] if fooled else [[1.0, 0.0]], dtype=torch.float64)

    start = x + 0.1 * torch.rand(x.shape, generator=generator(3), dtype=torch.float64)
    told = AveragedModel(model, samples=1, generator=generator())  # not looked at: no function of its images
    minimise(told, (x, torch.zeros(1, dtype=torch.int64)), queries=queries, starts=start)
    return seen


def turn(after: Tensor, before: Tensor) -> Tensor:
    """The part of an offset that is orthogonal to the one before, relative to the part along it."""
    along = (after @ before) / before.square().sum()
    return after / along - before


def test_the_step_is_on_the_sphere_then_towards_the_image() -> None:
    """Far from the ends of the pixel range: 1 − ε times the distance, at the angle arctan δ."""
    seen = steps_seen({}, 12)
    before, after = seen[11], seen[12]
    assert float(after.norm() / before.norm()) == pytest.approx(0.9, abs=1e-9)
    assert float(turn(after, before).norm() / before.norm()) == pytest.approx(0.1, abs=1e-9)


def test_the_step_grows_after_a_success_and_shrinks_after_a_failure() -> None:
    for succeeds, factor in ((True, 0.1), (False, -0.1 * 3 / 7)):
        seen = steps_seen({12: succeeds}, 14)
        before, after = seen[12] if succeeds else seen[11], seen[13]
        assert float(turn(after, before).norm() / before.norm()) == pytest.approx(0.1 * math.exp(factor), rel=1e-9)


def test_a_direction_is_kept_after_a_success_and_reversed_after_a_failure() -> None:
    for succeeds, sign in ((True, 1), (False, -1)):
        seen = steps_seen({12: succeeds}, 14)
        first, second = turn(seen[12], seen[11]), turn(seen[13], seen[12] if succeeds else seen[11])
        third = turn(seen[14], seen[13])
        assert float(torch.cosine_similarity(first, second, dim=0)) * sign > 0.99
        assert abs(float(torch.cosine_similarity(second, third, dim=0))) < 0.3  # a new direction


def test_it_beats_random_noise(digits_cnn: nn.Module, digit_images: Images) -> None:
    ball = L2Ball(0.7)
    found = BoundaryAttack(ball, queries=300)(digits_cnn, *digit_images, generator=generator())
    noise = RandomNoise(ball, 300)(digits_cnn, *digit_images, generator=generator())
    assert int(found.success.sum()) > 2 * int(noise.success.sum())


def test_noise_of_single_pixels_alone_would_not_start() -> None:
    """Its mean is near a half in every draw; noise in squares has other means."""

    def extreme(x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(dim=1)
        return torch.stack([torch.full_like(mean, 0.08), (mean - 0.5).abs()], dim=1)

    x = torch.full((4, 1, 16, 16), 0.5)
    result = minimise(extreme, (x, torch.zeros(4, dtype=torch.int64)), queries=200)
    assert bool(result.found.all())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"queries": 0}, ValueError, "`queries` must be at least 1, got 0"),
        ({"start_trials": 0}, ValueError, "`start_trials` must be at least 1, got 0"),
        ({"spherical_step": 0.0}, ValueError, "`spherical_step` must be greater than 0, got 0"),
        ({"spherical_step": 1.5}, ValueError, "`spherical_step` must be at most 1, got 1.5"),
        ({"source_step": 0.6}, ValueError, "`source_step` must be at most 0.5, got 0.6"),
        ({"starts": [0.5]}, TypeError, "`starts` must be a torch.Tensor of images, got list"),
        ({"starts": torch.full((1, 1, 4, 4), 2.0)}, ValueError, r"`starts` must lie in the pixel range \[0, 1\]"),
        ({"starts": torch.zeros(1, 1, 3, 4)}, ValueError, r"attacked ones' shape \(1, 4, 4\), got \(1, 3, 4\)"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        minimise(bright, grey(0.3), **settings)


@pytest.mark.usefixtures("unchecked")
def test_another_geometry_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`ball` must be an L2Ball, .* got LinfBall\(epsilon=0.1\)"):
        BoundaryAttack(LinfBall(0.1))
