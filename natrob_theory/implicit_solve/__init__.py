"""Solving g(y) = y for a batch of independent samples, with a residual and a status that explains itself."""

from natrob_theory.implicit_solve.anderson import Anderson as Anderson
from natrob_theory.implicit_solve.gmres import gmres as gmres
from natrob_theory.implicit_solve.newton_krylov import NewtonKrylov as NewtonKrylov
from natrob_theory.implicit_solve.solution import AbstractFixedPointSolver as AbstractFixedPointSolver
from natrob_theory.implicit_solve.solution import ImplicitSolveError as ImplicitSolveError
from natrob_theory.implicit_solve.solution import ImplicitSolveWarning as ImplicitSolveWarning
from natrob_theory.implicit_solve.solution import Solution as Solution
from natrob_theory.implicit_solve.solution import SolveStatus as SolveStatus
