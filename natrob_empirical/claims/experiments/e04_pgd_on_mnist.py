"""E4: PGD against the Neural ODE on MNIST, the last rows of Table 1."""

from typing import Final

from natrob_empirical.claims.accuracy_rules import RULE_IN_WORDS, by_printed
from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.printed_rows import as_printed, printed_rows
from natrob_empirical.paper import table_1

_PRINTED: Final = [each for each in table_1("mnist") if each.network == "neural_ode" and each.attack == "PGD"]

CLAIM = Claim(
    id="E4",
    statement="On MNIST the attack PGD can hardly beat a Neural ODE: it keeps 75 % of the images at ε = 0.5.",
    place="Table 1",
    paper=as_printed(_PRINTED),
    rule=RULE_IN_WORDS,
    judge=by_printed(_PRINTED),
    parts=printed_rows("E4", _PRINTED),
    replay="natrob bench table1 --preset paper --device cuda",
)
