"""E5: Table 1 on CIFAR-10, both networks under both attacks."""

from typing import Final

from natrob_empirical.claims.accuracy_rules import RULE_IN_WORDS, by_printed
from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.printed_rows import as_printed, printed_rows
from natrob_empirical.paper import table_1

_PRINTED: Final = table_1("cifar10")

CLAIM = Claim(
    id="E5",
    statement="On CIFAR-10 a Neural ODE keeps half of the images under FGSM and PGD, and ResNet-50 at most 5 %.",
    place="Table 1",
    paper=as_printed(_PRINTED),
    rule=RULE_IN_WORDS,
    judge=by_printed(_PRINTED),
    parts=printed_rows("E5", _PRINTED),
    replay="natrob bench table1-cifar10 --preset paper --device cuda",
)
