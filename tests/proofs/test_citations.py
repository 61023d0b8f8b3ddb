"""Every public bound names a proof that is there, and every proof is named by code or by the claims page."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from proofs.catalogue import coq_proofs, symbolic_proofs
from proofs.citations import ROOT, citations_in, code_by_proof
from proofs.claims_page import PAGE, claims_page
from proofs.coq_build import statement_names

RESULTS = {"Bound", "BoundCheck", "AffineBoundCheck", "Tube", "OneSidedConstant", "Divergence"}
"""What a public bound returns."""

FACTORS = {"growth", "squared_growth", "cumulative_growth", "growth_polynomial", "stability_polynomial"}
"""Methods that compute a growth factor: their class names the proof, or they do."""

ENDINGS = (
    "_bound",
    "_upper",
    "layer_lipschitz",
    "one_sided_lipschitz",
    "increment_constant",
    "_witness",
    "_witnesses",
    "_growth",
)
"""How the names of functions end that compute a constant or a factor and return it as a number."""


class PublicBound(NamedTuple):
    """A function that hands out a bound, and every docstring that a reader of it has at hand."""

    name: str
    documentation: str


def public_bounds() -> Iterator[PublicBound]:
    """All functions without a leading underscore that return a bound or compute a growth factor.

    The docstrings are its own and, for the method of a class, the class's.
    """
    for file in sorted((ROOT / "natrob_theory").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        module = file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                yield from _bound(node, module, "")
            elif isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        yield from _bound(method, f"{module}.{node.name}", ast.get_docstring(node) or "")


def _bound(function: ast.FunctionDef, owner: str, inherited: str) -> Iterator[PublicBound]:
    if function.name.startswith("_"):
        return
    returned = function.returns.id if isinstance(function.returns, ast.Name) else ""
    if returned in RESULTS or function.name.endswith(ENDINGS) or (inherited and function.name in FACTORS):
        yield PublicBound(f"{owner}.{function.name}", inherited + (ast.get_docstring(function) or ""))


BOUNDS = tuple(public_bounds())


def test_the_bounds_are_found() -> None:
    names = {bound.name for bound in BOUNDS}
    assert {
        "natrob_theory.bounds.growth.discrete_bound",
        "natrob_theory.bounds.growth.exponential_bound",
        "natrob_theory.bounds.lipschitz_upper_bound.lipschitz_upper_bound",
        "natrob_theory.networks.abstract_net.AbstractIntegratorNet.growth_bound",
        "natrob_theory.steppers.growth_factors.euler_one_sided.EulerOneSided.growth",
        "natrob_theory.tableaus.butcher_tableau.ButcherTableau.growth_polynomial",
        "natrob_theory.checks.certificates.check_bound",
    } <= names


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.name)
def test_a_bound_names_its_proof(bound: PublicBound) -> None:
    assert citations_in(bound.documentation), f'{bound.name} must say "Proof: proofs/…" in its docstring'


@pytest.mark.parametrize("package", ["natrob_theory", "natrob_empirical"])
def test_the_proofs_that_code_names_are_there(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        for path, theorems in citations_in(file.read_text(encoding="utf-8")):
            assert (ROOT / path).is_file(), f"{file.name} names {path}, which is not there"
            if path.endswith(".v"):
                assert set(theorems) <= set(statement_names(ROOT / path)), (
                    f"{file.name}: {path} has not all of {theorems}"
                )


def test_every_proof_is_named() -> None:
    page = PAGE.read_text(encoding="utf-8")
    by_code = code_by_proof()
    for proof in (*symbolic_proofs(), *coq_proofs()):
        assert proof.path in by_code or f"]({Path(proof.path).relative_to('proofs')})" in page


def test_the_claims_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == claims_page(), "run `python -m proofs --write-page`"


def test_citations_are_read() -> None:
    text = "Proof: proofs/coq/theorem_3_1.v (discrete_bound,\n    theorem_3_1), proofs/symbolic/discrete_bound.py."
    first, second = citations_in(text)
    assert first == ("proofs/coq/theorem_3_1.v", ("discrete_bound", "theorem_3_1"))
    assert second == ("proofs/symbolic/discrete_bound.py", ())
    assert citations_in("no proof of this") == ()
