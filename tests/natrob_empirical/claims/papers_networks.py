"""Records of the paper's own networks, made up, so that claims about its numbers can be decided; one claim judged."""

from collections.abc import Mapping
from typing import Any

from synthetic_runs import attack, evidence, theory

from natrob_empirical.claims import Judgement, all_claims
from natrob_empirical.paper import PrintedAccuracy
from natrob_empirical.records import CellRecord

TABLE_A1 = {
    "mnist": {"channels": 128, "hidden": 128, "field_convolutions": 4, "step_size": 1.0, "num_steps": 100},
    "cifar10": {"channels": 256, "hidden": 256, "field_convolutions": 5, "step_size": 1.0, "num_steps": 500},
}
TRAININGS = {"none": "standard", "PGD-10": "pgd", "TRADES-10": "trades", "YOPO-5-3": "yopo"}


def judged(claim: str, *records: CellRecord) -> Judgement:
    """What one claim says of these records alone."""
    (found,) = (each for each in all_claims() if each.id == claim)
    return found.judge(evidence(*records))


def place(printed: PrintedAccuracy, *, epochs: int = 200, seed: int = 0, **specification: Any) -> dict[str, Any]:
    """The key and settings of the network whose accuracy is printed."""
    settings = TABLE_A1[printed.dataset] if printed.network == "neural_ode" else {"width": 64, "step_size": 1.0}
    return {
        "dataset": printed.dataset,
        "network": printed.network,
        "training": TRAININGS[printed.training],
        "seed": seed,
        "preset": "table1-paper",
        "settings": {"model": {**settings, **specification}, "training": {"epochs": epochs}},
    }


def replayed(
    printed: PrintedAccuracy,
    *,
    off: float = 0.0,
    n: int = 1000,
    label: str = "",
    own: Mapping[str, Any] | None = None,
    **changes: Any,
) -> list[CellRecord]:
    """The network's training and the printed attack on it; what it leaves is off by so much.

    Args:
        printed: an entry of a table of the paper.
        off: added to the printed accuracy.
        n: images.
        label, own: of another attack at the same budget instead, with its settings.
        changes: of `place`.
    """
    model, where = f"{printed.model}, {printed.training}", place(printed, **changes)
    records = [theory(model, clean=0.99, **where)]
    if printed.attack:
        kind = printed.attack.partition("-")[0]
        papers = {"attack": kind, "steps": printed.steps, "step_size": printed.step_size}
        name = f"{kind}-{printed.steps} (step size 0.01)" if printed.steps != 1 else "FGSM"
        where["settings"] |= {"attack": own or papers} if own or not label else {}
        left = max(0.0, printed.accuracy + off)
        records.append(attack(model, label or name, printed.epsilon, left, n=n, **where))
    return records


def table(entries: list[PrintedAccuracy] | tuple[PrintedAccuracy, ...], **changes: Any) -> list[CellRecord]:
    """Records of every entry."""
    return [record for printed in entries for record in replayed(printed, **changes)]
