"""Rounding bounds of layers and networks, against float32 runs compared with float64 ones."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    Anderson,
    BackwardEulerNet,
    DissipativeField,
    EulerNet,
    FractalNet,
    GradientFlowField,
    HeunNet,
    LayerRefusedError,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    SkewSymmetricField,
    SumField,
    convolutional_field,
    dense_field,
    step_structures,
)
from natrob_theory.bounds.evaluation_error.network_rules import evaluated_states, solver_residual
from natrob_theory.layers.questions import layer_error
from natrob_theory.layers.statements import Evaluated
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.tableaus import DOPRI5

UNIT = 2.0**-24
IMAGE = (2, 4, 4)


def exact_input() -> Evaluated:
    return Evaluated(torch.tensor([1.0, 0.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64))


def at(bound: Tensor, norms: Tensor) -> Tensor:
    return float(bound[0]) * norms + float(bound[1])


NETS: dict[str, Callable[[], nn.Module]] = {
    "euler": lambda: EulerNet([dense_field(8, 12) for _ in range(3)], 0.3),
    "flow": lambda: EulerNet([GradientFlowField.dense(8, 12) for _ in range(3)], 0.5),
    "sum": lambda: EulerNet(
        DissipativeField(SumField([GradientFlowField.dense(8, 5), SkewSymmetricField.dense(8)]), 0.5), 0.2, 4
    ),
    "heun": lambda: HeunNet(dense_field(8, 12), 0.3, 3),
    "dopri5": lambda: RungeKuttaNet(dense_field(8, 12), 0.3, 2, tableau=DOPRI5),
    "polynet": lambda: PolyNet(dense_field(8, 12), 0.3, 2),
    "fractalnet": lambda: FractalNet(dense_field(8, 12), 1.0, 2),
    "revnet": lambda: RevNet((dense_field(4, 6), dense_field(4, 6)), 0.3, 3),
    "backward Euler": lambda: BackwardEulerNet([GradientFlowField.dense(8, 12) for _ in range(2)], 1.0),
    "Anderson": lambda: BackwardEulerNet(GradientFlowField.dense(8, 12), 0.2, 2, solver=Anderson()),
}


@pytest.mark.parametrize("name", list(NETS))
@given(seed=st.integers(0, 4))
def test_networks_in_float32_stay_within_their_bound(name: str, seed: int) -> None:
    """Few networks with many states each: an implicit solve takes as long for one state as for all."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = NETS[name]().requires_grad_(False)
        y0 = torch.randn(30, 8)
    rounded = net(y0).double()
    net = net.double()
    reference = net(y0.double())
    structure = step_structures(net, input_shape=(8,))  # type: ignore[arg-type]
    residual = solver_residual(net.stepper, torch.float32)  # type: ignore[union-attr]
    *_, value = evaluated_states(
        net,  # type: ignore[arg-type]
        (8,),
        exact_input(),
        UNIT,
        structure=structure,
        relative_residual=residual,
    )
    errors, bound = per_sample_l2(rounded - reference), at(value.error, per_sample_l2(y0))
    assert bool((errors <= bound).all())
    assert bool((per_sample_l2(reference) <= at(value.norm, per_sample_l2(y0)) * (1.0 + 1e-9)).all())


def test_a_contractive_network_adds_errors_and_multiplies_none() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fields = [GradientFlowField.dense(8, 12) for _ in range(40)]
    for field in fields:
        field.linear_map.weight.data /= torch.linalg.matrix_norm(field.linear_map.weight, ord=2)
    net = EulerNet(fields, 1.9).double()
    structure = step_structures(net, input_shape=(8,))
    ends = list(evaluated_states(net, (8,), exact_input(), UNIT, structure=structure, relative_residual=0.0))
    assert float(ends[-1].error[0]) < 80 * float(ends[1].error[0])  # from K alone it would be about 2.9⁴⁰ times


def test_one_step_of_a_convolutional_field_is_bounded_by_its_layers() -> None:
    field = convolutional_field(2, 3).double()
    own = layer_error(field, IMAGE, torch.tensor([1.0, 0.0], dtype=torch.float64), UNIT)
    larger = layer_error(field, IMAGE, torch.tensor([2.0, 0.0], dtype=torch.float64), UNIT)
    assert float(larger[0]) == pytest.approx(2 * float(own[0]))
    assert float(own[0]) < 1e-4


def test_layers_without_a_rule_are_taken_as_one_dense_layer_of_their_size() -> None:
    class Mine(nn.Linear):
        """A layer with a Lipschitz rule of its base, and no rule for its rounding."""

    own = layer_error(Mine(4, 4).double(), (4,), torch.tensor([1.0, 0.0], dtype=torch.float64), UNIT)
    assert float(own[0]) > 0.0  # a subclass that computes as its base has its base's rule
    unknown = nn.Softshrink()
    with pytest.raises(LayerRefusedError, match="Softshrink"):
        layer_error(unknown, (4,), torch.tensor([1.0, 0.0], dtype=torch.float64), UNIT)


def test_solvers_that_warn_are_refused() -> None:
    with pytest.raises(LayerRefusedError, match="lets failed solves pass"):
        solver_residual(BackwardEulerNet(dense_field(4, 4), 0.1, 1, on_failure="warn").stepper, torch.float64)
