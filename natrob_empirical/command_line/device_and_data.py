"""The device and the data set that options name."""

import re
from pathlib import Path

import torch

from natrob_empirical.datasets import Dataset, DatasetInfo, dataset_info, load_dataset, require_dataset_name
from natrob_empirical.names.near_names import near_names


def device_named(text: str) -> torch.device:
    """The device of this name. Raises ValueError for another name, or if there is none here."""
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,4})?", text):
        raise ValueError(f"`--device` must be cpu, cuda or cuda:N, got {text!r}{near_names(text, ('cpu', 'cuda'))}")
    device = torch.device(text)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"`--device` {text} is not here: torch sees {torch.cuda.device_count()} CUDA devices")
    return device


def dataset_named(text: str, data_root: Path | None) -> Dataset:
    """The data set of this name or file. Raises as `load_dataset`; an unknown name is one of `--data`."""
    return load_dataset(require_dataset_name(text, argument="--data"), data_root=data_root)


def info_named(text: str, data_root: Path | None) -> DatasetInfo:
    """The facts about that data set that need no reading of its files. Raises as `dataset_info`."""
    return dataset_info(require_dataset_name(text, argument="--data"), data_root=data_root)
