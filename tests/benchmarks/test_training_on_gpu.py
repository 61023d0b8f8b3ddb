import pytest
import torch

from benchmarks.training_on_gpu import compared, random_images, rows
from natrob_empirical.models import ResidualSpecification


def test_without_a_gpu_the_section_says_that_it_is_skipped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert rows(quick=True) == []
    assert "skipped, torch sees no CUDA device" in capsys.readouterr().err


@pytest.mark.slow
def test_the_rows_compare_both_precisions_with_the_eager_loop() -> None:
    small = ResidualSpecification(label="ResNet-8", network="resnet", blocks=1, width=4)
    found = compared(random_images(256), small, torch.device("cpu"), workers=(0,), repeats=1)
    assert [row.target for row in found] == [0.25, None, None, None]
    assert all(row.value > 0 for row in found)
    assert "images/s" in found[0].remark
    assert found[-1].remark.startswith("profile: ")
