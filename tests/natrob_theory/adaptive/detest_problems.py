"""DETEST: the 25 nonstiff problems of Hull, Enright, Fellen and Sedgwick (SIAM J. Numer. Anal. 9, 1972).

Fields f(t, y) on states (batch, d), t a scalar or one time a sample. Every problem runs from t = 0 to t = 20.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

END_TIME = 20.0

Field = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class DetestProblem:
    """One problem: its name, what it is, f, and y(0) as numbers."""

    name: str
    title: str
    field: Field
    start: tuple[float, ...]

    def state(self) -> Tensor:
        """y(0) as a batch of one, float64."""
        return torch.tensor([self.start], dtype=torch.float64)


def by_components(rates: Callable[..., Sequence[Tensor]]) -> Field:
    """A field from a function of t and the components y₁, y₂, … that returns their rates."""

    def field(time: Tensor, state: Tensor) -> Tensor:
        return torch.stack(list(rates(time, *state.unbind(dim=1))), dim=1)

    return field


def by_matrix(rows: list[list[float]]) -> Field:
    """f = Ay."""

    def field(_time: Tensor, state: Tensor) -> Tensor:
        return state @ torch.tensor(rows, dtype=state.dtype, device=state.device).T

    return field


def decay_chain(rates: Sequence[float]) -> list[list[float]]:
    """Each member decays into the next at its rate; the last one, of rate 0, collects."""
    size = len(rates)
    return [[-rates[i] if j == i else rates[j] if j == i - 1 else 0.0 for j in range(size)] for i in range(size)]


def second_differences(size: int) -> list[list[float]]:
    """The matrix with rows 1, −2, 1."""
    return [[-2.0 if i == j else 1.0 if abs(i - j) == 1 else 0.0 for j in range(size)] for i in range(size)]


def unit(size: int) -> tuple[float, ...]:
    return (1.0, *[0.0] * (size - 1))


def torus(_time: Tensor, y1: Tensor, y2: Tensor, y3: Tensor) -> Sequence[Tensor]:
    radius = torch.sqrt(y1**2 + y2**2)
    return -y2 - y1 * y3 / radius, y1 - y2 * y3 / radius, y1 / radius


def two_bodies(_time: Tensor, y1: Tensor, y2: Tensor, y3: Tensor, y4: Tensor) -> Sequence[Tensor]:
    cubed = (y1**2 + y2**2) ** 1.5
    return y3, y4, -y1 / cubed, -y2 / cubed


def orbit_start(eccentricity: float) -> tuple[float, ...]:
    return 1 - eccentricity, 0.0, 0.0, math.sqrt((1 + eccentricity) / (1 - eccentricity))


SUN = 1.00000597682
PLANETS = (0.954786104043e-3, 0.285583733151e-3, 0.437273164546e-4, 0.517759138449e-4, 0.277777777778e-5)
GRAVITY = 2.95912208286

POSITIONS = (
    (3.42947415189, 3.35386959711, 1.35494901715),
    (6.64145542550, 5.97156957878, 2.18231499728),
    (11.2630437207, 14.6952576794, 6.27960525067),
    (-30.1552268759, 1.65699966404, 1.43785752721),
    (-21.1238353380, 28.4465098142, 15.3882659679),
)
VELOCITIES = (
    (-0.557160570446, 0.505696783289, 0.230578543901),
    (-0.415570776342, 0.365682722812, 0.169143213293),
    (-0.325325669158, 0.189706021964, 0.0877265322780),
    (-0.0240476254170, -0.287659532608, -0.117219543175),
    (-0.176860753121, -0.216393453025, -0.0148647893090),
)


def five_bodies(_time: Tensor, state: Tensor) -> Tensor:
    """The outer planets around the sun; (batch, 30): five positions, then five velocities, in units of 100 days."""
    position, velocity = state.view(-1, 2, 5, 3).unbind(dim=1)
    mass = torch.tensor(PLANETS, dtype=state.dtype, device=state.device)[:, None]
    pull = position / position.norm(dim=2, keepdim=True) ** 3
    apart = position[:, None] - position[:, :, None]  # [b, j, k] = y_k − y_j
    distance = apart.norm(dim=3, keepdim=True) + torch.eye(5, dtype=state.dtype, device=state.device)[:, :, None]
    mutual = (mass * apart / distance**3).sum(dim=2)
    indirect = (mass * pull).sum(dim=1, keepdim=True) - mass * pull
    acceleration = GRAVITY * (-(SUN + mass) * pull + mutual - indirect)
    return torch.cat([velocity, acceleration], dim=1).flatten(1)


def bessel(time: Tensor, y1: Tensor, y2: Tensor) -> Sequence[Tensor]:
    return y2, -(y2 / (time + 1) + (1 - 0.25 / (time + 1) ** 2) * y1)


BESSEL_START = (
    math.sqrt(2 / math.pi) * math.sin(1.0),
    math.sqrt(2 / math.pi) * (math.cos(1.0) - math.sin(1.0) / 2),
)

PROBLEMS = (
    DetestProblem(name="A1", title="decay", field=lambda _t, y: -y, start=(1.0,)),
    DetestProblem(name="A2", title="Riccati", field=lambda _t, y: -(y**3) / 2, start=(1.0,)),
    DetestProblem(name="A3", title="oscillation", field=by_components(lambda t, y: [y * torch.cos(t)]), start=(1.0,)),
    DetestProblem(name="A4", title="logistic", field=lambda _t, y: y / 4 * (1 - y / 20), start=(1.0,)),
    DetestProblem(name="A5", title="spiral", field=by_components(lambda t, y: [(y - t) / (y + t)]), start=(4.0,)),
    DetestProblem(
        name="B1",
        title="two populations",
        field=by_components(lambda _t, y1, y2: (2 * (y1 - y1 * y2), -(y2 - y1 * y2))),
        start=(1.0, 3.0),
    ),
    DetestProblem(
        name="B2",
        title="linear reaction",
        field=by_matrix([[-1.0, 1.0, 0.0], [1.0, -2.0, 1.0], [0.0, 1.0, -1.0]]),
        start=(2.0, 0.0, 1.0),
    ),
    DetestProblem(
        name="B3",
        title="nonlinear reaction",
        field=by_components(lambda _t, y1, y2, _y3: (-y1, y1 - y2**2, y2**2)),
        start=(1.0, 0.0, 0.0),
    ),
    DetestProblem(name="B4", title="torus", field=by_components(torus), start=(3.0, 0.0, 0.0)),
    DetestProblem(
        name="B5",
        title="rigid body",
        field=by_components(lambda _t, y1, y2, y3: (y2 * y3, -y1 * y3, -0.51 * y1 * y2)),
        start=(0.0, 1.0, 1.0),
    ),
    DetestProblem(name="C1", title="decay chain", field=by_matrix(decay_chain([1.0] * 9 + [0.0])), start=unit(10)),
    DetestProblem(
        name="C2",
        title="decay chain, rates 1 … 9",
        field=by_matrix(decay_chain([float(i) for i in range(1, 10)] + [0.0])),
        start=unit(10),
    ),
    DetestProblem(name="C3", title="heat, 10 points", field=by_matrix(second_differences(10)), start=unit(10)),
    DetestProblem(name="C4", title="heat, 51 points", field=by_matrix(second_differences(51)), start=unit(51)),
    DetestProblem(
        name="C5",
        title="five bodies",
        field=five_bodies,
        start=tuple(entry for rows in (POSITIONS, VELOCITIES) for row in rows for entry in row),
    ),
    *[
        DetestProblem(
            name=f"D{number}",
            title=f"orbit, eccentricity {eccentricity}",
            field=by_components(two_bodies),
            start=orbit_start(eccentricity),
        )
        for number, eccentricity in enumerate((0.1, 0.3, 0.5, 0.7, 0.9), start=1)
    ],
    DetestProblem(name="E1", title="Bessel", field=by_components(bessel), start=BESSEL_START),
    DetestProblem(
        name="E2",
        title="Van der Pol",
        field=by_components(lambda _t, y1, y2: (y2, (1 - y1**2) * y2 - y1)),
        start=(2.0, 0.0),
    ),
    DetestProblem(
        name="E3",
        title="Duffing",
        field=by_components(lambda t, y1, y2: (y2, y1**3 / 6 - y1 + 2 * torch.sin(2.78535 * t))),
        start=(0.0, 0.0),
    ),
    DetestProblem(
        name="E4",
        title="falling body",
        field=by_components(lambda _t, _y1, y2: (y2, 0.032 - 0.4 * y2**2)),
        start=(30.0, 0.0),
    ),
    DetestProblem(
        name="E5",
        title="linear pursuit",
        field=by_components(lambda t, _y1, y2: (y2, torch.sqrt(1 + y2**2) / (25 - t))),
        start=(0.0, 0.0),
    ),
)
