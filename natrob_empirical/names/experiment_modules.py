"""The figures and tables that there are presets of, as plain data: help lists them, and must come without torch."""

from types import MappingProxyType
from typing import Final

EXPERIMENT_MODULES: Final = MappingProxyType(
    {
        "fig1": "figure1",
        "table1": "table1",
        "table1-cifar10": "table1",
        "fig2": "figure2",
        "fig2-cifar10": "figure2",
        "fig3": "figure3",
        "fig3-cifar10": "figure3",
        "table2": "table2",
        "skips": "skips",
        "certified": "certified",
        "certified-digits": "certified",
        "certified-long": "certified_training",
        "certified-cifar10": "certified_training",
        "certified-ablation": "certified_training",
        "certified-ode": "certified_neural_ode",
        "certified-linf": "certified_linf",
        "certified-ode-linf": "certified_ode_linf",
    }
)
"""Experiment → the module of `natrob_empirical.benchmarks.presets` that holds its presets, "EXPERIMENT-SCALE" each."""
