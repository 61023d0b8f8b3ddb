"""The published certificates say what their radii say."""

import json
from pathlib import Path

import pytest

REPORTS = Path(__file__).parents[3] / "reports"
FILES = sorted((REPORTS / "certificates").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_accuracies_are_those_of_the_radii(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    radii = content["radii"]
    images = content["images"]["shape"][0]
    assert len(radii) == len(content["labels"]) == content["subject"]["data"]["test_images"] == images
    counted = [sum(0 < radius >= point["epsilon"] for radius in radii) / len(radii) for point in content["certified"]]
    assert [point["accuracy"] for point in content["certified"]] == counted
    assert not content["environment"]["commit"].endswith("local changes")


def test_there_are_published_certificates() -> None:
    assert len(FILES) >= 3
