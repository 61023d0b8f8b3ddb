"""E8: Table 2, a plain Neural ODE beside three adversarial trainings."""

from typing import Final

from natrob_empirical.claims.accuracy_rules import RULE_IN_WORDS, by_printed
from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.printed_rows import as_printed, printed_rows
from natrob_empirical.paper import table_2

_PRINTED: Final = table_2()

CLAIM = Claim(
    id="E8",
    statement="On CIFAR-10 a Neural ODE without a defence is more robust than networks trained against attacks.",
    place="4.2.3, Table 2",
    paper=as_printed(_PRINTED),
    rule=RULE_IN_WORDS,
    judge=by_printed(_PRINTED),
    parts=printed_rows("E8", _PRINTED),
    replay="natrob bench table2 --preset paper --device cuda",
)
