"""Why an accuracy under attack that the paper's claim predicts may still be the attack's failure."""

from typing import Final

from natrob_empirical.display.formatting import format_epsilon, format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.ceilings import ceiling_of
from natrob_empirical.evidence.flags import ABOVE_CEILING, FAR_FROM_STRONGEST, reliability_flags
from natrob_empirical.evidence.kept import strongest
from natrob_empirical.evidence.run import AttackBudget, Model, Run

MASKING_IN_WORDS: Final = (
    "By masking: all is met, but a stronger attack leaves 10 points less (paired), or the ceiling is exceeded."
)


def masked(run: Run, model: Model, attack: str) -> str:
    """The sentence that what this attack leaves is not robustness; empty where no flag of its says so."""
    flags = {flag.name: flag for flag in reliability_flags(run, model) if flag.attack == attack}
    flag = flags.get(ABOVE_CEILING) or flags.get(FAR_FROM_STRONGEST)
    if flag is None:
        return ""
    result = model.attacks[AttackBudget(attack=attack, norm=flag.norm, epsilon=flag.epsilon)]
    text = f"Met, but masked: {attack} leaves {format_percent(result.accuracy.value, kind='upper')} "
    text += f"at ε = {format_epsilon(flag.epsilon)}, "
    together = strongest(model, flag.norm, flag.epsilon)
    if flag.name == ABOVE_CEILING or together is None:
        ceiling = ceiling_of(run, result, flag.norm, flag.epsilon)
        most = result.majority_share if ceiling is None else ceiling
        return f"{text}where no classifier keeps more than {measured(format_percent(most))}."
    return f"{text}all attacks at most {measured(format_percent(together.share, kind='upper'))} (n = {together.n:,})."
