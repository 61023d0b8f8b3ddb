"""The bounds that are compared hold, the worker's network is natrob's, and a peer that is missing or wrong is named."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import fx, nn

from benchmarks import lirpa_peer, local_bounds
from benchmarks.lirpa_worker import check_known_case, gaps_to_other_classes, known_case, network_from
from benchmarks.local_bounds import gap_bounds, gaps, relaxed_bounds
from benchmarks.small_dense_networks import DenseNetwork, dense_networks

STUB = """
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
        bounds |= {name: bound() for name, bound in relaxed_bounds(network, "L2", 0.1).items()}
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


def install_stand_in(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this source be auto_LiRPA for the Python that is named as the peer's."""
    (folder / "auto_LiRPA.py").write_text(source)
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv(lirpa_peer.VARIABLE, str(launcher))


@pytest.mark.slow
def test_nothing_but_linear_layers_reads_the_ball_itself(networks: tuple[DenseNetwork, DenseNetwork]) -> None:
    """auto_LiRPA 0.3 would give every other operation the centre of an L2 ball."""
    for network in networks:
        written = network_from(lirpa_peer.arrays_of(network))
        graph = fx.symbolic_trace(written)
        (ball,) = (node for node in graph.graph.nodes if node.op == "placeholder")
        assert len(ball.users) == 2
        for reader in ball.users:
            assert reader.op == "call_module"
            assert isinstance(graph.get_submodule(str(reader.target)), nn.Linear)


def test_the_known_case_falls_to_its_known_gap_and_no_further() -> None:
    generator = torch.Generator().manual_seed(0)
    arrays, minima = known_case(0.1)
    network = network_from(arrays).double()
    image = torch.from_numpy(arrays["x"])
    direction = torch.from_numpy(arrays["head_weight"][:1])
    inside = 2.0 * torch.rand((10_000, 5), generator=generator, dtype=torch.float64) - 1.0
    worst = {"L2": -direction / direction.norm(), "Linf": -direction.sign()}
    scale = {"L2": inside.norm(dim=1, keepdim=True).clamp_min(1.0), "Linf": torch.tensor(1.0)}
    with torch.no_grad():
        for norm, least in minima.items():
            logits = network(image + 0.1 * torch.cat([worst[norm], inside / scale[norm]]))
            found = logits[:, 0] - logits[:, 1]
            assert float(found[0]) == pytest.approx(least, abs=1e-6)
            assert float(found.min()) >= least - 1e-6


@pytest.mark.parametrize(
    "bound",
    [
        "0.0 * ball.eps",
        "(0.0 if ball.norm == 2 else 100.0) * ball.eps",
        "(0.0 if method == 'CROWN-Optimized' else 100.0) * ball.eps",
        "float('nan')",
    ],
    ids=["every ball is its centre", "an L2 ball is its centre", "one method takes the centre", "no number"],
)
def test_a_peer_whose_bounds_exceed_a_known_minimum_is_refused(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for source, refused in ((STUB, False), (STUB.replace("100.0 * ball.eps", bound), True)):
        library = ModuleType("auto_LiRPA")
        exec(source, vars(library))
        monkeypatch.setitem(sys.modules, "auto_LiRPA", library)
        if refused:
            with pytest.raises(RuntimeError, match=r"where the gap falls to 0\.\d+: .*centre"):
                check_known_case()
        else:
            check_known_case()


@pytest.mark.slow
def test_a_refused_peer_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_stand_in(STUB.replace("100.0 * ball.eps", "0.0"), tmp_path, monkeypatch)
    with (
        pytest.raises(lirpa_peer.PeerFailedError, match=r"where the gap falls to 0\.\d+: .*centre"),
        lirpa_peer.lirpa_peer(dense_networks(8)[0]),
    ):
        raise AssertionError("the peer was accepted")


@pytest.mark.slow
def test_a_peer_that_answers_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that subtracts 100ε from every gap, found by a Python whose path leads to it."""
    install_stand_in(STUB, tmp_path, monkeypatch)
    found = local_bounds.rows(quick=True)
    assert {row.quantity for row in found} == {"margin given up / peer's", "CPU time / peer's"}
    assert all(row.peer.startswith("auto_LiRPA stub") for row in found)
    given_up = {row.subject: row.value for row in found if row.quantity.startswith("margin")}
    assert given_up["(the peer) IBP"] == pytest.approx(1.0, rel=1e-3)
    last = local_bounds.dense_networks(local_bounds.QUICK_IMAGES)[1]
    lower = gap_bounds(last, 0.05)["global"]()
    expected = float((gaps(last)[0].amin(dim=1) - lower).mean()) / (100.0 * 0.05)
    assert given_up['constants, "global"'] == pytest.approx(expected, rel=1e-3)


def test_the_clock_counts_what_the_other_process_says_instead_of_the_waiting() -> None:
    clock = local_bounds._CpuClock()
    start = clock()
    with clock.elsewhere() as elsewhere:
        _ = [number**2 for number in range(1_000_000)]
        elsewhere.seconds = 1000.0
    assert clock() - start == pytest.approx(1000.0, abs=0.01)


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
    install_stand_in(STUB.replace("print(", "raise ValueError("), tmp_path, monkeypatch)
    with (
        pytest.raises(lirpa_peer.PeerFailedError, match="noise on the standard output"),
        lirpa_peer.lirpa_peer(dense_networks(8)[0]) as peer,
    ):
        peer.bounds("IBP", "L2", 0.1)
