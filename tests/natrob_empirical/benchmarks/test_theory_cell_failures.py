"""Solves that fail and bounds that overflow: a word in the record, never a crash."""

import math

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.benchmarks.classifier_theory import TheoryRefusedError, theory_of
from natrob_empirical.benchmarks.presets import Budget
from natrob_empirical.benchmarks.theory_cell import TrainedClassifier, measure_theory
from natrob_empirical.benchmarks.theory_pairs import rows_that_run
from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import Number, TheoryRefusal, TheoryResult
from natrob_theory import AutonomousField, EulerNet, IntegrationError, NeuralODE, SolveStatus

NUMBER = Number(value=0.5, kind="measured", n=1, source="a test")


class Rotation(nn.Module):
    """dy/dt = rate·(y_2, −y_1) on two channels: K = rate, and the flow keeps distances."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.linear = nn.Conv2d(2, 2, 1, bias=False)
        self.linear.weight.data = rate * torch.tensor([[0.0, 1.0], [-1.0, 0.0]])[:, :, None, None]

    def forward(self, _t: Tensor, y: Tensor) -> Tensor:
        return self.linear(y)


def neural_ode_classifier(end_time: float, *, rate: float, max_num_steps: int = 10_000) -> IntegratorClassifier:
    specification = ModelSpecification(label="ode", network="neural_ode", channels=2, hidden=2)
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    assert isinstance(model, IntegratorClassifier)
    field = AutonomousField(Rotation(rate).linear)
    model.trunk = NeuralODE(field, end_time, rtol=1e-2, atol=1e-2, max_num_steps=max_num_steps)
    return model.eval()


def cell_of(model: IntegratorClassifier, images: Tensor, labels: Tensor) -> TheoryResult | TheoryRefusal:
    trained = TrainedClassifier(
        classifier=model, train_accuracy=NUMBER, clean_accuracy=NUMBER, training_seconds=1.0
    )  # fmt: skip
    budgets = [Budget(norm="L2", epsilon=0.1)]
    return measure_theory(trained, images, labels, pairs=4, budgets=budgets, streams=RandomStreams(0))


@pytest.mark.slow
def test_bounds_that_overflow_are_infinite_in_the_record(digit_images: tuple[Tensor, Tensor]) -> None:
    end_time = 500.0
    model = neural_ode_classifier(end_time, rate=750.0 / end_time)  # e^{KT} = e^750 overflows
    result = cell_of(model, digit_images[0][:2], digit_images[1][:2])
    assert isinstance(result, TheoryResult)
    assert math.isinf(result.exponential_bound.value)
    assert math.isinf(result.growth_bound.value)
    assert result.measured_growth_largest.value < 1e6  # the flow itself is a rotation
    assert [check.violations for check in result.bound_checks] == [0, 0, 0]
    assert result.vacuity[0].vacuous
    assert TheoryResult.model_validate_json(result.model_dump_json()) == result
    assert result.evaluations_per_sample is not None
    assert result.grid is not None
    assert result.grid.kind == "adaptive"
    assert result.grid.steps_smallest * result.grid.step_size_largest >= 0.999 * end_time
    # six evaluations a trial step and two to begin with: dopri5 hands its last stage on
    assert result.evaluations_per_sample.smallest >= 6 * result.grid.steps_smallest
    assert "max_step_size" in result.certificate_refusal


def test_a_solver_that_gives_up_is_refused_with_its_advice(digit_images: tuple[Tensor, Tensor]) -> None:
    model = neural_ode_classifier(100.0, rate=10.0, max_num_steps=5)
    result = cell_of(model, digit_images[0][:6], digit_images[1][:6])
    assert isinstance(result, TheoryRefusal)
    assert "`max_num_steps` trial steps were not enough" in result.reason
    assert result.clean_accuracy == NUMBER


def test_images_whose_solve_fails_are_left_out_and_named(digit_images: tuple[Tensor, Tensor]) -> None:
    model = neural_ode_classifier(1.0, rate=60.0, max_num_steps=6)
    assert isinstance(model.stem.bias, Tensor)
    model.stem.bias.data.zero_()
    images = digit_images[0][:6].clone()
    images[[1, 4]] *= 1e-4  # so small that the absolute tolerance lets the whole span pass in a few steps
    result = cell_of(model, images, digit_images[1][:6])
    text = result.reason if isinstance(result, TheoryRefusal) else result.left_out
    assert "`max_num_steps` trial steps were not enough" in text


def test_a_network_that_overflows_is_refused(digit_images: tuple[Tensor, Tensor]) -> None:
    model = neural_ode_classifier(1.0, rate=1.0)
    model.trunk = EulerNet(AutonomousField(Rotation(1e200).linear), 1.0, 3)
    result = cell_of(model, digit_images[0][:4], digit_images[1][:4])
    assert isinstance(result, TheoryRefusal)
    assert "growth overflows" in result.reason


def test_rows_are_told_apart_by_the_solvers_status() -> None:
    calls = []

    def run(rows: Tensor) -> None:
        calls.append(rows.tolist())
        status = [SolveStatus.TOO_MANY_STEPS if row in (1, 3) else SolveStatus.REACHED_END for row in rows.tolist()]
        if SolveStatus.TOO_MANY_STEPS in status:
            raise IntegrationError("too many steps", status=status)

    rows, reasons = rows_that_run(run, torch.arange(5))
    assert (rows.tolist(), reasons) == ([0, 2, 4], ["too many steps"])
    assert calls == [[0, 1, 2, 3, 4], [0, 2, 4]]


def test_rows_are_tried_one_by_one_where_nobody_says_which_failed() -> None:
    def run(rows: Tensor) -> None:
        if 2 in rows.tolist():
            raise OverflowError("too large")

    rows, reasons = rows_that_run(run, torch.arange(4))
    assert (rows.tolist(), reasons) == ([0, 1, 3], ["too large"])


def test_an_unknown_class_of_classifier_is_refused_by_name() -> None:
    with pytest.raises(TheoryRefusedError, match="Linear"):
        theory_of(nn.Linear(1, 1), (1, 8, 8))
