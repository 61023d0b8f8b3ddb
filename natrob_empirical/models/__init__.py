"""Classifiers: those whose trunk is an integrator network, and the residual networks of the papers."""

from natrob_empirical.models.abstract_classifier import AbstractClassifier as AbstractClassifier
from natrob_empirical.models.any_specification import AnyModelSpecification as AnyModelSpecification
from natrob_empirical.models.any_specification import specification_from as specification_from
from natrob_empirical.models.any_specification import specification_kind as specification_kind
from natrob_empirical.models.builder import build_classifier as build_classifier
from natrob_empirical.models.builder import initialised_with as initialised_with
from natrob_empirical.models.classifier import IntegratorClassifier as IntegratorClassifier
from natrob_empirical.models.contractive_networks import largest_euler_step as largest_euler_step
from natrob_empirical.models.contractive_specification import CONTRACTIVE_NETWORKS as CONTRACTIVE_NETWORKS
from natrob_empirical.models.contractive_specification import ContractiveMethod as ContractiveMethod
from natrob_empirical.models.contractive_specification import ContractiveSpecification as ContractiveSpecification
from natrob_empirical.models.cost import ModelCost as ModelCost
from natrob_empirical.models.cost import model_cost as model_cost
from natrob_empirical.models.isometric_layers import PaddedChannels as PaddedChannels
from natrob_empirical.models.networks import NETWORKS as NETWORKS
from natrob_empirical.models.networks import NetworkFamily as NetworkFamily
from natrob_empirical.models.networks import network_family as network_family
from natrob_empirical.models.other_solver import OtherSolver as OtherSolver
from natrob_empirical.models.other_solver import neural_ode_of as neural_ode_of
from natrob_empirical.models.other_solver import require_neural_ode as require_neural_ode
from natrob_empirical.models.other_solver import trunk_with_solver as trunk_with_solver
from natrob_empirical.models.other_solver import with_solver as with_solver
from natrob_empirical.models.other_solver import with_trunk as with_trunk
from natrob_empirical.models.paper_models import FIGURE_1_STEP_SIZES as FIGURE_1_STEP_SIZES
from natrob_empirical.models.paper_models import PREACT_RESNET_18 as PREACT_RESNET_18
from natrob_empirical.models.paper_models import RESNET_50 as RESNET_50
from natrob_empirical.models.paper_models import TABLE_A1_CIFAR10 as TABLE_A1_CIFAR10
from natrob_empirical.models.paper_models import TABLE_A1_MNIST as TABLE_A1_MNIST
from natrob_empirical.models.paper_models import THREE_BLOCKS as THREE_BLOCKS
from natrob_empirical.models.paper_models import resnet_20 as resnet_20
from natrob_empirical.models.paper_models import resnet_56 as resnet_56
from natrob_empirical.models.parameter_count import matched_to as matched_to
from natrob_empirical.models.parameter_count import parameter_count as parameter_count
from natrob_empirical.models.residual_block import PaddedSubsampling as PaddedSubsampling
from natrob_empirical.models.residual_block import ResidualBlock as ResidualBlock
from natrob_empirical.models.residual_block import ScaledBy as ScaledBy
from natrob_empirical.models.residual_classifier import ResidualClassifier as ResidualClassifier
from natrob_empirical.models.residual_networks import RESIDUAL_NETWORKS as RESIDUAL_NETWORKS
from natrob_empirical.models.residual_networks import ResidualFamily as ResidualFamily
from natrob_empirical.models.residual_specification import ResidualSpecification as ResidualSpecification
from natrob_empirical.models.residual_specification import StepPlacement as StepPlacement
from natrob_empirical.models.specification import ModelSpecification as ModelSpecification

__all__ = [
    "CONTRACTIVE_NETWORKS",
    "FIGURE_1_STEP_SIZES",
    "NETWORKS",
    "PREACT_RESNET_18",
    "RESIDUAL_NETWORKS",
    "RESNET_50",
    "TABLE_A1_CIFAR10",
    "TABLE_A1_MNIST",
    "THREE_BLOCKS",
    "AbstractClassifier",
    "AnyModelSpecification",
    "ContractiveMethod",
    "ContractiveSpecification",
    "IntegratorClassifier",
    "ModelCost",
    "ModelSpecification",
    "NetworkFamily",
    "OtherSolver",
    "PaddedChannels",
    "PaddedSubsampling",
    "ResidualBlock",
    "ResidualClassifier",
    "ResidualFamily",
    "ResidualSpecification",
    "ScaledBy",
    "StepPlacement",
    "build_classifier",
    "initialised_with",
    "largest_euler_step",
    "matched_to",
    "model_cost",
    "network_family",
    "neural_ode_of",
    "parameter_count",
    "require_neural_ode",
    "resnet_20",
    "resnet_56",
    "specification_from",
    "specification_kind",
    "trunk_with_solver",
    "with_solver",
    "with_trunk",
]
