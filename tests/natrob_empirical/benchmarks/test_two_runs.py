"""Two runs into one place: the second ends with a message, readers are let in, and a killed run bars nobody."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from test_attack_run import run_of
from test_runner import CPU, run, tiny_preset
from torch import Tensor, nn

from natrob_empirical.benchmarks import TrainedModels, run_attack, run_preset
from natrob_empirical.datasets import Dataset
from natrob_empirical.files.sole_writer import InUseError, lock_of_file, sole_writer
from natrob_empirical.records import RecordStore

RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_runner import CPU, tiny_preset
from natrob_empirical.benchmarks import run_preset
from natrob_empirical.datasets import load_dataset

def show(event):
    if event.kind == "cell" and event.done > 1:
        print(event.done, flush=True)
        sys.stdin.readline()

run_preset(tiny_preset("euler"), load_dataset("digits"), Path(sys.argv[2]), device=CPU, on_event=show)
"""


@contextmanager
def a_run_in_another_process(output: Path) -> Iterator[subprocess.Popen[str]]:
    """A benchmark that waits after its first cell with a model; it is killed at the end."""
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, here, str(output)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "2\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_second_benchmark_ends_with_a_message_and_goes_on_when_the_first_was_killed(
    digits: Dataset, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    with a_run_in_another_process(output) as process:
        with pytest.raises(InUseError, match=f"the output folder {output} is in use: .*process {process.pid} on"):
            run_preset(tiny_preset("euler"), digits, output, device=CPU)
        assert len(RecordStore(output / "records").read_all()) == 2
        run(tiny_preset("euler"), digits, tmp_path / "another")
    store, events = run(tiny_preset("euler"), digits, output)
    assert [event.found for event in events] == [True, True, False, False, False]
    assert len(store.read_all()) == 5
    assert not list(output.rglob(".*"))


def test_a_model_that_another_run_trains_is_named(digits: Dataset, tmp_path: Path) -> None:
    models = TrainedModels(digits.subset(train=64, test=8), tmp_path, CPU)
    first, second = tiny_preset("euler", "heun").models
    state = models.path_of(first, 0).with_suffix(".training")
    with sole_writer(lock_of_file(state), what="it"):
        with pytest.raises(InUseError, match=f"the training state {state} is in use"):
            models.get(first, 0)
        models.get(second, 0)  # another model in the same folder
    models.get(first, 0)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pt", ".pt"]


def test_an_attack_that_another_run_makes_is_named(
    digits_net: nn.Module, digit_images: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    attack = run_of(digits_net, digit_images)
    path = RecordStore(tmp_path / "records").path_of(attack.key, attack.settings)
    with sole_writer(lock_of_file(path), what="it"), pytest.raises(InUseError, match=r"the record .* is in use"):
        run_attack(attack, tmp_path)
    run_attack(attack, tmp_path)
    assert torch.is_grad_enabled()
