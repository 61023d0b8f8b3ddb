"""`natrob datasets`: which data sets there are, and whether their files are here."""

from rich.table import Table

from natrob_empirical.command_line import options
from natrob_empirical.command_line.console import console, errors_in_one_line
from natrob_empirical.datasets import known_datasets, resolve_data_root


def datasets(data_root: options.DataRootOption = None) -> None:
    """List the data sets, and whether their files are here.

    Example: `natrob datasets --data-root ~/datasets`
    """
    with errors_in_one_line():
        table = Table("name", "title", "images", "classes", "from", "here")
        for info in known_datasets(data_root=data_root):
            shape = "×".join(map(str, info.image_shape))
            here = "yes" if info.present else "no"
            table.add_row(info.name, info.title, shape, str(info.num_classes), info.origin, here)
        console.print(table)
        console.print(f"data root: {resolve_data_root(data_root)}")
        console.print(
            "your own: --data file.npz with the arrays test_x and test_y, and to train on train_x and train_y.\n"
            "images: uint8, 255 being white, or floats in [0, 1], which are used as they are; of shape (N, H, W), "
            "(N, C, H, W)\nor (N, H, W, C), 1 to 4 channels; where the shape does not tell, save layout='NCHW' or "
            "layout='NHWC' too.\nlabels: integers of shape (N,), from 0 up",
            markup=False,
            soft_wrap=True,
        )
