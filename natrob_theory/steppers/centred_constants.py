"""What is known of a field around a multiple of −y: the constants of f = −γy + skew part + remainder."""

from typing import NamedTuple


class CentredConstants(NamedTuple):
    """f(z) − f(y) = −γe + j + d with e = z − y, ⟨j, e⟩ = 0, ‖j‖ ≤ s‖e‖ and ‖d‖ ≤ r‖e‖, for all states y, z.

    Attributes:
        centre: γ, of any sign.
        skew: s ≥ 0, the constant of the skew-symmetric part.
        radius: r ≥ 0, the constant of the remainder.
    """

    centre: float
    skew: float
    radius: float
