"""The preset `certified-ablation-cpu` as a table: one trained network a row, its certificates, its CPU time.

`python -m benchmarks.certified_ablation --output reports/certificates/ablation.md`. Rows and trainings in progress are
kept in a folder, so that an interrupted command goes on where it stopped.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from natrob_empirical import certified_accuracy
from natrob_empirical.benchmarks import PresetModel, preset_named
from natrob_empirical.benchmarks.cells import subset_of
from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.benchmarks.trained_models import TrainedModels
from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.files.atomic_file import write_atomically

RADII = (0.5, 1.58)
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network.

    Attributes:
        label: of the network, which says what is changed.
        parameters: how many are trained.
        clean: the share of correct labels.
        certified: lower bounds of the robust accuracy at `RADII`.
        cpu_seconds: of training, by the process's clock; of the last part of an interrupted training only.
    """

    label: str
    parameters: int
    clean: float
    certified: tuple[float, ...]
    cpu_seconds: float


def measured_row(model: PresetModel, models: TrainedModels, test: Dataset) -> Row:
    """Train the model and certify every test image."""
    start = time.process_time()
    classifier, _ = models.get(model, SEED)
    spent = time.process_time() - start
    found = certified_accuracy(classifier, test.to_images(test.test_x), test.test_y, RADII)
    return Row(
        label=model.specification.label,
        parameters=sum(parameter.numel() for parameter in classifier.parameters()),
        clean=found.clean_accuracy,
        certified=found.accuracies,
        cpu_seconds=spent,
    )


def rows_of(name: str, dataset: Dataset, folder: Path, *, kept_only: bool = False) -> list[Row]:
    """Every row of the preset, read where the folder has it; `kept_only` leaves out those that it has not."""
    preset = preset_named(name)
    used = subset_of(preset, dataset)
    models = TrainedModels(used, folder, torch.device("cpu"))
    rows = []
    for model in preset.models:
        path = models.path_of(model, SEED).with_suffix(".row.json")
        if not path.exists():
            if kept_only:
                continue
            row = measured_row(model, models, used)
            write_atomically(path, json.dumps(asdict(row)).encode())
            print(line(row), flush=True)
        content = json.loads(path.read_text(encoding="utf-8"))
        rows.append(Row(**content | {"certified": tuple(content["certified"])}))
    return rows


def line(row: Row) -> str:
    """The row in Markdown."""
    shares = " | ".join(f"{100 * share:.2f}" for share in (row.clean, *row.certified))
    return f"| {row.label} | {row.parameters / 1e6:.2f} | {shares} | {row.cpu_seconds:.0f} |"


def page(name: str, dataset: Dataset, rows: Sequence[Row]) -> str:
    """The whole page, as Markdown."""
    preset, here = preset_named(name), current_environment(torch.device("cpu"))
    used = subset_of(preset, dataset)
    missing = len(preset.models) - len(rows)
    untrained = f" {missing} of the preset's networks are not trained yet." if missing else ""
    return "\n".join(
        [
            "# What helps a gradient flow's certificates",
            "",
            f"Preset `{name}`: {len(used.train_x)} training images and {len(used.test_x)} test images of {used.title}, "
            f"seed {SEED}. Certified shares are lower bounds of the robust accuracy in L2.{untrained}",
            "",
            f"Hardware: {here.hardware}, {here.threads} threads. natrob {here.natrob}, torch {here.torch}, "
            f"Python {here.python}; commit {here.commit}, {here.created}.",
            "",
            "| network | million parameters | clean, % | "
            + " | ".join(f"certified at {radius}, %" for radius in RADII)
            + " | CPU seconds of training |",
            "|---|---:|---:|" + "---:|" * len(RADII) + "---:|",
            *map(line, rows),
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.certified_ablation", description=__doc__)
    parser.add_argument("--preset", default="certified-ablation-cpu", help="whose models are the rows")
    parser.add_argument("--rows", type=Path, default=Path("output/ablation"), help="where rows and models are kept")
    parser.add_argument("--kept-only", action="store_true", help="train nothing: only the rows that are kept")
    parser.add_argument("--output", type=Path, help="also write the page here")
    chosen = parser.parse_args(arguments)
    dataset = load_dataset(preset_named(chosen.preset).dataset)
    rows = rows_of(chosen.preset, dataset, chosen.rows, kept_only=chosen.kept_only)
    text = page(chosen.preset, dataset, rows)
    print(text)
    if chosen.output is not None:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
