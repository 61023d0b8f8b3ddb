"""Classifiers: those whose trunk is an integrator network, and the residual networks of the papers."""

from natrob_empirical.models.abstract_classifier import AbstractClassifier as AbstractClassifier
from natrob_empirical.models.any_specification import AnyModelSpecification as AnyModelSpecification
from natrob_empirical.models.any_specification import specification_from as specification_from
from natrob_empirical.models.builder import build_classifier as build_classifier
from natrob_empirical.models.builder import initialised_with as initialised_with
from natrob_empirical.models.classifier import IntegratorClassifier as IntegratorClassifier
from natrob_empirical.models.networks import NETWORKS as NETWORKS
from natrob_empirical.models.networks import NetworkFamily as NetworkFamily
from natrob_empirical.models.networks import network_family as network_family
from natrob_empirical.models.residual_block import PaddedSubsampling as PaddedSubsampling
from natrob_empirical.models.residual_block import ResidualBlock as ResidualBlock
from natrob_empirical.models.residual_block import ScaledBy as ScaledBy
from natrob_empirical.models.residual_classifier import ResidualClassifier as ResidualClassifier
from natrob_empirical.models.residual_networks import RESIDUAL_NETWORKS as RESIDUAL_NETWORKS
from natrob_empirical.models.residual_networks import ResidualFamily as ResidualFamily
from natrob_empirical.models.residual_specification import ResidualSpecification as ResidualSpecification
from natrob_empirical.models.specification import ModelSpecification as ModelSpecification

__all__ = [
    "NETWORKS",
    "RESIDUAL_NETWORKS",
    "AbstractClassifier",
    "AnyModelSpecification",
    "IntegratorClassifier",
    "ModelSpecification",
    "NetworkFamily",
    "PaddedSubsampling",
    "ResidualBlock",
    "ResidualClassifier",
    "ResidualFamily",
    "ResidualSpecification",
    "ScaledBy",
    "build_classifier",
    "initialised_with",
    "network_family",
    "specification_from",
]
