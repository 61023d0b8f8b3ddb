import json
from pathlib import Path

import pytest
from console_runner import natrob, text_of

from natrob_empirical.benchmarks import load_checkpoint
from natrob_empirical.certificate_files import network_sha256, read_smoothing
from natrob_empirical.datasets import Dataset
from natrob_empirical.display.formatting import format_share
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.smoothing import randomised_smoothing

SMALL = ("--epsilon", "0.05,0.1", "--sigma", "0.1", "--samples-estimate", "300", "--images", "20")


def test_a_checkpoint_is_smoothed_as_in_python_and_no_certificate(checkpoint: Path, digits: Dataset) -> None:
    result = natrob("smooth", str(checkpoint), *SMALL)
    assert result.exit_code == 0, result.output
    expected = randomised_smoothing(
        load_checkpoint(checkpoint).classifier(),
        digits.to_images(digits.test_x[:20]),
        digits.test_y[:20],
        [0.05, 0.1],
        sigma=0.1,
        samples_estimate=300,
        generator=RandomStreams(0).generator("smoothing"),
    )
    text = text_of(result)
    for accuracy in expected.accuracies:
        assert format_share(accuracy, kind="lower") in text
    for words in ("no certificate", "1 − 0.001 an image", "SMOOTHED", f"{expected.abstentions} abstained from"):
        assert words in text
    assert "certified" not in text

    content = json.loads(natrob("smooth", str(checkpoint), *SMALL, "--json").output)
    assert content["radii"] == expected.radii.tolist()
    assert content["labels"] == expected.labels.tolist()
    assert content["kind"] == "lower bound with probability 1 − α"
    assert content["certificate"] is False


def test_the_file_holds_what_was_smoothed_and_can_be_read_again(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "smoothed.json"
    printed = natrob("smooth", str(checkpoint), *SMALL, "--json", "--output", str(path), "--seed", "3")
    file = read_smoothing(path)
    assert json.loads(printed.output)["radii"] == file.radii
    assert (file.seed, file.sigma, file.samples_estimate, file.certificate) == (3, 0.1, 300, False)
    assert file.network.sha256 == network_sha256(load_checkpoint(checkpoint).classifier())
    assert [point.accuracy for point in file.accuracies] == [file.share(epsilon) for epsilon in (0.05, 0.1)]
    raised = path.read_text().replace(f'"clean_accuracy": {file.clean_accuracy!r}', '"clean_accuracy": "much"')
    path.write_text(raised)
    with pytest.raises(ValueError, match="`clean_accuracy`"):
        read_smoothing(path)


def test_a_file_of_another_kind_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    result = natrob("smooth", str(checkpoint), *SMALL, "--output", str(tmp_path / "radii.csv"))
    assert result.exit_code == 2
    assert "must end in .json" in text_of(result)
    with pytest.raises(FileNotFoundError, match="no smoothing file"):
        read_smoothing(tmp_path / "radii.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sigma", "0"), "`--sigma` must be greater than 0"),
        (("--sigma", "-0.1"), "`--sigma` must be greater than 0"),
        (("--sigma", "nan"), "--sigma"),
        (("--sigma", "0.1", "--failure-probability", "1"), "must lie between 0 and 1"),
        (("--sigma", "0.1", "--samples-estimate", "0"), "`--samples-estimate` must be at least 1"),
    ],
)
def test_bad_settings_are_named(options: tuple[str, ...], message: str, checkpoint: Path) -> None:
    result = natrob("smooth", str(checkpoint), "--epsilon", "0.1", *options)
    assert result.exit_code == 2
    assert message in text_of(result)
