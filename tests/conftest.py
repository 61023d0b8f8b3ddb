"""What every test shares: run-time shape checks, Hypothesis profiles, one thread a worker, visible skips."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from jaxtyping import install_import_hook

# Before either package is imported: from here on every annotated shape and type is checked when a function runs.
install_import_hook(["natrob_theory", "natrob_empirical"], "beartype.beartype")

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=150, deadline=None, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)


def _mnist_is_there() -> bool:
    root = os.environ.get("NATROB_DATA")
    if not root:
        return False
    images = Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte"
    return images.is_file() or images.with_name(images.name + ".gz").is_file()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with a reason in the summary, what needs a GPU or MNIST that this machine has not."""
    needs = {
        "gpu": (torch.cuda.is_available(), "no CUDA device: torch.cuda.is_available() is False"),
        "mnist": (_mnist_is_there(), "no MNIST/raw/train-images-idx3-ubyte[.gz] under NATROB_DATA"),
    }
    for item in items:
        for marker, (available, reason) in needs.items():
            if not available and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
