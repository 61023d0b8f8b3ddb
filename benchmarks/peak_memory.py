"""Peak memory of one workload: the growth of VmHWM, the kernel's peak resident size, in a process of its own,
with one thread.

`python -m benchmarks.peak_memory NAME` runs the workload and prints the growth in bytes. A process of its own, because
an allocator reuses what earlier work has left; and VmHWM rather than ru_maxrss, which a child inherits from its parent.
"""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.workloads import build_workload

STATUS = Path("/proc/self/status")


def is_measurable() -> bool:
    """Whether this system tells the peak resident size in the place that is read here."""
    return STATUS.exists()


def peak_memory(workload: str) -> int:
    """Bytes by which the workload raises the peak resident size of a fresh process."""
    command = [sys.executable, "-m", "benchmarks.peak_memory", workload]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # two threads of a busy machine would wait for each other
    return int(subprocess.run(command, env=alone, capture_output=True, text=True, check=True, timeout=300).stdout)


def _peak_resident_bytes() -> int:
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def main() -> None:
    """Warm up on a state of one sample, so that libraries are loaded, then run."""
    (name,) = sys.argv[1:]
    build_workload(name, batch=1)()
    run = build_workload(name)
    before = _peak_resident_bytes()
    run()
    print(_peak_resident_bytes() - before)


if __name__ == "__main__":
    main()
