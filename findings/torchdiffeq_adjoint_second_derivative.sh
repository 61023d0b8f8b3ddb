#!/usr/bin/env bash
# torchdiffeq: the second derivative through odeint_adjoint is 0, without an error.
# Expected: the Hessian, as through odeint, or an error that says there is none.
# Seen: y' = y^2/5 from y = 1 to t = 1, whose second derivative of y(1) by y(0) is 0.78125. torch's hessian gives
#   0.78125 through odeint and 0 through odeint_adjoint; a penalty on the gradient then trains nothing.
# Since: torchdiffeq 0.2.5 with torch 2.13.0 and 2.14.1, the newest when this was written; older ones were not
#   tried.
# Why natrob cares: curvature and gradient penalties of Neural ODEs are what its users measure and train with.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchdiffeq==0.2.5
"$folder/venv/bin/python" -W ignore - <<'END'
import sys
from importlib.metadata import version

import torch
from torchdiffeq import odeint, odeint_adjoint


class Field(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rate = torch.nn.Parameter(torch.tensor(0.2, dtype=torch.float64))

    def forward(self, t, y):
        return self.rate * y**2


times = torch.tensor([0.0, 1.0], dtype=torch.float64)
start = torch.ones(1, dtype=torch.float64)
second = {}
for solve in (odeint, odeint_adjoint):
    end = lambda y: solve(Field(), y, times, rtol=1e-10, atol=1e-10)[-1].sum()
    second[solve.__name__] = float(torch.autograd.functional.hessian(end, start))
exact = 2 * 0.2 / (1 - 0.2) ** 3  # of y / (1 - y/5)
print("torchdiffeq", version("torchdiffeq"), "torch", torch.__version__)
print("second derivative of y(1):", second, "exact", exact)
seen = abs(second["odeint"] - exact) < 1e-6 and second["odeint_adjoint"] == 0.0
print("as described" if seen else "CHANGED: the second derivative through the adjoint is no longer 0")
sys.exit(not seen)
END
