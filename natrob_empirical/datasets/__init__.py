"""Data sets as uint8 tensors: the bundled digits, three of torchvision's, and the user's own arrays."""

from .data_root import DatasetUnavailableError as DatasetUnavailableError
from .data_root import resolve_data_root as resolve_data_root
from .dataset import Dataset as Dataset
from .registry import DatasetInfo as DatasetInfo
from .registry import known_datasets as known_datasets
from .registry import load_dataset as load_dataset
from .registry import require_dataset_name as require_dataset_name

__all__ = [
    "Dataset",
    "DatasetInfo",
    "DatasetUnavailableError",
    "known_datasets",
    "load_dataset",
    "require_dataset_name",
    "resolve_data_root",
]
