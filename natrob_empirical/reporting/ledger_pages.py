"""The index, the list of claims and a page a claim: the ledger, shown."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from natrob_empirical.claims import Entry, Judgement, Ledger, Verdict
from natrob_empirical.claims.headline import behind_headline, headline
from natrob_empirical.display import Cell, Part, Table, plain
from natrob_empirical.display.formatting import MISSING, format_percent, join_words
from natrob_empirical.display.table import missing_cell
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import Number
from natrob_empirical.reporting.page import ROOMS, Page
from natrob_empirical.reporting.parts import INDEX_PARTS, picture
from natrob_empirical.reporting.parts.cells import table, words
from natrob_empirical.reporting.words import ABOUT, CLAIMS_LEAD, QUESTION, READING

OPEN: Final = (Verdict.NOT_RUN, Verdict.NO_EVIDENCE)
ORDER: Final = (
    Verdict.NOT_REPRODUCED,
    Verdict.REFUTED,
    Verdict.VACUOUS,
    Verdict.REPRODUCED_BY_MASKING,
    Verdict.PROVED_IF,
    Verdict.PROVED,
    Verdict.REPRODUCED,
    *OPEN,
)
"""What a reader should see first comes first."""
_HEADINGS: Final = (
    "Id·", "Claim·", "The paper says·", "Attacked at most", "Certified at least", "Reliability·", "Verdict·"
)  # fmt: skip


def index_page(ledger: Ledger, runs: Sequence[Run]) -> Page:
    """The question, the finding, the tally, the picture and the ledger; below, what the bounds are worth."""
    built = (make(runs) for make in INDEX_PARTS)
    return Page(
        address="index.html",
        room="Index",
        title=QUESTION,
        headline=headline(ledger),
        evidence=tuple((said, f"claims/{name}.html") for name, said in behind_headline(ledger).items()),
        lead=ABOUT,
        tally=tally_of(ledger),
        picture=picture(runs),
        parts=(
            Part(name="ledger", heading="Claims and verdicts", tables=ledger_table(ledger)),
            *(part for part in built if part is not None),
            Part(name="reading", heading="How to read this", sentences=READING),
        ),
    )


def in_order(entries: Sequence[Entry], first: Collection[str] = ()) -> list[Entry]:
    """The claims named first, then the paper's and natrob's own; what was decided first, experiments first."""

    def order(entry: Entry) -> tuple[object, ...]:
        claim, verdict = entry.claim, entry.judgement.verdict
        own = claim.id[0] == "N"
        return (claim.id not in first, own != (claim.id in first), verdict in OPEN, claim.id[0] != "E",
                ORDER.index(verdict), claim.order)  # fmt: skip

    return sorted(entries, key=order)


def tally_of(ledger: Ledger) -> tuple[tuple[Verdict, int], ...]:
    """How often each verdict was reached on the paper's claims, in the ledger's order."""
    counts = Counter(entry.judgement.verdict for entry in ledger.entries if entry.claim.id[0] != "N")
    return tuple((verdict, counts[verdict]) for verdict in ORDER if counts[verdict])


def ledger_table(ledger: Ledger) -> tuple[Table, ...]:
    """Claims with what the paper says, the two bounds, and the verdict."""
    caption = "E: the paper’s experiments, T: its theory, N: natrob’s own claims; decided ones first."
    shown = table(
        "ledger", caption, _HEADINGS, [_row(entry) for entry in in_order(ledger.entries, behind_headline(ledger))]
    )
    return (shown,) if shown else ()


def claims_page(ledger: Ledger) -> Page:
    """Every claim with the reason of its verdict."""
    rows = [
        (_id(e), words(e.claim.statement), words(e.claim.place), _verdict(e), words(plain(e.judgement.reason)))
        for e in ledger.entries
    ]
    shown = table("claims", "Claims and the reasons of their verdicts.",
                  ("Id·", "Claim·", "Where·", "Verdict·", "Reason·"), rows)  # fmt: skip
    return Page(
        address=ROOMS["Claims"],
        room="Claims",
        title="Claims",
        lead=CLAIMS_LEAD,
        tally=tally_of(ledger),
        parts=(Part(name="all", heading="All claims", tables=(shown,) if shown else ()),),
    )


def claim_pages(ledger: Ledger, run_addresses: dict[str, str]) -> list[Page]:
    """A page a claim: verdict, rule, evidence, and the command that makes it anew."""
    return [_claim_page(entry, ledger, run_addresses) for entry in ledger.entries]


def _claim_page(entry: Entry, ledger: Ledger, run_addresses: dict[str, str]) -> Page:
    claim, judged = entry.claim, entry.judgement
    rows = [
        (words(s.kind), Cell(text=s.name, link=_address_of(s.name, run_addresses)), words(plain(s.says)))
        for s in judged.sources
    ]
    caption = f"Evidence for the verdict on {claim.id}."
    sources = table(f"evidence-{claim.id}", caption, ("Kind·", "Name·", "It says·"), rows)
    evidence = Part(
        name="evidence",
        heading="Evidence",
        sentences=() if sources else ("Nothing was read that bears on it.",),
        tables=(sources,) if sources else (),
    )
    return Page(
        address=f"claims/{claim.id}.html",
        room="Claims",
        title=f"{claim.id}: {claim.statement}",
        headline=judged.reason,
        verdict=judged.verdict,
        parts=(
            Part(name="numbers", heading="In numbers", tables=_numbers(entry)),
            *_signs(claim.id, judged),
            evidence,
            Part(name="rule", heading="The rule that decides", sentences=claim.rule),
            *claim.parts(ledger.evidence),
            Part(name="replay", heading="Make the evidence anew", code=claim.replay),
        ),
    )


def _numbers(entry: Entry) -> tuple[Table, ...]:
    """The paper’s word and the two bounds, a line each."""
    rows = [(words("Where the claim stands"), words(entry.claim.place))]
    rows += [(words(h.removesuffix("·")), cell) for h, cell in zip(_HEADINGS[2:5], _row(entry)[2:5], strict=True)]
    shown = table(f"numbers-{entry.claim.id}", f"{entry.claim.id} in numbers.", ("What·", "Value·"), rows)
    return (shown,) if shown else ()


def _signs(claim_id: str, judged: Judgement) -> tuple[Part, ...]:
    """The signs that an attack failed; none where there are none."""
    rows = [
        (words(f.name, mark="caution"), words(f.model), words(f.attack), words(f"{f.reason}.")) for f in judged.flags
    ]
    caption = "Signs that an accuracy under attack is the attack’s failure."
    shown = table(f"signs-{claim_id}", caption, ("Sign·", "Model·", "Attack·", "Reason·"), rows)
    return (Part(name="signs", heading="How far the attack can be trusted", tables=(shown,)),) if shown else ()


def _row(entry: Entry) -> tuple[Cell, ...]:
    judged = entry.judgement
    return (
        _id(entry),
        words(entry.claim.statement),
        words(entry.claim.paper or (f"in words ({_where(entry)})" if entry.claim.id[0] != "N" else MISSING)),
        _bound(judged.attacked, "≤", judged.budget),
        _bound(judged.certified, "≥", judged.budget),
        reliability(judged),
        _verdict(entry),
    )


def _where(entry: Entry) -> str:
    return f"section {entry.claim.place}" if entry.claim.place[0].isdigit() else entry.claim.place


def _id(entry: Entry) -> Cell:
    family, number = entry.claim.order
    return Cell(text=entry.claim.id, value=100.0 * family + number, link=f"claims/{entry.claim.id}.html")


def _verdict(entry: Entry) -> Cell:
    verdict = entry.judgement.verdict
    tone = "missing" if verdict.tone == "neutral" else verdict.tone
    return Cell(text=f"{verdict.sign} {verdict.words}", mark=tone, note=plain(entry.judgement.reason))


def _bound(number: Number | None, sign: str, budget: str) -> Cell:
    if number is None:
        return missing_cell()
    n = "" if number.n is None else f"n = {number.n:,}"
    place = ", ".join(each.replace(" = ", "\u00a0=\u00a0") for each in (budget, n) if each)
    share = format_percent(number.value, kind=number.kind).replace(" ", "\u00a0")
    text = f"nothing ({place})" if number.kind == "lower" and number.value == 0 else f"{sign}\u00a0{share} ({place})"
    return Cell(text=text, value=number.value, note=number.source)


def reliability(judged: Judgement) -> Cell:
    """The signs of masking in a few words, with the reasons as a note."""
    if judged.flags:
        names = join_words(list(dict.fromkeys(flag.name for flag in judged.flags)))
        return words(names, mark="caution", note="; ".join(flag.reason for flag in judged.flags))
    return missing_cell() if judged.attacked is None else words("no sign of masking", mark="good")


def _address_of(name: str, run_addresses: dict[str, str]) -> str:
    """The page of the run that a source names, the longest name first; empty for none."""
    named = sorted((run for run in run_addresses if run in name), key=len)
    return run_addresses[named[-1]] if named else ""
