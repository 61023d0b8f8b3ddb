"""`python -m benchmarks`: run the sections, print one Markdown table, write it where asked."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environment_note import environment_note
from benchmarks.sections import SECTIONS
from benchmarks.table import markdown_table, summary

INTRODUCTION = """\
# Speed of natrob beside its peers

Each value compares natrob with its peer in the same run. A ratio below 1 is in natrob's favour."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    chosen = _parser().parse_args(arguments)
    rows = []
    for name in chosen.section or SECTIONS:
        start = time.perf_counter()
        rows += SECTIONS[name](quick=chosen.quick)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    note = environment_note(quick=chosen.quick)
    page = "\n\n".join([INTRODUCTION, note, summary(rows), markdown_table(rows)]) + "\n"
    print(page)
    if chosen.output is not None:
        chosen.output.parent.mkdir(parents=True, exist_ok=True)
        chosen.output.write_text(page, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed of natrob beside its peers.")
    parser.add_argument("--section", action="append", choices=list(SECTIONS), help="only this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="few repeats: shows that it runs, proves nothing")
    parser.add_argument("--output", type=Path, help="also write the page here, such as reports/benchmarks/cpu.md")
    return parser


if __name__ == "__main__":
    main()
