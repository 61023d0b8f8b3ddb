"""Where a run happens: hardware, versions, commit."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from natrob_empirical.records import Environment


def current_environment(device: torch.device, *, workers: int = 1) -> Environment:
    """The environment of this process, now; `workers` says how many such processes run cells side by side."""
    return Environment(
        natrob=_version("natrob"),
        python=platform.python_version(),
        torch=torch.__version__,
        torchvision=_version("torchvision"),
        torchdiffeq=_version("torchdiffeq"),
        platform=f"{platform.system()} {platform.machine()}",
        hardware=_hardware(device),
        device=str(device),
        threads=torch.get_num_threads(),
        workers=workers,
        commit=_commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def available_memory(device: torch.device) -> int:
    """Bytes that a run on this device may take now; of a CPU where the system does not tell, without a limit."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    kibibytes = _listed("/proc/meminfo", "MemAvailable")
    return int(kibibytes.split()[0]) * 1024 if kibibytes else sys.maxsize


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def _hardware(device: torch.device) -> str:
    """The GPU's name, or the processor's, where the system tells it, with the number of cores this process may use."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    processor = _listed("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    return f"{processor}, {cores} cores"


def _listed(listing: str, name: str) -> str:
    """The first value of this name in a listing of the system, of lines "name: value"; empty where there is none."""
    lines = Path(listing).read_text(encoding="utf-8", errors="replace").splitlines() if Path(listing).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


@cache
def _commit() -> str:
    """The commit of the source tree, marked where the tree differs from it; "unknown" outside a repository.

    It is asked for once: what a process has imported stays what it runs.
    """
    here = Path(__file__).resolve().parent
    try:
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        changed = _git(here, "status", "--porcelain", "--", ":/natrob_theory", ":/natrob_empirical")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{head} with local changes" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
