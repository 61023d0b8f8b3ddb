"""The known entries of Table 1 of "Towards Natural Robustness Against Adversarial Examples"."""

from typing import Final

from .published_table import PublishedAccuracy

MNIST_TEST_IMAGES: Final = 10_000
MNIST_LARGEST_CLASS_SHARE: Final = 1135 / 10_000
"""The digit 1 in MNIST's test images."""

_SOURCE: Final = "Table 1; theory, section 2"

PAPER_TABLE_1: Final = (
    PublishedAccuracy(
        model="Neural ODE", attack="FGSM", epsilon=0.5, accuracy=0.9748, steps=1, step_size=0.5, source=_SOURCE
    ),
    PublishedAccuracy(
        model="Neural ODE", attack="PGD", epsilon=0.5, accuracy=0.7523, steps=40, step_size=0.01, source=_SOURCE
    ),
)
"""The two entries at L∞ ε = 0.5 on MNIST, and no others: the rest of the FGSM row is not at hand, so its flatness
cannot be judged from here. `diagnose_table` takes the whole row from whoever has the paper."""
