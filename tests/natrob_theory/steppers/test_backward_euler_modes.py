import pytest
import torch

from natrob_theory import BackwardEulerNet, LinearField


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
