"""Classifiers whose trunk is an integrator network."""

from natrob_empirical.models.builder import build_classifier as build_classifier
from natrob_empirical.models.builder import initialised_with as initialised_with
from natrob_empirical.models.classifier import IntegratorClassifier as IntegratorClassifier
from natrob_empirical.models.networks import NETWORKS as NETWORKS
from natrob_empirical.models.networks import NetworkFamily as NetworkFamily
from natrob_empirical.models.networks import network_family as network_family
from natrob_empirical.models.specification import ModelSpecification as ModelSpecification

__all__ = [
    "NETWORKS",
    "IntegratorClassifier",
    "ModelSpecification",
    "NetworkFamily",
    "build_classifier",
    "initialised_with",
    "network_family",
]
