"""Steppers: one step y_n -> y_{n+1} of each method, and the factor by which it can grow a perturbation."""

from natrob_theory.steppers.abstract_stepper import AbstractStepper as AbstractStepper
from natrob_theory.steppers.arithmetic import AbstractArithmetic as AbstractArithmetic
from natrob_theory.steppers.backward_euler import BackwardEulerStepper as BackwardEulerStepper
from natrob_theory.steppers.coefficient import Coefficient as Coefficient
from natrob_theory.steppers.coefficient import coefficient as coefficient
from natrob_theory.steppers.euler import EulerStepper as EulerStepper
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper as AbstractExplicitStepper
from natrob_theory.steppers.fractalnet import FractalNetStepper as FractalNetStepper
from natrob_theory.steppers.growth_factors import AbstractGrowthFactor as AbstractGrowthFactor
from natrob_theory.steppers.growth_factors import FieldConstants as FieldConstants
from natrob_theory.steppers.polynet import PolyNetStepper as PolyNetStepper
from natrob_theory.steppers.revnet import CoupledField as CoupledField
from natrob_theory.steppers.revnet import RevNetStepper as RevNetStepper
from natrob_theory.steppers.runge_kutta import RungeKuttaStepper as RungeKuttaStepper
from natrob_theory.steppers.tensor_arithmetic import Evaluation as Evaluation
