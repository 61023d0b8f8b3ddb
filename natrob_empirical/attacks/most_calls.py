"""How much of a model an attack uses at most."""

from typing import NamedTuple


class MostCalls(NamedTuple):
    """Upper bounds of what an attack spends on one image.

    Attributes:
        queries: forward passes, the first look at the image and the final verdict included.
        gradient_calls: gradients, each with a forward pass in `queries`.
    """

    queries: int
    gradient_calls: int
