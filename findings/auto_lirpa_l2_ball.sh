#!/usr/bin/env bash
# auto_LiRPA: an L2 ball counts as its centre unless the first operation is a linear layer.
# Expected: bounds on w.y over an L2 ball of radius eps that are 2 eps |w| apart, or wider.
# Seen: right for a linear layer alone. With 2y or relu(y) before it IBP gives an interval of width 0, and CROWN
#   takes a relu whose input changes sign inside the ball for the constant 0. L-infinity balls are bounded rightly.
# Since: auto-LiRPA 0.3, the newest on the package index, with torch 1.13.1 (Python 3.11; PYTHON=... names another
#   than python3).
# Why natrob cares: certificates are compared with its; residual networks begin with a sum.
#   benchmarks/lirpa_worker.py puts a linear layer first and refuses bounds that exceed a known minimum.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==1.13.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "numpy<2" appdirs pyyaml ninja packaging tqdm sortedcontainers
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps auto-LiRPA==0.3
"$folder/venv/bin/python" -W ignore - <<'END'
import contextlib
import os
import sys
from importlib.metadata import version

import torch
from torch import nn

with contextlib.redirect_stdout(open(os.devnull, "w")):
    from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

EPS = 0.1
weight = torch.tensor([[1.0, -2.0, 2.0]])  # |w| = 3


class Chain(nn.Module):
    def __init__(self, first):
        super().__init__()
        self.first = first
        self.last = nn.Linear(3, 1, bias=False)
        self.last.weight.data = weight.clone()

    def forward(self, y):
        return self.last(self.first(y))


class Doubled(nn.Module):
    def forward(self, y):
        return 2.0 * y


def width(first, method, norm, at):
    network, y = Chain(first), torch.tensor([at])
    bounded = BoundedModule(network, torch.zeros_like(y))
    ball = BoundedTensor(y, PerturbationLpNorm(norm=norm, eps=EPS))
    lower, upper = bounded.compute_bounds(x=(ball,), method=method)
    return float((upper - lower).detach())


print("auto-LiRPA", version("auto-LiRPA"), "torch", torch.__version__)
positive, at_kink = [1.0, 1.0, 1.0], [-0.01, -0.01, -0.01]
found = {
    "linear layer alone, IBP, L2; right 0.6": width(nn.Identity(), "IBP", 2, positive),
    "2y first, IBP, L2; right at least 1.2": width(Doubled(), "IBP", 2, positive),
    "relu first, all on, IBP, L2; right at least 0.6": width(nn.ReLU(), "IBP", 2, positive),
    "relu first, may be on, CROWN, L2; right at least 0.25": width(nn.ReLU(), "CROWN", 2, at_kink),
    "2y first, IBP, L-infinity; right 2": width(Doubled(), "IBP", float("inf"), positive),
}
for case, value in found.items():
    print(f"{case}: width {value:.4f}")
alone, doubled, relu, crown, linf = found.values()
seen = abs(alone - 0.6) < 1e-4 and doubled == 0.0 and relu == 0.0 and crown == 0.0 and abs(linf - 2.0) < 1e-4
print("as described" if seen else "CHANGED: the widths are others")
sys.exit(not seen)
END
