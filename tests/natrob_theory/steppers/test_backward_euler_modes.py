import pytest
import torch

from natrob_theory import Anderson, BackwardEulerNet, LinearField


def test_forward_mode_and_torch_func_are_refused_rather_than_wrong() -> None:
    net = BackwardEulerNet(LinearField(torch.tensor([[0.5]])), 1.0, 1)
    y0 = torch.ones(1, 1)
    with pytest.raises(NotImplementedError, match="reverse mode only"):
        torch.func.jvp(net, (y0,), (y0,))
    with pytest.raises(NotImplementedError, match="reverse mode only"):
        torch.func.vjp(net, y0)
    with torch.autograd.forward_ad.dual_level(), pytest.raises(NotImplementedError, match="reverse mode only"):
        net(torch.autograd.forward_ad.make_dual(y0, y0))


@pytest.mark.usefixtures("unchecked")
def test_a_solver_by_name_is_refused() -> None:
    with pytest.raises(TypeError, match="`solver` must be NewtonKrylov"):
        BackwardEulerNet(LinearField(torch.eye(2)), 0.1, 1, solver="newton")  # type: ignore[arg-type]


def test_a_random_field_is_refused_where_a_loose_solve_would_take_it() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5)).double()
    net = BackwardEulerNet(lambda t, y: layer(y), 0.1, 1, solver=Anderson(tolerance=0.9))
    with pytest.raises(ValueError, match="backward Euler needs a field that repeats itself"):
        net(torch.ones(20, 3, dtype=torch.float64, requires_grad=True))
