"""Lipschitz constants and linear relaxations beside auto_LiRPA's: the same networks, images and balls.

Each bounds every logit gap s_y − s_j from below over a ball. natrob's bound is the gap at the image less C_j·ε, C_j a
Lipschitz constant of the gap: on all inputs ("global"), from the tube of the image's trajectory ("tube"), or of the
whole map on the ball ("local"). Linear relaxation, with lines of least area and with slopes optimised, bounds the gap
backward through the steps, without a pixel range, as auto_LiRPA does. Tightness is how much of the smallest gap a
method gives up on average over the images. An L∞ ball of radius ε enters natrob's constants through the L2 ball of
radius ε√d that holds it; relaxations have both norms.
Times are CPU time on both sides, so that what else runs on the machine is not counted.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.lirpa_peer import LirpaPeer, PeerUnavailableError, lirpa_peer
from benchmarks.lirpa_worker import OPTIMISED
from benchmarks.measurement import Row, interleaved_medians
from benchmarks.small_dense_networks import CLASSES, DenseNetwork, dense_networks
from natrob_theory import lipschitz_upper_bound, step_structures, tube_bound
from natrob_theory.bounds.local.local_map import LocalMap
from natrob_theory.numbers.norms import Norm
from natrob_theory.relaxation import Ascent, RelaxedNetwork, region_around

SECTION = "local bounds"
IMAGES, QUICK_IMAGES = 64, 8
BALLS: tuple[tuple[Norm, float], ...] = (
    ("L2", 0.05),
    ("L2", 0.1),
    ("L2", 0.3),
    ("L2", 0.5),
    ("Linf", 0.01),
    ("Linf", 0.03),
)
BALL_OF_OPTIMISED = ("L2", 0.1)
"""The optimised slopes of α-CROWN take a quarter of a minute for each ball, so they have one, and one turn."""

REFERENCE = "CROWN"
PEER_METHODS = ("IBP", "CROWN-IBP", REFERENCE)


def rows(*, quick: bool = False) -> list[Row]:
    """For each network and ball: natrob's methods beside CROWN, and auto_LiRPA's others beside CROWN."""
    found = []
    for network in dense_networks(QUICK_IMAGES if quick else IMAGES):
        try:
            with lirpa_peer(network) as peer:
                for norm, epsilon in BALLS[:1] if quick else BALLS:
                    found += _compared(_Ball(network=network, norm=norm, epsilon=epsilon), peer, quick=quick)
        except PeerUnavailableError as reason:
            print(f"{SECTION}: skipped, {reason}; benchmarks/lirpa_peer.py says how to get it", file=sys.stderr)
            return []
    return found


@dataclass(frozen=True, kw_only=True)
class _Ball:
    """One network, and one ball around each of its images."""

    network: DenseNetwork
    norm: Norm
    epsilon: float

    @property
    def l2_radius(self) -> float:
        """Of the L2 ball that holds it."""
        return self.epsilon if self.norm == "L2" else self.epsilon * math.sqrt(self.network.x.shape[1])

    @property
    def name(self) -> str:
        """As the table calls it."""
        network = self.network
        return (
            f"{network.name}, {network.accuracy:.1%} of {len(network.x)} digits correct, "
            f"{self.norm.replace('inf', '∞')} ε = {self.epsilon:g}"
        )


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """What a method found in how many seconds of CPU time."""

    seconds: float
    lower: Tensor

    def given_up(self, clean: Tensor) -> float:
        """The mean distance of the lower bound of the smallest gap from that gap at the image."""
        return float((clean - self.lower).mean())

    @property
    def certified(self) -> float:
        """The share of images whose label holds on the ball."""
        return float((self.lower > 0).double().mean())

    def in_words(self) -> str:
        """Certified share and CPU time."""
        return f"{self.certified:.1%} certified in {1e3 * self.seconds:.2f} ms of CPU"


def gaps(network: DenseNetwork) -> tuple[Tensor, Tensor]:
    """s_y − s_j at the images and w_y − w_j, for the classes j other than the label."""
    with torch.no_grad():
        logits = network.head(network.trunk(network.x))
    others = torch.nn.functional.one_hot(network.y, CLASSES) == 0
    size = (len(network.x), CLASSES - 1)
    differences = network.head.weight[network.y][:, None, :] - network.head.weight[None]
    distances = (logits.gather(1, network.y[:, None]) - logits)[others]
    return distances.view(size), differences[others].view(*size, -1)


def gap_bounds(network: DenseNetwork, radius: float) -> dict[str, Callable[[], Tensor]]:
    """By method, lower bounds of the smallest gap on the L2 balls; what does not depend on the balls is prepared."""
    shape = tuple(network.x.shape[1:])
    _, directions = gaps(network)
    lengths = torch.linalg.vector_norm(directions, dim=2)
    everywhere = float(lipschitz_upper_bound(network.trunk, input_shape=shape))
    structure = step_structures(network.trunk, input_shape=shape)
    local = LocalMap([network.trunk], shape)
    radii = torch.full((len(network.x),), radius, dtype=torch.float64)

    def tube() -> Tensor:
        growth = tube_bound(network.trunk, network.x, radius, structure=structure).growth.value
        return torch.as_tensor(growth)[:, None] * lengths

    constants: dict[str, Callable[[], Tensor]] = {
        "global": lambda: everywhere * lengths,
        "tube": tube,
        "local": lambda: local.rows_on_balls(network.x, radii, directions),
    }
    return {name: lambda of=of: (gaps(network)[0] - radius * of()).amin(dim=1) for name, of in constants.items()}


def relaxed_bounds(network: DenseNetwork, norm: Norm, epsilon: float) -> dict[str, Callable[[], Tensor]]:
    """By linear relaxation, lower bounds of the smallest gap on balls in their own norm."""
    relaxed = RelaxedNetwork((network.trunk, network.head), tuple(network.x.shape[1:]))
    unit = torch.eye(CLASSES, dtype=torch.float64)
    others = torch.nn.functional.one_hot(network.y, CLASSES) == 0
    rows = (unit[network.y][:, None] - unit[None])[others].view(len(network.x), CLASSES - 1, CLASSES)
    radii = torch.full((len(network.x),), epsilon, dtype=torch.float64)

    def bounds(ascent: Ascent) -> Tensor:
        region = region_around(network.x.double(), radii, norm, pixel_range=None)
        return relaxed.lower(relaxed.enclosed(region, ascent), rows, ascent=ascent).bound.amin(dim=1)

    return {
        "linear relaxation": lambda: bounds(Ascent(steps=0)),
        "linear relaxation, slopes optimised": lambda: bounds(Ascent(steps=5)),
    }


def _compared(ball: _Ball, peer: LirpaPeer, *, quick: bool) -> list[Row]:
    own = gap_bounds(ball.network, ball.l2_radius) | relaxed_bounds(ball.network, ball.norm, ball.epsilon)
    clean = gaps(ball.network)[0].amin(dim=1)
    outcomes = _measured(own, peer, ball, repeats=3 if quick else 7)
    if (ball.norm, ball.epsilon) == BALL_OF_OPTIMISED:
        seconds, lower = peer.bounds(OPTIMISED, ball.norm, ball.epsilon)
        outcomes[OPTIMISED] = _Outcome(seconds=seconds, lower=lower.amin(dim=1))
    return [
        row
        for name, outcome in outcomes.items()
        if name != REFERENCE
        for row in _beside_reference(ball, peer.name, (name, outcome), (outcomes[REFERENCE], clean), own=name in own)
    ]


def _beside_reference(
    ball: _Ball, peer: str, contestant: tuple[str, _Outcome], reference: tuple[_Outcome, Tensor], *, own: bool
) -> list[Row]:
    """What one method gives up beside CROWN, and for natrob's own methods the time too."""
    name, outcome = contestant
    crown, clean = reference
    values = {"margin given up / peer's": outcome.given_up(clean) / crown.given_up(clean)}
    if own:
        values["CPU time / peer's"] = outcome.seconds / crown.seconds
    return [
        Row(
            section=SECTION,
            case=ball.name,
            subject=(name if " " in name else f'constants, "{name}"')
            if own
            else f"(the peer) {name.replace(OPTIMISED, 'α-CROWN')}",
            peer=f"{peer} {REFERENCE}",
            quantity=quantity,
            value=value,
            remark=f"{outcome.in_words()} / {crown.in_words()}",
        )
        for quantity, value in values.items()
    ]


def _measured(
    own: dict[str, Callable[[], Tensor]], peer: LirpaPeer, ball: _Ball, *, repeats: int
) -> dict[str, _Outcome]:
    """All methods in turns. The peer's CPU time is what its own process measures."""
    clock = _CpuClock()
    lower: dict[str, Tensor] = {}

    def ask(method: str) -> None:
        with clock.elsewhere() as elsewhere:
            elsewhere.seconds, gap = peer.bounds(method, ball.norm, ball.epsilon)
        lower[method] = gap.amin(dim=1)

    def run(method: str) -> None:
        lower[method] = own[method]()

    contestants: dict[str, Callable[[], object]] = {name: lambda name=name: run(name) for name in own}
    contestants |= {name: lambda name=name: ask(name) for name in PEER_METHODS}
    seconds = interleaved_medians(contestants, repeats=repeats, clock=clock)
    return {name: _Outcome(seconds=seconds[name], lower=lower[name]) for name in contestants}


class _CpuClock:
    """Seconds of CPU time of this process and, while it asks another one, of that one instead."""

    def __init__(self) -> None:
        self._added = 0.0

    def __call__(self) -> float:
        return time.process_time() + self._added

    @contextmanager
    def elsewhere(self) -> Iterator["_Elsewhere"]:
        """Counts the `seconds` that the caller notes, and nothing that this process spends in here."""
        start, noted = time.process_time(), _Elsewhere()
        yield noted
        self._added += noted.seconds - (time.process_time() - start)


@dataclass
class _Elsewhere:
    """Seconds that another process took."""

    seconds: float = 0.0
