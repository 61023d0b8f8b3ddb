"""Ball arithmetic: both sides of a growth bound enclosed, so that "holds" is a proof for that instance.

Arb's balls (Johansson, IEEE Trans. Comput. 66, 2017), through python-flint, which is imported only when needed.
"""

from natrob_theory.ball_arithmetic import structured_ball_fields as _structured_ball_fields  # noqa: F401 (registers)
from natrob_theory.ball_arithmetic.ball_fields import BallRefusedError as BallRefusedError
from natrob_theory.ball_arithmetic.ball_fields import ball_field as ball_field
from natrob_theory.ball_arithmetic.comparison import LARGEST_PRECISION as LARGEST_PRECISION
from natrob_theory.ball_arithmetic.comparison import BallComparison as BallComparison
from natrob_theory.ball_arithmetic.comparison import compare_in_balls as compare_in_balls

__all__ = [
    "LARGEST_PRECISION",
    "BallComparison",
    "BallRefusedError",
    "ball_field",
    "compare_in_balls",
]
