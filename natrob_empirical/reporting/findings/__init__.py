"""Statements computed from records, one pure function each, in the order in which a report shows them."""

from collections.abc import Callable
from typing import Final

from natrob_empirical.reporting.finding import Finding as Finding
from natrob_empirical.reporting.finding import Verdict as Verdict
from natrob_empirical.reporting.findings.attacks import attack_strength as attack_strength
from natrob_empirical.reporting.findings.attacks import fgsm_beats_pgd as fgsm_beats_pgd
from natrob_empirical.reporting.findings.attacks import impossibility as impossibility
from natrob_empirical.reporting.findings.attacks import unused_budget as unused_budget
from natrob_empirical.reporting.findings.bounds import bound_held as bound_held
from natrob_empirical.reporting.findings.bounds import contradictions as contradictions
from natrob_empirical.reporting.findings.bounds import discrete_against_exponential as discrete_against_exponential
from natrob_empirical.reporting.findings.bounds import estimated_bounds as estimated_bounds
from natrob_empirical.reporting.findings.bounds import vacuity as vacuity
from natrob_empirical.reporting.findings.certificates import certified_below_attacked as certified_below_attacked
from natrob_empirical.reporting.findings.comparisons import bound_and_accuracy as bound_and_accuracy
from natrob_empirical.reporting.findings.comparisons import neural_ode as neural_ode
from natrob_empirical.reporting.findings.comparisons import step_size as step_size
from natrob_empirical.reporting.findings.contractive import contractive_networks as contractive_networks
from natrob_empirical.reporting.findings.explanation import model_explanation as model_explanation
from natrob_empirical.reporting.findings.explanation import sample_explanation as sample_explanation
from natrob_empirical.reporting.findings.step_size_growth import step_size_growth as step_size_growth
from natrob_empirical.reporting.findings.tightness import certificate_gap as certificate_gap
from natrob_empirical.reporting.findings.tightness import trunk_tightness as trunk_tightness
from natrob_empirical.reporting.record_groups import Section

FINDERS: Final[tuple[Callable[[Section], Finding | None], ...]] = (
    contradictions,
    certified_below_attacked,
    bound_held,
    estimated_bounds,
    vacuity,
    discrete_against_exponential,
    step_size_growth,
    attack_strength,
    impossibility,
    fgsm_beats_pgd,
    unused_budget,
    step_size,
    neural_ode,
    bound_and_accuracy,
    certificate_gap,
    trunk_tightness,
    sample_explanation,
    model_explanation,
    contractive_networks,
)
