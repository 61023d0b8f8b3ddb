"""Processes that run work beside this one, without torch: a command starts the import of its work before its own.

Where the system has a fork server (Linux), one process imports the work once, and every worker begins as a copy of it,
before any of its threads; elsewhere each worker is a new process that imports it anew.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any, Final

_WORK: Final = ("natrob_empirical.benchmarks.worker", "torch._dynamo")
"""What every worker needs; torch's optimisers import the second when they are made."""


def worker_running(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A started process that runs `work`, which ends with this one."""
    if sys.platform == "linux":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_WORK))
    else:
        context = multiprocessing.get_context("spawn")
    process = context.Process(target=work, args=arguments, name="natrob worker", daemon=True)
    process.start()
    return process


def import_ahead() -> None:
    """Let the fork server import the work while this process imports its own; nothing where workers are of no use."""
    if sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and os.environ.get("OMP_NUM_THREADS") != "1":
        multiprocessing.get_context("forkserver").set_forkserver_preload(list(_WORK))
        multiprocessing.forkserver.ensure_running()
