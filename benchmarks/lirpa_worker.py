"""auto_LiRPA in a Python of its own, asked by `lirpa_peer` line by line; needs torch, numpy and auto_LiRPA only.

    python lirpa_worker.py NETWORK.npz THREADS

The network is a chain of steps y + h(B relu(Ay + a) + b), one for each entry of A, a, B and b, and an affine head. The
gaps s_y − s_j to all classes j other than the label y are bounded. Each line of the input is
{"method", "norm", "epsilon"}; each line of the output holds the seconds that one call took, and the lower bounds, one
list per image.
"""

import importlib
import json
import math
import sys
import time
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

OPTIMISED = "CROWN-Optimized"
DENSE_SLOPES = {"sparse_features_alpha": False, "sparse_spec_alpha": False}
"""Settings of 0.3 for the optimised method: with its own, sparse slopes, it raises on these networks."""


class Step(nn.Module):
    """y + h(B relu(Ay + a) + b)."""

    def __init__(self, step_size: float, matrices: list[Tensor]) -> None:
        super().__init__()
        first, first_bias, second, second_bias = matrices
        self.step_size = step_size
        self.first = affine(first, first_bias)
        self.second = affine(second, second_bias)

    def forward(self, state: Tensor) -> Tensor:
        """The next state."""
        return state + self.step_size * self.second(torch.relu(self.first(state)))


def affine(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A Linear layer with these parameters, float32."""
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def network_from(arrays: Any) -> nn.Sequential:
    """The network whose arrays `lirpa_peer` wrote."""
    step_size = float(arrays["step_size"])
    stacked = [torch.from_numpy(arrays[name]) for name in ("A", "a", "B", "b")]
    steps = [Step(step_size, [stack[n] for stack in stacked]) for n in range(len(stacked[0]))]
    head = affine(torch.from_numpy(arrays["head_weight"]), torch.from_numpy(arrays["head_bias"]))
    return nn.Sequential(*steps, head)


def gaps_to_other_classes(labels: Tensor, classes: int) -> Tensor:
    """(images, classes − 1, classes): rows whose product with the logits is s_y − s_j."""
    identity = torch.eye(classes)
    differences = identity[labels][:, None, :] - identity[None]
    return differences[identity[labels] == 0].view(len(labels), classes - 1, classes)


class Bounds:
    """Lower bounds of the gaps over balls around the images, by any method of auto_LiRPA."""

    def __init__(self, arrays: Any) -> None:
        self.library = importlib.import_module("auto_LiRPA")
        self.network = network_from(arrays)
        self.images = torch.from_numpy(arrays["x"]).float()
        labels = torch.from_numpy(arrays["y"])
        self.gaps = gaps_to_other_classes(labels, len(arrays["head_bias"]))
        self.bounded = self._prepared({})

    def _prepared(self, settings: dict[str, bool]) -> Any:
        return self.library.BoundedModule(self.network, torch.zeros_like(self.images), bound_opts=settings)

    def timed(self, method: str, norm: str, epsilon: float) -> tuple[float, Tensor]:
        """Seconds, and the bounds. Optimised slopes are kept from call to call, so they get a network of their own."""
        order = math.inf if norm == "Linf" else 2
        ball = self.library.PerturbationLpNorm(norm=order, eps=epsilon)
        images = self.library.BoundedTensor(self.images, ball)
        bounded = self._prepared(DENSE_SLOPES) if method == OPTIMISED else self.bounded
        with torch.set_grad_enabled(method == OPTIMISED):
            start = time.perf_counter()
            lower, _ = bounded.compute_bounds(x=(images,), C=self.gaps, method=method, bound_upper=False)
            return time.perf_counter() - start, lower.detach()


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # the library prints
    warnings.simplefilter("ignore")
    path, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    with np.load(path) as arrays:
        bounds = Bounds(arrays)
    versions = {"auto_LiRPA": bounds.library.__version__, "torch": torch.__version__}
    print(json.dumps(versions), file=answers, flush=True)
    for line in sys.stdin:
        seconds, lower = bounds.timed(**json.loads(line))
        print(json.dumps({"seconds": seconds, "lower": lower.tolist()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
