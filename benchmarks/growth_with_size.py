"""How time and peak memory grow when batch, steps or state become ten times as large; RevNet's memory in depth."""

from benchmarks.measurement import Row, interleaved_medians
from benchmarks.peak_memory import is_measurable, peak_memory
from benchmarks.workloads import BATCH, CHANNELS, HEIGHT, MEMORIES, STEPS, WIDTH, build_workload

SECTION = "growth with size"
GROWN = ("batch", "steps", "state")
KINDS = {
    "forward": "RungeKuttaNet, RK4, forward",
    "training": "RungeKuttaNet, RK4, forward + backward",
    "divergence": "measure_divergence, RK4",
}
FLAT_TARGET = 1.1
CASE = f"two 3×3 convolutions, {CHANNELS}×{HEIGHT}×{WIDTH}, batch {BATCH}, {STEPS} steps"
MEMORY_REMARK = "growth of VmHWM in a fresh process"


def rows(*, quick: bool = False) -> list[Row]:
    """Time and memory of three workloads in three directions, and RevNet's training memory; a minute on two cores."""
    memory = [*_memory_rows(quick=quick), *_depth_rows()] if is_measurable() else []
    return [*_time_rows(repeats=1 if quick else 3), *memory]


def _time_rows(*, repeats: int) -> list[Row]:
    found = []
    for kind in KINDS:
        runs = {size: build_workload(f"{kind}/{size}") for size in ("base", *GROWN)}
        seconds = interleaved_medians(runs, repeats=repeats, warmup=1)
        found += [_row(kind, size, "time", seconds[size], seconds["base"], 1e3, "ms") for size in GROWN]
    return found


def _memory_rows(*, quick: bool) -> list[Row]:
    found = []
    for kind in list(KINDS)[:1] if quick else KINDS:
        base = peak_memory(f"{kind}/base")
        found += [_row(kind, size, "peak memory", peak_memory(f"{kind}/{size}"), base, 1e-6, "MB") for size in GROWN]
    return found


def _row(kind: str, size: str, what: str, large: float, base: float, scale: float, unit: str) -> Row:
    note = f", {MEMORY_REMARK}" if what == "peak memory" else ""
    return Row(
        section=SECTION,
        case=f"{CASE}; {size} ×10",
        subject=KINDS[kind],
        peer="itself at the base size",
        quantity=f"{what} / at the base size",
        value=large / base,
        remark=f"{scale * large:.1f} {unit} / {scale * base:.1f} {unit}{note}",
    )


def _depth_rows() -> list[Row]:
    """Training memory at ten times the depth; flat where only y_N is kept."""
    found = []
    for memory in MEMORIES:
        deep, base = (peak_memory(f"revnet-{memory}/{size}") for size in ("steps", "base"))
        found.append(
            Row(
                section=SECTION,
                case=f"{CASE}; steps ×10",
                subject=f'RevNet, memory="{memory}", forward + backward',
                peer="itself at the base depth",
                quantity="peak training memory / at the base depth",
                value=deep / base,
                target=FLAT_TARGET if memory == "reversible" else None,
                remark=f"{1e-6 * deep:.1f} MB / {1e-6 * base:.1f} MB, {MEMORY_REMARK}",
            )
        )
    return found
