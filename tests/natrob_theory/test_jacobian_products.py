import subprocess
import sys
import warnings
from pathlib import Path

import torch
from torch import Tensor

import natrob_theory
from natrob_theory.jacobian_products import jacobian_vector_product


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_against_the_full_jacobian() -> None:
    weight, point, direction = normal(4, 4, seed=0), normal(3, 4, seed=1), normal(3, 4, seed=2)

    def function(y: Tensor) -> Tensor:
        return torch.tanh(y @ weight.T) * y

    product = jacobian_vector_product(function, point, direction)
    for sample in range(3):
        jacobian = torch.autograd.functional.jacobian(function, point[sample])
        assert isinstance(jacobian, Tensor)
        torch.testing.assert_close(product[sample], jacobian @ direction[sample], rtol=1e-13, atol=1e-14)


def test_no_warning_reaches_the_caller() -> None:
    """torch warns of its own torch.jit.script when forward mode is first used: here in a fresh interpreter."""
    code = (
        "import torch\nfrom natrob_theory.jacobian_products import jacobian_vector_product\n"
        "print(jacobian_vector_product(torch.sin, torch.zeros(1, 2), torch.ones(1, 2)).tolist())"
    )
    root = Path(natrob_theory.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-W", "always::FutureWarning", "-W", "always::DeprecationWarning:torch", "-c", code],
        capture_output=True, text=True, check=True, cwd=root,
    )  # fmt: skip
    assert run.stdout.strip() == "[[1.0, 1.0]]"
    assert "torch.jit.script" not in run.stderr


def test_other_warnings_are_not_swallowed() -> None:
    def warning(y: Tensor) -> Tensor:
        warnings.warn("the field's own", FutureWarning, stacklevel=1)
        return y

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jacobian_vector_product(warning, torch.zeros(1, 1), torch.ones(1, 1))
    assert [str(entry.message) for entry in caught] == ["the field's own"]
