import csv
import errno
import json
import tempfile
from pathlib import Path

import pytest
import torch
from console_runner import natrob, text_of
from rich.console import Console

from natrob_empirical.benchmarks import load_checkpoint
from natrob_empirical.certification import SearchProgress, certified_accuracy
from natrob_empirical.command_line.displays import SearchDisplay
from natrob_empirical.command_line.model_target import load_target
from natrob_empirical.datasets import Dataset
from natrob_empirical.display.formatting import format_share
from natrob_empirical.files import atomic_file
from natrob_empirical.files.sole_writer import lock_of_file, sole_writer


@pytest.mark.parametrize(("norm", "name"), [("l2", "L2"), ("Linf", "Linf"), ("l1", "L1")])
def test_a_checkpoint_is_certified_as_in_python(norm: str, name: str, checkpoint: Path, digits: Dataset) -> None:
    result = natrob("certify", str(checkpoint), "--epsilon", "0.001", "--epsilon", "1/100", "--norm", norm,
                    "--images", "40")  # fmt: skip
    assert result.exit_code == 0, result.output
    expected = certified_accuracy(
        load_checkpoint(checkpoint).classifier().eval(),
        digits.to_images(digits.test_x[:40]),
        digits.test_y[:40],
        [0.001, 0.01],
        norm=name,  # type: ignore[arg-type]
    )
    text = text_of(result)
    for accuracy in expected.accuracies:
        assert format_share(accuracy, kind="lower") in text
    assert format_share(expected.clean_accuracy) in text
    assert "lower bound" in text
    assert "a LOWER bound of the robust accuracy" in text
    assert expected.arithmetic[:60] in text
    assert "n = 40" in text
    assert expected.feature_lipschitz is not None
    assert " ".join(expected.feature_lipschitz.source.split())[:30] in text
    assert "time: constants" in text


@pytest.mark.parametrize("method", ["tube", "local"])
def test_methods_and_radii_of_every_image(method: str, checkpoint: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "deeper" / f"radii{suffix}" for suffix in (".json", ".csv")]
    for path in paths:
        result = natrob("certify", str(checkpoint), "--epsilon", "0.01", "--method", method, "--images", "4",
                        "--output", str(path))  # fmt: skip
        assert result.exit_code == 0, result.output
        assert str(path) in result.output
    content = json.loads(paths[0].read_text())
    assert content["method"] == method
    assert content["norm"] == "L2"
    assert "lower bound" in content["kind"]
    radii = content["radii"]
    assert len(radii) == 4
    assert content["environment"]["commit"]
    assert [part["part"] for part in content["constants"]] == ["stem", "field", "trunk", "features"]
    assert all(part["upper"] > 0 and part["source"] for part in content["constants"])
    assert content["certified"] == [{"epsilon": 0.01, "accuracy": sum(radius >= 0.01 for radius in radii) / 4}]
    rows = list(csv.DictReader(paths[1].read_text().splitlines()))
    assert [float(row["radius"]) for row in rows] == radii
    assert [int(row["label"]) for row in rows] == content["labels"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epsilon", "9"), "`--epsilon` must be at most √64 in L2, beyond which every image"),
        (
            ("--epsilon", "0.1", "--images", "0"),
            "`--images` must be at least 1, got 0",
        ),
        (("--epsilon", "0.1", "--images", "361"), "`--images` must be at most 360"),
        (("--epsilon", "0.1", "--data", "nothere"), "`--data` must be one of digits, mnist"),
        (("--epsilon", "-1"), "`--epsilon` must be at least 0"),
        (("--epsilon", "2", "--norm", "linf"), "at most 1 in L∞"),
        (("--epsilon", "nan"), "`--epsilon` must be a fraction"),
        (("--epsilon", "0.1", "--method", "tubes"), "tube"),
        (("--epsilon", "0.1", "--precision", "float16"), "float32"),
        (("--epsilon", "0.1", "--norm", "l3"), "l2"),
        (("--epsilon", "0.1", "--output", "radii.txt"), "`--output` must end in .json or .csv"),
    ],
)
def test_bad_arguments_are_one_line(arguments: tuple[str, ...], message: str, checkpoint: Path) -> None:
    result = natrob("certify", str(checkpoint), "--images", "2", *arguments)
    assert result.exit_code == 2
    assert message in text_of(result)
    assert "Traceback" not in result.output
    assert "certified" not in result.stdout


def test_an_error_is_one_line_in_a_narrow_terminal_too(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("natrob_empirical.command_line.displays.errors", Console(stderr=True, width=40))
    result = natrob("certify", str(checkpoint), "--epsilon", "9")
    assert result.exit_code == 2
    assert result.output.count("\n") == 1


def test_a_model_without_a_certificate_is_refused_and_nothing_is_printed(models_module: str) -> None:
    result = natrob("certify", f"{models_module}:probabilities", "--data", "digits", "--epsilon", "0.1",
                    "--images", "4")  # fmt: skip
    assert result.exit_code == 2
    assert "the model ends with Softmax, which gives no logits; leave it out" in text_of(result)
    assert result.stdout == ""
    result = natrob("certify", f"{models_module}:a_tuple", "--data", "digits", "--epsilon", "0.1")
    assert result.exit_code == 2
    result = natrob("certify", f"{models_module}:Quantised", "--data", "digits", "--epsilon", "0.1", "--images", "4")
    assert result.exit_code == 2
    assert "make it an nn.Sequential of layers with known constants" in text_of(result)
    assert "IntegratorClassifier(stem, trunk, pool, head)" in text_of(result)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("method", ["global", "local"])
def test_an_own_chain_of_layers_is_certified(method: str, models_module: str, tmp_path: Path, digits: Dataset) -> None:
    radii = tmp_path / "radii.json"
    result = natrob("certify", f"{models_module}:chain", "--data", "digits", "--epsilon", "0.1", "--method", method,
                    "--images", "20", "--output", str(radii))  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "chain (Sequential) on 20 test images of digits" in text_of(result)
    content = json.loads(radii.read_text())
    assert [part["part"] for part in content["constants"]] == ["features"]
    model = load_target(f"{models_module}:chain").model
    expected = certified_accuracy(
        model,
        digits.to_images(digits.test_x[:20]),
        digits.test_y[:20],
        [0.1],
        method=method,  # type: ignore[arg-type]
    )
    assert content["radii"] == pytest.approx(expected.radii.tolist(), rel=1e-8)
    assert all(kept <= found for kept, found in zip(content["radii"], expected.radii.tolist(), strict=True))


def test_the_help_shows_an_example_and_what_to_expect_of_the_methods() -> None:
    result = natrob("certify", "--help")
    assert result.exit_code == 0
    assert "natrob certify output/models/HASH.pt" in text_of(result)
    assert "Example" in result.output
    words = text_of(result).replace("│ │ ", "")
    assert "never weaker than global" in words
    assert "local is usually the largest" in " ".join(words.replace("│", " ").split())


@pytest.mark.parametrize("name", ["taken/radii.json", "folder.json"])
def test_an_output_that_cannot_be_written_is_found_before_anything_is_certified(
    name: str, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    (tmp_path / "folder.json").mkdir()
    result = natrob("certify", str(checkpoint), "--epsilon", "0.1", "--images", "2", "--output", str(tmp_path / name))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "taken is a file" in text_of(result) or "`--output` must be a file" in text_of(result)


@pytest.mark.parametrize(("method", "moves"), [("global", False), ("tube", True), ("local", True)])
def test_a_search_shows_how_far_it_is(
    method: str, moves: bool, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[SearchProgress] = []
    monkeypatch.setattr(SearchDisplay, "show", lambda _display, search: shown.append(search))
    result = natrob("certify", str(checkpoint), "--epsilon", "0.01", "--images", "3", "--method", method)
    assert result.exit_code == 0, result.output
    assert bool(shown) == moves


def test_the_bar_says_radius_and_images_and_is_off_where_no_terminal_is() -> None:
    display = SearchDisplay("tube")
    assert display.progress.disable
    display.show(SearchProgress(look=2, looks=9, done=1, images=4))
    task = display.progress.tasks[0]
    assert task.description == "tube, radius 2 of at most 9, 1/4 images"
    assert (task.completed, task.total) == (1.25, 9)


def test_an_output_that_another_run_writes_is_refused_before_anything_is_certified(
    checkpoint: Path, tmp_path: Path
) -> None:
    radii = tmp_path / "radii.json"
    arguments = ("certify", str(checkpoint), "--epsilon", "0.1", "--images", "2", "--output", str(radii))
    with sole_writer(lock_of_file(radii), what="it"):
        result = natrob(*arguments)
    assert result.exit_code == 2
    assert f"the output file {radii} is in use" in text_of(result)
    assert result.stdout == ""
    assert natrob(*arguments).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["radii.json"]


def test_radii_that_the_disk_has_no_room_for_are_saved_elsewhere(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare, written = tmp_path / "spare", atomic_file._replace
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))

    def full(path: Path, content: bytes, *, flushed: bool) -> None:
        if spare not in path.parents:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(path, content, flushed=flushed)

    monkeypatch.setattr(atomic_file, "_replace", full)
    result = natrob("certify", str(checkpoint), "--epsilon", "0.1", "--images", "2", "--output",
                    str(tmp_path / "radii.csv"))  # fmt: skip
    assert result.exit_code == 2
    (saved,) = spare.iterdir()
    assert f"the radii could not be written to {tmp_path / 'radii.csv'}: No space left" in text_of(result)
    assert f"saved as {saved} instead" in text_of(result)
    assert len(saved.read_text().splitlines()) == 3
