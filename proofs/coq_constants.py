"""The constants that Coq proves are the ones that natrob_theory computes: both are evaluated at the same rationals.

Coq's side are the functions over Q (`…_Q`), each with a lemma that it is the real function of the theorems; Coq
evaluates them. Python's side are the public growth factors. A change of a formula in one of the two breaks the tie.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    HEUN_EULER,
    MIDPOINT,
    RK4,
    THREE_EIGHTHS,
    BackwardEulerStepper,
    ButcherTableau,
    EulerStepper,
    FractalNetStepper,
    PolyNetStepper,
    RevNetStepper,
    RungeKuttaStepper,
)
from natrob_theory.steppers import AbstractStepper
from proofs.coq_build import LOGICAL_NAME, CoqBuild
from proofs.outcome import Outcome

TABLEAUS_IN_COQ: dict[str, ButcherTableau] = {
    "euler": EULER,
    "heun": HEUN,
    "midpoint": MIDPOINT,
    "rk4": RK4,
    "three_eighths": THREE_EIGHTHS,
    "heun_euler": HEUN_EULER,
    "bogacki_shampine": BOGACKI_SHAMPINE,
    "fehlberg45": FEHLBERG45,
    "dopri5": DOPRI5,
}
"""The tableaus by their names in `coq/tableaus.v`."""

REQUIRED = {"tableaus": "butcher_tableau tableaus", "local_error": "tableaus local_error"}
"""The files to import for the names in a tie, where they are more than its own."""

OUTWARD = Fraction(1, 10**12)
"""How far above the exact value a factor that is rounded outward may lie, relatively."""

POINTS = tuple(map(Fraction, ("0", "1/64", "1/8", "1/2", "3/4", "1", "3/2", "5", "17")))
"""x = hK, or h or K; dyadic, so that Python's floats are the same numbers."""

ONE_SIDED_SHARES = tuple(map(Fraction, ("-1", "-3/4", "-1/8", "0", "1/2", "1")))
"""μ as a multiple of K."""


@dataclass(frozen=True, kw_only=True)
class Tie:
    """One value on both sides.

    Attributes:
        file: the Coq file of the function, without ".v".
        expression: the function applied to its arguments, in Coq; of type list Q.
        agrees: whether Python's value is the one that Coq gives.
    """

    file: str
    expression: str
    agrees: Callable[[tuple[Fraction, ...]], bool]


def check_constants(build: CoqBuild, ties: Sequence[Tie] | None = None) -> Iterator[Outcome]:
    """One outcome for each Coq file with constants that Python computes too."""
    ties = all_ties() if ties is None else ties
    for file in sorted({tie.file for tie in ties}):
        own = [tie for tie in ties if tie.file == file]
        yield Outcome(
            path=f"proofs/coq/{file}.v",
            subject=f"the constants of the code, {len(own)} values",
            failure="the file did not compile" if file in build.errors else _disagreement(build, file, own),
        )


def _disagreement(build: CoqBuild, file: str, ties: Sequence[Tie]) -> str:
    """The expressions for which Python has another value; empty if there are none."""
    preamble = (
        f"From Coq Require Import QArith List.\nFrom {LOGICAL_NAME} Require Import {REQUIRED.get(file, file)}.\n"
        "Import ListNotations.\nOpen Scope Q_scope."
    )
    printed = "Eval vm_compute in flat_map (fun q => [Qnum q; Zpos (Qden q)]) {}."
    try:
        answers = build.answers(preamble, {str(n): printed.format(tie.expression) for n, tie in enumerate(ties)})
    except RuntimeError as refusal:  # a function of another name or type is no agreement
        return str(refusal)
    wrong = [tie.expression for n, tie in enumerate(ties) if not tie.agrees(rationals_from(answers[str(n)]))]
    return f"Python has another value for {'; '.join(wrong[:3])}" if wrong else ""


def all_ties() -> tuple[Tie, ...]:
    """Every constant that Coq and Python both have."""
    parts = (_tableaus, _local_errors, _euler, _backward_euler, _polynet, _fractalnet, _revnet)
    return tuple(tie for part in parts for tie in part())


def _tableaus() -> Iterator[Tie]:
    """Coefficients, growth polynomials and stability polynomials are equal; so is the growth of the stepper."""
    for name, tableau in TABLEAUS_IN_COQ.items():
        numbers = [*tableau.b, *(entry for row in range(tableau.stages) for entry in tableau.a[row][:row])]
        listed = f"(weights {name} ++ flat_map snd (stages {name}))%list"
        yield Tie(file="tableaus", expression=listed, agrees=lambda found, own=tuple(numbers): found == own)
        nodes = f"(map fst (stages {name}))"
        yield Tie(file="tableaus", expression=nodes, agrees=lambda found, own=tableau.c: found == own)
        for x in POINTS:
            point = coq_rational(x)
            growth, stability = _value(tableau.growth_polynomial(), x), _value(tableau.stability_polynomial(), x)
            yield Tie(
                file="tableaus",
                expression=f"[runge_kutta_growth_Q {name} {point}]",
                agrees=lambda found, own=growth: found == (own,),
            )
            yield Tie(
                file="tableaus",
                expression=f"[runge_kutta_stability_Q {name} {point}]",
                agrees=lambda found, own=stability: found == (own,),
            )
            yield _outward("tableaus", f"[runge_kutta_growth_Q {name} {point}]", _growth(RungeKuttaStepper(tableau), x))


def _local_errors() -> Iterator[Tie]:
    """κ of the stages and κ_b + x|b|ᵀ(I − x|A|)⁻¹κ are equal, and so is the latter for the embedded difference."""
    for name, tableau in TABLEAUS_IN_COQ.items():
        constants = tableau.local_error_constants().stages
        expression = f"(row_constants_Q {name})"
        yield Tie(file="local_error", expression=expression, agrees=lambda found, own=constants: found == own)
        for x in POINTS:
            value = _value(tableau.local_error_polynomial(), x)
            yield Tie(
                file="local_error",
                expression=f"[bracket_Q {name} {coq_rational(x)}]",
                agrees=lambda found, own=value: found == (own,),
            )
            if tableau.embedded_difference is not None:
                estimate = _value(tableau.embedded_estimate_polynomial(), x)
                weights = "; ".join(map(coq_rational, tableau.embedded_difference))
                yield Tie(
                    file="local_error",
                    expression=f"[estimate_bracket_Q {name} [{weights}] {coq_rational(x)}]",
                    agrees=lambda found, own=estimate: found == (own,),
                )


def _euler() -> Iterator[Tie]:
    stepper = EulerStepper()
    for x in POINTS:
        yield _outward("theorem_3_1", f"[euler_growth_Q {coq_rational(x)}]", _growth(stepper, x))
    for step_size, lipschitz, share in product(POINTS[1:], POINTS[1:], ONE_SIDED_SHARES):
        one_sided = share * lipschitz
        factor = stepper.growth_factor(
            step_size=float(step_size), lipschitz=float(lipschitz), one_sided=float(one_sided)
        )
        arguments = " ".join(map(coq_rational, (step_size, one_sided, lipschitz)))
        squared = f"[euler_growth_squared_Q {arguments}]"
        # Where 1 + 2hμ + h²K² is 0, the factor is as small as rounding allows; an absolute allowance is right there.
        allowance = OUTWARD * (1 + step_size * lipschitz) ** 2
        yield Tie(
            file="euler_one_sided",
            expression=squared,
            agrees=lambda found, own=Fraction(factor) ** 2, room=allowance: found[0] <= own <= found[0] + room,
        )


def _backward_euler() -> Iterator[Tie]:
    stepper = BackwardEulerStepper()
    for x in POINTS:
        if x < 1:
            yield _outward("backward_euler", f"[backward_euler_growth_Q {coq_rational(x)}]", _growth(stepper, x))
    for step_size, share in product(POINTS[1:], ONE_SIDED_SHARES):
        if step_size * share < 1:
            factor = stepper.growth_factor(step_size=float(step_size), lipschitz=1.0, one_sided=float(share))
            expression = f"[backward_euler_growth_Q {coq_rational(step_size * share)}]"
            yield _outward("backward_euler", expression, factor)


def _polynet() -> Iterator[Tie]:
    for order, x in product((1, 2, 3, 5), POINTS):
        factor = _growth(PolyNetStepper(order), x)
        yield _outward("polynet", f"[polynet_growth_Q {order} {coq_rational(x)}]", factor)


def _fractalnet() -> Iterator[Tie]:
    for columns, x in product((1, 2, 3, 4), POINTS):
        factor = _growth(FractalNetStepper(columns), x)
        yield _outward("fractalnet", f"[fractalnet_growth_Q {columns} {coq_rational(x)}]", factor)


def _revnet() -> Iterator[Tie]:
    """The factor's square is at least the larger root of λ² − Nλ + det² = 0 for Coq's matrix, and hardly more."""
    product_entries = "(let '(p, q, r, s) := coupling_product_Q [{}] in [p; q; r; s])"
    for x in POINTS:
        factor = Fraction(_growth(RevNetStepper(), x))

        def agrees(found: tuple[Fraction, ...], own: Fraction = factor) -> bool:
            p, q, r, s = found
            total, determinant = p * p + q * q + r * r + s * s, p * s - q * r
            above, below = own**2, (own * (1 - OUTWARD)) ** 2
            # right of N/2 the polynomial λ² − Nλ + det² rises, from at most 0 to positive values
            not_too_small = 2 * above >= total and above**2 - total * above + determinant**2 >= 0
            return not_too_small and (2 * below <= total or below**2 - total * below + determinant**2 <= 0)

        point = f"({coq_rational(x)}, {coq_rational(x)})"
        yield Tie(file="revnet", expression=product_entries.format(point), agrees=agrees)


def _growth(stepper: AbstractStepper, x: Fraction) -> float:
    return stepper.growth_factor(step_size=1.0, lipschitz=float(x))


def _outward(file: str, expression: str, factor: float) -> Tie:
    """A factor that is rounded outward: at least the exact value, and hardly more."""
    own = Fraction(factor)
    return Tie(
        file=file, expression=expression, agrees=lambda found: found[0] <= own <= found[0] * (1 + OUTWARD) + OUTWARD
    )


def _value(coefficients: Sequence[Fraction], x: Fraction) -> Fraction:
    return sum((entry * x**power for power, entry in enumerate(coefficients)), Fraction(0))


def rationals_from(printed: str) -> tuple[Fraction, ...]:
    """The numbers in Coq's answer "= [3; 7; -1; 2]%Z : list Z", numerators and denominators in turn."""
    integers = [int(number) for number in re.findall(r"-?\d+", printed)]
    if not integers or len(integers) % 2:
        raise ValueError(f"`printed` must be a list of numerators and denominators, got {printed!r}")
    return tuple(map(Fraction, integers[::2], integers[1::2]))


def coq_rational(number: Fraction) -> str:
    """A fraction as a term of type Q."""
    return f"({number.numerator} # {number.denominator})"
