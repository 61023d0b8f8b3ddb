"""The figures and tables of the paper, each with what its report says and shows."""

from typing import Final

from natrob_empirical.reporting.claims import ClaimRow, claim_rows
from natrob_empirical.reporting.experiments.certified import CERTIFIED
from natrob_empirical.reporting.experiments.experiment import Experiment as Experiment
from natrob_empirical.reporting.experiments.experiment import ExperimentPart as ExperimentPart
from natrob_empirical.reporting.experiments.figure1 import FIGURE_1
from natrob_empirical.reporting.experiments.neural_ode_experiments import FIGURE_2, FIGURE_3, TABLE_1
from natrob_empirical.reporting.experiments.skips import SKIPS
from natrob_empirical.reporting.experiments.table2 import TABLE_2
from natrob_empirical.reporting.findings import FINDERS, Finding
from natrob_empirical.reporting.record_groups import Section

EXPERIMENTS: Final = {each.key: each for each in (FIGURE_1, TABLE_1, FIGURE_2, FIGURE_3, TABLE_2, SKIPS, CERTIFIED)}


def experiment_of(section: Section) -> Experiment | None:
    """The figure or table that the section's preset belongs to, such as "table1" of "table1-cpu"; None for others."""
    return EXPERIMENTS.get(section.preset.partition("-")[0])


def findings_of(section: Section) -> tuple[Finding, ...]:
    """Every finding that the section's records allow: alarms, then the experiment's own, then the general ones."""
    experiment = experiment_of(section)
    own = [found for find in (experiment.finders if experiment else ()) if (found := find(section)) is not None]
    taken = {finding.name for finding in own}
    general = [found for find in FINDERS if (found := find(section)) is not None and found.name not in taken]
    return tuple(sorted([*own, *general], key=lambda finding: finding.level != "alarm"))


def claims_of(section: Section, findings: tuple[Finding, ...]) -> tuple[ClaimRow, ...]:
    """The experiment's own claims, then the general ones, each with what the findings say of it."""
    experiment = experiment_of(section)
    own = tuple((claim.text, claim.place, claim.finding) for claim in (experiment.claims if experiment else ()))
    return claim_rows(findings, own=own)
