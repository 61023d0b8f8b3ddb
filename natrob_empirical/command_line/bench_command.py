"""The cells of a preset: run for `natrob bench` and `natrob report`, or listed with their cost for `--dry-run`."""

import time
from collections.abc import Callable

import torch
from rich.table import Table

from natrob_empirical.benchmarks import Preset, RunEvent, device_rate, planned_cells, preset_named, run_preset
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.console import console
from natrob_empirical.command_line.device_and_data import dataset_named, device_named, info_named
from natrob_empirical.command_line.displays import RunDisplay
from natrob_empirical.records import RecordStore
from natrob_theory.numbers.argument_checks import require_positive


class TimeIsUp(Exception):  # noqa: N818 - nothing went wrong
    """The minutes that were given are over."""


def _until(minutes: float, show: Callable[[RunEvent], None]) -> Callable[[RunEvent], None]:
    """`show`, and TimeIsUp once so many minutes have passed."""
    end = time.monotonic() + 60.0 * require_positive("--minutes", minutes)

    def watched(event: RunEvent) -> None:
        show(event)
        if time.monotonic() > end and event.done < event.total:
            raise TimeIsUp

    return watched


def preset_of(asked: BenchRequest) -> Preset:
    """The preset. Raises ValueError, with near names, if there is none."""
    return preset_named(asked.preset, asked.experiment)


def run_cells(asked: BenchRequest) -> RecordStore:
    """Run the preset with a progress bar. Raises TimeIsUp once its minutes are over and cells are left."""
    preset = preset_of(asked)
    dataset = dataset_named(asked.data or preset.dataset, asked.data_root)
    device = device_named(asked.device)
    with RunDisplay() as display:
        show = display.show if asked.minutes is None else _until(asked.minutes, display.show)
        return run_preset(
            preset, dataset, asked.folder, device=device, models=asked.models, workers=asked.workers, on_event=show
        )


def print_plan(asked: BenchRequest) -> None:
    """Every cell with operations, memory and estimated time; then the totals, and whether the data is here.

    The data is not read, and need not be here.
    """
    preset = preset_of(asked)
    dataset = info_named(asked.data or preset.dataset, asked.data_root)
    target = torch.device(asked.device)
    rate = device_rate(target)
    planned = list(planned_cells(preset, dataset, rate=rate))
    table = Table("model", "cell", "FLOP", "memory", "time", title=f"{preset.name}: {preset.summary}")
    for part in planned:
        key = part.cell.key
        what = "training, theory" if key.attack is None else f"{key.attack} {key.norm} ε = {key.epsilon:g}"
        seed = f", seed {key.seed}" if len(preset.seeds) > 1 else ""
        table.add_row(f"{key.model}{seed}", what, f"{part.flops:.2g}", _bytes(part.memory), _duration(part.seconds))
    console.print(table)
    flops, seconds = sum(part.flops for part in planned), sum(part.seconds for part in planned)
    memory = max(part.memory for part in planned)
    console.print(
        f"{len(planned)} cells{' and the sweep over step sizes' if preset.step_sizes else ''}, at most {flops:.2g} "
        f"FLOP, {_bytes(memory)} at least, about {_duration(seconds)} at {rate / 1e9:,.0f} GFLOP/s "
        f"({_origin(target)})",
    )
    here = "here" if dataset.present else "not here, a run downloads it"
    console.print(f"data: {dataset.title}, {here}", markup=False)
    console.print(
        "FLOP: convolutions and matrix products; an attack that succeeds early costs less, a Neural ODE's number of\n"
        "field evaluations is assumed. Memory: weights, optimiser and one batch's activations, without the kernels'\n"
        "workspace. A training that is interrupted goes on from its last state.",
    )


def _origin(device: torch.device) -> str:
    if device.type == "cuda" and not torch.cuda.is_available():
        return "assumed of one H200-class GPU; none is here"
    return f"measured now on this {device.type}"


def _bytes(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB" if count < 2**30 else f"{count / 2**30:,.1f} GiB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
