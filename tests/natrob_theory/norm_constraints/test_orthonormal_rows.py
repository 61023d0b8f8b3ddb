"""The closed-form gradient of orthonormal rows, and its own gradient."""

import torch
from torch import Tensor

from natrob_theory.norm_constraints.orthogonal import REGULARISATION, _CholeskyRows


def plain(rows: Tensor) -> Tensor:
    """The same map in torch's own differentiable operations."""
    products = rows @ rows.t()
    share = REGULARISATION * products.detach().diagonal().mean().clamp_min(0.25 / len(rows))
    factor = torch.linalg.cholesky(products + share * torch.eye(len(rows), dtype=rows.dtype))
    return torch.linalg.solve_triangular(factor, rows, upper=False)


def test_second_derivatives_are_right_also_where_what_comes_in_is_constant() -> None:
    start = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.linspace(-1.0, 2.0, 15, dtype=torch.float64).view(3, 5)
    found = []
    for function in (plain, lambda rows: _CholeskyRows.apply(rows)[0]):
        rows = start.clone().requires_grad_()
        (gradient,) = torch.autograd.grad((weights * function(rows)).sum(), rows, create_graph=True)
        (second,) = torch.autograd.grad(gradient.pow(2).sum(), rows)
        found.append((gradient.detach(), second))
    assert float(found[0][1].norm()) > 0.1
    torch.testing.assert_close(found[1], found[0], rtol=1e-8, atol=1e-8)
