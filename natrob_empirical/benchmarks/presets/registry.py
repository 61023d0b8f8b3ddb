"""The presets by name."""

from typing import Final

from natrob_empirical.benchmarks.presets.certified import CERTIFIED
from natrob_empirical.benchmarks.presets.figure1 import FIGURE_1
from natrob_empirical.benchmarks.presets.figure2 import FIGURE_2
from natrob_empirical.benchmarks.presets.figure3 import FIGURE_3
from natrob_empirical.benchmarks.presets.overview import CPU, QUICK
from natrob_empirical.benchmarks.presets.preset import Preset
from natrob_empirical.benchmarks.presets.skips import SKIPS
from natrob_empirical.benchmarks.presets.table1 import TABLE_1
from natrob_empirical.benchmarks.presets.table2 import TABLE_2
from natrob_empirical.names.near_names import unknown_name

PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (QUICK, CPU, *FIGURE_1, *TABLE_1, *FIGURE_2, *FIGURE_3, *TABLE_2, *SKIPS, *CERTIFIED)
}
EXPERIMENTS: Final = tuple(dict.fromkeys(name.rpartition("-")[0] for name in PRESETS if "-" in name))
"""The figures and tables that there are presets of."""


def preset_named(name: str, experiment: str | None = None) -> Preset:
    """The preset of this name, of a figure or table of the paper if one is named.

    Raises:
        ValueError: there is none; near names are offered.
    """
    full = name if experiment is None else f"{experiment}-{name}"
    if full not in PRESETS:
        raise unknown_name("preset", full, PRESETS)
    return PRESETS[full]
