"""How an adaptive solve of a small MLP grows, beside the peers: batch, end time and state ×10, tolerance to 1e-8."""

from benchmarks.adaptive_contestants import contestants
from benchmarks.adaptive_sizes import FEATURES, HIDDEN, PASSES, SIZES, sized_solve
from benchmarks.measurement import Row, interleaved_medians
from benchmarks.peak_memory import is_measurable, peak_memory
from benchmarks.workloads import SOLVE

SECTION = "adaptive growth"
MEMORY_PEERS = ("torchdiffeq", "torchode")
"""Peers whose peak memory is compared; the others compile, and the compiler's memory would hide the solve's."""


def rows(*, quick: bool = False) -> list[Row]:
    """natrob beside every peer at each size, in time and in peak memory; about two minutes on two cores."""
    found = []
    for passes in PASSES:
        for size in list(SIZES)[:2] if quick else SIZES:
            found += _time_rows(passes, size, repeats=3 if quick else 15)
            if is_measurable() and not quick:
                found += _memory_rows(passes, size)
    return found


def _time_rows(passes: str, size: str, *, repeats: int) -> list[Row]:
    runs = {name: sized_solve(name, passes, size) for name in contestants()}
    seconds = interleaved_medians(runs, repeats=repeats, warmup=5)
    return [
        _row(passes, size, name, "time", seconds["natrob"], seconds[name], 1e3, "ms")
        for name in runs
        if name != "natrob"
    ]


def _memory_rows(passes: str, size: str) -> list[Row]:
    peak = {name: peak_memory(f"{SOLVE}:{name}:{passes}/{size}") for name in ("natrob", *MEMORY_PEERS)}
    return [_row(passes, size, name, "peak memory", peak["natrob"], peak[name], 1e-6, "MB") for name in MEMORY_PEERS]


def _row(passes: str, size: str, peer: str, what: str, own: float, theirs: float, scale: float, unit: str) -> Row:
    chosen = SIZES[size]
    field = contestants(**chosen.solve)
    return Row(
        section=SECTION,
        case=f"two-layer MLP {FEATURES}→{HIDDEN}→{FEATURES}; {chosen.name}",
        subject=field["natrob"].label,
        peer=field[peer].label,
        quantity=f"{passes}, {what} / peer's",
        value=own / theirs if theirs else float("nan"),
        remark=f"{scale * own:.2f} {unit} / {scale * theirs:.2f} {unit}",
    )
