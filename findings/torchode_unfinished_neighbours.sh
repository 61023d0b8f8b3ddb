#!/usr/bin/env bash
# torchode: where one sample of a batch fails, samples that have not finished are called successes.
# Expected: a status other than SUCCESS, or a solution, for every sample that has not reached the end.
# Seen: y' = -sqrt(y), samples from 0.01 (it empties, then sqrt of a negative number) and from 4 and 9. The solve
#   stops after 4 steps; the last two have status 0, which is SUCCESS, and memory that nothing was written to as their
#   values.
# Since: torchode 1.0.1 with torch 2.13.0 and 2.14.1, the newest when this was written; older ones were not tried.
# Why natrob cares: who compares a Neural ODE of natrob with torchode on a batch sees numbers near 0 and no failure.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchode==1.0.1
"$folder/venv/bin/python" -W ignore - <<'END'
import sys
from importlib.metadata import version

import torch
import torchode

start = torch.tensor([[0.01], [4.0], [9.0]], dtype=torch.float64)
exact = [1.0, 4.0]  # (sqrt(y0) - t/2)^2 at t = 2, of the last two samples


def solve(y0):
    term = torchode.ODETerm(lambda t, y: -y.sqrt())
    method = torchode.Dopri5(term=term)
    controller = torchode.IntegralController(atol=1e-6, rtol=1e-6, term=term)
    times = torch.tensor([[0.0, 2.0]], dtype=torch.float64).expand(len(y0), 2)
    return torchode.AutoDiffAdjoint(method, controller).solve(torchode.InitialValueProblem(y0=y0, t_eval=times))


alone, together = solve(start[1:]), solve(start)
print("torchode", version("torchode"), "torch", torch.__version__)
print("without the failing sample: status", alone.status.tolist(), "y(2)", alone.ys[:, -1, 0].tolist(), "exact", exact)
print("beside it: status", together.status.tolist(), "steps", together.stats["n_steps"].tolist())
print("           y(2)", together.ys[:, -1, 0].tolist())
success = torchode.Status.SUCCESS.value
right = [abs(value - known) < 1e-3 for value, known in zip(together.ys[1:, -1, 0].tolist(), exact)]
seen = (
    alone.status.tolist() == [success, success]
    and together.status.tolist()[0] != success
    and together.status.tolist()[1:] == [success, success]
    and not any(right)
)
print("as described" if seen else "CHANGED: unfinished neighbours are no longer called successes")
sys.exit(not seen)
END
