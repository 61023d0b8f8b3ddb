"""The ceiling that labelled images set on the robust accuracy of every classifier."""

from natrob_empirical.ceiling.ceiling import Ceiling as Ceiling
from natrob_empirical.ceiling.ceiling import Witness as Witness
from natrob_empirical.ceiling.certificates import Branching as Branching
from natrob_empirical.ceiling.certificates import CeilingCertificateError as CeilingCertificateError
from natrob_empirical.ceiling.certificates import CliqueCover as CliqueCover
from natrob_empirical.ceiling.certificates import UpperCertificate as UpperCertificate
from natrob_empirical.ceiling.certificates import require_cover as require_cover
from natrob_empirical.ceiling.certificates import require_independent as require_independent
from natrob_empirical.ceiling.certificates import require_upper as require_upper
from natrob_empirical.ceiling.conflict_graph import ConflictGraph as ConflictGraph
from natrob_empirical.ceiling.data_ceiling import robustness_ceiling as robustness_ceiling
from natrob_empirical.ceiling.data_ceiling import robustness_ceilings as robustness_ceilings
from natrob_empirical.ceiling.distance_limits import CeilingNorm as CeilingNorm
