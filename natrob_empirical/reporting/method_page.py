"""The page that says how verdicts are reached and what the words mean."""

from collections.abc import Sequence

from natrob_empirical.attack_names import ATTACK_NAMES
from natrob_empirical.claims import Ledger, Verdict
from natrob_empirical.display import Part
from natrob_empirical.reporting import words as texts
from natrob_empirical.reporting.glossary import FIGURE_WORDS, GLOSSARY
from natrob_empirical.reporting.page import ROOMS, Page
from natrob_empirical.reporting.parts.cells import table, words


def method_page(ledger: Ledger) -> Page:
    """Verdicts, every claim's rule, attacks and their signs of failure, statistics, rounding, texts."""
    verdicts = [(f"{verdict.sign} {verdict.words}", texts.VERDICTS[verdict.value]) for verdict in Verdict]
    rules = [(entry.claim.id, " ".join(entry.claim.rule)) for entry in ledger.entries]
    attacks = [(attack.label, texts.KINDS_OF_ATTACK[attack.kind]) for attack in ATTACK_NAMES]
    return Page(
        address=ROOMS["Method"],
        room="Method",
        title="Method",
        lead=(
            "A verdict is a function of proofs and records: remove them and it says so.",
            "Proofs are checked by computer algebra and by Coq, each with its own command.",
        ),
        parts=(
            _words("verdicts", "Verdicts", ("Verdict", "Meaning"), verdicts),
            _words("rules", "The rule of every claim", ("Claim", "Rule"), rules),
            _words("attacks", "Attacks", ("Attack", "What it does"), attacks),
            _words("signs-of-failure", "Signs that an attack failed", ("Sign", "Meaning"), texts.FLAGS),
            Part(name="statistics", heading="Statistics", sentences=texts.STATISTICS),
            Part(name="rounding", heading="Rounding", sentences=texts.READING_ROUND),
            _words("words", "Words", ("Word", "Meaning"), (*GLOSSARY, *FIGURE_WORDS)),
        ),
    )


def _words(name: str, heading: str, columns: tuple[str, str], rows: Sequence[tuple[str, str]]) -> Part:
    """A part with one table of two columns of texts."""
    shown = table(f"method-{name}", f"{heading}.", [f"{column}·" for column in columns],
                  [tuple(map(words, row)) for row in rows])  # fmt: skip
    return Part(name=name, heading=heading, tables=(shown,) if shown else ())
