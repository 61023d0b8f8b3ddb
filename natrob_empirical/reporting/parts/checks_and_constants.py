"""Folded tables of one model: reliability flags, bound checks, constants, certificates, vacuity."""

from collections.abc import Sequence

from natrob_empirical.display import Cell, Column, Part, measured
from natrob_empirical.display.formatting import NORM_SIGNS, clean_text, format_budget
from natrob_empirical.display.table import missing_cell
from natrob_empirical.evidence.flags import reliability_flags
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import SampleCertificates
from natrob_empirical.reporting.parts.cells import count, key, number, only, quantity, share, table, words


def reliability(run: Run, model: Model) -> Part | None:
    """Every sign of masking with its reason; None for a model that met no attack."""
    if not model.attacks:
        return None
    flags = reliability_flags(run, model)
    lines = [
        (words(f.attack), words(f.name, mark="caution"), words(format_budget(f.norm, f.epsilon)), words(f.reason))
        for f in flags
    ]
    shown = table(key(run, model, what="flags"), "Signs that an accuracy under attack is the attack’s failure.",
                  ("Attack·", "Sign·", "Clearest at·", "Reason·"), lines)  # fmt: skip
    said = "There are signs of masked gradients:" if flags else "No sign of masked gradients."
    tables = only(shown)
    return Part(name="reliability", heading="Can the attacks be trusted?", sentences=(said,), tables=tables)


def bound_checks(run: Run, model: Model) -> Part | None:
    """Every bound against what was measured; a violation of an estimate refutes its constant only."""
    checks = model.theory.bound_checks if model.theory else []
    lines = [
        (words(clean_text(c.constant)), words(c.kind), count(c.pairs), count(c.comparisons),
         quantity(c.violations, mark="bad" if c.violations and c.kind == "upper" else ""),
         quantity(c.worst_ratio, "upper"), words(clean_text(c.rounding)))
        for c in checks
    ]  # fmt: skip
    shown = table(
        key(run, model, what="checks"), "Measured divergence against each bound, step by step.",
        ("Constant·", "Kind·", "Pairs", "Comparisons", "Violations", Column(heading="Worst", note="measured/bound"),
         "Rounding·"),
        lines,
    )  # fmt: skip
    if shown is None:
        return None
    upper = [check for check in checks if check.kind == "upper"]
    broken, compared = sum(c.violations for c in upper), sum(c.comparisons for c in upper)
    said = f"Measured growth exceeded a proved bound in {measured(f'{broken:,} of {compared:,}')} comparisons."
    return Part(name="bound-checks", heading="Bound checks", sentences=(said,), tables=(shown,), folded=True)


def constants(run: Run, model: Model) -> Part | None:
    """K, growth, stem and features, the grid, and the blocks of a residual network."""
    theory = model.theory
    if theory is None:
        return None
    names = {
        "K, found by search": theory.field_lipschitz_lower, "K, proved": theory.field_lipschitz_upper,
        "Growth bound": theory.growth_bound, "e^(KT)": theory.exponential_bound,
        "Growth, median measured": theory.measured_growth_median,
        "Growth, largest measured": theory.measured_growth_largest,
        "Growth, largest found by search": theory.trunk_lipschitz_lower,
        "Stem": theory.stem_lipschitz_upper, "Image to features": theory.feature_lipschitz_upper,
        "Largest distance of two images’ features": theory.feature_diameter,
    }  # fmt: skip
    lines = [
        (words(name), number(found), words(found.kind), count(found.n) if found.n else words("all inputs"),
         words(clean_text(found.source)))
        for name, found in names.items()
        if found is not None
    ]  # fmt: skip
    if theory.grid:
        grid = theory.grid
        lines += [
            (words(name), quantity(value, "upper"), words("upper"), count(grid.images), words("upper K of each step"))
            for name, value in (("h·K, smallest", grid.hk_smallest), ("h·K, largest", grid.hk_largest))
        ]
    found = table(key(run, model, what="constants"), "Lipschitz constants and growth.",
                  ("Quantity·", "Value", "Kind·", "n", "Source·"), lines)  # fmt: skip
    blocks = table(
        key(run, model, what="blocks"), "Residual blocks y → σ(S y + h·F(y)).",
        ("Block", "h", "K of F at least", "K of F at most", "Shortcut", "Activation", "Growth"),
        [(count(index), quantity(b.step_size), number(b.branch_lower), number(b.branch_upper), number(b.shortcut_upper),
          number(b.activation_upper), number(b.growth)) for index, b in enumerate(theory.blocks, 1)],
    )  # fmt: skip
    return Part(name="constants", heading="Constants", tables=only(found, blocks), folded=True)


def certificates(run: Run, model: Model) -> Part | None:
    """Certified accuracy by budget, the radii of every method, and what the growth bound excludes."""
    theory = model.theory
    if theory is None or not (theory.certified or theory.certificates or theory.vacuity):
        return None
    accuracy = table(
        key(run, model, what="certified"), "Certified accuracy, a lower bound.",
        ("Norm·", "ε", "Certified at least", "n", "By·"),
        [(words(NORM_SIGNS.get(p.norm, p.norm)), quantity(p.epsilon), number(p.accuracy, accuracy=True),
          count(p.accuracy.n), words(clean_text(p.accuracy.source))) for p in theory.certified],
    )  # fmt: skip
    radii = table(
        key(run, model, what="radii"), "Certified radii image by image, rounded down.",
        ("Method·", "Norm·", "n", "Above 0", "25 %", "Median", "75 %", "Largest", "Rounding·", "Note·"),
        [_radii(each) for each in theory.certificates],
    )  # fmt: skip
    excluded = table(
        key(run, model, what="vacuity"), "How far the bound lets an image’s features move.",
        ("Norm·", "ε", "At most", "So the bound is·"),
        [(words(NORM_SIGNS.get(p.norm, p.norm)), quantity(p.epsilon), quantity(p.displacement_bound, "upper"),
          words("vacuous", mark="bad") if p.vacuous else words("informative", mark="good")) for p in theory.vacuity],
    )  # fmt: skip
    sentences = ("There is no certificate; the table of the network says why.",) if theory.certificate_refusal else ()
    tables = only(accuracy, radii, excluded)
    return Part(name="certificates", heading="Certificates", sentences=sentences, tables=tables, folded=True)


def _radii(found: SampleCertificates) -> tuple[Cell, ...]:
    """One method in one norm: quartiles of its radii."""
    radii: Sequence[float] = sorted(found.radius_values)
    last = len(radii) - 1
    quarters = [quantity(radii[last * part // 4], "lower") if radii else missing_cell() for part in (1, 2, 3, 4)]
    positive = sum(radius > 0 for radius in radii) / len(radii) if radii else None
    note = clean_text(found.refusal or found.source or "–")
    return (
        words(found.method), words(NORM_SIGNS.get(found.norm, found.norm)), count(found.images),
        share(positive, "lower"), *quarters, words(clean_text(found.arithmetic or "–")), words(note),
    )  # fmt: skip
