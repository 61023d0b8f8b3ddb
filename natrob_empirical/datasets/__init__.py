"""Data sets as uint8 tensors: the bundled digits, three of torchvision's, and the user's own arrays."""

from typing import TYPE_CHECKING

from natrob_empirical.names.lazy_names import lazy_names

from .data_root import DatasetUnavailableError as DatasetUnavailableError
from .data_root import resolve_data_root as resolve_data_root
from .registry import DatasetInfo as DatasetInfo
from .registry import known_datasets as known_datasets
from .registry import require_dataset_name as require_dataset_name

if TYPE_CHECKING:
    from .dataset import Dataset as Dataset
    from .loading import dataset_info as dataset_info
    from .loading import load_dataset as load_dataset
else:
    __getattr__, __dir__ = lazy_names(__name__)
