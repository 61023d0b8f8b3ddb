"""How far upper constants of trunks lie above what a search finds: trained dense networks, and one ascent per image."""

from torch import Tensor

from benchmarks.measurement import Row
from benchmarks.small_dense_networks import DenseNetwork, dense_networks
from benchmarks.states import SEED
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import lipschitz_lower_bound, lipschitz_upper_bound

SECTION = "tightness"
IMAGES, QUICK_IMAGES = 64, 8
RADIUS = 1.0
TARGET = 1.3


def rows(*, quick: bool = False) -> list[Row]:
    """One line per trunk; a target for the contractive one."""
    return [_row(network, quick=quick) for network in dense_networks(QUICK_IMAGES if quick else IMAGES)]


def _row(network: DenseNetwork, *, quick: bool) -> Row:
    upper = float(lipschitz_upper_bound(network.trunk, input_shape=tuple(network.x.shape[1:])))

    def trunk(_time: Tensor, state: Tensor) -> Tensor:
        return network.trunk(state)

    lower = lipschitz_lower_bound(
        trunk,
        network.x,
        radius=RADIUS,
        generator=RandomStreams(SEED).generator("search"),
        ascent_steps=20 if quick else 200,
    )
    return Row(
        section=SECTION,
        case=f"{network.name}, trained on digits",
        subject="lipschitz_upper_bound of the trunk",
        peer=f"lipschitz_lower_bound: ascent from {len(network.x)} test images, within {RADIUS:g} of each",
        quantity="upper / lower constant",
        value=upper / float(lower),
        target=TARGET if network.contractive else None,
        remark=f"{upper:.4g} / {float(lower):.4g}",
    )
