"""The Boundary Attack beside Foolbox's, and beside the bare queries that it is made of."""

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.attacked_models import AttackedModel, attacked_models
from benchmarks.measurement import Row, interleaved_medians, versioned
from natrob_empirical.attacks import BoundaryAttack
from natrob_empirical.threat_models import L2Ball

SECTION = "boundary_attack"
QUERIES = 222
STEP = 0.1
POOL = 40  # the last images, to start from
OVERHEAD, OF_FOOLBOX, DISTANCE = 1.1, 1.0, 1.05


def rows(*, quick: bool = False) -> list[Row]:
    """Time over the bare queries', time over Foolbox's, and the distance that the same queries reach."""
    repeats = 3 if quick else 7
    model = attacked_models()[0]
    x, y, starts = _case(model)
    attack = BoundaryAttack(L2Ball(1.0), queries=QUERIES, spherical_step=STEP, source_step=STEP, starts=starts)

    def ours() -> Tensor:
        return attack.minimise(model.net, x, y, generator=torch.Generator().manual_seed(0)).adversarial

    foolbox, steps = _foolbox(model, x, y, _nearest_misclassified(model, x, y, starts))
    seconds = interleaved_medians({"natrob": ours, "queries": _queries(model, x), "Foolbox": foolbox}, repeats=repeats)
    distance = {name: float((run() - x).flatten(1).norm(dim=1).median()) for name, run in _both(ours, foolbox).items()}
    case = f"{model.name}, {len(x)} images of {tuple(x.shape[1:])} that it classifies correctly"
    subject = f"BoundaryAttack, {QUERIES} queries, no sample leaves the batch"
    peer = f"{versioned('foolbox')}, the same starts and queries ({steps} steps)"
    timed = f"{seconds['natrob']:.2f} s / "
    return [
        Row(
            section=SECTION,
            case=case,
            subject=subject,
            peer=f"{QUERIES + 2} forward passes, nothing else",
            quantity="time / peer's",
            value=seconds["natrob"] / seconds["queries"],
            target=OVERHEAD,
            remark=timed + f"{seconds['queries']:.2f} s",
        ),
        Row(
            section=SECTION,
            case=case,
            subject=subject,
            peer=peer,
            quantity="time / peer's",
            value=seconds["natrob"] / seconds["Foolbox"],
            target=OF_FOOLBOX,
            remark=timed + f"{seconds['Foolbox']:.2f} s",
        ),
        Row(
            section=SECTION,
            case=case,
            subject=subject,
            peer=peer,
            quantity="median L2 distance / peer's",
            value=distance["natrob"] / distance["Foolbox"],
            target=DISTANCE,
            remark=f"{distance['natrob']:.3f} / {distance['Foolbox']:.3f}",
        ),
    ]


def _both(ours: Callable[[], Tensor], foolbox: Callable[[], Tensor]) -> dict[str, Callable[[], Tensor]]:
    return {"natrob": ours, "Foolbox": foolbox}


def _case(model: AttackedModel) -> tuple[Tensor, Tensor, Tensor]:
    """The images that are classified correctly with their labels, and others to start from."""
    x, y = model.x[:-POOL], model.y[:-POOL]
    with torch.no_grad():
        correct = model.net(x).argmax(dim=1) == y
    return x[correct], y[correct], model.x[-POOL:]


def _queries(model: AttackedModel, x: Tensor) -> Callable[[], object]:
    def passes() -> object:
        with torch.no_grad():
            return [model.net(x) for _ in range(QUERIES + 2)]

    return passes


def _nearest_misclassified(model: AttackedModel, x: Tensor, y: Tensor, starts: Tensor) -> Tensor:
    with torch.no_grad():
        classes = model.net(starts).argmax(dim=1)
    distance = torch.cdist(x.flatten(1), starts.flatten(1))
    return starts[distance.masked_fill(classes == y[:, None], torch.inf).argmin(dim=1)]


def _foolbox(model: AttackedModel, x: Tensor, y: Tensor, starts: Tensor) -> tuple[Callable[[], Tensor], int]:
    """A run of as many queries as ours, and its number of steps: one query each, every tenth one more, one before."""
    from foolbox.attacks.boundary_attack import BoundaryAttack as FoolboxBoundaryAttack  # noqa: PLC0415, RUF100  # only where this runs
    from foolbox.models.pytorch import PyTorchModel  # noqa: PLC0415, RUF100

    steps = 10 * (QUERIES + 2 - 1) // 11
    wrapped = PyTorchModel(model.net, bounds=(0, 1), device="cpu")
    attack = FoolboxBoundaryAttack(steps=steps, spherical_step=STEP, source_step=STEP)

    def run() -> Tensor:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(0)
            return attack.run(wrapped, x, y, starting_points=starts)

    return run, steps
