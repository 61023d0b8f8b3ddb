"""Certificates: upper Lipschitz constants of classifiers, and the labels that no attack can change."""

from natrob_empirical.certification.certified_accuracy import CERTIFICATE_METHODS as CERTIFICATE_METHODS
from natrob_empirical.certification.certified_accuracy import CertificateMethod as CertificateMethod
from natrob_empirical.certification.certified_accuracy import CertifiedAccuracy as CertifiedAccuracy
from natrob_empirical.certification.certified_accuracy import certified_accuracy as certified_accuracy
from natrob_empirical.certification.certified_accuracy import certified_with as certified_with
from natrob_empirical.certification.classifier_bounds import BlockBounds as BlockBounds
from natrob_empirical.certification.classifier_bounds import ChainBounds as ChainBounds
from natrob_empirical.certification.classifier_bounds import ClassifierBounds as ClassifierBounds
from natrob_empirical.certification.classifier_bounds import classifier_bounds as classifier_bounds
from natrob_empirical.certification.classifier_bounds import field_bound as field_bound
from natrob_empirical.certification.classifier_bounds import trunk_fields as trunk_fields
from natrob_empirical.certification.constants import PRECISIONS as PRECISIONS
from natrob_empirical.certification.constants import CertificateConstants as CertificateConstants
from natrob_empirical.certification.constants import certificate_constants as certificate_constants
from natrob_empirical.certification.errors import CertificateRefusedError as CertificateRefusedError
from natrob_empirical.certification.gap_allowance import GapAllowance as GapAllowance
from natrob_empirical.certification.gap_allowance import Precision as Precision
from natrob_empirical.certification.gap_allowance import evaluated_features as evaluated_features
from natrob_empirical.certification.layer_rules import branch_lipschitz as branch_lipschitz
from natrob_empirical.certification.radius_search import SearchProgress as SearchProgress
from natrob_empirical.certification.refusals import require_certifiable as require_certifiable
from natrob_empirical.certification.refusals import require_radii as require_radii
from natrob_empirical.certification.residual_bounds import block_bounds as block_bounds
from natrob_empirical.certification.residual_bounds import blocks_with_shapes as blocks_with_shapes
from natrob_empirical.certification.residual_bounds import residual_blocks as residual_blocks
from natrob_empirical.certification.sequential_classifier import SequentialClassifier as SequentialClassifier
from natrob_empirical.certification.structure import require_stated_structure as require_stated_structure

__all__ = [
    "CERTIFICATE_METHODS",
    "PRECISIONS",
    "BlockBounds",
    "CertificateConstants",
    "CertificateMethod",
    "CertificateRefusedError",
    "CertifiedAccuracy",
    "ChainBounds",
    "ClassifierBounds",
    "GapAllowance",
    "Precision",
    "SearchProgress",
    "SequentialClassifier",
    "block_bounds",
    "blocks_with_shapes",
    "branch_lipschitz",
    "certificate_constants",
    "certified_accuracy",
    "certified_with",
    "classifier_bounds",
    "evaluated_features",
    "field_bound",
    "require_certifiable",
    "require_radii",
    "require_stated_structure",
    "residual_blocks",
    "trunk_fields",
]
