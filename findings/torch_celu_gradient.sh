#!/usr/bin/env bash
# torch: the derivative of CELU in float64 has the accuracy of float32, and exceeds its supremum 1.
# Expected: the derivative exp(y/alpha) for y < 0 to the rounding of float64, about 1e-16, and never above 1.
# Seen: at y = -1e-9 it is off by 1e-8 to 5e-8, depending on alpha, and above 1 for alpha = 0.7, 0.9 and 1.3. The values
#   of CELU are right, so are alpha = 0.5, 1 and 2 and the derivatives of ELU: alpha is rounded to float32 in it.
# Since: torch 2.13.0 and 2.14.1, the newest when this was written, on CPU; older ones were not tried.
# Why natrob cares: a lower bound of a Lipschitz constant from such gradients exceeds the true constant 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'END'
import math
import sys

import torch

print("torch", torch.__version__)
error = {}
for alpha in (0.5, 1.0, 2.0, 0.001, 0.2, 0.3, 0.7, 0.9, 1.3):
    y = torch.tensor([-1e-9], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.nn.functional.celu(y, alpha).sum(), y)
    error[alpha] = float(slope) - math.exp(-1e-9 / alpha)
    print(f"alpha {alpha:g}: derivative - exact = {error[alpha]:.2e}, derivative - 1 = {float(slope) - 1:.2e}")
exact = [error.pop(alpha) for alpha in (0.5, 1.0, 2.0)]
above = [error[alpha] for alpha in (0.7, 0.9, 1.3)]
seen = max(map(abs, exact)) < 1e-15 and min(map(abs, error.values())) > 1e-9 and min(above) > 1e-9
print("as described" if seen else "CHANGED: CELU's derivative has another accuracy")
sys.exit(not seen)
END
