"""auto_LiRPA in a Python of its own, asked by `lirpa_peer` line by line; needs torch, numpy and auto_LiRPA only.

    python lirpa_worker.py NETWORK.npz THREADS

The network is a chain of steps y + h(B relu(Ay + a) + b), one for each entry of A, a, B and b, and an affine head. The
gaps s_y − s_j to all classes j other than the label y are bounded. Each line of the input is
{"method", "norm", "epsilon"}; each line of the output holds the CPU seconds that one call took, and the lower bounds,
one list per image.

Before that the peer is asked for a minimum that is known (`known_case`): one whose bounds lie above it is refused.
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
CHECKED_METHODS = ("IBP", "CROWN-IBP", "CROWN", OPTIMISED)
ROUNDING = 1e-4
"""How far float32 may lift a bound of the known case, whose numbers are about 1."""


class Step(nn.Module):
    """y + h(B relu(Ay + a) + b).

    The step at the `entrance` passes y on through the identity as a linear layer. auto_LiRPA 0.3 knows the norm of the
    input's ball in linear layers alone: every other operation on an L2 ball gets the ball's centre for the ball.
    """

    def __init__(self, step_size: float, matrices: list[Tensor], *, entrance: bool = False) -> None:
        super().__init__()
        first, first_bias, second, second_bias = matrices
        size = first.shape[1]
        self.step_size = step_size
        self.skip = affine(torch.eye(size), torch.zeros(size)) if entrance else nn.Identity()
        self.first = affine(first, first_bias)
        self.second = affine(second, second_bias)

    def forward(self, state: Tensor) -> Tensor:
        """The next state."""
        return self.skip(state) + self.step_size * self.second(torch.relu(self.first(state)))


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
    steps = [Step(step_size, [stack[n] for stack in stacked], entrance=n == 0) for n in range(len(stacked[0]))]
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
        """CPU seconds, and bounds. Optimised slopes are kept from call to call, so they get a network of their own."""
        order = math.inf if norm == "Linf" else 2
        ball = self.library.PerturbationLpNorm(norm=order, eps=epsilon)
        images = self.library.BoundedTensor(self.images, ball)
        bounded = self._prepared(DENSE_SLOPES) if method == OPTIMISED else self.bounded
        with torch.set_grad_enabled(method == OPTIMISED):
            start = time.process_time()
            lower, _ = bounded.compute_bounds(x=(images,), C=self.gaps, method=method, bound_upper=False)
            return time.process_time() - start, lower.detach()


def known_case(epsilon: float) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Two steps and a head as `Bounds` reads them, and by norm the smallest gap on the ball around their one image x.

    With u = v·y the first step is the identity, the second lowers u by relu(v·x − u − ε/2), and the head gives (u, 0).
    So the gap grows with u, and where u is least, at v·x − ε‖v‖*, it is v·x − ε(2‖v‖* − 1/2); ‖·‖* is the dual norm,
    and ‖v‖* > 1/2. Whoever takes the ball for its centre sees no ball in the first step, and no ramp in the second.
    """
    direction, image = np.linspace(-1.0, 1.0, 5), np.linspace(0.2, 0.8, 5)
    centre = float(direction @ image)
    arrays = {
        "A": np.stack([direction[None], -direction[None]]),
        "a": np.array([[1.0], [centre - epsilon / 2]]),
        "B": np.stack([np.zeros((5, 1)), -direction[:, None] / (direction @ direction)]),
        "b": np.zeros((2, 5)),
        "step_size": np.asarray(1.0),
        "head_weight": np.stack([direction, np.zeros(5)]),
        "head_bias": np.zeros(2),
        "x": image[None],
        "y": np.zeros(1, dtype=np.int64),
    }
    dual = {"L2": float(np.linalg.norm(direction)), "Linf": float(np.abs(direction).sum())}
    return arrays, {norm: centre - epsilon * (2 * length - 0.5) for norm, length in dual.items()}


def check_known_case(epsilon: float = 0.1) -> None:
    """Refuses a peer whose lower bounds lie above the smallest gap of the known case.

    Raises:
        RuntimeError: one does, or is NaN; the message names method, norm, bound and smallest gap.
    """
    arrays, minima = known_case(epsilon)
    bounds = Bounds(arrays)
    for norm, minimum in minima.items():
        for method in CHECKED_METHODS:
            _, lower = bounds.timed(method, norm, epsilon)
            if not float(lower.min()) <= minimum + ROUNDING:
                raise RuntimeError(
                    f"auto_LiRPA's {method} gives {float(lower.min()):.6g} as lower bound on an {norm} ball of radius "
                    f"{epsilon:g} where the gap falls to {minimum:.6g}: it takes the ball for too small a set, such "
                    "as its centre"
                )


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # the library prints
    warnings.simplefilter("ignore")
    path, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    check_known_case()
    with np.load(path) as arrays:
        bounds = Bounds(arrays)
    versions = {"auto_LiRPA": bounds.library.__version__, "torch": torch.__version__}
    print(json.dumps(versions), file=answers, flush=True)
    for line in sys.stdin:
        seconds, lower = bounds.timed(**json.loads(line))
        print(json.dumps({"seconds": seconds, "lower": lower.tolist()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
