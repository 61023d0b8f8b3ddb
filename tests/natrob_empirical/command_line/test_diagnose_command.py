from pathlib import Path

import pytest
from console_runner import natrob, text_of

from natrob_empirical.benchmarks import load_checkpoint
from natrob_empirical.datasets import Dataset
from natrob_empirical.masking import diagnose
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import LinfBall


def test_the_diagnosis_is_that_of_the_library(checkpoint: Path, digits: Dataset) -> None:
    result = natrob("diagnose", str(checkpoint), "--epsilon", "0.1", "--images", "100", "--seed", "2")
    assert result.exit_code == 0, result.output
    report = diagnose(
        load_checkpoint(checkpoint).classifier(),
        digits.to_images(digits.test_x[:100]),
        digits.test_y[:100],
        LinfBall(0.1),
        generator=RandomStreams(2).generator("attack"),
    )
    text = text_of(result)
    assert "ResNet, small on 100 test images of digits, L∞ ε = 0.1" in text
    for line in report.lines():
        assert " ".join(line.split()) in text


def test_planted_masking_and_a_weak_attack_are_named(models_module: str) -> None:
    target = f"{models_module}:Quantised"
    masked = natrob("diagnose", target, "--data", "digits", "--epsilon", "8/255", "--images", "100")
    assert masked.exit_code == 0, masked.output
    assert "signs of masking" in masked.output
    assert "zero-gradients" in masked.output
    short = natrob("diagnose", f"{models_module}:trained", "--data", "digits", "--epsilon", "0.1", "--images", "100",
                   "--attack", "pgd", "--steps", "2", "--step-size", "1/1000")  # fmt: skip
    assert short.exit_code == 0, short.output
    assert "too-few-steps" in short.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--level", "ful"), "unknown level 'ful'; did you mean full?"),
        (("--epsilon", "1/0"), "`--epsilon` must be a fraction"),
        (("--attack", "boundary"), "attack boundary-attack works in L2 balls only, got Linf"),
        (("--attack", "fgsm", "--steps", "2"), "attack fgsm has no setting `--steps`"),
        (("--images", "400"), "must be at most 360"),
        (("--average", "2"), "`--average` is for models whose answers are random"),
    ],
)
def test_bad_arguments_are_one_line(arguments: tuple[str, ...], message: str, checkpoint: Path) -> None:
    epsilon = () if "--epsilon" in arguments else ("--epsilon", "0.1")
    result = natrob("diagnose", str(checkpoint), *epsilon, *arguments)
    assert result.exit_code == 2, result.output
    assert message in text_of(result)
    assert "Traceback" not in result.output
