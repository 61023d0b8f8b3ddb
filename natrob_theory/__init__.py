"""natrob_theory: integrator networks, their Lipschitz constants, growth bounds and measured trajectories.

Its bounds are those of "Towards Natural Robustness Against Adversarial Examples" by Haoyu Chu, Shikui Wei and Yao Zhao,
https://arxiv.org/abs/2012.02452, and sharper ones.
"""

from natrob_theory.activation_slopes import ActivationRefusedError as ActivationRefusedError
from natrob_theory.activation_slopes import Slopes as Slopes
from natrob_theory.activation_slopes import activation_slopes as activation_slopes
from natrob_theory.adaptive import IntegrationError as IntegrationError
from natrob_theory.adaptive import IntegrationWarning as IntegrationWarning
from natrob_theory.adaptive import PIController as PIController
from natrob_theory.adaptive import SolveRecord as SolveRecord
from natrob_theory.adaptive import SolveStatus as SolveStatus
from natrob_theory.adaptive_bounds import AffineBoundCheck as AffineBoundCheck
from natrob_theory.adaptive_bounds import check_affine_bound as check_affine_bound
from natrob_theory.ball_arithmetic import BallRefusedError as BallRefusedError
from natrob_theory.ball_arithmetic import ball_field as ball_field
from natrob_theory.bound import Bound as Bound
from natrob_theory.certificates import BoundCheck as BoundCheck
from natrob_theory.certificates import check_bound as check_bound
from natrob_theory.convex_potentials import follows_convex_potential as follows_convex_potential
from natrob_theory.fields import AutonomousField as AutonomousField
from natrob_theory.fields import DissipativeField as DissipativeField
from natrob_theory.fields import GradientFlowField as GradientFlowField
from natrob_theory.fields import HamiltonianField as HamiltonianField
from natrob_theory.fields import LinearField as LinearField
from natrob_theory.fields import ScaledField as ScaledField
from natrob_theory.fields import SkewSymmetricField as SkewSymmetricField
from natrob_theory.fields import SumField as SumField
from natrob_theory.fields import broadcast_time as broadcast_time
from natrob_theory.fields import convolutional_field as convolutional_field
from natrob_theory.fields import dense_field as dense_field
from natrob_theory.growth import discrete_bound as discrete_bound
from natrob_theory.growth import exponential_bound as exponential_bound
from natrob_theory.growth import gradient_flow_bound as gradient_flow_bound
from natrob_theory.implicit_solve import Anderson as Anderson
from natrob_theory.implicit_solve import ImplicitSolveError as ImplicitSolveError
from natrob_theory.implicit_solve import ImplicitSolveWarning as ImplicitSolveWarning
from natrob_theory.implicit_solve import NewtonKrylov as NewtonKrylov
from natrob_theory.increment_witnesses import IncrementWitness as IncrementWitness
from natrob_theory.increment_witnesses import OneStepWitness as OneStepWitness
from natrob_theory.increment_witnesses import SignFollowingField as SignFollowingField
from natrob_theory.increment_witnesses import increment_constant as increment_constant
from natrob_theory.increment_witnesses import increment_witnesses as increment_witnesses
from natrob_theory.increment_witnesses import one_step_witness as one_step_witness
from natrob_theory.lipschitz import LayerRefusedError as LayerRefusedError
from natrob_theory.lipschitz import layer_lipschitz as layer_lipschitz
from natrob_theory.lipschitz import lipschitz_lower_bound as lipschitz_lower_bound
from natrob_theory.lipschitz import lipschitz_upper_bound as lipschitz_upper_bound
from natrob_theory.lipschitz import local_lipschitz_upper_bound as local_lipschitz_upper_bound
from natrob_theory.logarithmic_norm import OneSidedConstant as OneSidedConstant
from natrob_theory.logarithmic_norm import one_sided_lipschitz as one_sided_lipschitz
from natrob_theory.logarithmic_norm import one_sided_lipschitz_lower_bound as one_sided_lipschitz_lower_bound
from natrob_theory.logarithmic_norm import one_sided_lipschitz_upper_bound as one_sided_lipschitz_upper_bound
from natrob_theory.network_growth import growth_upper_bound as growth_upper_bound
from natrob_theory.network_growth import step_structures as step_structures
from natrob_theory.networks import AbstractIntegratorNet as AbstractIntegratorNet
from natrob_theory.networks import BackwardEulerNet as BackwardEulerNet
from natrob_theory.networks import EulerNet as EulerNet
from natrob_theory.networks import FractalNet as FractalNet
from natrob_theory.networks import HeunNet as HeunNet
from natrob_theory.networks import NeuralODE as NeuralODE
from natrob_theory.networks import PolyNet as PolyNet
from natrob_theory.networks import RevNet as RevNet
from natrob_theory.networks import RungeKuttaNet as RungeKuttaNet
from natrob_theory.networks import StepStructure as StepStructure
from natrob_theory.networks import Trajectory as Trajectory
from natrob_theory.norm_constraints import NormConstraint as NormConstraint
from natrob_theory.norm_constraints import constrain_norm as constrain_norm
from natrob_theory.norm_constraints import materialised as materialised
from natrob_theory.steppers import BackwardEulerStepper as BackwardEulerStepper
from natrob_theory.steppers import EulerStepper as EulerStepper
from natrob_theory.steppers import FractalNetStepper as FractalNetStepper
from natrob_theory.steppers import PolyNetStepper as PolyNetStepper
from natrob_theory.steppers import RevNetStepper as RevNetStepper
from natrob_theory.steppers import RungeKuttaStepper as RungeKuttaStepper
from natrob_theory.structure_check import Structure as Structure
from natrob_theory.structure_check import StructureError as StructureError
from natrob_theory.structure_check import require_structure as require_structure
from natrob_theory.structure_check import stated_structure as stated_structure
from natrob_theory.tableaus import BOGACKI_SHAMPINE as BOGACKI_SHAMPINE
from natrob_theory.tableaus import DOPRI5 as DOPRI5
from natrob_theory.tableaus import EULER as EULER
from natrob_theory.tableaus import FEHLBERG45 as FEHLBERG45
from natrob_theory.tableaus import HEUN as HEUN
from natrob_theory.tableaus import MIDPOINT as MIDPOINT
from natrob_theory.tableaus import RK4 as RK4
from natrob_theory.tableaus import TABLEAUS as TABLEAUS
from natrob_theory.tableaus import THREE_EIGHTHS as THREE_EIGHTHS
from natrob_theory.tableaus import ButcherTableau as ButcherTableau
from natrob_theory.trajectories import Divergence as Divergence
from natrob_theory.trajectories import measure_divergence as measure_divergence
from natrob_theory.tube import Tube as Tube
from natrob_theory.tube import tube_bound as tube_bound
from natrob_theory.version import __version__ as __version__

__all__ = [
    "BOGACKI_SHAMPINE",
    "DOPRI5",
    "EULER",
    "FEHLBERG45",
    "HEUN",
    "MIDPOINT",
    "RK4",
    "TABLEAUS",
    "THREE_EIGHTHS",
    "AbstractIntegratorNet",
    "ActivationRefusedError",
    "AffineBoundCheck",
    "Anderson",
    "AutonomousField",
    "BackwardEulerNet",
    "BackwardEulerStepper",
    "BallRefusedError",
    "Bound",
    "BoundCheck",
    "ButcherTableau",
    "DissipativeField",
    "Divergence",
    "EulerNet",
    "EulerStepper",
    "FractalNet",
    "FractalNetStepper",
    "GradientFlowField",
    "HamiltonianField",
    "HeunNet",
    "ImplicitSolveError",
    "ImplicitSolveWarning",
    "IncrementWitness",
    "IntegrationError",
    "IntegrationWarning",
    "LayerRefusedError",
    "LinearField",
    "NeuralODE",
    "NewtonKrylov",
    "NormConstraint",
    "OneSidedConstant",
    "OneStepWitness",
    "PIController",
    "PolyNet",
    "PolyNetStepper",
    "RevNet",
    "RevNetStepper",
    "RungeKuttaNet",
    "RungeKuttaStepper",
    "ScaledField",
    "SignFollowingField",
    "SkewSymmetricField",
    "Slopes",
    "SolveRecord",
    "SolveStatus",
    "StepStructure",
    "Structure",
    "StructureError",
    "SumField",
    "Trajectory",
    "Tube",
    "activation_slopes",
    "ball_field",
    "broadcast_time",
    "check_affine_bound",
    "check_bound",
    "constrain_norm",
    "convolutional_field",
    "dense_field",
    "discrete_bound",
    "exponential_bound",
    "follows_convex_potential",
    "gradient_flow_bound",
    "growth_upper_bound",
    "increment_constant",
    "increment_witnesses",
    "layer_lipschitz",
    "lipschitz_lower_bound",
    "lipschitz_upper_bound",
    "local_lipschitz_upper_bound",
    "materialised",
    "measure_divergence",
    "one_sided_lipschitz",
    "one_sided_lipschitz_lower_bound",
    "one_sided_lipschitz_upper_bound",
    "one_step_witness",
    "require_structure",
    "stated_structure",
    "step_structures",
    "tube_bound",
]
