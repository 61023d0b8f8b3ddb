"""The reader against the file, and the file against a few numbers read off the paper."""

import subprocess
import sys

import pytest

from natrob_empirical import paper
from natrob_empirical.paper import DATASETS, DatasetName, clean_accuracies, table_1, table_2, table_a1


def test_table_1_has_its_32_numbers() -> None:
    entries = [entry for dataset in DATASETS for entry in table_1(dataset)]
    assert len({(e.dataset, e.model, e.attack, e.epsilon) for e in entries}) == len(entries) == 32
    row = [e for e in table_1("mnist") if (e.model, e.attack) == ("Neural ODE", "PGD")]
    assert [e.accuracy for e in row] == [0.9362, 0.9055, 0.8464, 0.7523]
    assert [e.epsilon for e in row] == [0.2, 0.3, 0.4, 0.5]
    assert {(e.steps, e.step_size, e.norm) for e in row} == {(40, 0.01, "Linf")}
    assert sum(e.accuracy for e in entries if (e.network, e.attack) == ("resnet50", "PGD")) == 0


@pytest.mark.parametrize("dataset", DATASETS)
def test_fgsm_is_one_step_of_the_radius_in_a_norm_not_stated(dataset: DatasetName) -> None:
    row = [entry for entry in table_1(dataset) if entry.attack == "FGSM"]
    assert all((entry.steps, entry.step_size, entry.norm) == (1, entry.epsilon, None) for entry in row)


def test_radii_in_255ths_are_numbers_and_as_printed() -> None:
    row = [e for e in table_1("cifar10") if (e.model, e.attack) == ("Neural ODE", "FGSM")]
    assert [(e.epsilon, e.epsilon_printed) for e in row] == [
        (8 / 255, "8/255"),
        (12 / 255, "12/255"),
        (16 / 255, "16/255"),
        (20 / 255, "20/255"),
    ]
    assert [e.accuracy for e in row] == [0.607, 0.6065, 0.6067, 0.6067]


def test_table_2_has_four_rows_under_one_attack() -> None:
    assert [(e.model, e.training, e.accuracy) for e in table_2()] == [
        ("PreAct-Res18", "PGD-10", 0.4161),
        ("PreAct-Res18", "TRADES-10", 0.445),
        ("PreAct-Res18", "YOPO-5-3", 0.4472),
        ("Neural ODE", "none", 0.5906),
    ]
    assert {(e.attack, e.epsilon, e.steps, e.step_size, e.norm) for e in table_2()} == {
        ("PGD-20", 8 / 255, 20, None, None)
    }


def test_a_model_that_stands_twice_has_one_clean_accuracy() -> None:
    found = clean_accuracies()
    assert [e.accuracy for e in found] == [0.9933, 0.9905, 0.896, 0.6994, 0.8482, 0.8614, 0.8399, 0.6994]
    assert {(e.attack, e.epsilon) for e in found} == {("", 0.0)}
    assert [e.place for e in found if e.accuracy == 0.6994] == ["section 4.2", "Table 2, section 4.2.3"]


def test_table_a1_is_of_two_neural_odes() -> None:
    mnist, cifar10 = table_a1("mnist"), table_a1("cifar10")
    assert (mnist.channels, mnist.convolution_layers, mnist.stop_time, mnist.learning_rate) == (128, 4, 100, 1e-3)
    assert (cifar10.channels, cifar10.convolution_layers, cifar10.stop_time, cifar10.epochs) == (256, 5, 500, 200)


@pytest.mark.parametrize("room", ["paper", "statistics.bootstrap", "statistics.paired_comparison"])
def test_the_low_rooms_come_without_torch(room: str) -> None:
    code = f"import sys, natrob_empirical.{room}; print('torch' in sys.modules)"
    root = str(next(iter(paper.__path__)).removesuffix("/natrob_empirical/paper"))
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": root}, capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]
