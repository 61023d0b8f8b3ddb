"""The claim ledger: every claim of the paper and of natrob, one file each, judged by proofs and records alone."""

from natrob_empirical.claims.claim import Claim as Claim
from natrob_empirical.claims.claim import Evidence as Evidence
from natrob_empirical.claims.judgement import Judgement as Judgement
from natrob_empirical.claims.judgement import Source as Source
from natrob_empirical.claims.ledger import Entry as Entry
from natrob_empirical.claims.ledger import Ledger as Ledger
from natrob_empirical.claims.ledger import all_claims as all_claims
from natrob_empirical.claims.ledger import evaluate as evaluate
from natrob_empirical.claims.ledger import judge_all as judge_all
from natrob_empirical.claims.verdict import Verdict as Verdict
