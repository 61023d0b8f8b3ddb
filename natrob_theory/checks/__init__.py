"""Measured trajectories beside their bounds: in floating point with an allowance, or in balls as a proof."""

from natrob_theory.checks.adaptive_bounds import AffineBoundCheck as AffineBoundCheck
from natrob_theory.checks.adaptive_bounds import check_affine_bound as check_affine_bound
from natrob_theory.checks.ball_comparison import LARGEST_PRECISION as LARGEST_PRECISION
from natrob_theory.checks.ball_comparison import BallComparison as BallComparison
from natrob_theory.checks.ball_comparison import compare_in_balls as compare_in_balls
from natrob_theory.checks.certificates import BoundCheck as BoundCheck
from natrob_theory.checks.certificates import check_bound as check_bound
from natrob_theory.checks.certificates import check_growth_bound as check_growth_bound
from natrob_theory.checks.increment_witnesses import IncrementWitness as IncrementWitness
from natrob_theory.checks.increment_witnesses import OneStepWitness as OneStepWitness
from natrob_theory.checks.increment_witnesses import SignFollowingField as SignFollowingField
from natrob_theory.checks.increment_witnesses import increment_constant as increment_constant
from natrob_theory.checks.increment_witnesses import increment_witnesses as increment_witnesses
from natrob_theory.checks.increment_witnesses import one_step_witness as one_step_witness
from natrob_theory.checks.own_grids import OwnGridComparison as OwnGridComparison
from natrob_theory.checks.own_grids import compare_on_own_grids as compare_on_own_grids
from natrob_theory.checks.structure_check import Structure as Structure
from natrob_theory.checks.structure_check import StructureError as StructureError
from natrob_theory.checks.structure_check import require_structure as require_structure
from natrob_theory.checks.structure_check import stated_structure as stated_structure
from natrob_theory.checks.trajectories import Divergence as Divergence
from natrob_theory.checks.trajectories import measure_divergence as measure_divergence
from natrob_theory.checks.zigzag_field import ZigzagField as ZigzagField
