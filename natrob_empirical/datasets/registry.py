"""Which data sets there are, without reading any."""

import os
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.names.near_names import near_names

from .catalogue import CATALOGUE
from .data_root import resolve_data_root

_NAMES: Final = tuple(entry.name for entry in CATALOGUE)


@final
@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """What is known of a data set without reading it.

    Attributes:
        name: what `load_dataset` takes.
        title: the name to print.
        image_shape: (channels, height, width).
        num_classes, train_size, test_size: the numbers of classes, training and test images.
        origin: where the data comes from.
        present: whether all its files are there, so that loading needs no download.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    num_classes: int
    train_size: int
    test_size: int
    origin: str
    present: bool

    def require_training_images(self) -> None:
        """Raise ValueError if there are none, as with a user's file of test arrays alone."""
        require_training_images(self.name, self.train_size)


def known_datasets(*, data_root: str | os.PathLike[str] | None = None) -> tuple[DatasetInfo, ...]:
    """Every data set that has a name, and whether its files are under the data root. Reads no data."""
    root = resolve_data_root(data_root)
    return tuple(
        DatasetInfo(
            name=entry.name,
            title=entry.title,
            image_shape=entry.image_shape,
            num_classes=entry.num_classes,
            train_size=entry.train_size,
            test_size=entry.test_size,
            origin=entry.origin,
            present=entry.present(root),
        )
        for entry in CATALOGUE
    )


def require_dataset_name(name_or_path: str | os.PathLike[str], *, argument: str = "name_or_path") -> str:
    """The text. Raises ValueError, naming the argument, unless it is a known name or ends in .npz."""
    text = os.fspath(name_or_path)
    if text in _NAMES or text.lower().endswith(".npz"):
        return text
    raise ValueError(
        f"`{argument}` must be one of {', '.join(_NAMES)}, or the path of a .npz file, got {text!r}"
        f"{near_names(text, _NAMES)}"
    )


def require_training_images(name: str, count: int) -> None:
    """Raise ValueError, naming the data set, if it has none."""
    if count == 0:
        raise ValueError(
            f"{name} must hold train_x and train_y to train on; it has test images only, with which a model can be "
            f"attacked, diagnosed and certified"
        )
