"""The tables of the certified page: a row a network, every number on its own, whole test sets, and smoothing."""

from collections.abc import Sequence

from natrob_empirical.display import Cell, Column, Part, Table, measured
from natrob_empirical.display.formatting import MISSING, NORM_SIGNS, format_epsilon, format_number, format_percent
from natrob_empirical.display.table import missing_cell
from natrob_empirical.evidence.certified_table import NetworkRow, Panel, Standing
from natrob_empirical.records import share_certified
from natrob_empirical.records.schema import CertificateFile, SmoothingFile
from natrob_empirical.reporting.parts.cells import count, only, quantity, share, slug, table, words
from natrob_empirical.reporting.parts.certified_panels import panel_place


def panel_table(panel: Panel) -> Table | None:
    """A row a network: at every radius the two bounds in percent, and the undecided images."""
    lines = [(words(row.label), count(row.images), *(_cell(row.at(e)) for e in panel.epsilons)) for row in panel.rows]
    lines += _ceilings(panel)
    radii = [Column(heading=f"ε = {format_epsilon(epsilon)}") for epsilon in panel.epsilons]
    return table(
        slug("certified", panel.dataset, panel.norm),
        f"{panel_place(panel)}: proved at least – attacked at most, in % (undecided images).",
        ("Network·", "Images", *radii),
        lines,
    )


def _cell(standing: Standing | None) -> Cell:
    if standing is None:
        return missing_cell()
    low, high = _percent(standing.certified, "lower"), _percent(standing.attacked, "upper")
    return Cell(text=f"{low}–{high} ({standing.undecided:,})")


def _percent(value: float, kind: str) -> str:
    return format_percent(value, kind=kind).removesuffix(" %")


def _ceilings(panel: Panel) -> list[tuple[Cell, ...]]:
    """Lists what no classifier exceeds, a row a number of images; where nothing but 100 % is known, one row says so."""
    found: dict[int, dict[float, float]] = {}
    for row in panel.rows:
        for each in row.standings:
            if each.ceiling is not None:
                found.setdefault(row.images, {}).setdefault(each.epsilon, each.ceiling)
    telling = {images: known for images, known in found.items() if min(known.values()) < 1}
    return [
        (
            words("No classifier above"),
            count(images),
            *(Cell(text=_percent(known[e], "upper")) if e in known else missing_cell() for e in panel.epsilons),
        )
        for images, known in sorted((telling or dict([max(found.items(), default=(0, {}))])).items())
        if known
    ]


def all_numbers(panels: Sequence[Panel]) -> Part:
    """Every number of every panel, a row a network and radius."""
    lines = [_line(panel, row, each) for panel in panels for row in panel.rows for each in row.standings]
    shown = table(
        "certified-numbers",
        "Every network, norm and radius.",
        ("Network·", "Data·", "Norm·", "ε", "Images", "Proved at least", "Attacked at most", "Undecided images",
         "No classifier above", "Methods·"),
        lines,
    )  # fmt: skip
    return Part(name="numbers", heading="Every number", tables=only(shown), folded=True)


def _line(panel: Panel, row: NetworkRow, each: Standing) -> tuple[Cell, ...]:
    return (
        words(row.label), words(panel.dataset), words(NORM_SIGNS.get(panel.norm, panel.norm)), quantity(each.epsilon),
        count(row.images), share(each.certified, "lower"), share(each.attacked, "upper"), count(each.undecided),
        share(each.ceiling, "upper"), words(", ".join(row.methods) or MISSING),
    )  # fmt: skip


def whole_test_sets(files: Sequence[CertificateFile]) -> Part | None:
    """Certificates that travel, a table a data set and norm."""
    places = dict.fromkeys((_data(file), file.norm) for file in files)
    tables = [_test_set(*place, [file for file in files if (_data(file), file.norm) == place]) for place in places]
    if not files:
        return None
    return Part(
        name="test-sets",
        heading="Whole test sets",
        sentences=("The files hold each radius, and what it takes to prove it again.",),
        tables=only(*tables),
    )


def _test_set(data: str, norm: str, files: Sequence[CertificateFile]) -> Table | None:
    """A row a file, with the share proved at every radius asked for; the most proved first."""
    radii = sorted({point.epsilon for file in files for point in file.certified})
    shares = {id(file): [share_certified(file.radii, epsilon) for epsilon in radii] for file in files}
    lines = [
        (
            words(subject_label(file)), words(file.method), count(len(file.radii)), share(file.clean_accuracy),
            *(share(each, "lower") for each in shares[id(file)]),
        )
        for file in sorted(files, key=lambda file: -sum(shares[id(file)]))
    ]  # fmt: skip
    sign = NORM_SIGNS.get(norm, norm)
    return table(
        slug("test-set", data, norm),
        f"{data} in {sign}: proved at least, of every test image.",
        ("Network·", "Method·", "Images", "Clean", *(f"ε = {format_epsilon(epsilon)}" for epsilon in radii)),
        lines,
    )


def smoothing(files: Sequence[SmoothingFile]) -> Part | None:
    """Randomised smoothing beside the certificates: what it says holds with a probability."""
    if not files:
        return None
    wrong = max(file.joint_failure_probability for file in files)
    least = f"1 − {format_number(wrong, kind='upper')}"
    tables = [_smoothed(dataset, files) for dataset in dict.fromkeys(_data(file) for file in files)]
    return Part(
        name="smoothing",
        heading="Beside it: randomised smoothing",
        sentences=(
            "A statement with a probability, and no certificate.",
            "It is about another classifier: the most likely answer of the network under Gaussian noise.",
            f"All images of a row are right together with probability at least {measured(least)}.",
        ),
        tables=only(*tables),
    )


def _smoothed(dataset: str, files: Sequence[SmoothingFile]) -> Table | None:
    here = [file for file in files if _data(file) == dataset]
    radii = sorted({point.epsilon for file in here for point in file.accuracies})
    lines = [
        (
            words(subject_label(file)), words(_training(file)), quantity(file.sigma), count(len(file.radii)),
            count(file.samples_estimate), share(file.clean_accuracy),
            *(share(file.share(epsilon), "lower") for epsilon in radii),
        )
        for file in sorted(here, key=lambda file: -sum(file.share(epsilon) for epsilon in radii))
    ]  # fmt: skip
    return table(
        slug("smoothing", dataset),
        f"{dataset} in L2: share of images with the right answer and at least this radius.",
        (
            "Network·",
            "Training·",
            "Noise σ",
            "Images",
            "Noisy copies",
            "Smoothed clean",
            *(f"ε = {format_epsilon(e)}" for e in radii),
        ),
        lines,
    )


def subject_label(file: CertificateFile | SmoothingFile) -> str:
    """The network's label where it was trained by natrob, else its class."""
    trained = file.subject.get("model", {}).get("trained as", {})
    return str(trained.get("model", {}).get("label", file.network.network))


def _training(file: SmoothingFile) -> str:
    """The method that the network was trained by; empty for a network of somebody else."""
    trained = file.subject.get("model", {}).get("trained as", {})
    return str(trained.get("training", {}).get("method", {}).get("name", MISSING))


def _data(file: CertificateFile | SmoothingFile) -> str:
    data = file.subject.get("data", {})
    return str(data.get("title") or data.get("name") or MISSING)
