"""`python -m benchmarks.builds OTHER`: is this build of natrob faster than the one in the folder OTHER?

    git worktree add OTHER COMMIT
    python -m benchmarks.builds OTHER --repeats 9

Both builds run the same workloads with the same weights, each in a process of its own with one thread. They take turns,
and the medians of their processor seconds are compared: a machine that is busy with other work slows both. A workload's
first turn, and whatever it builds, is outside the clock.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import final

import torch

from benchmarks.build_worker import TURN, WORKLOADS
from natrob_empirical.benchmarks.environment import current_environment

HERE = Path(__file__).resolve().parents[1]
WORKER = Path(__file__).with_name("build_worker.py")


@final
class Build:
    """A build under measurement: a process that runs what it is told and answers with its seconds."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def seconds(self, workload: str) -> float:
        """The processor seconds of a run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(workload, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a Markdown page with one line a workload, and write it where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.builds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("other", type=Path, help="a folder with another build's source tree")
    parser.add_argument("--repeats", type=int, default=9, help="turns of each build")
    parser.add_argument("--only", default="", help="workloads whose names hold this text")
    parser.add_argument("--output", type=Path, help="also write the page here")
    chosen = parser.parse_args(arguments)
    page = _heading(chosen.other.resolve(), chosen.repeats)
    print(page)
    builds = {"this": Build(HERE), "other": Build(chosen.other.resolve())}
    for name in (name for name in WORKLOADS if chosen.only in name):
        line = _line(name, builds, repeats=chosen.repeats)
        page += f"\n{line}"
        print(line, flush=True)
        if chosen.output is not None:  # at once: who stops a long run keeps what it has measured
            chosen.output.write_text(f"{page}\n", encoding="utf-8")
    for build in builds.values():
        build.close()


def _heading(other: Path, repeats: int) -> str:
    here = current_environment(torch.device("cpu"))
    command = ["git", "-C", str(other), "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return f"""\
# Two builds side by side

Processor seconds of the same work with the same weights, one thread. A ratio below 1 is in favour of this build.

* this build: commit {here.commit}; other build: commit {commit}
* hardware: {here.hardware}, {here.platform}; Python {here.python}, torch {here.torch}; {here.created}
* medians of {repeats} interleaved turns, each of as many runs as fill {1e3 * TURN:g} ms; warm caches, nothing is built

| workload | this build, ms | other build, ms | this / other | spread of the turns' ratios |
| --- | --- | --- | --- | --- |"""


def _line(workload: str, builds: dict[str, Build], *, repeats: int) -> str:
    seconds: dict[str, list[float]] = {name: [] for name in builds}
    for turn in range(repeats + 1):
        order = list(builds) if turn % 2 else list(reversed(builds))
        for name in order:
            taken = builds[name].seconds(workload)
            if turn:  # the first turn is for warmth
                seconds[name].append(taken)
    this, other = (statistics.median(seconds[name]) for name in ("this", "other"))
    ratios = sorted(mine / theirs for mine, theirs in zip(seconds["this"], seconds["other"], strict=True))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    return f"| {workload} | {1e3 * this:.2f} | {1e3 * other:.2f} | {this / other:.3f} | {spread} |"


if __name__ == "__main__":
    main()
