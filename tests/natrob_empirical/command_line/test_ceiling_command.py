import json
from pathlib import Path

import numpy as np
import pytest
from console_runner import natrob, text_of

from natrob_empirical import LinfBall, robustness_ceiling
from natrob_empirical.datasets import Dataset
from natrob_empirical.display.formatting import format_share


def arrays(path: Path, images: object, labels: object) -> str:
    np.savez(path, test_x=np.asarray(images, dtype=np.float32), test_y=np.asarray(labels), layout="NCHW")
    return str(path)


def test_the_ceilings_are_those_of_python(digits: Dataset) -> None:
    result = natrob("ceiling", "--data", "digits", "--epsilon", "0.4", "--epsilons", "0.45,0.5")
    assert result.exit_code == 0, result.output
    text = text_of(result)
    for epsilon in (0.4, 0.45, 0.5):
        found = robustness_ceiling(digits.to_images(digits.test_x), digits.test_y, LinfBall(epsilon))
        assert format_share(found.value, kind="upper") in text
        assert f"{found.conflicts:,}" in text
    assert "UPPER bound" in text
    assert "nearest conflict: images" in text


def test_json_holds_both_certificates() -> None:
    result = natrob("ceiling", "--data", "digits", "--norm", "l2", "--epsilon", "1.25", "--part", "train",
                    "--images", "200", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)["ceilings"][0]
    assert (found["norm"], found["images"], found["kind"]) == ("L2", 200, "upper")
    assert found["robust_at_least"] == len(found["robust_images"]) <= found["robust_at_most"]
    cover = found["cover"]
    assert sum(numerator for numerator, *_ in cover["cliques"]) // cover["denominator"] >= found["robust_at_most"]


def test_every_norm_has_radii_of_its_own() -> None:
    for norm in ("l1", "l2", "linf"):
        result = natrob("ceiling", "--data", "digits", "--norm", norm, "--images", "30")
        assert result.exit_code == 0, result.output


def test_one_class_and_equal_images_are_said(tmp_path: Path) -> None:
    grays = [[[[0.5]]], [[[0.5]]], [[[1.0]]]]
    one = natrob("ceiling", "--data", arrays(tmp_path / "one.npz", grays, [1, 1, 1]), "--epsilon", "0.1")
    assert "a single label occurs" in text_of(one)
    two = natrob("ceiling", "--data", arrays(tmp_path / "two.npz", grays, [0, 1, 1]), "--epsilon", "0")
    assert "1 pairs of equal images have different labels (distance 0)" in text_of(two)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--norm", "l3"], "unknown norm 'l3'"),
        (["--part", "tests"], "unknown part 'tests'; did you mean test?"),
        (["--images", "0"], "`--images` must be from 1 to 360"),
        (["--images", "400"], "`--images` must be from 1 to 360"),
        (["--epsilon", "-1"], "`--epsilon` must be at least 0"),
        (["--epsilon", "8"], "must be at most 1 in L∞"),
        (["--norm", "l1", "--epsilon", "nan"], "must be a fraction such as 8/255"),
    ],
)
def test_bad_options_are_named(options: list[str], message: str) -> None:
    result = natrob("ceiling", "--data", "digits", *options)
    assert result.exit_code == 2
    assert message in text_of(result)


def test_images_with_nan_are_refused(tmp_path: Path) -> None:
    path = arrays(tmp_path / "nan.npz", [[[[np.nan]]], [[[0.5]]]], [0, 1])
    result = natrob("ceiling", "--data", path)
    assert result.exit_code == 2
    assert "test_x" in text_of(result)
