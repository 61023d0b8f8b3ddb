"""The folder data sets are kept in, and the error for one that cannot be had."""

import os
from pathlib import Path
from typing import final

import platformdirs


@final
class DatasetUnavailableError(RuntimeError):
    """A data set is not under the data root, or not readable there, and could not be downloaded either."""


def resolve_data_root(data_root: str | os.PathLike[str] | None = None) -> Path:
    """The argument, else the environment variable NATROB_DATA, else natrob's folder in the user's cache."""
    if data_root is not None:
        return Path(data_root).expanduser()
    from_environment = os.environ.get("NATROB_DATA")
    if from_environment:
        return Path(from_environment).expanduser()
    return Path(platformdirs.user_cache_dir("natrob"))
