"""E3: FGSM against the Neural ODE on MNIST, the first rows of Table 1."""

from typing import Final

from natrob_empirical.claims.accuracy_rules import RULE_IN_WORDS, by_printed
from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.printed_rows import as_printed, printed_rows
from natrob_empirical.paper import table_1

_PRINTED: Final = [each for each in table_1("mnist") if each.network == "neural_ode" and each.attack == "FGSM"]

CLAIM = Claim(
    id="E3",
    statement="On MNIST the one-step attack FGSM takes less than 2 points from a Neural ODE, at ε = 0.2 to 0.5.",
    place="4.2.1, Table 1",
    paper=as_printed(_PRINTED),
    rule=RULE_IN_WORDS,
    judge=by_printed(_PRINTED),
    parts=printed_rows("E3", _PRINTED),
    replay="natrob bench table1 --preset paper --device cuda",
)
