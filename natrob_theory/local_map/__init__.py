"""Local Lipschitz bounds of whole maps, integrator networks included, around each point."""

from natrob_theory.local_map.bound import LocalMap as LocalMap
from natrob_theory.local_map.bound import local_map_lipschitz_upper_bound as local_map_lipschitz_upper_bound

__all__ = ["LocalMap", "local_map_lipschitz_upper_bound"]
