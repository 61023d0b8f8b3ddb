"""The parts of a page that compare certificates and attacks image by image, where the records allow it."""

import re
from collections.abc import Mapping, Sequence

from natrob_empirical.reporting.experiments import ExperimentPart
from natrob_empirical.reporting.explanation import Explanation, explanations
from natrob_empirical.reporting.figure_explanation import explanation_figure
from natrob_empirical.reporting.figure_radii import radii_figure
from natrob_empirical.reporting.figure_sandwich import sandwich_figure
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.image_bounds import ImageBounds, image_bounds, widest_bounds
from natrob_empirical.reporting.record_groups import Section
from natrob_empirical.reporting.tables.explanation import explanation_table
from natrob_empirical.reporting.tables.sandwich import sandwich_table


def sample_parts(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> tuple[ExperimentPart, ...]:
    """Parts on what explains success, all models' scatter, each one's sandwich; none where the records lack them."""
    bounds = image_bounds(section)
    return (
        *_explanation_part(explanations(section), prefix, styles),
        *_radii_part(widest_bounds(section), prefix, styles),
        *_sandwich_parts(bounds, prefix),
    )


def _explanation_part(
    found: Sequence[Explanation], prefix: str, styles: Mapping[str, ModelStyle]
) -> tuple[ExperimentPart, ...]:
    """Says what tells fooled images from kept ones."""
    if not any(each.separation or each.ranking for each in found):
        return ()
    text = "The growth bound is about all perturbations of all images. If growth decided what an attack can do, the "
    text += "images whose perturbations were measured to grow more would be the ones that are fooled, and so would be "
    text += (
        "those whose margin is small against the growth. Amplification is one perturbation of an image, ranked among "
    )
    text += "random and among found perturbations apart."
    return (
        ExperimentPart(
            heading="Does the bound explain which images are fooled?",
            text=(text,),
            figure=explanation_figure(found, styles, name=f"{prefix}explanation"),
            tables=(explanation_table(found),),
        ),
    )


def _radii_part(
    bounds: Sequence[ImageBounds], prefix: str, styles: Mapping[str, ModelStyle]
) -> tuple[ExperimentPart, ...]:
    """Certified radius against smallest found perturbation."""
    figure = radii_figure(bounds, styles, name=f"{prefix}certified-radii")
    if figure is None:
        return ()
    text = "A certificate bounds the distance to the nearest misclassified image from below, an attack from above. The "
    text += (
        "nearer a point lies to the diagonal, the less is unknown about its image; far above it either the bound is "
    )
    text += "loose or the attack is weak, and the picture does not tell which."
    return (ExperimentPart(heading="Certified radius against smallest perturbation", text=(text,), figure=figure),)


def _sandwich_parts(bounds: Sequence[ImageBounds], prefix: str) -> tuple[ExperimentPart, ...]:
    """One part a model and seed, with a panel and a table a norm."""
    by_run: dict[tuple[str, int], list[ImageBounds]] = {}
    for each in bounds:
        by_run.setdefault((each.model, each.seed), []).append(each)
    names = _file_names([f"{model} seed {seed}" for model, seed in by_run])
    several = len({seed for _, seed in by_run}) > 1
    return tuple(
        ExperimentPart(
            heading=f"Certified and attacked: {model}{f', seed {seed}' if several else ''}",
            text=(),
            figure=sandwich_figure(found, name=f"{prefix}sandwich-{name}"),
            tables=tuple(sandwich_table(each) for each in found),
        )
        for ((model, seed), found), name in zip(by_run.items(), names, strict=True)
    )


def _file_names(texts: Sequence[str]) -> list[str]:
    """Unique names of letters, digits and hyphens."""
    names: list[str] = []
    for text in texts:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower() or "model"
        names.append(plain if plain not in names else f"{plain}-{len(names) + 1}")
    return names
