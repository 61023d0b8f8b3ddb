"""Without python-flint everything else works, and ball arithmetic says how to get it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import natrob_theory
from natrob_theory import EulerNet, LinearField, ball_field, check_bound

ROOT = Path(natrob_theory.__file__).parents[1]


def test_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flint", None)
    net, y0 = EulerNet(LinearField(torch.eye(2)), 0.1, 2), torch.ones(1, 2)
    assert check_bound(net, y0, y0, lipschitz=1.0).all_hold
    with pytest.raises(ImportError, match=r"python-flint, which is not installed; pip install 'natrob\[certified\]'"):
        check_bound(net, y0, y0, lipschitz=1.0, arithmetic="ball")
    with pytest.raises(ImportError, match="python-flint"):
        ball_field(LinearField(torch.eye(2)))


@pytest.mark.parametrize("before", ["", "sys.modules['flint'] = None; "])
def test_importing_the_library_neither_needs_nor_loads_it(before: str) -> None:
    code = f"import sys; {before}import natrob_theory; print(sys.modules.get('flint'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == "None"
