"""Planted masking is found under its own name, honest models raise nothing, and odd input is reported."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import DI2FGSM, PGD, RandomNoise, Square, paper_pgd
from natrob_empirical.datasets import Dataset
from natrob_empirical.masking import CHECKS, MaskingReport, Surrogate, diagnose
from natrob_empirical.masking.agreement_checks import adjoint_check
from natrob_empirical.masking.level import LEVELS
from natrob_empirical.masking.subject import Subject
from natrob_empirical.models import IntegratorClassifier
from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory import NeuralODE

Images = tuple[Tensor, Tensor]
Model = Callable[[Tensor], Tensor]
BALL = LinfBall(0.1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def subject(model: Model, x: Tensor, y: Tensor) -> Subject:
    """For one check alone."""
    return Subject(
        model, x, y, BALL, level=LEVELS["quick"], attack=None, surrogates=(), generator=generator()
    )  # fmt: skip


def names(report: MaskingReport) -> set[str]:
    return {flag.name for flag in report.flags}


def status(report: MaskingReport) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in report.evidence:
        found.setdefault(item.flag.name, set()).add(item.status)
    return found


def quantised(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """Rounding has a derivative of zero."""
    return lambda x: net((8 * x).round() / 8)


def saturated(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """The softmax of such logits is exactly 0 or 1 in float32."""
    return lambda x: 1e4 * net(x)


def half_detached(net: nn.Module) -> Callable[[Tensor], Tensor]:
    """The right half of the image has an influence, but no gradient."""
    return lambda x: net(torch.cat([x[..., :4], x[..., 4:].detach()], dim=-1))


def with_decoy(net: nn.Module, decoy: nn.Module) -> Callable[[Tensor], Tensor]:
    """All of the answer comes from `net`, all of the gradient from `decoy`."""
    return lambda x: net(x.detach()) + 0.01 * decoy(x)


def fully_detached(net: nn.Module) -> Model:
    return lambda x: net(x.detach())


def with_infinite_slope(net: nn.Module) -> Model:
    """The root of zero adds nothing to the answer, and NaN to the gradient."""
    return lambda x: net(x) + (x - x.detach()).abs().sqrt().flatten(1)[:, :10]


PLANTED = [
    (quantised, {"zero-gradients", "gradients-disagree", "black-box-stronger", "noise-as-strong", "above-ceiling"}),
    (saturated, {"zero-gradients", "flat-loss", "black-box-stronger", "noise-as-strong", "above-ceiling"}),
    (half_detached, {"gradients-disagree", "black-box-stronger"}),
    (fully_detached, {"not-differentiable"}),
    (with_infinite_slope, {"non-finite-gradients"}),
]
TELLTALES = {
    "zero-gradients", "flat-loss", "gradients-disagree", "black-box-stronger", "not-differentiable",
    "non-finite-gradients", "exploding-gradients",
}  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("planted", "expected"), PLANTED)
def test_planted_masking_is_flagged_by_its_name(
    planted: Any, expected: set[str], seed: int, digits_net: nn.Module, hundred_digits: Images
) -> None:
    report = diagnose(planted(digits_net), *hundred_digits, BALL, generator=generator(seed))
    assert names(report) >= expected
    assert names(report) & TELLTALES == expected & TELLTALES
    assert report.verdict.startswith("signs of masking: ")
    assert all(name in report.verdict for name in names(report))


@pytest.mark.parametrize(
    ("net", "ball", "seed"),
    [
        *(("digits_net", BALL, seed) for seed in range(4)),
        *(("digits_net", ball, 0) for ball in (LinfBall(0.02), L2Ball(0.6))),
        *((net, BALL, seed) for net in ("digits_cnn", "robust_digits_cnn") for seed in range(2)),
    ],
    ids=str,
)
def test_honest_models_raise_no_flag(
    net: str, ball: Any, seed: int, request: pytest.FixtureRequest, hundred_digits: Images
) -> None:
    report = diagnose(request.getfixturevalue(net), *hundred_digits, ball, generator=generator(seed))
    assert report.flags == ()
    assert report.verdict.startswith("no sign of masking")
    assert "robust" not in report.verdict
    not_run = {item.flag.name for item in report.evidence if item.status == "not run"}
    assert not_run == {"adjoint-disagrees", "transfer-stronger"}


@pytest.mark.slow
def test_an_honest_neural_ode_raises_no_flag(neural_ode: IntegratorClassifier, hundred_digits: Images) -> None:
    x, y = hundred_digits
    report = diagnose(neural_ode, x[:40], y[:40], BALL, generator=generator())
    assert report.flags == ()
    assert all(item.status == "clear" for item in report.evidence)  # every check runs on a Neural ODE


@pytest.mark.slow
def test_the_full_level_runs_more_attacks(digits_net: nn.Module, hundred_digits: Images) -> None:
    x, y = hundred_digits
    report = diagnose(digits_net, x[:25], y[:25], BALL, generator=generator(), level="full")
    assert report.flags == ()
    black_boxes = {item.settings.split("(")[0] for item in report.evidence if item.flag.name == "black-box-stronger"}
    assert black_boxes == {"Square", "RandomNoise", "SPSA"}


def test_an_adjoint_of_loose_tolerance_is_flagged(neural_ode: IntegratorClassifier, hundred_digits: Images) -> None:
    """Over a long time the steps of so loose a tolerance are no longer those of the flow whose adjoint is solved."""
    trunk: Any = neural_ode.trunk
    loose = NeuralODE(trunk.field, 20.0, rtol=1.0, atol=1.0, gradients="adjoint")
    model = IntegratorClassifier(neural_ode.stem, loose, neural_ode.pool, neural_ode.head)
    for one, raised in ((model, True), (neural_ode, False)):
        with torch.no_grad():
            y = one(hundred_digits[0]).argmax(dim=1)
        (evidence,) = adjoint_check(subject(one, hundred_digits[0], y))
        assert evidence.status == ("raised" if raised else "clear")


def test_a_surrogate_shows_what_a_decoys_gradient_hides(
    digits_net: nn.Module, digits_cnn: nn.Module, hundred_digits: Images
) -> None:
    surrogate = Surrogate(name="the network itself", model=digits_net)
    model = with_decoy(digits_net, digits_cnn)
    report = diagnose(model, *hundred_digits, LinfBall(0.06), generator=generator(), surrogates=[surrogate])
    assert "transfer-stronger" in names(report)
    honest = diagnose(digits_net, *hundred_digits, LinfBall(0.06), generator=generator(), surrogates=[surrogate])
    assert status(honest)["transfer-stronger"] == {"clear"}


def test_one_step_may_be_stronger_than_many(digits_net: nn.Module, hundred_digits: Images) -> None:
    """A step size far too small is as good as no attack, and FGSM shows it."""
    short = PGD(BALL, step_size=1e-4, steps=5, random_start=False)
    report = diagnose(digits_net, *hundred_digits, BALL, generator=generator(), attack=short)
    assert names(report) >= {
        "one-step-stronger", "black-box-stronger", "noise-as-strong", "flat-in-epsilon", "above-ceiling",
        "too-few-steps", "too-few-queries",
    }  # fmt: skip


def test_an_accuracy_that_rises_with_the_radius_is_flagged() -> None:
    """Class 1 lies in a thin shell around the image, which steps of a larger ball jump over."""

    def model(x: Tensor) -> Tensor:
        depth = x.flatten(1).mean(dim=1) - 0.5
        shell = 0.02 * torch.exp(-(((depth - 0.05) / 0.02) ** 2)) + 0.05 * depth
        return torch.stack([torch.full_like(depth, 0.01), shell], dim=1)

    x, y = torch.full((30, 1, 2, 2), 0.5), torch.zeros(30, dtype=torch.int64)
    attack = PGD(LinfBall(0.05), steps=1, random_start=False)
    report = diagnose(model, x, y, LinfBall(0.05), generator=generator(), attack=attack)
    assert "rising-in-epsilon" in names(report)


def test_a_gradient_that_breaks_on_the_attacks_way_is_reported() -> None:
    """Brighter than 0.55 the root's gradient is NaN; neither the images nor random points of their balls are."""

    def model(x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(dim=1)
        root = ((0.55 - mean) * (mean < 0.55)).sqrt()
        return torch.stack([torch.ones_like(mean), mean + 0.01 * root], dim=1)

    x, y = torch.full((30, 1, 8, 8), 0.5), torch.zeros(30, dtype=torch.int64)
    attack = PGD(BALL, step_size=0.1, steps=3, random_start=False)
    report = diagnose(model, x, y, BALL, generator=generator(), attack=attack)
    (evidence,) = (item for item in report.evidence if item.flag.name == "non-finite-gradients")
    assert evidence.status == "raised"
    assert evidence.numbers["affected"] == 0
    assert "NaN or infinite for 30 of 30 samples" in evidence.sentence
    assert status(report)["black-box-stronger"] == {"not run"}


def test_an_answer_that_goes_by_the_place_in_the_batch_is_judged_image_by_image(hundred_digits: Images) -> None:
    x, y = (part[:40] for part in hundred_digits)
    answer = torch.nn.functional.one_hot(y, 10).float()

    def remembers(images: Tensor) -> Tensor:
        """Right on every image of the batch, whatever it looks like: no function of the image."""
        return answer[: len(images)] + 0 * images.sum()

    report = diagnose(remembers, x, y, BALL, generator=generator())
    (images,) = (item for item in report.evidence if item.flag.name == "too-few-images")
    assert images.numbers["correct"] == int((y == y[0]).sum())  # alone, each is answered as the first of the batch
    assert "answers depend on the batch" in report.note
    assert report.note in str(report)


def test_an_honest_model_is_not_said_to_depend_on_the_batch(digits_net: nn.Module, hundred_digits: Images) -> None:
    x, y = hundred_digits
    assert diagnose(digits_net, x[:30], y[:30], BALL, generator=generator()).note == ""


def test_an_output_that_is_random_is_reported_and_nothing_else(digits_net: nn.Module, hundred_digits: Images) -> None:
    report = diagnose(
        lambda x: digits_net(x) + torch.randn(len(x), 10), *hundred_digits, BALL, generator=generator()
    )  # fmt: skip
    assert names(report) == {"not-one-label"}
    assert {item.status for item in report.evidence if item.flag.name != "not-one-label"} == {"not run"}


def test_exploding_gradients_are_flagged(digits_net: nn.Module, hundred_digits: Images) -> None:
    def model(x: Tensor) -> Tensor:
        return digits_net(x) + 0.05 * torch.sin(1e7 * x).flatten(1)[:, :10]

    assert "exploding-gradients" in names(diagnose(model, *hundred_digits, BALL, generator=generator()))


def test_the_papers_settings_cannot_cross_the_ball(digits_net: nn.Module, hundred_digits: Images) -> None:
    report = diagnose(digits_net, *hundred_digits, LinfBall(0.5), generator=generator(), attack=paper_pgd(0.5))
    assert "too-few-steps" in names(report)
    (evidence,) = (item for item in report.evidence if item.flag.name == "too-few-steps")
    assert evidence.numbers["reach"] == pytest.approx(0.4)
    assert "not-one-label" not in names(report)  # Move to Gray reaches the ceiling


@pytest.mark.parametrize(("attack", "raised"), [(Square(BALL, queries=999), True), (Square(BALL, queries=1000), False)])
def test_few_queries_of_ones_own_attack(
    attack: Square, raised: bool, digits_net: nn.Module, hundred_digits: Images
) -> None:
    x, y = hundred_digits
    report = diagnose(digits_net, x[:30], y[:30], BALL, generator=generator(), attack=attack)
    assert ("too-few-queries" in names(report)) == raised
    assert status(report)["too-few-steps"] == {"not run"}


def test_a_weak_attack_alone_is_no_sign_of_masking(digits_net: nn.Module, hundred_digits: Images) -> None:
    attack = DI2FGSM(BALL, step_size=0.009, steps=20)
    report = diagnose(digits_net, *hundred_digits, BALL, generator=generator(), attack=attack)
    assert names(report) == {"too-few-steps"}
    assert report.verdict.startswith("the attack is too weak to tell: too-few-steps")


def test_few_images_are_too_few_to_tell(digits_net: nn.Module, hundred_digits: Images) -> None:
    x, y = hundred_digits
    report = diagnose(digits_net, x[:12], y[:12], BALL, generator=generator())
    assert names(report) == {"too-few-images"}


def test_misclassified_images_count_in_the_accuracy_only(digits_net: nn.Module, hundred_digits: Images) -> None:
    x, y = hundred_digits
    y = y.clone()
    y[:40] = (y[:40] + 1) % 10
    report = diagnose(digits_net, x, y, BALL, generator=generator())
    (evidence,) = (item for item in report.evidence if item.flag.name == "one-step-stronger")
    assert evidence.numbers["n"] == 100
    assert evidence.numbers["accuracy_white_box"] <= 0.6
    (images,) = (item for item in report.evidence if item.flag.name == "too-few-images")
    with torch.no_grad():
        assert images.numbers["correct"] == int((digits_net(x).argmax(dim=1) == y).sum())
    assert report.flags == ()


@pytest.mark.parametrize("case", ["all wrong", "radius 0"])
def test_without_work_for_an_attack_there_is_nothing_to_diagnose(
    case: str, digits_net: nn.Module, hundred_digits: Images
) -> None:
    x, y = hundred_digits
    with torch.no_grad():
        answers = digits_net(x).argmax(dim=1)
    wrong, ball = ((answers + 1) % 10, BALL) if case == "all wrong" else (y, LinfBall(0.0))
    report = diagnose(digits_net, x, wrong, ball, generator=generator())
    assert report.verdict.startswith("nothing to diagnose: ")
    assert report.flags == ()
    assert {item.flag for item in report.evidence} == {flag for flag, _ in CHECKS}


def test_the_same_generator_gives_the_same_report(digits_net: nn.Module, hundred_digits: Images) -> None:
    first, second = (diagnose(digits_net, *hundred_digits, BALL, generator=generator()) for _ in range(2))
    assert first == second
    other = diagnose(digits_net, *hundred_digits, BALL, generator=generator(1))
    assert first.evidence != other.evidence


def test_the_model_is_left_as_it_was(digits_net: nn.Module, hundred_digits: Images) -> None:
    x, y = hundred_digits
    model = nn.Sequential(nn.Dropout(0.3), digits_net).train()
    diagnose(model, x[:30], y[:30], BALL, generator=generator())
    assert model.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    digits_net.eval()


class Thermometer(nn.Module):
    """Eight channels sigmoid(slope (x − l_k)): flat but for a part of a grey level at each l_k."""

    def __init__(self, slope: float, shift: float) -> None:
        super().__init__()
        self.slope, self.levels = slope, (torch.arange(8) + shift) / 8

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.slope * (x - self.levels[:, None, None])).flatten(1)


def behind_a_thermometer(digits: Dataset, slope: float, shift: float) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(Thermometer(slope, shift), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    images, labels = digits.to_images(digits.train_x), digits.train_y
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
    net.zero_grad()
    return net.eval()


@pytest.mark.parametrize("shift", [0.5, 0.75])
def test_a_steep_thermometer_is_flagged_and_a_gentle_one_is_not(
    shift: float, digits: Dataset, hundred_digits: Images
) -> None:
    for slope, raised in ((400.0, True), (10.0, False)):
        net = behind_a_thermometer(digits, slope, shift)
        report = diagnose(net, *hundred_digits, BALL, generator=generator())
        assert ("gradients-local" in names(report)) == raised, report


def test_the_text_says_what_was_found_and_what_to_do(digits_net: nn.Module, hundred_digits: Images) -> None:
    report = diagnose(quantised(digits_net), *hundred_digits, BALL, generator=generator())
    text = str(report)
    assert text.startswith(report.verdict)
    for flag in report.flags:
        assert f"next: {flag.advice}" in text
    assert "Not run:\n- adjoint-disagrees: the model is no IntegratorClassifier with a natrob_theory.NeuralODE" in text
    assert "no Neural ODE" not in text  # it may be one, of another library
    assert "upper bound" in text
    (noise,) = (item for item in report.evidence if item.flag.name == "noise-as-strong")
    assert noise in report.of(noise.flag)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"ball": 0.1}, TypeError, r"`ball` must be a ball such as LinfBall\(8/255\), got float"),
        ({"level": "slow"}, ValueError, "`level` must be one of quick, full, got 'slow'"),
        ({"attack": "pgd"}, TypeError, r"`attack` must be an attack such as PGD\(ball\), got str"),
        ({"attack": RandomNoise(LinfBall(0.2))}, ValueError, "`attack` must have the ball .*0.1.*, got .*0.2"),
        ({"generator": 0}, TypeError, "`generator` must be a torch.Generator"),
        ({"x": torch.zeros(3, 4)}, ValueError, "`x` must be non-empty, of shape"),
        (
            {"model": lambda x: x.flatten(1)[:, :10] * math.nan},
            ValueError,
            "finite logits, got NaN or infinity for 100",
        ),
        ({"model": lambda x: x.flatten(1)[:, :5]}, ValueError, "labels from 0 to 4, as the model has 5 logits, got 9"),
    ],
)
def test_wrong_arguments_are_refused(
    changes: dict[str, Any], error: type[Exception], message: str, digits_net: nn.Module, hundred_digits: Images
) -> None:
    x, y = hundred_digits
    arguments = {"model": digits_net, "x": x, "y": y, "ball": BALL, "generator": generator(), **changes}
    with pytest.raises(error, match=message):
        diagnose(**arguments)


def test_a_flat_loss_is_predicted_from_the_margins(digits_net: nn.Module, hundred_digits: Images) -> None:
    report = diagnose(saturated(digits_net), *hundred_digits, BALL, generator=generator())
    (evidence,) = [item for item in report.evidence if item.flag.name == "flat-loss"]
    assert evidence.status == "raised"
    assert abs(evidence.numbers["predicted_share"] - evidence.numbers["share"]) <= 0.01
    assert "are predicted from the size of the margins alone" in evidence.sentence
