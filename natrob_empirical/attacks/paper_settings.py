"""The attacks of "Towards Natural Robustness Against Adversarial Examples" with the paper's settings.

They are here to repeat its tables, not to judge a model: at ε = 0.5 its PGD moves a pixel by at most 40 · 0.01 = 0.4
(theory, section 2).
"""

from natrob_empirical.threat_models import L2Ball, LinfBall

from .boundary_attack import BoundaryAttack
from .di2_fgsm import DI2FGSM
from .fgsm import FGSM
from .pgd import PGD


def paper_fgsm(epsilon: float) -> FGSM:
    """One step of size ε in L∞."""
    return FGSM(LinfBall(epsilon))


def paper_pgd(epsilon: float) -> PGD:
    """40 steps of 0.01 in L∞ from a uniformly drawn start."""
    return PGD(LinfBall(epsilon), step_size=0.01, steps=40)


def paper_pgd_20() -> PGD:
    """20 steps at ε = 8/255 for Table 2; that they are of 2/255 and in L∞ is not in the paper."""
    return PGD(LinfBall(8 / 255), step_size=2 / 255, steps=20)


def paper_di2_fgsm(epsilon: float) -> DI2FGSM:
    """Views changed with probability 0.5, in L∞; the paper goes to ε = 0.5 on MNIST and 50/255 on CIFAR-10."""
    return DI2FGSM(LinfBall(epsilon), probability=0.5)


def paper_boundary(epsilon: float) -> BoundaryAttack:
    """1,000 queries, both steps 0.1, in L2; `minimise` disregards ε."""
    return BoundaryAttack(L2Ball(epsilon), queries=1000, spherical_step=0.1, source_step=0.1)
