#!/usr/bin/env bash
# torchdiffeq: an image's gradient through `odeint_adjoint` pays for gradients of the parameters that nobody asked for.
# Expected: torch.autograd.grad(loss, x) costs the same whether or not the field's parameters require a gradient.
# Seen: with trainable parameters backward calls the field 38 times, with frozen ones 26 times, for the same gradient to
#   1e-4 and with the same error. The integral for the parameters is carried along, and its error chooses the steps:
#   `ctx.needs_input_grad` of a Python autograd.Function says what requires a gradient, not what was asked for.
# Since: torchdiffeq 0.2.5 with torch 2.13.0 and 2.14.1, the newest when this was written.
# Why natrob cares: an attack asks for the image's gradient alone, thousands of times, on networks with weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchdiffeq==0.2.5 "numpy<3"
"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import torch
import torchdiffeq
from torch import nn

print("torch", torch.__version__)
torch.manual_seed(0)


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 16))
        self.calls = 0

    def forward(self, t, y):
        self.calls += 1
        return self.net(y)


field, x, times = Field(), torch.randn(32, 16, requires_grad=True), torch.tensor([0.0, 5.0])


def image_gradient():
    y = torchdiffeq.odeint_adjoint(field, x, times, rtol=1e-4, atol=1e-4, method="dopri5")[-1]
    field.calls = 0
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    return field.calls, gradient


trainable, first = image_gradient()
field.requires_grad_(False)
frozen, second = image_gradient()
apart = float((first - second).abs().max() / second.abs().max())
print(f"field calls of backward: {trainable} with trainable parameters, {frozen} with frozen ones")
print(f"the two gradients in x differ by {apart:.0e} of their largest entry")
seen = trainable > 1.2 * frozen and apart < 1e-3
print("as described" if seen else "CHANGED: unasked gradients cost nothing")
sys.exit(not seen)
END
