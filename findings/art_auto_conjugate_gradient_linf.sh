#!/usr/bin/env bash
# ART: AutoConjugateGradient with norm=inf moves by the raw gradient, not by its sign.
# Expected: on a linear classifier, where one step along the sign of the gradient is the strongest attack there is,
#   it fools what FastGradientMethod fools in the same ball.
# Seen: images whose label FastGradientMethod changes all keep it: the sign is computed and put aside, the image
#   moves by step size times gradient. Where the gradient is small it hardly moves; norm=inf is the default.
# Since: adversarial-robustness-toolbox 1.20.1 with torch 2.13.0, the newest when this was written.
# Why natrob cares: a network measured with it looks robust because the attack was weak.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 adversarial-robustness-toolbox==1.20.1 packaging
"$folder/venv/bin/python" -W ignore - <<'END'
import sys
from importlib.metadata import version

import numpy as np
import torch
from art.attacks.evasion import AutoConjugateGradient, FastGradientMethod
from art.estimators.classification import PyTorchClassifier

EPS = 0.05
generator = torch.Generator().manual_seed(0)
network = torch.nn.Linear(64, 2)
with torch.no_grad():
    network.bias.zero_()
    network.weight.copy_(torch.randn(2, 64, generator=generator))
    images = 0.5 + 0.1 * torch.randn(200, 64, generator=generator)
    logits = network(images)
    labels = logits.argmax(dim=1)
    difference = network.weight[0] - network.weight[1]
    distance = (logits[:, 0] - logits[:, 1]).abs() / difference.abs().sum()  # in the L-infinity norm, exactly
images, labels = images[distance < 0.9 * EPS], labels[distance < 0.9 * EPS]
classifier = PyTorchClassifier(
    network, loss=torch.nn.CrossEntropyLoss(), input_shape=(64,), nb_classes=2, clip_values=(-1.0, 2.0), device_type="cpu"
)
settings = {"norm": np.inf, "eps": EPS}
attacks = {
    "FastGradientMethod": FastGradientMethod(classifier, **settings),
    "AutoConjugateGradient": AutoConjugateGradient(
        classifier, **settings, eps_step=EPS / 4, max_iter=20, nb_random_init=1, verbose=False
    ),
}
print("adversarial-robustness-toolbox", version("adversarial-robustness-toolbox"), "torch", torch.__version__)
fooled = {}
for name, attack in attacks.items():
    moved = attack.generate(x=images.numpy(), y=np.eye(2, dtype=np.float32)[labels.numpy()])
    fooled[name] = int((network(torch.from_numpy(moved)).argmax(dim=1) != labels).sum())
    print(f"{name}: {fooled[name]} of {len(images)} fooled that a perturbation of size {EPS} fools")
seen = fooled["FastGradientMethod"] == len(images) and fooled["AutoConjugateGradient"] < 0.5 * len(images)
print("as described" if seen else "CHANGED: AutoConjugateGradient is no longer weaker than one step")
sys.exit(not seen)
END
