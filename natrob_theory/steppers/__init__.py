"""Steppers: one step y_n -> y_{n+1} of each method, and the factor by which it can grow a perturbation."""

from natrob_theory.steppers.abstract_stepper import AbstractStepper as AbstractStepper
from natrob_theory.steppers.abstract_stepper import Evaluation as Evaluation
from natrob_theory.steppers.backward_euler import BackwardEulerStepper as BackwardEulerStepper
from natrob_theory.steppers.euler import EulerStepper as EulerStepper
from natrob_theory.steppers.fractalnet import FractalNetStepper as FractalNetStepper
from natrob_theory.steppers.polynet import PolyNetStepper as PolyNetStepper
from natrob_theory.steppers.revnet import CoupledField as CoupledField
from natrob_theory.steppers.revnet import RevNetStepper as RevNetStepper
from natrob_theory.steppers.runge_kutta import RungeKuttaStepper as RungeKuttaStepper
