"""The tube of a trajectory: how far solutions that start in a ball can depart, with local constants along the way."""

from natrob_theory.tube.tube_bound import Tube as Tube
from natrob_theory.tube.tube_bound import tube_bound as tube_bound

__all__ = ["Tube", "tube_bound"]
