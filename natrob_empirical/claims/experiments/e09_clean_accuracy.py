"""E9: clean accuracies of section 4.2."""

from typing import Final

from natrob_empirical.claims.accuracy_rules import RULE_IN_WORDS, by_printed
from natrob_empirical.claims.claim import Claim
from natrob_empirical.claims.printed_rows import as_printed, printed_rows
from natrob_empirical.paper import clean_accuracies

_PRINTED: Final = [each for each in clean_accuracies() if each.training == "none" and each.place.startswith("section")]

CLAIM = Claim(
    id="E9",
    statement="Without an attack Neural ODEs are as accurate as ResNet-50 on MNIST, but 20 points less on CIFAR-10.",
    place="4.2",
    paper=as_printed(_PRINTED),
    rule=RULE_IN_WORDS,
    judge=by_printed(_PRINTED),
    parts=printed_rows("E9", _PRINTED),
    replay="natrob bench table1 --preset paper --device cuda",
)
