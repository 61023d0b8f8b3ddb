"""The bound over all steps, and every form in which the constants may come."""

import math
from typing import Any

import pytest

from natrob_theory import BackwardEulerNet, Bound, EulerNet, HeunNet, RevNet

IDENTITY = lambda _t, y: y  # noqa: E731


def test_forms_of_the_constant_for_one_field() -> None:
    net = EulerNet(IDENTITY, 0.5, 3)
    expected = 2.0**3
    forms: list[Any] = [
        2.0,
        Bound(value=2.0, kind="upper"),
        [2.0, 2.0, 2.0],
        (2.0, 2.0, 2.0),
        [2.0, Bound(value=2.0, kind="upper"), 2.0],
    ]
    for form in forms:
        bound = net.growth_bound(form)
        assert float(bound) == pytest.approx(expected, rel=1e-13)
        assert bound.kind == "upper"
        assert bound.norm == "L2"
    assert float(net.growth_bound([0.0, 2.0, 4.0])) == pytest.approx(1.0 * 2.0 * 3.0, rel=1e-13)


def test_forms_of_the_constants_of_revnet() -> None:
    net = RevNet((IDENTITY, IDENTITY), 0.5, 3)
    both = float(net.growth_bound((2.0, 3.0)))
    assert float(net.growth_bound([(2.0, 3.0)] * 3)) == both
    assert float(net.growth_bound(2.0)) == float(net.growth_bound((2.0, 2.0)))
    assert float(net.growth_bound([2.0, 2.0, 2.0])) == float(net.growth_bound(2.0))
    assert float(net.growth_bound(2.0)) < both < float(net.growth_bound(3.0))
    kinds = (Bound(value=2.0, kind="upper"), Bound(value=3.0, kind="lower"))
    assert net.growth_bound(kinds).kind == "estimate"
    assert float(net.growth_bound(kinds)) == both


def test_the_order_of_a_pair_counts() -> None:
    net = RevNet((IDENTITY, IDENTITY), 0.5, 2)
    assert float(net.growth_bound((0.0, 4.0))) == pytest.approx(float(net.growth_bound((4.0, 0.0))), rel=1e-12)
    mixed, swapped = net.growth_bound([(1.0, 4.0), (1.0, 1.0)]), net.growth_bound([(4.0, 1.0), (1.0, 1.0)])
    assert float(mixed) != pytest.approx(float(swapped), rel=1e-6)


@pytest.mark.parametrize("constants", [[1.0, 1.0], [1.0] * 4, []])
def test_a_sequence_of_the_wrong_length(constants: list[float]) -> None:
    message = f"`lipschitz` must hold one constant per step, 3, got {len(constants)}"
    with pytest.raises(ValueError, match=message):
        EulerNet(IDENTITY, 0.5, 3).growth_bound(constants)
    with pytest.raises(ValueError, match=message):
        RevNet((IDENTITY, IDENTITY), 0.5, 3).growth_bound(constants)


def test_pairs_where_one_constant_is_wanted_and_triples_nowhere(unchecked: None) -> None:
    with pytest.raises(ValueError, match="`lipschitz` must hold 1 constants in each entry, got 2"):
        EulerNet(IDENTITY, 0.5, 3).growth_bound([(1.0, 2.0)] * 3)
    with pytest.raises(ValueError, match="`lipschitz` must hold 2 constants in each entry, got 3"):
        RevNet((IDENTITY, IDENTITY), 0.5, 2).growth_bound([(1.0, 2.0, 3.0)] * 2)  # type: ignore[list-item]


@pytest.mark.parametrize("constant", [-1.0, math.nan, math.inf])
def test_constants_out_of_range(method: Any, constant: float) -> None:
    if method.name == "neural_ode":
        return  # has no grid before it has run: test_neural_ode.py
    with pytest.raises(ValueError, match="`lipschitz` must be"):
        method.build(IDENTITY, 0.1, 2).growth_bound(constant)


def test_backward_euler_needs_a_small_product() -> None:
    net = BackwardEulerNet(IDENTITY, 0.5, 3)
    assert float(net.growth_bound(1.0)) == pytest.approx(8.0, rel=1e-13)
    with pytest.raises(ValueError, match=r"only for hK < 1: `step_size` = 0\.5 and `lipschitz` = 2\.0 give hK = 1"):
        net.growth_bound(2.0)
    with pytest.raises(ValueError, match=r"hK = 1\.5"):
        net.growth_bound([1.0, 3.0, 1.0])
    assert "the implicit equations are solved exactly" in net.growth_bound(1.0).assumptions


def test_overflow_gives_infinity() -> None:
    assert float(EulerNet(IDENTITY, 1.0, 400).growth_bound(10.0)) == math.inf
    assert float(RevNet((IDENTITY, IDENTITY), 1.0, 400).growth_bound((10.0, 0.0))) < math.inf
    assert float(RevNet((IDENTITY, IDENTITY), 1.0, 400).growth_bound(10.0)) == math.inf


def test_sources_name_the_formula() -> None:
    assert EulerNet(IDENTITY, 0.5, 3).growth_bound(1.0).source.startswith("(10)")
    assert "x_n²/2" in HeunNet(IDENTITY, 0.5, 3).growth_bound(1.0).source


def test_every_method_states_source_and_assumptions(method: Any) -> None:
    source, assumptions = method.build(IDENTITY, 0.1, 2).growth_source()
    assert "Π" in source
    assert isinstance(assumptions, tuple)
