"""Old module paths: they still import, with a warning that names the new one.

Names handed on by `natrob_theory` itself never move. This table is for people who imported from below it.
"""

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "adaptive_bounds": "checks",
    "ball_arithmetic": "checks",
    "bound": "numbers.bound",
    "certificates": "checks.certificates",
    "convex_potentials": "layers",
    "evaluation_error": "bounds",
    "growth": "bounds.growth",
    "jacobian_products": "numbers.jacobian_products",
    "lipschitz": "bounds",
    "local_map": "bounds",
    "logarithmic_norm": "bounds",
    "network_growth": "bounds.network_growth",
    "norms": "numbers.norms",
    "residual_chains": "checks.residual_chains",
    "rounding": "numbers.rounding",
    "structure_check": "checks.structure_check",
    "trajectories": "checks.trajectories",
    "tube": "bounds",
}
"""Old name -> new name, both below natrob_theory."""


class MovedModules(MetaPathFinder, Loader):
    """Finds an old module and lets it hand on what its successor, or natrob_theory itself, holds."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an old module; None for any other."""
        package, _, name = fullname.partition(".")
        return ModuleSpec(fullname, self) if package == "natrob_theory" and name in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        """Warn, and fill the module with the names of its successor."""
        new = "natrob_theory." + MOVED[module.__name__.partition(".")[2]]
        warnings.warn(f"{module.__name__} has moved to {new}", DeprecationWarning, stacklevel=2)
        for source in (importlib.import_module("natrob_theory"), importlib.import_module(new)):
            vars(module).update({name: value for name, value in vars(source).items() if not name.startswith("__")})


def moved_module(name: str) -> ModuleType:
    """Import the old module that `natrob_theory.name` spells. Raises AttributeError where there was none."""
    if name not in MOVED:
        raise AttributeError(f"module 'natrob_theory' has no attribute {name!r}")
    return importlib.import_module(f"natrob_theory.{name}")


sys.meta_path.append(MovedModules())
