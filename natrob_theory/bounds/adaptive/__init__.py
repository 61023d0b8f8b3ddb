"""Adaptive solves, each on its own grid, against the exact flow: rigorous, given a cap on the steps really taken."""

from natrob_theory.bounds.adaptive.adaptive_affine_bound import adaptive_affine_bound as adaptive_affine_bound
from natrob_theory.bounds.adaptive.adaptive_affine_bound import affine_bound_from as affine_bound_from
from natrob_theory.bounds.adaptive.adaptive_affine_bound import flow_constants as flow_constants
from natrob_theory.bounds.adaptive.adaptive_tube_bound import SolvesRounding as SolvesRounding
from natrob_theory.bounds.adaptive.adaptive_tube_bound import adaptive_tube_bound as adaptive_tube_bound
from natrob_theory.bounds.adaptive.affine_remainder import affine_part_in as affine_part_in
from natrob_theory.bounds.adaptive.affine_remainder import affine_remainder as affine_remainder
from natrob_theory.bounds.adaptive.completion import Completion as Completion
from natrob_theory.bounds.adaptive.completion import completion as completion
from natrob_theory.bounds.adaptive.fixed_grid import constants_of_flow as constants_of_flow
from natrob_theory.bounds.adaptive.fixed_grid import distance_from_fixed_grid as distance_from_fixed_grid
from natrob_theory.bounds.adaptive.fixed_grid import fixed_grid_form as fixed_grid_form
from natrob_theory.bounds.adaptive.flow_error import any_flow_error as any_flow_error
from natrob_theory.bounds.adaptive.flow_error import recorded_flow_error as recorded_flow_error
from natrob_theory.bounds.adaptive.local_error import AffineRemainder as AffineRemainder
from natrob_theory.bounds.adaptive.local_error import FlowConstants as FlowConstants
from natrob_theory.bounds.adaptive.local_error import error_rate as error_rate
from natrob_theory.bounds.adaptive.local_error import local_error as local_error
from natrob_theory.bounds.adaptive.recorded_solve import RecordedSolve as RecordedSolve
from natrob_theory.bounds.adaptive.recorded_solve import recorded_solve as recorded_solve
from natrob_theory.bounds.adaptive.rounding import rounding_allowance as rounding_allowance
from natrob_theory.bounds.adaptive.rounding import solve_rounding as solve_rounding
from natrob_theory.bounds.adaptive.solve_requirements import TimeDependentFieldError as TimeDependentFieldError
from natrob_theory.bounds.adaptive.solve_requirements import affine_bound_obstacle as affine_bound_obstacle
from natrob_theory.bounds.adaptive.solve_requirements import require_affine_bound_known as require_affine_bound_known
