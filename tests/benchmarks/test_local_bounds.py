"""The bounds that are compared hold, the worker's network is natrob's, and a missing peer is said to be missing."""

import sys
from pathlib import Path

import pytest
import torch

from benchmarks import lirpa_peer, local_bounds
from benchmarks.lirpa_worker import gaps_to_other_classes, network_from
from benchmarks.local_bounds import gap_bounds, gaps
from benchmarks.small_dense_networks import DenseNetwork, dense_networks

STUB = """
import torch
__version__ = "stub"
class PerturbationLpNorm:
    def __init__(self, norm, eps): self.norm, self.eps = norm, eps
def BoundedTensor(images, ball): return images, ball
class BoundedModule:
    def __init__(self, network, example, bound_opts): self.network = network
    def compute_bounds(self, x, C, method, bound_upper):
        print("noise on the standard output")
        images, ball = x[0]
        return (C @ self.network(images)[:, :, None])[:, :, 0] - 100.0 * ball.eps, None
"""


@pytest.fixture
def networks() -> tuple[DenseNetwork, DenseNetwork]:
    return dense_networks(8)


@pytest.mark.slow
def test_no_image_near_by_has_a_smaller_gap_than_the_bounds(networks: tuple[DenseNetwork, DenseNetwork]) -> None:
    generator = torch.Generator().manual_seed(0)
    for network in networks:
        clean = gaps(network)[0].amin(dim=1)
        found = clean
        for _ in range(50):
            moved = torch.randn(network.x.shape, generator=generator, dtype=torch.float64)
            moved = 0.1 * moved / moved.norm(dim=1, keepdim=True)
            near = DenseNetwork(**{**vars(network), "x": network.x + moved})
            found = torch.minimum(found, gaps(near)[0].amin(dim=1))
        bounds = {name: bound() for name, bound in gap_bounds(network, 0.1).items()}
        assert all(bool((bound < found).all()) for bound in bounds.values())
        assert bool((bounds["global"] <= bounds["local"] + 1e-9).all())
        assert bool((found < clean).any())


@pytest.mark.slow
def test_the_peer_is_given_the_same_network(networks: tuple[DenseNetwork, DenseNetwork]) -> None:
    for network in networks:
        written = network_from(lirpa_peer.arrays_of(network))
        with torch.no_grad():
            logits = written(network.x.float())
            torch.testing.assert_close(logits.double(), network.head(network.trunk(network.x)), rtol=1e-4, atol=1e-4)
        rows = gaps_to_other_classes(network.y, logits.shape[1])
        theirs = (rows @ logits[:, :, None])[:, :, 0]
        torch.testing.assert_close(theirs.double(), gaps(network)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_peer_that_answers_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that subtracts 100ε from every gap, found by a Python whose path leads to it."""
    (tmp_path / "auto_LiRPA.py").write_text(STUB)
    launcher = tmp_path / "python"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv(lirpa_peer.VARIABLE, str(launcher))
    found = local_bounds.rows(quick=True)
    assert {row.quantity for row in found} == {"margin given up / peer's", "time / peer's"}
    assert all(row.peer.startswith("auto_LiRPA stub") for row in found)
    given_up = {row.subject: row.value for row in found if row.quantity.startswith("margin")}
    assert given_up["(the peer) IBP"] == pytest.approx(1.0, rel=1e-3)
    last = local_bounds.dense_networks(local_bounds.QUICK_IMAGES)[1]
    lower = gap_bounds(last, 0.05)["global"]()
    expected = float((gaps(last)[0].amin(dim=1) - lower).mean()) / (100.0 * 0.05)
    assert given_up['constants, "global"'] == pytest.approx(expected, rel=1e-3)


@pytest.mark.slow
def test_without_the_peer_the_section_says_that_it_is_skipped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    launcher = tmp_path / "python"
    launcher.write_text("#!/bin/sh\necho 'ModuleNotFoundError: no auto_LiRPA here' >&2\nexit 1\n")
    launcher.chmod(0o755)
    monkeypatch.setenv(lirpa_peer.VARIABLE, str(launcher))
    assert local_bounds.rows(quick=True) == []
    message = capsys.readouterr().err
    assert "skipped" in message
    assert "no auto_LiRPA here" in message


@pytest.mark.slow
def test_a_peer_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "auto_LiRPA.py").write_text(STUB.replace("print(", "raise ValueError("))
    launcher = tmp_path / "python"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv(lirpa_peer.VARIABLE, str(launcher))
    with (
        pytest.raises(lirpa_peer.PeerFailedError, match="noise on the standard output"),
        lirpa_peer.lirpa_peer(dense_networks(8)[0]) as peer,
    ):
        peer.bounds("IBP", "L2", 0.1)
