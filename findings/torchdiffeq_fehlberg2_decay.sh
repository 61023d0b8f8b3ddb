#!/usr/bin/env bash
# torchdiffeq: method="fehlberg2" lets a decaying solution grow without limit.
# Expected: the solution of y' = -y, y(0) = 1 stays in [0, 1] up to a small multiple of the tolerance.
# Seen: at rtol = atol = 1e-2 the values on [0, 30] pass 10,000, and nothing is reported; dopri5, bosh3 and
#   adaptive_heun stay below 1.1. The error estimate is a difference of stages divided by 512, too small to stop
#   unstable steps.
# Since: torchdiffeq 0.2.5 with torch 2.13.0 and 2.14.1, the newest when this was written; older ones were not
#   tried.
# Why natrob cares: growth of differences is what it measures; a solver that makes it up is no reference.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchdiffeq==0.2.5
"$folder/venv/bin/python" -W ignore - <<'END'
import sys
from importlib.metadata import version

import torch
from torchdiffeq import odeint

times = torch.linspace(0.0, 30.0, 60, dtype=torch.float64)
start = torch.ones(1, dtype=torch.float64)
print("torchdiffeq", version("torchdiffeq"), "torch", torch.__version__)
largest = {}
for method in ("dopri5", "bosh3", "adaptive_heun", "fehlberg2"):
    largest[method] = float(odeint(lambda t, y: -y, start, times, rtol=1e-2, atol=1e-2, method=method).abs().max())
    print(f"{method}: largest |y| on [0, 30] is {largest[method]:.6g}")
seen = largest.pop("fehlberg2") > 1e4 and all(value < 1.1 for value in largest.values())
print("as described" if seen else "CHANGED: fehlberg2 no longer grows on a decay, or another method does")
sys.exit(not seen)
END
