"""What every test shares: run-time shape checks, Hypothesis profiles, seeds, one thread a worker, visible skips."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from hypothesis import register_random, settings
from run_time_types import check_annotations
from seeding import TorchGenerator, seed_global_generators

# Before either package is imported: from here on every annotated shape and type is checked when a function runs.
check_annotations(["natrob_theory", "natrob_empirical"])

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=25, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("long", max_examples=150, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

_TORCH_GENERATOR = TorchGenerator()
register_random(_TORCH_GENERATOR)

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_random_numbers(request: pytest.FixtureRequest) -> None:
    """Draws every test's global random numbers from its own name."""
    _TORCH_GENERATOR.test = request.node.nodeid
    seed_global_generators(request.node.nodeid)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Switch the run-time type checks off, to see the library's own message for a value of the wrong type."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[None]:
    """Draws a fixture of a wider scope from its own name, whichever test asks for it first."""
    if request.scope != "function":
        parameter = getattr(request, "param_index", 0)
        seed_global_generators(f"{fixturedef.baseid}::{fixturedef.argname}[{parameter}]")
    return (yield)


def _mnist_is_there() -> bool:
    root = os.environ.get("NATROB_DATA")
    if not root:
        return False
    images = Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte"
    return images.is_file() or images.with_name(images.name + ".gz").is_file()


def chromium_path() -> str | None:
    """The browser that tests of the site run in."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path, for tests that are marked `browser`."""
    path = chromium_path()
    assert path is not None, "no Chromium on the PATH: tests/install_chromium"
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with a reason in the summary, what needs a GPU, MNIST or a browser that this machine has not."""
    needs = {
        "gpu": (torch.cuda.is_available(), "no CUDA device: torch.cuda.is_available() is False"),
        "mnist": (_mnist_is_there(), "no MNIST/raw/train-images-idx3-ubyte[.gz] under NATROB_DATA"),
        # Continuous integration has a browser: there a missing one is an error of the test that asks for it.
        "browser": (chromium_path() or os.environ.get("CI"), "no Chromium on the PATH: tests/install_chromium"),
    }
    for item in items:
        for marker, (available, reason) in needs.items():
            if not available and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
