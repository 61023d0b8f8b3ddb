"""`natrob datasets`: which data sets there are, and whether their files are here."""

from rich.table import Table

from natrob_empirical.command_line.console import console, errors_in_one_line
from natrob_empirical.command_line.options import DataRootOption
from natrob_empirical.datasets import known_datasets, resolve_data_root


def datasets(data_root: DataRootOption = None) -> None:
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
        console.print(f"data root: {resolve_data_root(data_root)}", highlight=False)
        console.print("your own: --data file.npz with uint8 train_x, test_x and integer train_y, test_y")
