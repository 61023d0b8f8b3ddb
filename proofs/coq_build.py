"""Compiles the Coq files in a folder of its own, and asks the result questions."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from proofs.catalogue import FOLDER
from proofs.kept_builds import digest, keep, one_at_a_time, take

LOGICAL_NAME = "NatrobProofs"
_OPTIONS = ("-q", "-color", "no")
TIME_LIMIT = 600.0
"""Seconds for one file."""


def coq_version() -> str | None:
    """The version that `coqc` reports, or None where there is no `coqc`."""
    if shutil.which("coqc") is None:
        return None
    printed = subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=True).stdout
    return printed.split()[0]


class CoqBuild:
    """The Coq files of a folder, compiled in a temporary one.

    Use as a context manager. `errors` has, of each file that did not compile, what Coq said.

    Args:
        source: the folder with the .v files.
        kept: a folder of kept builds; one of the same sources is taken from there instead of compiling. Without it,
            nothing of an earlier run is believed.
    """

    QUESTIONS = "questions_to_coq.v"

    def __init__(self, source: Path = FOLDER / "coq", *, kept: Path | None = None) -> None:
        self._kept = kept
        self._temporary = TemporaryDirectory(prefix="natrob-coq-")
        self.folder = Path(self._temporary.name)
        for file in source.glob("*.v"):
            shutil.copy(file, self.folder)
        self.errors: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Compile everything, or take what was compiled."""
        if self._kept is None:
            self.errors = self._compile_all()
            return self
        with one_at_a_time(self._kept):
            if not take(self._digest(), self._kept, self.folder):
                self.errors = self._compile_all()
                self._keep(self._kept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the folder."""
        self._temporary.cleanup()

    def keep(self, kept: Path) -> None:
        """Leaves the compiled files for builds of the same sources, unless one did not compile."""
        with one_at_a_time(kept):
            self._keep(kept)

    def answers(self, preamble: str, questions: Mapping[str, str]) -> dict[str, str]:
        """What Coq prints for each question.

        Args:
            preamble: the `Require` commands that the questions need.
            questions: commands such as "Print Assumptions theorem_3_1.theorem_3_1.", by any label.

        Raises:
            RuntimeError: Coq refused a question.
        """
        lines = [preamble]
        for label, question in questions.items():
            lines.append(f'Goal True. idtac "<<{label}>>". exact I. Qed.\n{question}')
        (self.folder / self.QUESTIONS).write_text("\n".join(lines) + "\n", encoding="utf-8")
        completed = self._run("coqc", *_OPTIONS, self.QUESTIONS)
        if completed.returncode != 0:
            raise RuntimeError(f"Coq refused a question:\n{completed.stdout[-2000:]}{completed.stderr[-2000:]}")
        pieces = re.split(r"<<(.*?)>>\n", completed.stdout)[1:]
        return {label: text.strip() for label, text in zip(pieces[::2], pieces[1::2], strict=True)}

    def independent_check(self, files: Sequence[Path]) -> str:
        """What `coqchk`, which shares little code with `coqc`, says against compiled files; empty if nothing."""
        modules = [part for file in files for part in ("-norec", f"{LOGICAL_NAME}.{file.stem}")]
        completed = self._run("coqchk", "-o", "-silent", *modules)
        if completed.returncode != 0:
            return (completed.stdout + completed.stderr)[-2000:]
        relaxed = re.findall(r"^\* (.* (?:relying on|assumed).*): (?!<none>)", completed.stdout, re.MULTILINE)
        return f"not fully checked: {', '.join(relaxed)}" if relaxed else ""

    def _keep(self, kept: Path) -> None:
        if not self.errors:
            keep(self.folder, self._digest(), kept)

    def _digest(self) -> str:
        return digest(self.folder, coq_version() or "")

    def _compile_all(self) -> dict[str, str]:
        """What Coq said of every file that it did not accept, or could not try."""
        requirements = self._requirements()
        order = TopologicalSorter(requirements)
        order.prepare()
        errors: dict[str, str] = {}
        running: dict[Future[str], str] = {}
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            while order.is_active():
                for name in order.get_ready():
                    broken = sorted(needed for needed in requirements[name] if needed in errors)
                    if broken:
                        errors[name] = f"not tried: {', '.join(broken)} did not compile"
                        order.done(name)
                    else:
                        running[pool.submit(self._compile, name)] = name
                if running:
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        name = running.pop(future)
                        if future.result():
                            errors[name] = future.result()
                        order.done(name)
        return errors

    def _requirements(self) -> dict[str, set[str]]:
        """Of each file, the files of the folder that it requires."""
        names = sorted(file.name for file in self.folder.glob("*.v"))
        printed = subprocess.run(
            ["coqdep", "-Q", ".", LOGICAL_NAME, *names], cwd=self.folder, capture_output=True, text=True, check=True
        ).stdout
        found: dict[str, set[str]] = {name.removesuffix(".v"): set() for name in names}
        for rule in printed.replace("\\\n", " ").splitlines():
            targets, _, needed = rule.partition(":")
            if f"{targets.split()[0]}".endswith(".vo"):
                name = targets.split()[0].removesuffix(".vo")
                found[name] = {file.removesuffix(".vo") for file in needed.split() if file.endswith(".vo")}
        return found

    def _compile(self, name: str) -> str:
        """What Coq said against a file; empty if it accepted it."""
        try:
            completed = self._run("coqc", *_OPTIONS, f"{name}.v")
        except subprocess.TimeoutExpired:
            return f"not finished within {TIME_LIMIT:g} s"
        said = completed.stdout + completed.stderr
        return "" if completed.returncode == 0 else said.strip() or f"coqc ended with {completed.returncode}"

    def _run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A Coq command in the build folder."""
        return subprocess.run(
            [command, "-Q", ".", LOGICAL_NAME, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )


def statement_names(file: Path) -> Sequence[str]:
    """The names of the theorems, lemmas and corollaries of a file, in their order."""
    text = without_comments(file.read_text(encoding="utf-8"))
    return re.findall(r"^\s*(?:Theorem|Lemma|Corollary|Proposition|Fact|Remark)\s+(\w+)", text, re.MULTILINE)


def without_comments(text: str) -> str:
    """Coq source without its comments, which nest."""
    kept, depth, position = [], 0, 0
    while position < len(text):
        if text.startswith("(*", position):
            depth, position = depth + 1, position + 2
        elif depth and text.startswith("*)", position):
            depth, position = depth - 1, position + 2
        else:
            if not depth:
                kept.append(text[position])
            position += 1
    return "".join(kept)
