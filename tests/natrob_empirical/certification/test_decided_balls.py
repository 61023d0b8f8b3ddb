"""Certificates by deciding balls: against attacks, closed forms, other methods, and what floating point may change."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import APGD, AutoAttack, attack_accuracy
from natrob_empirical.attacks.losses import Margin
from natrob_empirical.certification import (
    CERTIFICATE_METHODS,
    CertificateMethod,
    CertificateRefusedError,
    certificate_constants,
    certified_accuracy,
    certified_with,
    split_boxes,
)
from natrob_empirical.certification.split_boxes import Boxes, box_between, label_holds_on_box
from natrob_empirical.models import IntegratorClassifier
from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory import BackwardEulerNet, EulerNet, GradientFlowField, LinearField

SHOWN = 6
DECIDING: tuple[CertificateMethod, ...] = ("linear_relaxation", "branch_and_bound")


@pytest.fixture(scope="module")
def images(digit_images: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return digit_images[0][:SHOWN].double(), digit_images[1][:SHOWN]


@pytest.mark.parametrize(
    ("name", "norm"),
    [
        ("gradient flow", "Linf"),
        ("plain", "L2"),
        pytest.param("plain", "Linf", marks=pytest.mark.long),
        pytest.param("dissipative", "Linf", marks=pytest.mark.long),
    ],
)
def test_no_attack_breaks_a_decided_ball(
    name: str, norm: str, trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    model, epsilon = trained[name].double(), 0.05 if norm == "Linf" else 0.3
    certified = certified_accuracy(
        model, *images, [epsilon], norm=norm, method="branch_and_bound", time_limit=0.1  # type: ignore[arg-type]
    )  # fmt: skip
    largest = float(certified.radii.max())
    assert largest >= epsilon
    ball = LinfBall if norm == "Linf" else L2Ball
    for radius in (epsilon, float(certified.radii.median()), largest):
        attack = APGD(ball(radius), loss=Margin(), steps=20, restarts=1)
        found = attack_accuracy(attack, model, *images, generator=torch.Generator().manual_seed(1)).success
        assert not bool((found & (certified.radii >= radius)).any())


def test_auto_attack_breaks_no_certified_image_and_the_undecided_are_counted(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    model, epsilon = trained["plain"].double(), 0.06
    certified = certified_accuracy(model, *images, [epsilon], norm="Linf", method="best", time_limit=0.3)
    found = AutoAttack(LinfBall(epsilon))(model, *images, generator=torch.Generator().manual_seed(0)).success
    held = certified.radii >= epsilon
    assert not bool((found & held).any())
    assert certified.undecided is not None
    assert certified.undecided[0] <= int((~found & ~held).sum())
    assert certified.accuracies[0] * SHOWN + certified.undecided[0] <= SHOWN
    assert {route.split(" in ")[0] for route in certified.routes} <= {"none", *CERTIFICATE_METHODS}
    assert [route != "none" for route in certified.routes] == (certified.radii > 0).tolist()


def test_deciding_balls_reaches_far_beyond_the_root_of_the_entries(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    x, y = images[0][:3], images[1][:3]
    radii = {
        method: certified_accuracy(trained["plain"], x, y, [], norm="Linf", method=method).radii
        for method in ("local", "linear_relaxation")
    }
    assert float(radii["linear_relaxation"].median()) > 2.0 * float(radii["local"].median())


def test_best_is_never_below_any_method(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    x, y = images[0][:4], images[1][:4]
    best = certified_accuracy(trained["gradient flow"], x, y, [0.03], norm="Linf", method="best", time_limit=1.0)
    for method in ("global", "local", "tube"):
        assert bool(
            (
                best.radii
                >= certified_accuracy(trained["gradient flow"], x, y, [0.03], norm="Linf", method=method).radii
            ).all()
        )  # type: ignore[arg-type]
    assert best.refused == ()


def linear_classifier() -> tuple[IntegratorClassifier, Tensor]:
    """logits = head (I + ½A) x with entries that are multiples of 1/8."""
    generator = torch.Generator().manual_seed(3)
    matrix = torch.randint(-8, 9, (4, 4), generator=generator).double() / 8
    model = IntegratorClassifier(nn.Flatten(), EulerNet(LinearField(matrix), 0.5, 1), nn.Flatten(), nn.Linear(4, 3))
    model.head.weight.data = torch.randint(-8, 9, (3, 4), generator=generator).double() / 8
    model.head.bias.data = torch.zeros(3).double()
    return model.double().eval(), model.head.weight.data @ (torch.eye(4) + 0.5 * matrix)


def exact_radius(gaps: Tensor, image: Tensor) -> float:
    """The largest ε at which every gap is above 0 on the clipped box, by bisection in fractions."""
    low, high = Fraction(0), Fraction(1)
    for _ in range(60):
        middle = (low + high) / 2
        held = all(
            sum(
                Fraction(v)
                * (max(Fraction(p) - middle, Fraction(0)) if v > 0 else min(Fraction(p) + middle, Fraction(1)))
                for v, p in zip(row.tolist(), image.tolist(), strict=True)
            )
            > 0
            for row in gaps
        )
        low, high = (middle, high) if held else (low, middle)
    return float(low)


@pytest.mark.parametrize("method", DECIDING)
def test_a_linear_classifier_has_its_exact_radius_within_the_pixel_range(method: CertificateMethod) -> None:
    model, matrix = linear_classifier()
    x = torch.rand((6, 1, 2, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = model(x).argmax(dim=1)
    exact = []
    for image, label in zip(x.flatten(1), y.tolist(), strict=True):
        others = [j for j in range(3) if j != label]
        exact.append(exact_radius(matrix[label] - matrix[others], image))
    just_below = [radius * (1 - 1e-9) for radius in exact]
    just_above = [min(1.0, radius * (1 + 1e-9)) for radius in exact]
    for place in range(6):
        one, label = x[place : place + 1], y[place : place + 1]
        certified = certified_accuracy(
            model, one, label, [just_below[place], just_above[place]], norm="Linf", method=method, time_limit=0.2
        )
        assert certified.accuracies[0] == 1.0
        assert certified.accuracies[1] == (1.0 if exact[place] > 0.999999 else 0.0)
        assert float(certified.radii) <= max(exact[place], float(exact[place] > 0.999999))


def test_as_it_is_run_in_float32_less_is_certified(
    trained: dict[str, IntegratorClassifier], images: tuple[Tensor, Tensor]
) -> None:
    radii = {
        precision: certified_accuracy(
            trained["plain"].float(), images[0][:2].float(), images[1][:2], [], norm="Linf", method="linear_relaxation",
            precision=precision,  # type: ignore[arg-type]
        )
        for precision in ("exact", "float32")
    }  # fmt: skip
    assert bool((radii["float32"].radii <= radii["exact"].radii * (1 + 1e-6)).all())
    assert float(radii["float32"].radii.max()) > 0.5 * float(radii["exact"].radii.max())
    assert "exact arithmetic" in radii["exact"].arithmetic
    assert "as it is run in float32" in radii["float32"].arithmetic
    assert "pixels in [0, 1]" in radii["exact"].arithmetic


def implicit() -> nn.Module:
    return BackwardEulerNet([GradientFlowField.dense(4, 3)], 0.5)


@pytest.mark.parametrize(("trunk", "named"), [(implicit, "[Bb]ackward Euler")])
def test_what_cannot_be_relaxed_is_refused_and_best_goes_on_without(trunk: Callable[[], nn.Module], named: str) -> None:
    model = IntegratorClassifier(nn.Flatten(), trunk(), nn.Flatten(), nn.Linear(4, 2)).double().eval()  # type: ignore[arg-type]
    x, y = torch.rand((2, 1, 2, 2)).double(), torch.tensor([0, 1])
    for method in DECIDING:
        with pytest.raises(CertificateRefusedError, match=named):
            certified_accuracy(model, x, y, [0.1], norm="Linf", method=method)
    best = certified_accuracy(model, x, y, [0.1], norm="Linf", method="best")
    assert [name for name, _ in best.refused] == ["branch_and_bound"]
    assert best.undecided is None


def so_often(looks: int) -> Callable[[], bool]:
    left = iter(range(looks))
    return lambda: next(left, None) is not None


def contractive() -> tuple[IntegratorClassifier, Tensor, Tensor]:
    torch.manual_seed(0)
    trunk = EulerNet([GradientFlowField.dense(9, 4) for _ in range(2)], 0.3)
    model = IntegratorClassifier(nn.Flatten(), trunk, nn.Flatten(), nn.Linear(9, 2)).double().eval()
    x = torch.rand((8, 1, 3, 3), dtype=torch.float64)
    return model, x, model(x).argmax(dim=1)


def test_cut_boxes_reach_beyond_the_constants_and_not_beyond_attacks() -> None:
    model, x, y = contractive()
    constants = certificate_constants(model, (1, 3, 3))
    radii = certified_with(constants, x, y, [], norm="Linf").radii
    points = torch.rand((4000, 1, 3, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    farther = 0
    for image, label, radius in zip(x, y.tolist(), radii.tolist(), strict=True):
        for factor in (1.02, 1.15, 4.0):
            lower, upper = ((image + sign * factor * radius).clamp(0.0, 1.0) for sign in (-1, 1))
            holds = label_holds_on_box(constants, label, lower.flatten(), upper.flatten(), go_on=so_often(60))
            farther += holds
            inside = lower + points * (upper - lower)
            corners = torch.where(points > 0.5, upper, lower)
            found = torch.cat([model(inside).argmax(dim=1), model(corners).argmax(dim=1)]) != label
            assert not (holds and bool(found.any()))
    assert farther >= 8


def test_a_box_whose_reach_is_a_hundredth_too_small_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """f(x) = 0.5 − x₁ on [0, 0.5 + δ]: the gap at the middle is just below what the box can change."""
    model = IntegratorClassifier(
        nn.Flatten(), EulerNet(LinearField(torch.zeros(4, 4)), 1.0, 1), nn.Flatten(), nn.Linear(4, 2)
    ).double()
    model.head.weight.data = torch.tensor([[-0.5, 0, 0, 0], [0.5, 0, 0, 0]]).double()
    model.head.bias.data = torch.tensor([0.25, -0.25]).double()
    constants = certificate_constants(model.eval(), (1, 2, 2))
    lower = torch.tensor([0.0, 0.5, 0.5, 0.5]).double()
    upper = torch.tensor([0.501, 0.5, 0.5, 0.5]).double()
    assert not label_holds_on_box(constants, 0, lower, upper, go_on=lambda: True)
    assert label_holds_on_box(constants, 0, lower, 0.998 * upper.clamp_max(0.5), go_on=lambda: True)
    honest = split_boxes.Boxes.radii
    monkeypatch.setattr(Boxes, "radii", lambda self: 0.99 * honest(self))
    assert label_holds_on_box(constants, 0, lower, upper, go_on=lambda: True)


def test_halves_cover_their_box() -> None:
    boxes = box_between(torch.tensor([0.1, 0.3]).double(), torch.tensor([0.7, 1.0]).double())
    for _ in range(6):
        pixel = torch.randint(0, 2, (len(boxes),), generator=torch.Generator().manual_seed(len(boxes)))
        halves = boxes.halves(pixel)
        low, high = halves.middle - halves.half, halves.middle + halves.half
        count = len(boxes)
        outer = boxes.middle - boxes.half, boxes.middle + boxes.half
        rows = torch.arange(count)
        assert bool((low[:count] <= outer[0]).all())
        assert bool((high[count:] >= outer[1]).all())
        assert bool((high[rows, pixel] >= low[count + rows, pixel]).all())
        boxes = halves
    assert float(boxes.radii().max()) < 0.5
