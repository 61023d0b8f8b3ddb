"""Certificates: upper Lipschitz constants of classifiers, and the labels that no attack can change."""

from natrob_empirical.certification.certified_accuracy import CertificateRefusedError as CertificateRefusedError
from natrob_empirical.certification.certified_accuracy import CertifiedAccuracy as CertifiedAccuracy
from natrob_empirical.certification.certified_accuracy import certificates_from as certificates_from
from natrob_empirical.certification.certified_accuracy import certified_accuracy as certified_accuracy
from natrob_empirical.certification.certified_accuracy import require_certifiable as require_certifiable
from natrob_empirical.certification.classifier_bounds import BlockBounds as BlockBounds
from natrob_empirical.certification.classifier_bounds import ClassifierBounds as ClassifierBounds
from natrob_empirical.certification.classifier_bounds import classifier_bounds as classifier_bounds
from natrob_empirical.certification.classifier_bounds import field_bound as field_bound
from natrob_empirical.certification.classifier_bounds import trunk_fields as trunk_fields
from natrob_empirical.certification.layer_rules import branch_lipschitz as branch_lipschitz
from natrob_empirical.certification.residual_bounds import block_bounds as block_bounds
from natrob_empirical.certification.residual_bounds import blocks_with_shapes as blocks_with_shapes
from natrob_empirical.certification.residual_bounds import residual_blocks as residual_blocks

__all__ = [
    "BlockBounds",
    "CertificateRefusedError",
    "CertifiedAccuracy",
    "ClassifierBounds",
    "block_bounds",
    "blocks_with_shapes",
    "branch_lipschitz",
    "certificates_from",
    "certified_accuracy",
    "classifier_bounds",
    "field_bound",
    "require_certifiable",
    "residual_blocks",
    "trunk_fields",
]
