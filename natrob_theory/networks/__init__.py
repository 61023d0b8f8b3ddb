"""Integrators as networks: nn.Modules y_0 -> y_N with a trajectory and a growth bound."""

from natrob_theory.networks.abstract_net import AbstractIntegratorNet as AbstractIntegratorNet
from natrob_theory.networks.abstract_net import LipschitzConstants as LipschitzConstants
from natrob_theory.networks.abstract_net import StepPlan as StepPlan
from natrob_theory.networks.backward_euler_net import BackwardEulerNet as BackwardEulerNet
from natrob_theory.networks.euler_net import EulerNet as EulerNet
from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet as AbstractFixedStepNet
from natrob_theory.networks.fractal_net import FractalNet as FractalNet
from natrob_theory.networks.heun_net import HeunNet as HeunNet
from natrob_theory.networks.native_passage import NativePassage as NativePassage
from natrob_theory.networks.native_passage import native_passage as native_passage
from natrob_theory.networks.neural_ode import NeuralODE as NeuralODE
from natrob_theory.networks.one_sided_growth import OneSidedConstants as OneSidedConstants
from natrob_theory.networks.one_sided_growth import StepStructure as StepStructure
from natrob_theory.networks.poly_net import PolyNet as PolyNet
from natrob_theory.networks.rev_net import RevNet as RevNet
from natrob_theory.networks.runge_kutta_net import RungeKuttaNet as RungeKuttaNet
from natrob_theory.networks.stacked_neural_ode import StackedNeuralODE as StackedNeuralODE
from natrob_theory.networks.trajectory import Trajectory as Trajectory
