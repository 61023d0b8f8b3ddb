"""The sets of images an attack may return: norm balls intersected with the pixel range [0, 1]."""

from natrob_empirical.threat_models.balls import AbstractBall as AbstractBall
from natrob_empirical.threat_models.balls import L2Ball as L2Ball
from natrob_empirical.threat_models.balls import LinfBall as LinfBall
from natrob_empirical.threat_models.l1_ball import ClippedCrossPolytope as ClippedCrossPolytope
from natrob_empirical.threat_models.l1_ball import L1Ball as L1Ball
from natrob_empirical.threat_models.neighbourhoods import AbstractNeighbourhood as AbstractNeighbourhood
from natrob_empirical.threat_models.neighbourhoods import Box as Box
from natrob_empirical.threat_models.neighbourhoods import ClippedSphere as ClippedSphere
