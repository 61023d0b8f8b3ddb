"""FractalNet's expansion with two columns is Heun's method with two identity maps left out.

Statement.  Heun's method (20) is y + ½hF(y + hF(y)) + ½hF(y). Without the outer y and without the y inside the inner
            argument it is FractalNet's expansion (19), ½hF(hF(y)) + ½hF(y), for every F.
Proof.      Both from their recursions, for a generic F.

What a resemblance is worth: without the identities nothing is integrated (fractalnet_is_not_heun.py).
"""

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.fractalnet_is_not_heun import fractalnet, generic, heuns_method, with_identities, y

CLAIM = Claim(
    statement="FractalNet's expansion (19) is Heun's method (20) without two identity maps, for every F",
    assumptions=("h > 0", "two columns"),
    source="the paper's (19), (20), where they are compared; theory, section 2",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The same expression with both identities and with neither."""
    require_equal(
        with_identities(generic, y, outer=1, inner=1), heuns_method(generic, y), "with both it is Heun's method"
    )
    require_equal(with_identities(generic, y, outer=0, inner=0), fractalnet(generic, 2)(y), "with neither (19)")
