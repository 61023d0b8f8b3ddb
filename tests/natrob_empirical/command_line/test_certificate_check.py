"""`natrob certify --check FILE`: exit code 0 only if every certificate is proved again."""

import json
from pathlib import Path
from typing import Any

import pytest
from console_runner import natrob, text_of


@pytest.fixture(scope="module")
def radii(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates") / "radii.json"
    result = natrob("certify", str(checkpoint), "--epsilon", "0.01", "--images", "20", "--output", str(path))
    assert result.exit_code == 0, result.output
    return path


def changed(original: Path, tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(json.loads(original.read_text()) | changes))
    return path


def test_a_file_is_proved_again(checkpoint: Path, radii: Path) -> None:
    content = json.loads(radii.read_text())
    result = natrob("certify", str(checkpoint), "--check", str(radii))
    assert result.exit_code == 0, result.output
    count = sum(radius > 0 for radius in content["radii"])
    assert count > 0
    assert f"{count} of {count} certificates proved again" in text_of(result)
    assert "20 test images of digits: the hashes are those on file" in text_of(result)
    assert content["certified"][0]["accuracy"] == sum(radius >= 0.01 for radius in content["radii"]) / 20


def test_the_image_whose_radius_was_raised_is_named_with_exit_code_1(
    checkpoint: Path, radii: Path, tmp_path: Path
) -> None:
    stated = json.loads(radii.read_text())["radii"]
    place = next(row for row, radius in enumerate(stated) if radius > 0)
    stated[place] *= 1.01
    result = natrob("certify", str(checkpoint), "--check", str(changed(radii, tmp_path, radii=stated)))
    assert result.exit_code == 1
    assert f"NOT PROVED: image {place}, radius {stated[place]!r}, global in L2" in text_of(result)


def test_a_statement_that_is_not_so_has_exit_code_1(checkpoint: Path, radii: Path, tmp_path: Path) -> None:
    result = natrob("certify", str(checkpoint), "--check", str(changed(radii, tmp_path, clean_accuracy=1.0)))
    assert result.exit_code == 1
    assert "NOT SO: the clean accuracy is 1.0 on file" in text_of(result)


def test_another_network_is_refused_with_exit_code_2(models_module: str, radii: Path) -> None:
    result = natrob("certify", f"{models_module}:chain", "--data", "digits", "--check", str(radii))
    assert result.exit_code == 2
    assert "the network is another one" in text_of(result)
    assert "proved" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epsilon", "0.1"), "from the file, got also --epsilon"),
        (("--images", "3", "--norm", "linf"), "from the file, got also --norm, --images"),
        (("--precision", "float32"), "got also --precision"),
    ],
)
def test_what_the_file_says_is_not_asked_for(
    arguments: tuple[str, ...], message: str, checkpoint: Path, radii: Path
) -> None:
    result = natrob("certify", str(checkpoint), "--check", str(radii), *arguments)
    assert result.exit_code == 2
    assert message in text_of(result)


def test_files_that_are_none_are_one_line(checkpoint: Path, radii: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_text(radii.read_text()[:500])
    for path, message in ((cut, "is cut off or no JSON"), (tmp_path / "cat.json", "did you mean cut.json")):
        result = natrob("certify", str(checkpoint), "--check", str(path))
        assert result.exit_code == 2
        assert message in text_of(result)
        assert result.output.count("\n") == 1
    result = natrob("certify", str(checkpoint))
    assert result.exit_code == 2
    assert "`--epsilon` must be given, or `--check`" in text_of(result)


def test_the_help_shows_how_a_file_is_checked() -> None:
    assert "--check radii.json" in text_of(natrob("certify", "--help"))
