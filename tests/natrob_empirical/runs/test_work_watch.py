import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import FAB, PGD, AbstractAttack, AutoAttack, BoundaryAttack, TransferAttack
from natrob_empirical.attacks.counted_model import CountedModel
from natrob_empirical.masking import diagnose
from natrob_empirical.masking.diagnose import CHECKS
from natrob_empirical.runs.work_watch import WorkWatch, current_watch, watched_by
from natrob_empirical.threat_models import L2Ball, LinfBall

LINEAR = torch.tensor([[0.4, -0.2, 0.3], [0.1, 0.5, -0.3], [-0.4, 0.1, 0.2], [0.2, 0.2, 0.1]])


def linear(x: Tensor) -> Tensor:
    return x.flatten(1) @ LINEAR.T


def images() -> tuple[Tensor, Tensor]:
    x = torch.rand(6, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    return x, linear(x).argmax(1)


def attacks() -> list[AbstractAttack]:
    ball = LinfBall(0.02)
    return [
        PGD(ball, steps=3),
        AutoAttack(ball, steps=3, targets=2, queries=5),
        FAB(ball, steps=3),
        BoundaryAttack(L2Ball(0.02), queries=30),
        TransferAttack(ball, source=linear, attack=PGD(ball, steps=3)),
    ]


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: type(attack).__name__)
def test_a_watched_attack_gives_the_same_result_and_tells_every_pass(
    attack: AbstractAttack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (x, y), told, calls, asked = images(), list[int](), list[int](), CountedModel._forward
    plain = attack(linear, x, y, generator=torch.Generator().manual_seed(1))

    def counted(meter: CountedModel, shown: Tensor, **kwargs: int) -> Tensor:
        calls.append(len(shown))
        return asked(meter, shown, **kwargs)

    monkeypatch.setattr(CountedModel, "_forward", counted)
    watch = WorkWatch(lambda: told.append(watch.passes))
    with watched_by(watch):
        watched = attack(linear, x, y, generator=torch.Generator().manual_seed(1))
    assert torch.equal(watched.adversarial, plain.adversarial)
    assert torch.equal(watched.success, plain.success)
    assert torch.equal(watched.queries, plain.queries)
    assert told == list(range(len(calls) + 1)) or isinstance(attack, AutoAttack)
    assert (watch.passes, watch.images) == (len(calls), calls[-1])
    assert watch.attack == type(attack).__name__
    assert len(calls) > 1


def test_autoattack_tells_its_parts() -> None:
    (x, y), parts = images(), list[str]()
    watch = WorkWatch(lambda: parts.append(watch.part))
    with watched_by(watch):
        AutoAttack(LinfBall(1e-4), steps=2, targets=2, queries=3)(linear, x, y, generator=torch.Generator())
    assert list(dict.fromkeys(parts)) == [
        "",
        "APGD-CE, part 1 of 4",
        "Targeted APGD, part 2 of 4",
        "FAB, part 3 of 4",
        "Square, part 4 of 4",
    ]


def test_a_diagnosis_tells_every_check() -> None:
    (x, y), stages = images(), list[str]()
    watch = WorkWatch(lambda: stages.append(watch.stage))
    with watched_by(watch):
        diagnose(linear, x, y, LinfBall(0.02), generator=torch.Generator().manual_seed(0))
    told = [stage for stage in dict.fromkeys(stages) if stage]
    assert told == [f"check {number} of {len(CHECKS)}, {flag.name}" for number, (flag, _) in enumerate(CHECKS, 1)]


def test_nobody_watches_outside_of_the_block() -> None:
    outer, inner = WorkWatch(), WorkWatch()
    with watched_by(outer):
        with watched_by(inner):
            assert current_watch() is inner
        assert current_watch() is outer
    assert current_watch() is None


def test_the_words_say_stage_attack_part_and_pass() -> None:
    watch = WorkWatch()
    assert watch.describe() == ""
    watch.begin_stage("check 3 of 18")
    watch.begin_attack("AutoAttack")
    watch.begin_part("FAB", 3, 4)
    for _ in range(1240):
        watch.forward_pass(231)
    assert watch.describe() == "check 3 of 18, AutoAttack: FAB, part 3 of 4, pass 1,240 on 231 images"
    watch.begin_attack("PGD")
    watch.forward_pass(1)
    assert watch.describe() == "check 3 of 18, PGD, pass 1 on 1 image"
