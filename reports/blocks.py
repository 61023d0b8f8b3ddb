"""Blocks of numbers on the pages of the repository, written from the ledger, the records and the certificates."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from natrob_empirical.certificate_files import read_certificates
from natrob_empirical.claims import Ledger, Verdict
from natrob_empirical.claims.headline import headline
from natrob_empirical.display import Figure, plain
from natrob_empirical.display.formatting import MISSING, NORM_SIGNS, format_number, format_share
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import share_certified
from natrob_empirical.records.schema import CertificateFile
from natrob_empirical.reporting.glossary import GLOSSARY
from natrob_empirical.reporting.parts import INDEX_PARTS, picture
from natrob_empirical.reporting.words import ABOUT

ROOT: Final = Path(__file__).parents[1]
_BLOCK: Final = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def pages() -> list[Path]:
    """Finds the pages that people write and that may hold blocks."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "reports" / "README.md"]


def filled(text: str, ledger: Ledger) -> str:
    """Returns a page with its blocks written anew; KeyError for a name that no block has."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](ledger)}\n{found[4]}", text)


def without_blocks(text: str) -> str:
    """Returns a page as people wrote it."""
    return _BLOCK.sub("", text)


def finding(ledger: Ledger) -> str:
    """What the paper says, what decides the question, and the picture of the site's index."""
    image = _image(picture(ledger.evidence.runs), "reports/index")
    return f"{ABOUT[0]}\n**{plain(headline(ledger))}**\n\n[{image}](reports/index/index.md)"


def index_figure(name: str) -> Callable[[Ledger], str]:
    """Makes the block of one of the index's figures, for a page in docs."""

    def block(ledger: Ledger) -> str:
        parts = [part for make in INDEX_PARTS if (part := make(ledger.evidence.runs)) is not None]
        figures = {part.figure.name: part.figure for part in parts if part.figure is not None}
        return _image(figures.get(name), "../reports/index")

    return block


def _image(figure: Figure | None, site: str) -> str:
    if figure is None:
        raise ValueError("the published records must hold what every figure of the pages shows; one is missing")
    return f"![{figure.alt}]({site}/figures/{figure.name}.svg)"


def verdicts(ledger: Ledger) -> str:
    """How many claims have each verdict, the paper's and natrob's own."""
    counts = Counter((entry.judgement.verdict, entry.claim.id[0] == "N") for entry in ledger.entries)
    rows = [
        (f"{each.sign} {each.words}", str(counts[each, False]), str(counts[each, True]))
        for each in Verdict
        if counts[each, False] or counts[each, True]
    ]
    return _table("| verdict | claims of the paper | natrob's own |\n|---|---:|---:|", rows)


def runs(ledger: Ledger) -> str:
    """The folders of records: models, data set, images, seed, and the command that makes them anew."""
    return _table(
        "| records | command | data set | models | images attacked | seed |\n|---|---|---|---:|---:|---:|",
        [
            (
                f"[{run.source}]({run.source}/records)",
                f"`{_command(run)}`",
                run.dataset,
                str(len(run.models)),
                _images(run),
                str(run.seed),
            )
            for run in sorted(ledger.evidence.runs, key=lambda run: run.source)
        ],
    )


def _command(run: Run) -> str:
    experiment, _, preset = run.preset.rpartition("-")
    what = f"{experiment} --preset {preset}" if experiment else f"--preset {preset}"
    return f"natrob report {what} --output reports/{run.source}"


def _images(run: Run) -> str:
    counts = {result.accuracy.n or 0 for model in run.models for result in model.attacks.values()} - {0}
    return " to ".join(f"{count:,}" for count in sorted({min(counts), max(counts)})) if counts else "–"


def certificates(_: Ledger) -> str:
    """Certified accuracies of all test images, and the clean accuracy, from the published radii."""
    files = {path: read_certificates(path) for path in sorted((ROOT / "reports").glob("certificates/*.json"))}
    radii = sorted({point.epsilon for file in files.values() for point in file.certified})
    head = " | ".join(f"ε = {format_number(radius)}" for radius in radii)
    return _table(
        f"| radii of every image | norm | images | clean | {head} |\n|---|---|---:|---:{'|---:' * len(radii)}|",
        [
            (
                f"[{path.name}](certificates/{path.name})",
                NORM_SIGNS[file.norm],
                f"{len(file.radii):,}",
                format_share(file.clean_accuracy),
                *(_share_at(file, radius) for radius in radii),
            )
            for path, file in files.items()
        ],
    )


def _share_at(file: CertificateFile, epsilon: float) -> str:
    """The share at a radius that the file was asked for."""
    asked = any(point.epsilon == epsilon for point in file.certified)
    return format_share(share_certified(file.radii, epsilon), kind="lower") if asked else MISSING


def glossary(_: Ledger) -> str:
    """The words of the package."""
    return _table("| word | what it means |\n|---|---|", [(f"**{word}**", meaning) for word, meaning in GLOSSARY])


def _table(head: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join([head, *(f"| {' | '.join(row)} |" for row in rows)])


BLOCKS: Final[Mapping[str, Callable[[Ledger], str]]] = {
    "finding": finding,
    "verdicts": verdicts,
    "runs": runs,
    "certificates": certificates,
    "glossary": glossary,
    "bounds-against-growth": index_figure("bounds-against-growth"),
    "best-sandwich": index_figure("best-sandwich"),
}
