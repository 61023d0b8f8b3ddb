"""Growth factors of one step from more than K, one a file."""

from natrob_theory.steppers.growth_factors.abstract_growth_factor import AbstractGrowthFactor as AbstractGrowthFactor
from natrob_theory.steppers.growth_factors.abstract_growth_factor import BallConstants as BallConstants
from natrob_theory.steppers.growth_factors.abstract_growth_factor import FieldConstants as FieldConstants
from natrob_theory.steppers.growth_factors.abstract_growth_factor import StepConstants as StepConstants
from natrob_theory.steppers.growth_factors.abstract_growth_factor import scaled_one_sided as scaled_one_sided
from natrob_theory.steppers.growth_factors.abstract_growth_factor import step_constants as step_constants
from natrob_theory.steppers.growth_factors.backward_euler_one_sided import (
    BackwardEulerOneSided as BackwardEulerOneSided,
)
from natrob_theory.steppers.growth_factors.euler_centred import EulerCentred as EulerCentred
from natrob_theory.steppers.growth_factors.euler_gradient_flow import EulerGradientFlow as EulerGradientFlow
from natrob_theory.steppers.growth_factors.euler_maximum_norm import EulerMaximumNorm as EulerMaximumNorm
from natrob_theory.steppers.growth_factors.euler_one_sided import EulerOneSided as EulerOneSided
