"""There is no nonlinear field with ⟨f(z) − f(y), z − y⟩ = 0 for all states.

Statement.  If ⟨f(z) − f(y), z − y⟩ = 0 for all y and z, then g(y) = f(y) − f(0) is linear (and skew).
Proof.      With y = 0: ⟨g(z), z⟩ = 0. Expanding the assumption then gives ⟨g(z), y⟩ = −⟨g(y), z⟩ for all y, z. So for
            v = g(ay + bz) − ag(y) − bg(z) and every w: ⟨v, w⟩ = −⟨g(w), ay + bz − ay − bz⟩ = 0, and w = v gives v = 0.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors

CLAIM = Claim(
    statement="⟨f(z) − f(y), z − y⟩ = 0 for all states makes f affine",
    assumptions=("a real inner product space",),
    source="natrob_theory/fields/skew_symmetric.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Antisymmetry of ⟨g(z), y⟩, then linearity."""
    space = FormalVectors("y", "z", "g(y)", "g(z)")
    y, z, image_y, image_z = space.vectors
    # f(z) − f(y) = g(z) − g(y), and the assumption at (y, 0) and (z, 0) is ⟨g(y), y⟩ = ⟨g(z), z⟩ = 0
    against_zero = {space.inner(image_y, y): 0, space.inner(image_z, z): 0}
    assumption = space.inner(image_z - image_y, z - y).subs(against_zero)
    require_equal(assumption, -space.inner(image_z, y) - space.inner(image_y, z), "0 = −⟨g(z), y⟩ − ⟨g(y), z⟩")

    # in four vectors y, z, w and their images, with u = ay + bz: ⟨g(p), w⟩ = −⟨g(w), p⟩ for p = u, y, z
    a, b = sympy.symbols("a b", real=True)
    space = FormalVectors("y", "z", "w", "g(y)", "g(z)", "g(w)", "g(u)")
    y, z, w, image_y, image_z, image_w, image_u = space.vectors
    antisymmetric = {
        space.inner(image, w): -space.inner(image_w, point)
        for image, point in ((image_y, y), (image_z, z), (image_u, a * y + b * z))
    }
    defect = image_u - a * image_y - b * image_z
    require_equal(space.inner(defect, w).subs(antisymmetric), 0, "⟨g(ay + bz) − ag(y) − bg(z), w⟩ = 0 for every w")
