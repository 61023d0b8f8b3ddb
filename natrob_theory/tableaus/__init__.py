"""Runge–Kutta tableaus in exact fractions, one method a file; a wrong coefficient fails at import."""

from natrob_theory.tableaus.bogacki_shampine import BOGACKI_SHAMPINE as BOGACKI_SHAMPINE
from natrob_theory.tableaus.butcher_tableau import ButcherTableau as ButcherTableau
from natrob_theory.tableaus.dopri5 import DOPRI5 as DOPRI5
from natrob_theory.tableaus.euler import EULER as EULER
from natrob_theory.tableaus.fehlberg45 import FEHLBERG45 as FEHLBERG45
from natrob_theory.tableaus.heun import HEUN as HEUN
from natrob_theory.tableaus.heun_euler import HEUN_EULER as HEUN_EULER
from natrob_theory.tableaus.local_error_constants import LocalErrorConstants as LocalErrorConstants
from natrob_theory.tableaus.midpoint import MIDPOINT as MIDPOINT
from natrob_theory.tableaus.rk4 import RK4 as RK4
from natrob_theory.tableaus.three_eighths import THREE_EIGHTHS as THREE_EIGHTHS

TABLEAUS = (EULER, HEUN, MIDPOINT, RK4, THREE_EIGHTHS, HEUN_EULER, BOGACKI_SHAMPINE, FEHLBERG45, DOPRI5)
"""Every tableau of the library, by rising order and cost."""
