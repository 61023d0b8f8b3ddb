"""The cells of a preset, run for `natrob bench` and `natrob report`."""

import time
from collections.abc import Callable

from natrob_empirical.benchmarks import Preset, RunEvent, preset_named, run_preset
from natrob_empirical.command_line.bench_request import BenchRequest
from natrob_empirical.command_line.device_and_data import dataset_named, device_named
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
        return run_preset(preset, dataset, asked.folder, device=device, models=asked.models, on_event=show)
