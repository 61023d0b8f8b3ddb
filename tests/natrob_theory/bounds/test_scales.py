"""Constants of fields of every size: lower ≤ K ≤ upper, a false K is refuted and a true one is not."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BackwardEulerNet,
    EulerNet,
    GradientFlowField,
    HeunNet,
    LinearField,
    ScaledField,
    check_bound,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    measure_divergence,
    one_sided_lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.checks.certificates import compared
from natrob_theory.implicit_solve import Anderson

MATRIX = torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
K = float(torch.linalg.matrix_norm(MATRIX, ord=2))
MU = float(torch.linalg.eigvalsh((MATRIX + MATRIX.T) / 2)[-1])
ONES = torch.ones(1, 3, dtype=torch.float64)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@settings(deadline=None, max_examples=10)
@given(field=st.integers(-300, 300), radius=st.integers(-300, 300))
def test_bounds_of_a_linear_field_enclose_its_constants_whatever_the_scales(field: int, radius: int) -> None:
    scale, size = 10.0**field, 10.0**radius
    linear = LinearField(MATRIX * scale)
    upper = float(lipschitz_upper_bound(linear, input_shape=(3,)))
    assert K * scale * (1 - 1e-14) <= upper <= K * scale * (1 + 1e-12)
    above = float(one_sided_lipschitz_upper_bound(linear, input_shape=(3,)))
    assert MU * scale * (1 - 1e-14) <= above <= MU * scale * (1 + 1e-12)
    lower = float(lipschitz_lower_bound(linear, ONES * size, radius=size, generator=generator()))
    below = float(one_sided_lipschitz_lower_bound(linear, ONES * size, radius=size, generator=generator()))
    assert lower <= K * scale * (1 + 1e-14)
    assert below <= MU * scale * (1 + 1e-14)
    if -300 <= field + radius <= 300:  # else the values of the field are no normal numbers
        assert lower >= K * scale * (1 - 1e-5)
        assert below >= MU * scale * (1 - 1e-4)


@settings(deadline=None, max_examples=8)
@given(field=st.integers(-30, 30), radius=st.integers(-30, 30))
def test_the_same_in_single_precision(field: int, radius: int) -> None:
    scale, size = 10.0**field, 10.0**radius
    matrix = (MATRIX * scale).float()
    true = float(torch.linalg.matrix_norm(matrix.double(), ord=2))
    linear = LinearField(matrix)
    assert float(lipschitz_upper_bound(linear, input_shape=(3,))) >= true * (1 - 1e-14)
    lower = float(lipschitz_lower_bound(linear, (ONES * size).float(), radius=size, generator=generator()))
    assert lower <= true
    if -30 <= field + radius <= 30:
        assert lower >= true * (1 - 1e-3)


@settings(deadline=None, max_examples=15)
@given(exponent=st.integers(-300, 300), claimed=st.sampled_from([0.5, 1.9, 2.0, 2.1]))
def test_a_false_constant_is_always_refuted_and_a_true_one_never(exponent: int, claimed: float) -> None:
    field = LinearField(2 * torch.eye(3, dtype=torch.float64))
    perturbation = ONES * 10.0**exponent
    for net in (EulerNet(field, 0.1, 3), HeunNet(field, 0.1, 3)):
        check = check_bound(net, torch.zeros_like(ONES), perturbation, lipschitz=claimed)
        assert check.all_hold == (claimed >= 2)
        assert bool(check.violated.any()) == (claimed < 2)
        assert math.isfinite(check.worst_ratio)
        assert check.worst_ratio == pytest.approx(float(check.ratio[1:].max()))
        paired = check_bound(net, torch.zeros_like(ONES), perturbation)
        assert paired.all_hold
        assert paired.of_pairs_only
        assert not check.of_pairs_only
        secants = measure_divergence(net, torch.zeros_like(ONES), perturbation).secant_constants
        torch.testing.assert_close(secants, torch.full_like(secants, 2.0))


@pytest.mark.parametrize("exponent", [-300, -200, -160, 160, 200, 300])
def test_implicit_steps_of_every_size_are_solved_and_not_taken_for_solved(exponent: int) -> None:
    field = LinearField(-torch.eye(3, dtype=torch.float64))
    start = ONES * 10.0**exponent
    for solver in (None, Anderson()):
        end = BackwardEulerNet(field, 0.5, 1, solver=solver)(start).detach()
        torch.testing.assert_close(end / start, ONES / 1.5)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e-100, 1e100, 1e200])
def test_structured_fields_with_tiny_or_huge_weights_have_true_bounds_and_no_nan(scale: float) -> None:
    field = GradientFlowField.dense(3, 5).double()
    for weight in field.parameters():
        weight.data.mul_(scale)
    upper = float(lipschitz_upper_bound(field, input_shape=(3,)))
    assert not math.isnan(upper)
    assert upper > 0  # ‖W‖² underflows for 1e-200, and is not 0
    lower = float(lipschitz_lower_bound(field, ONES, radius=1.0, generator=generator()))
    assert lower <= upper
    assert float(one_sided_lipschitz_upper_bound(field, input_shape=(3,))) == 0.0
    assert float(one_sided_lipschitz_lower_bound(field, ONES, generator=generator())) <= 1e-300 + 1e-9 * upper
    chain = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    for weight in chain.parameters():
        weight.data.mul_(scale)
    assert float(lipschitz_upper_bound(chain, input_shape=(3,))) > 0
    assert not math.isnan(float(one_sided_lipschitz_upper_bound(chain, input_shape=(3,))))


@pytest.mark.parametrize(("first", "second"), [(1e200, 1e-200), (1e-200, 1e200), (1e300, 1e300), (1e-300, 0.0)])
def test_layers_of_opposite_sizes_multiply_to_a_bound(first: float, second: float) -> None:
    chain = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)).double()
    for layer, scale in zip(chain, (first, second), strict=True):
        nn.init.eye_(layer.weight).data.mul_(scale)  # type: ignore[arg-type]
    bound = float(lipschitz_upper_bound(chain, input_shape=(3,)))
    assert bound == pytest.approx(first * second, rel=1e-12)
    assert bound >= first * second
    scaled = ScaledField(LinearField(first * torch.eye(3, dtype=torch.float64)), second)
    assert float(lipschitz_upper_bound(scaled, input_shape=(3,))) >= first * second


@pytest.mark.parametrize("kernel", [1e-300, 1e-170, 1e-30, 1.0, 1e30, 1e170, 1e300])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_convolutions_and_folded_batch_norms_of_every_size(kernel: float, mode: str) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode, bias=False).double()  # type: ignore[arg-type]
    layer.weight.data.mul_(kernel)
    unit = torch.eye(32, dtype=torch.float64).view(32, 2, 4, 4)
    true = float(torch.linalg.svdvals((layer(unit) / kernel).flatten(1).detach())[0])
    bound = float(lipschitz_upper_bound(layer, input_shape=(2, 4, 4))) / kernel
    assert true * (1 - 1e-14) <= bound <= 2 * true
    norm = nn.BatchNorm2d(3).double().eval()
    norm.running_var.fill_(1e-12)  # type: ignore[union-attr]
    norm.eps = 0.0
    folded = float(lipschitz_upper_bound(nn.Sequential(layer, norm), input_shape=(2, 4, 4)))
    assert folded >= 1e6 * kernel * true * (1 - 1e-12)
    assert not math.isnan(folded)


def test_a_weight_that_is_no_number_is_refused_by_name() -> None:
    for bad in (math.nan, math.inf):
        layer = nn.Linear(3, 3).double()
        layer.weight.data[0, 0] = bad
        with pytest.raises(ValueError, match="`weight` of layer Linear must be finite"):
            lipschitz_upper_bound(nn.Sequential(layer), input_shape=(3,))
    norm = nn.BatchNorm1d(3).double().eval()
    norm.running_var[0] = math.nan  # type: ignore[index]
    with pytest.raises(ValueError, match="`running_var` of layer BatchNorm1d must be finite"):
        lipschitz_upper_bound(norm, input_shape=(3,))


def test_a_distance_beyond_float64_is_no_comparison() -> None:
    net = EulerNet(LinearField(2 * torch.eye(3, dtype=torch.float64)), 0.1, 3)
    huge = torch.full((1, 3), 1.7e308, dtype=torch.float64)
    with pytest.raises(OverflowError, match=r"beyond float64 from step 0 on|NaN or infinite entries"):
        check_bound(net, torch.zeros_like(huge), huge, lipschitz=0.5)


def test_an_infinite_allowance_proves_nothing() -> None:
    two = torch.ones(2, 1, dtype=torch.float64)
    check = compared(
        times=two[:, 0], distance=3 * two, growth=two / 3, allowance=two * torch.inf, kind="upper", rounding="none"
    )
    assert not check.all_hold
    assert bool(check.undecided.any())
    assert not bool(check.violated.any())


def nan_somewhere(time: Tensor, state: Tensor) -> Tensor:
    return torch.where(state.abs() < 0.5, math.nan, state)


def test_values_that_are_no_numbers_raise_no_lower_bound() -> None:
    assert float(lipschitz_lower_bound(nan_somewhere, ONES, radius=2.0, generator=generator())) <= 1.0 + 1e-12
    assert float(one_sided_lipschitz_lower_bound(nan_somewhere, ONES, radius=2.0, generator=generator())) <= 1.0 + 1e-12
