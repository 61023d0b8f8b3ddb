#!/usr/bin/env bash
# torch: GroupNorm on the CPU loses the deviation of a channels_last image whose mean is large; the contiguous one keeps it.
# Expected: the same image in another memory format gives the same output, to rounding.
# Seen: float32, mean 1000, deviation 0.05. Contiguous is off by thousandths; channels_last by more than 10, where outputs
#   are of size 1 to 5. The variance is taken as the mean of squares less the square of the mean, which cancels.
# Since: torch 2.13.0, the newest when this was written.
# Why natrob cares: its rounding bounds of GroupNorm hold for sums of squared deviations, so for contiguous inputs only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy
"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import torch

generator = torch.Generator().manual_seed(0)
image = 1000.0 + 0.05 * torch.randn(2, 8, 32, 32, generator=generator)
norm = torch.nn.GroupNorm(4, 8).eval()
with torch.no_grad():
    exact = torch.nn.functional.group_norm(image.double(), 4)
    contiguous = float((norm(image).double() - exact).abs().max())
    channels_last = float((norm(image.to(memory_format=torch.channels_last)).double() - exact).abs().max())
print(f"torch {torch.__version__}: largest output {float(exact.abs().max()):.2f}")
print(f"off by {contiguous:.3f} (contiguous), {channels_last:.3f} (channels_last)")
sys.exit(0 if contiguous < 0.1 and channels_last > 10 else 1)
END
