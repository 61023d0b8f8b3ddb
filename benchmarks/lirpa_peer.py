"""auto_LiRPA as a process that is asked for bounds.

The newest version on the package index, 0.3 of 2022, needs NumPy 1 and torch before 2, natrob a torch of today. So it
runs, unchanged, in an environment of its own, whose Python the variable `NATROB_LIRPA_PYTHON` names:

    python3.11 -m venv lirpa
    lirpa/bin/pip install "torch==1.13.1" "numpy<2" appdirs pyyaml ninja packaging tqdm sortedcontainers
    lirpa/bin/pip install --no-deps "auto-LiRPA==0.3"
    NATROB_LIRPA_PYTHON=lirpa/bin/python python -m benchmarks --section local_bounds

(`--no-deps`, since it asks for torch before 1.13, which has no Python 3.11.) Without the variable this Python is tried.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor

from benchmarks.small_dense_networks import DenseNetwork

VARIABLE = "NATROB_LIRPA_PYTHON"
WORKER = Path(__file__).with_name("lirpa_worker.py")


class PeerUnavailableError(RuntimeError):
    """auto_LiRPA cannot be imported; the message says what was tried."""


class PeerFailedError(RuntimeError):
    """auto_LiRPA raised; the message is its own."""


@final
class LirpaPeer:
    """One network, loaded by auto_LiRPA."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self._process, self._log = process, log
        versions = self._answer()
        self.name = f"auto_LiRPA {versions['auto_LiRPA']} (torch {versions['torch']})"

    def bounds(self, method: str, norm: str, epsilon: float) -> tuple[float, Tensor]:
        """The CPU seconds of one call, measured there, and lower bounds of the gaps to the other classes."""
        assert self._process.stdin is not None
        question = {"method": method, "norm": norm, "epsilon": epsilon}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return answer["seconds"], torch.tensor(answer["lower"], dtype=torch.float64)

    def _answer(self) -> dict:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            last = (self._log.read_text().strip().splitlines() or ["no message"])[-1]
            raise PeerFailedError(f"auto_LiRPA's process ended: {last}")
        return json.loads(line)


@contextmanager
def lirpa_peer(network: DenseNetwork) -> Iterator[LirpaPeer]:
    """auto_LiRPA with this network, on torch's current number of threads.

    Raises:
        PeerUnavailableError: it cannot be imported.
    """
    interpreter = os.environ.get(VARIABLE, sys.executable)
    found = subprocess.run(
        [interpreter, "-c", "import auto_LiRPA"], capture_output=True, text=True, check=False, env=_environment()
    )
    if found.returncode != 0:
        reason = (found.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerUnavailableError(f"`import auto_LiRPA` fails in {VARIABLE} or, without it, in this Python: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.npz"
        np.savez(path, **arrays_of(network))  # type: ignore[arg-type]
        command = [interpreter, str(WORKER), str(path), str(torch.get_num_threads())]
        with (
            (Path(folder) / "log").open("w+") as log,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=_environment()
            ) as process,
        ):
            yield LirpaPeer(process, Path(log.name))
            assert process.stdin is not None
            process.stdin.close()


def _environment() -> dict[str, str]:
    """This process's, without the path by which it finds its own packages, and without GPUs."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "CUDA_VISIBLE_DEVICES": ""}


def arrays_of(network: DenseNetwork) -> dict[str, np.ndarray]:
    """The network and its images, as the worker reads them."""
    stacked = [torch.stack(parts).numpy() for parts in zip(*network.half_steps(), strict=True)]
    return {
        **dict(zip("AaBb", stacked, strict=True)),
        "step_size": np.asarray(network.step_size),
        "head_weight": network.head.weight.numpy(),
        "head_bias": network.head.bias.numpy(),
        "x": network.x.numpy(),
        "y": network.y.numpy(),
    }
