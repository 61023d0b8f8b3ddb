"""Is an accuracy under attack the model's doing, or the attack's failure?"""

from .diagnose import CHECKS as CHECKS
from .diagnose import diagnose as diagnose
from .flag import Flag as Flag
from .report import Evidence as Evidence
from .report import MaskingReport as MaskingReport
from .solver_surrogates import Surrogate as Surrogate
from .solver_surrogates import fixed_step_surrogate as fixed_step_surrogate
from .solver_surrogates import gradient_surrogate as gradient_surrogate
from .solver_surrogates import solver_surrogates as solver_surrogates
from .solver_surrogates import tolerance_surrogates as tolerance_surrogates

__all__ = [
    "CHECKS",
    "Evidence",
    "Flag",
    "MaskingReport",
    "Surrogate",
    "diagnose",
    "fixed_step_surrogate",
    "gradient_surrogate",
    "solver_surrogates",
    "tolerance_surrogates",
]
