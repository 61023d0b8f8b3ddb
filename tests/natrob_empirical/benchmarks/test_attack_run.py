from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import FGSM, PGD, AbstractAttack
from natrob_empirical.benchmarks import AttackProgress, AttackRun, run_attack, weights_fingerprint
from natrob_empirical.records import AttackRunResult, CellKey, RecordStore
from natrob_empirical.threat_models import LinfBall

Images = tuple[Tensor, Tensor]


class StoppingError(Exception):
    """What stops a model."""


class Stopping(nn.Module):
    """A model that stops at one of its calls."""

    def __init__(self, inner: nn.Module, calls: int) -> None:
        super().__init__()
        self.inner = inner
        self.calls = calls

    def forward(self, x: Tensor) -> Tensor:
        self.calls -= 1
        if self.calls < 0:
            raise StoppingError
        return self.inner(x)


def run_of(model: nn.Module, images: Images, attack: AbstractAttack | None = None) -> AttackRun:
    key = CellKey(preset="attack", dataset="digits", model="net", network="MLP", training="none", seed=4,
                  attack="PGD-3", norm="Linf", epsilon=0.05)  # fmt: skip
    return AttackRun(
        key=key,
        settings={"any": 1},
        attack=attack or PGD(LinfBall(0.05), steps=3),
        model=model,
        images=images[0],
        labels=images[1],
        batch_size=7,
    )


def batches_done(model: nn.Module, images: Images, calls: int, output: Path) -> int:
    """How many batches a run finishes with so many calls of the model, counted over a run to its end."""
    counted = Stopping(model, 10**9)
    after: list[int] = []
    run_attack(run_of(counted, images), output, progress=lambda _: after.append(10**9 - counted.calls))
    return sum(total <= calls for total in after)


def timeless(result: AttackRunResult) -> AttackRunResult:
    return result.model_copy(update={"summary": result.summary.model_copy(update={"seconds": 0.0})})


@pytest.mark.parametrize("calls", [1, 40, 100])
def test_a_stopped_run_goes_on_to_the_result_of_a_whole_one(
    calls: int, digits_net: nn.Module, digit_images: Images, tmp_path: Path
) -> None:
    whole = run_attack(run_of(digits_net, digit_images), tmp_path / "whole")
    with pytest.raises(StoppingError):
        run_attack(run_of(Stopping(digits_net, calls), digit_images), tmp_path / "stopped")
    seen: list[AttackProgress] = []
    resumed = run_attack(run_of(digits_net, digit_images), tmp_path / "stopped", progress=seen.append)
    assert resumed.resumed == 7 * batches_done(digits_net, digit_images, calls, tmp_path / "counted")
    assert (resumed.resumed > 0) == (calls > 1)
    assert timeless(resumed.result) == timeless(whole.result)
    assert [progress.done for progress in seen] == [7, 14, 21, 28, 35, 42, 49, 56, 60]
    assert seen[-1].kept / 60 == whole.result.summary.accuracy.value
    assert RecordStore(tmp_path / "stopped" / "records").read_all() == [resumed.record]
    assert not list((tmp_path / "stopped" / "unfinished").iterdir())


def test_a_damaged_batch_is_run_again(digits_net: nn.Module, digit_images: Images, tmp_path: Path) -> None:
    whole = run_attack(run_of(digits_net, digit_images), tmp_path / "whole")
    with pytest.raises(StoppingError):
        run_attack(run_of(Stopping(digits_net, 80), digit_images), tmp_path / "stopped")
    first, second, third, *_ = sorted((tmp_path / "stopped" / "unfinished").glob("*/*.json"))
    first.write_text('{"half": ')
    third.write_bytes(second.read_bytes())
    resumed = run_attack(run_of(digits_net, digit_images), tmp_path / "stopped")
    assert timeless(resumed.result) == timeless(whole.result)
    assert resumed.resumed == 7 * (batches_done(digits_net, digit_images, 80, tmp_path / "counted") - 2)


def test_batches_of_another_run_are_not_taken(digits_net: nn.Module, digit_images: Images, tmp_path: Path) -> None:
    with pytest.raises(StoppingError):
        run_attack(run_of(Stopping(digits_net, 80), digit_images), tmp_path)
    run = run_of(digits_net, digit_images)
    for other in (replace(run, settings={"any": 2}), replace(run, key=run.key.model_copy(update={"seed": 5}))):
        assert run_attack(other, tmp_path).resumed == 0


def test_the_outcome_of_every_image(digits_net: nn.Module, digit_images: Images, tmp_path: Path) -> None:
    attack = FGSM(LinfBall(0.05))
    samples = run_attack(run_of(digits_net, digit_images, attack), tmp_path).result.samples
    x, y = digit_images
    right = digits_net(x).argmax(dim=1) == y
    result = attack(digits_net, x, y, generator=torch.Generator().manual_seed(0))
    expected = ["w" if not was_right else "f" if fooled else "k"
                for was_right, fooled in zip(right.tolist(), result.success.tolist(), strict=True)]  # fmt: skip
    assert samples.outcomes == "".join(expected)
    assert set(samples.outcomes) == set("wfk")
    assert samples.query_counts == result.queries.tolist()
    assert samples.gradient_counts == result.gradient_calls.tolist()
    assert samples.distance_values == pytest.approx(attack.ball.distance(result.adversarial, x).tolist(), rel=1e-6)


def test_the_fingerprint_of_weights_sees_names_values_and_buffers(digits_net: nn.Module) -> None:
    def norm() -> nn.Module:
        return nn.BatchNorm1d(3)

    changed = norm()
    changed.get_buffer("running_mean").add_(1.0)
    assert weights_fingerprint(norm()) == weights_fingerprint(norm()) != weights_fingerprint(changed)
    assert weights_fingerprint(nn.Sequential(norm())) != weights_fingerprint(norm())
    assert weights_fingerprint(norm().double()) != weights_fingerprint(norm())
    assert weights_fingerprint(digits_net) == weights_fingerprint(digits_net)
