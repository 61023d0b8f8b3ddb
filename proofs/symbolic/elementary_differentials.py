"""Series in h over elementary differentials: the exact flow of y′ = f(y) and one explicit Runge–Kutta step, expanded.

A rooted tree stands for an elementary differential: F(•) = f(y), and F([t₁, …, t_m]) = f⁽ᵐ⁾(y)(F(t₁), …, F(t_m)), with
f⁽ᵐ⁾ multilinear and symmetric. A tree is written as the sorted tuple of its root's subtrees, • as (). A series gives
each tree t the coefficient of h^{|t|} F(t); trees above the highest order asked for are left out.

Nothing is known here about order conditions, densities or symmetries: both series come from the chain rule and from
Taylor's formula for f alone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import factorial
from typing import Any, TypeAlias

Tree: TypeAlias = tuple[Any, ...]
Series: TypeAlias = dict[Tree, Fraction]

VERTEX: Tree = ()
"""The tree of f itself."""


def order(tree: Tree) -> int:
    """|t|: how often f occurs in F(t), and the power of h that comes with it."""
    return 1 + sum(order(child) for child in tree)


def join(children: Sequence[Tree]) -> Tree:
    """[t₁, …, t_m]; the order of the arguments does not matter, f⁽ᵐ⁾ being symmetric."""
    return tuple(sorted(children))


def time_derivative(tree: Tree) -> Counter[Tree]:
    """d/dt F(t)(y(t)) along y′ = f(y), as integer multiples of elementary differentials.

    Leibniz: f⁽ᵐ⁾(y) turns into f⁽ᵐ⁺¹⁾(y)(…, y′) with y′ = F(•), and each argument is differentiated in its turn.
    """
    terms = Counter({join([*tree, VERTEX]): 1})
    for place, child in enumerate(tree):
        others = [*tree[:place], *tree[place + 1 :]]
        for changed, count in time_derivative(child).items():
            terms[join([*others, changed])] += count
    return terms


def exact_flow(highest: int) -> Series:
    """y(h) − y(0) = Σ_k h^k/k! y⁽ᵏ⁾(0), with y′ = F(•) and every further derivative by `time_derivative`."""
    derivative = Counter({VERTEX: 1})
    series: Series = {}
    for power in range(1, highest + 1):
        series |= {tree: Fraction(count, factorial(power)) for tree, count in derivative.items()}
        following: Counter[Tree] = Counter()
        for tree, count in derivative.items():
            for changed, times in time_derivative(tree).items():
                following[changed] += count * times
        derivative = following
    return series


def scaled_field(displacement: Series, highest: int) -> Series:
    """h f(y + δ) = h Σ_m f⁽ᵐ⁾(y)(δ, …, δ)/m! for a series δ.

    Multiplied out, F([t₁, …, t_m]) collects m!/Πnᵢ! equal products of coefficients, nᵢ counting equal subtrees; so what
    is left of 1/m! is Π 1/nᵢ!.
    """
    series: Series = {}
    for chosen in _multisets(sorted(displacement), highest - 1):
        coefficient = Fraction(1)
        for tree, times in Counter(chosen).items():
            coefficient *= displacement[tree] ** times / factorial(times)
        series[join(chosen)] = coefficient
    return series


def _multisets(trees: Sequence[Tree], room: int) -> Iterator[tuple[Tree, ...]]:
    """Every multiset of the trees whose orders sum to at most `room`, the empty one too."""
    yield ()
    for place, tree in enumerate(trees):
        if order(tree) <= room:
            for rest in _multisets(trees[place:], room - order(tree)):
                yield (tree, *rest)


def combination(weights: Sequence[Fraction], series: Sequence[Series]) -> Series:
    """Σ weightᵢ seriesᵢ."""
    total: Series = {}
    for weight, one in zip(weights, series, strict=False):
        if weight != 0:
            for tree, coefficient in one.items():
                total[tree] = total.get(tree, Fraction(0)) + weight * coefficient
    return total


def numerical_step(matrix: Sequence[Sequence[Fraction]], weights: Sequence[Fraction], highest: int) -> Series:
    """y₁ − y₀ = Σ bᵢ hkᵢ with hkᵢ = h f(y₀ + Σ_{j<i} aᵢⱼ hkⱼ): the stages one after the other."""
    slopes: list[Series] = []
    for row in matrix:
        slopes.append(scaled_field(combination(row[: len(slopes)], slopes), highest))
    return combination(weights, slopes)
