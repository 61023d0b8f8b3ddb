"""Interval propagation, backward linear relaxation and branch and bound, through networks with a fixed grid."""

from natrob_theory.relaxation.bounds_of_network import RelaxedNetwork as RelaxedNetwork
from natrob_theory.relaxation.branch_and_bound import BranchAndBound as BranchAndBound
from natrob_theory.relaxation.branch_and_bound import BranchOutcome as BranchOutcome
from natrob_theory.relaxation.enclosure import Enclosure as Enclosure
from natrob_theory.relaxation.optimised_lines import Ascent as Ascent
from natrob_theory.relaxation.region import AbstractRegion as AbstractRegion
from natrob_theory.relaxation.region import region_around as region_around
