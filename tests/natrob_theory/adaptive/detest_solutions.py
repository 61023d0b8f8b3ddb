"""What is known of the DETEST problems at t = 20: closed forms, and published values where there are none."""

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from detest_problems import END_TIME, PROBLEMS
from scipy.linalg import expm
from scipy.optimize import brentq
from scipy.special import ellipj

T = END_TIME


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The zero between two points of opposite sign."""
    return cast(float, brentq(function, low, high, xtol=1e-15))


def spiral() -> list[float]:
    """A5: r = 4e^{π/2 − θ} in polar coordinates of (t, y)."""

    def distance(angle: float) -> float:
        return 4 * math.exp(math.pi / 2 - angle) * math.cos(angle) - T

    angle = _root(distance, -math.pi / 4, 0.0)
    return [T * math.tan(angle)]


def matrix_exponential(name: str) -> list[float]:
    """e^{TA} y(0), the columns of A being the field's values at the unit vectors."""
    problem = next(problem for problem in PROBLEMS if problem.name == name)
    state = problem.state()
    matrix = problem.field(state[0, 0], state.new_ones(state.shape[1]).diag()).numpy().T
    return list(expm(T * matrix) @ np.array(problem.start))


def decay_chain() -> list[float]:
    """C1: y_i = t^{i−1}e^{−t}/(i−1)!, and the last collects the rest."""
    members = [T**i * math.exp(-T) / math.factorial(i) for i in range(9)]
    return [*members, 1 - sum(members)]


def decay_chain_of_rising_rates() -> list[float]:
    """C2: y_i = e^{−t}(1 − e^{−t})^{i−1}."""
    members = [math.exp(-T) * (1 - math.exp(-T)) ** i for i in range(9)]
    return [*members, 1 - sum(members)]


def orbit(eccentricity: float) -> list[float]:
    """D: Kepler's equation u − e sin u = t."""
    u = _root(lambda u: u - eccentricity * math.sin(u) - T, T - 1, T + 1)
    minor, rate = math.sqrt(1 - eccentricity**2), 1 - eccentricity * math.cos(u)
    return [math.cos(u) - eccentricity, minor * math.sin(u), -math.sin(u) / rate, minor * math.cos(u) / rate]


def bessel() -> list[float]:
    """E1: J_{1/2}(t + 1) = √(2/π)·sin(x)/√x."""
    x = T + 1
    scale = math.sqrt(2 / math.pi / x)
    return [scale * math.sin(x), scale * (math.cos(x) - math.sin(x) / (2 * x))]


def falling_body() -> list[float]:
    """E4: v′ = a − bv²."""
    a, b = 0.032, 0.4
    rate = math.sqrt(a * b)
    return [30 + math.log(math.cosh(rate * T)) / b, math.sqrt(a / b) * math.tanh(rate * T)]


def pursuit() -> list[float]:
    """E5: y′ = sinh(log(25/(25 − t)))."""
    left = 25 - T
    return [0.5 * (25 * math.log(25 / left) - (25**2 - left**2) / 50), 0.5 * (25 / left - left / 25)]


CLOSED_FORMS: dict[str, Callable[[], list[float]]] = {
    "A1": lambda: [math.exp(-T)],
    "A2": lambda: [1 / math.sqrt(T + 1)],
    "A3": lambda: [math.exp(math.sin(T))],
    "A4": lambda: [20 / (1 + 19 * math.exp(-T / 4))],
    "A5": spiral,
    "B2": lambda: matrix_exponential("B2"),
    "B4": lambda: [(2 + math.cos(T)) * math.cos(T), (2 + math.cos(T)) * math.sin(T), math.sin(T)],
    "B5": lambda: [float(value) for value in ellipj(T, 0.51)[:3]],
    "C1": decay_chain,
    "C2": decay_chain_of_rising_rates,
    "C3": lambda: matrix_exponential("C3"),
    "C4": lambda: matrix_exponential("C4"),
    "D1": lambda: orbit(0.1),
    "D2": lambda: orbit(0.3),
    "D3": lambda: orbit(0.5),
    "D4": lambda: orbit(0.7),
    "D5": lambda: orbit(0.9),
    "E1": bessel,
    "E4": falling_body,
    "E5": pursuit,
}

PUBLISHED: dict[str, list[float]] = {
    "B1": [0.6761876008576667, 0.1860816099640036],
    "B3": [2.061153488557776e-09, 5.257228022048349e-02, 0.9474277177183630],
    "C5": [
        -4.792730224323733, -2.420550725448973, -9.212509306014886e-01, -4.217310404035213, 7.356202947498970,
        3.223785985421212, 4.035559443262270, 1.719865528670555e01, 7.478910794233703, -2.998759326324844e01,
        -4.107310937550929, -9.277008321754407e-01, -2.442125302518482e01, 2.381459045746554e01, 1.492096306951359e01,
    ],
    "E2": [2.008149762174948, -4.250887527320057e-02],
    "E3": [-1.004178858647128e-01, 2.411400132095954e-01],
}  # fmt: skip
"""The first components at t = 20 as printed by Enright and Pryce (ACM Trans. Math. Softw. 13, 1987)."""
