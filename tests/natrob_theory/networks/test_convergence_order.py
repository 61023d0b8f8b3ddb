"""Error against step size on y′ = cos(t)(1 + y²), y = tan(sin t + c): nonlinear and time-dependent."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    HEUN_EULER,
    MIDPOINT,
    RK4,
    THREE_EIGHTHS,
    AbstractIntegratorNet,
    Anderson,
    BackwardEulerNet,
    ButcherTableau,
    EulerNet,
    FractalNet,
    HeunNet,
    PolyNet,
    RungeKuttaNet,
)
from natrob_theory.numbers.tensor_types import Field

SHIFTS = torch.tensor([[-0.6, -0.3, 0.1]], dtype=torch.float64)
START, END = 0.2, 1.2


def field(time: Tensor, state: Tensor) -> Tensor:
    return torch.cos(time) * (1 + state**2)


def solution(time: float) -> Tensor:
    return torch.tan(math.sin(time) + SHIFTS)


def slope(build: Callable[[float, int], AbstractIntegratorNet], counts: tuple[int, ...]) -> float:
    """The least-squares slope of log error over log h."""
    sizes, errors = [], []
    for n in counts:
        net = build((END - START) / n, n)
        with torch.no_grad():
            error = (net(solution(START)) - solution(END)).norm().item()
        sizes.append(math.log((END - START) / n))
        errors.append(math.log(error))
    centre_x, centre_y = sum(sizes) / len(sizes), sum(errors) / len(errors)
    above = sum((x - centre_x) * (y - centre_y) for x, y in zip(sizes, errors, strict=True))
    return above / sum((x - centre_x) ** 2 for x in sizes)


@pytest.mark.parametrize(
    ("tableau", "order"),
    [
        (EULER, 1),
        (HEUN, 2),
        (MIDPOINT, 2),
        (HEUN_EULER, 2),
        (BOGACKI_SHAMPINE, 3),
        (RK4, 4),
        (THREE_EIGHTHS, 4),
        (FEHLBERG45, 4),
        (DOPRI5, 5),
    ],
    ids=lambda value: value.name if isinstance(value, ButcherTableau) else "",
)
def test_runge_kutta_orders(tableau: ButcherTableau, order: int) -> None:
    # Coarse enough to stay above rounding at order 5, fine enough to be asymptotic at order 1.
    counts = (160, 320, 640, 1280) if order == 1 else (16, 32, 64, 128) if order == 5 else (40, 80, 160, 320)
    measured = slope(lambda h, n: RungeKuttaNet(field, h, n, tableau=tableau, start_time=START), counts)
    assert abs(measured - order) <= 0.2


def anderson_backward_euler(field: Field, step_size: float, steps: int, *, start_time: float) -> BackwardEulerNet:
    """hK is far below 1 here, where Anderson's method is the cheap one."""
    return BackwardEulerNet(field, step_size, steps, solver=Anderson(), start_time=start_time)


@pytest.mark.parametrize(
    ("network", "order"),
    [(EulerNet, 1), (HeunNet, 2), (anderson_backward_euler, 1)],
    ids=["euler", "heun", "backward euler"],
)
def test_network_orders(network: Callable[..., AbstractIntegratorNet], order: int) -> None:
    measured = slope(lambda h, n: network(field, h, n, start_time=START), (20, 40, 80, 160))
    assert abs(measured - order) <= 0.2


def test_polynet_is_of_order_one_for_fields_that_vanish_at_zero() -> None:
    """y′ = cos(t)y, y = e^{sin t}."""
    y0 = torch.ones(1, 1, dtype=torch.float64)
    steps = [50, 100, 200, 400]
    errors = [
        abs(PolyNet(lambda t, y: torch.cos(t) * y, 1.0 / n, n)(y0).item() - math.exp(math.sin(1.0))) for n in steps
    ]
    slopes = [math.log2(coarse / fine) for coarse, fine in itertools.pairwise(errors)]
    assert all(abs(measured - 1) <= 0.2 for measured in slopes)


def test_polynet_is_inconsistent_for_other_fields() -> None:
    """u₂ = hf(hf(y)) → hf(0): for f = y + 1 the network tends to the flow of y + 2, e − 2 + e away at T = 1."""
    net = PolyNet(lambda _t, y: y + 1, 1e-4, 10_000)
    value = net(torch.ones(1, 1, dtype=torch.float64)).item()
    assert value == pytest.approx(3 * math.e - 2, rel=1e-3)
    assert value > 2 * math.e - 1 + 1


def test_heun_net_and_the_tableau_are_one_method() -> None:
    one, other = HeunNet(field, 0.1, 5), RungeKuttaNet(field, 0.1, 5, tableau=HEUN)
    assert torch.equal(one(solution(0.0)), other(solution(0.0)))


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_fractalnet_tends_to_zero_and_not_to_the_flow(columns: int) -> None:
    """No identity path: at fixed T = 1 the state itself vanishes as h → 0."""
    y0 = torch.full((1, 2), 0.5, dtype=torch.float64)

    def final(steps: int) -> float:
        return FractalNet(lambda _t, y: y, 1.0 / steps, steps, columns=columns)(y0).norm().item()

    norms = [final(n) for n in (1, 2, 4, 8, 16)]
    assert all(later < 0.51 * earlier for earlier, later in itertools.pairwise(norms))
    assert norms[-1] < 1e-15
    assert FractalNet(lambda _t, y: y, 1e-12, 1, columns=columns)(y0).norm().item() < 1e-12


def test_fractalnet_of_two_columns_by_hand() -> None:
    """½ h f(h f(y)) + ½ h f(y) with f = y², h = ½, y = 3: f₁ = 4.5, f₁(f₁) = 10.125."""
    net = FractalNet(lambda _t, y: y**2, 0.5, 1)
    assert net(torch.full((1, 1), 3.0)).item() == 0.5 * 10.125 + 0.5 * 4.5


def test_polynet_by_hand() -> None:
    """y + hf(y) + hf(hf(y)) with f = y², h = ½, y = 3: compositions, not powers of the Jacobian."""
    net = PolyNet(lambda _t, y: y**2, 0.5, 1)
    assert net(torch.full((1, 1), 3.0)).item() == 3.0 + 4.5 + 10.125
    third = PolyNet(lambda _t, y: y**2, 0.5, 1, order=3)
    assert third(torch.full((1, 1), 3.0)).item() == 3.0 + 4.5 + 10.125 + 0.5 * 10.125**2


def test_polynet_truncates_backward_euler_for_linear_fields_only() -> None:
    """Theory, section 2: the defect is (hF)³(I − hF)⁻¹, at most x³/(1 − x) and equal to it for F = K."""
    y0 = torch.ones(1, 1, dtype=torch.float64)
    x = 0.3
    with torch.no_grad():
        implicit = BackwardEulerNet(lambda _t, y: x * y, 1.0, 1)(y0).item()
    assert implicit - PolyNet(lambda _t, y: x * y, 1.0, 1)(y0).item() == pytest.approx(x**3 / (1 - x), rel=1e-10)
    with torch.no_grad():
        nonlinear = BackwardEulerNet(lambda _t, y: 0.1 * y**2, 1.0, 1)(y0).item()
    assert nonlinear == pytest.approx((1 - math.sqrt(1 - 0.4)) / 0.2, rel=1e-12)
    # F∘F(y) = 1e-3 where F′F = 2e-2: PolyNet is off at second order.
    assert abs(nonlinear - PolyNet(lambda _t, y: 0.1 * y**2, 1.0, 1)(y0).item()) > 1e-2
