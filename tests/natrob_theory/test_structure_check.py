"""The structure that a field's class states, against its Jacobian."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_theory import (
    DissipativeField,
    GradientFlowField,
    HamiltonianField,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    StructureError,
    SumField,
    dense_field,
    require_structure,
)
from natrob_theory.structure_check import check_structure

HONEST: dict[str, Callable[[], nn.Module]] = {
    "flow": lambda: GradientFlowField.dense(6, 9),
    "flow, tanh": lambda: GradientFlowField.dense(6, 9, activation=nn.Tanh),
    "skew": lambda: SkewSymmetricField.dense(6),
    "sum": lambda: SumField([GradientFlowField.dense(6, 4), SkewSymmetricField.dense(6)]),
    "dissipative": lambda: DissipativeField(ScaledField(GradientFlowField.dense(6, 4), 3.0), 0.5),
    "convolutional": lambda: GradientFlowField.convolutional(2, 3),
}


def points_for(name: str, dtype: torch.dtype = torch.float64) -> Tensor:
    shape = (3, 2, 4, 4) if name == "convolutional" else (3, 6)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", list(HONEST))
def test_honest_fields_pass(name: str, dtype: torch.dtype) -> None:
    field = HONEST[name]().to(dtype)
    found = check_structure(field, points_for(name, dtype), generator=torch.Generator().manual_seed(1))
    assert found
    assert all(one.holds for one in found)
    require_structure(field, points_for(name, dtype), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("field", [dense_field(6, 4), LinearField(torch.eye(6)), HamiltonianField.dense(3, 4)])
def test_fields_whose_constants_come_from_their_weights_state_nothing(field: nn.Module) -> None:
    assert check_structure(field, points_for("").float(), generator=torch.Generator()) == []


def untied(time: Tensor, state: Tensor) -> Tensor:
    del time
    turned = torch.randn(6, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return state @ turned


@pytest.mark.parametrize(
    ("field", "statement"),
    [
        (GradientFlowField.dense(6, 9), "symmetric"),
        (SkewSymmetricField.dense(6), "skew-symmetric"),
        (SumField([SkewSymmetricField.dense(6), GradientFlowField.dense(6, 4)]), "skew-symmetric"),
    ],
)
def test_a_field_that_computes_something_else_is_found_out(field: nn.Module, statement: str) -> None:
    field = field.double()
    altered = field.fields[0] if isinstance(field, SumField) else field
    altered.forward = untied  # type: ignore[method-assign, union-attr]
    with pytest.raises(StructureError, match=f"{type(altered).__name__} states that its Jacobian is {statement}") as e:
        require_structure(field, points_for(""), generator=torch.Generator())
    assert "departs from that by" in str(e.value)


def test_a_growing_direction_in_a_symmetric_field_is_found_by_lanczos() -> None:
    field = GradientFlowField.dense(6, 9).double()
    grows = torch.diag(torch.tensor([-1.0, -1.0, -1.0, -1.0, -1.0, 0.01], dtype=torch.float64))
    field.forward = lambda time, state: state @ grows  # type: ignore[method-assign]
    found = {one.statement: one for one in check_structure(field, points_for(""), generator=torch.Generator())}
    assert found["symmetric"].holds
    assert not found["dissipative"].holds
    assert found["dissipative"].defect > 1e-3


def test_a_small_defect_is_told_from_rounding() -> None:
    field = GradientFlowField.dense(6, 9).double()

    def turn(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        del module
        return output + 1e-9 * torch.roll(inputs[1], 1, dims=-1)

    field.register_forward_hook(turn)  # type: ignore[arg-type]
    with pytest.raises(StructureError, match="symmetric"):
        require_structure(field, points_for(""), generator=torch.Generator())
