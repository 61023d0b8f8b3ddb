"""The presets by name."""

from typing import Final

from natrob_empirical.benchmarks.presets.overview import CPU, QUICK
from natrob_empirical.benchmarks.presets.preset import Preset
from natrob_empirical.near_names import unknown_name

PRESETS: Final[dict[str, Preset]] = {preset.name: preset for preset in (QUICK, CPU)}


def preset_named(name: str, experiment: str | None = None) -> Preset:
    """The preset of this name, of a figure or table of the paper if one is named.

    Raises:
        ValueError: there is none; near names are offered.
    """
    full = name if experiment is None else f"{experiment}-{name}"
    if full not in PRESETS:
        raise unknown_name("preset", full, PRESETS)
    return PRESETS[full]
