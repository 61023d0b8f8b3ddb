"""Where and with what a benchmark ran, for the lines above its table."""

from importlib.metadata import version

import torch

from benchmarks.states import SEED
from natrob_empirical.benchmarks.environment import current_environment

PEERS = ("torchdiffeq", "torchode", "diffrax", "jax")


def environment_note(*, quick: bool) -> str:
    """Hardware, versions, threads, seed and commit as a Markdown list."""
    here = current_environment(torch.device("cpu"))
    versions = ", ".join([f"torch {here.torch}", *(f"{peer} {version(peer)}" for peer in PEERS)])
    lines = [
        f"hardware: {here.hardware}, {here.threads} threads (torch's default), {here.platform}",
        f"versions: natrob {here.natrob}, Python {here.python}, {versions}",
        f"commit: {here.commit}; {here.created}",
        f"seed: {SEED}; times are medians of interleaved turns{', few of them (--quick)' if quick else ''}",
    ]
    return "\n".join(f"* {line}" for line in lines)
