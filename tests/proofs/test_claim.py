import pytest

from proofs.claim import Claim, Verdict


def test_a_claim_keeps_what_it_is_given() -> None:
    claim = Claim(statement="1 = 1", assumptions=("none",), source="arithmetic", verdict=Verdict.PROVED)
    assert str(claim.verdict) == "proved as stated"
    assert claim.assumptions == ("none",)


@pytest.mark.parametrize(("statement", "source"), [(" ", "somewhere"), ("1 = 1", "")])
def test_a_claim_has_a_statement_and_a_source(statement: str, source: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        Claim(statement=statement, assumptions=(), source=source, verdict=Verdict.PROVED)
