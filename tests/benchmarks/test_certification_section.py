import pytest
import torch
from torch import nn

from benchmarks import certification
from benchmarks.certification import CASES, EPSILONS, IMAGE_SHAPE, certifying_and_passing, mnist_images
from natrob_empirical.certification import certificate_constants


def test_without_mnist_the_images_are_random_ones_of_its_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise certification.DatasetUnavailableError(name)

    monkeypatch.setattr(certification, "load_dataset", missing)
    x, y = mnist_images(12)
    assert x.shape == (12, *IMAGE_SHAPE)
    assert y.shape == (12,)
    assert 0.0 <= float(x.min()) < float(x.max()) <= 1.0


@pytest.mark.slow
def test_certificates_and_the_pass_beside_them_see_the_same_images_in_the_same_precision() -> None:
    case = next(case for case in CASES if case.name.startswith("EulerNet"))
    constants = certificate_constants(certification._untrained(case.specification), IMAGE_SHAPE)
    seen: dict[str, list[tuple[int, torch.dtype]]] = {}
    contestants = certifying_and_passing(constants, torch.rand(300, *IMAGE_SHAPE), torch.arange(300) % 10)
    for name, contestant in contestants.items():
        calls: list[tuple[int, torch.dtype]] = []

        def note(_module: nn.Module, inputs: tuple[torch.Tensor, ...], calls: list = calls) -> None:
            calls.append((len(inputs[0]), inputs[0].dtype))

        handle = constants.model.head.register_forward_pre_hook(note, with_kwargs=False)
        contestant()
        handle.remove()
        seen[name] = calls
    assert sum(count for count, _ in seen["pass"]) == 300
    assert {dtype for calls in seen.values() for _, dtype in calls} == {torch.float64}
    assert tuple(sorted(EPSILONS)) == EPSILONS


@pytest.mark.slow
def test_every_network_has_constants_that_are_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certification, "QUICK_IMAGES", 16)
    rows = certification.rows(quick=True)
    assert [row.quantity for row in rows] == ["seconds", "time / forward pass"] * 3
    assert all("inf" not in row.remark for row in rows)
    assert [row.target for row in rows] == [10.0, 1.5] * 3
