"""Small random networks, fields and layers of every kind, each drawn from a seed of its own: what is captured."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

import natrob_theory as theory

Shape: TypeAlias = tuple[int, ...]
STEPS, BATCH = 3, 3
FLAT, SEQUENCE, IMAGE, VOLUME = (6,), (2, 6), (2, 4, 4), (2, 3, 3, 3)
FIXED, ADAPTIVE = 182, 18
"""Networks with a fixed grid and Neural ODEs: 200 together."""

MONOTONE: tuple[Callable[[], nn.Module], ...] = (
    nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Tanh, nn.Sigmoid, nn.Softsign, nn.LogSigmoid, nn.Tanhshrink, nn.ELU,
    lambda: nn.LeakyReLU(0.1), lambda: nn.ELU(0.7), lambda: nn.CELU(2.0), lambda: nn.Hardtanh(-0.5, 2.0),
)  # fmt: skip
ACTIVATIONS = (
    *MONOTONE, nn.Identity, nn.SiLU, nn.GELU, lambda: nn.LeakyReLU(-0.5), lambda: nn.LeakyReLU(1.5),
    lambda: nn.ELU(1.5), lambda: nn.CELU(0.5),
)  # fmt: skip
REFUSED_ACTIVATIONS = (
    nn.Softplus, nn.Mish, nn.Hardswish, nn.PReLU, nn.Softmax, lambda: nn.GELU("tanh"), lambda: nn.CELU(-1.0),
    lambda: nn.SiLU(inplace=True),
)  # fmt: skip


class Draw:
    """Random numbers of one subject, and torch's layers filled with them; float64 until `dtype`."""

    def __init__(self, seed: int, dtype: torch.dtype = torch.float64) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = dtype
        self.activations = MONOTONE[seed % len(MONOTONE)], ACTIVATIONS[seed % len(ACTIVATIONS)]

    def tensor(self, *shape: int) -> Tensor:
        """Gaussian entries."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)

    def number(self, low: float, high: float) -> float:
        """Uniform in between."""
        return low + (high - low) * float(torch.rand((), generator=self.generator, dtype=torch.float64))

    def layer(self, layer: nn.Module) -> Any:
        """The layer with weights of norm about 1, statistics of batch norm near those of a Gaussian; for evaluation."""
        for part in layer.modules():
            for parameter in part.parameters(recurse=False):
                scale = 1.0 if parameter.dim() < 2 else parameter[0].numel() ** -0.5
                parameter.data = scale * self.tensor(*parameter.shape)
            for name, buffer in part.named_buffers(recurse=False):
                if buffer.is_floating_point():
                    statistics = 0.3 * self.tensor(*buffer.shape)
                    setattr(part, name, statistics.exp() if name == "running_var" else statistics)
        return layer.eval()

    def chain(self, *layers: nn.Module) -> theory.AutonomousField:
        """The chain as a field."""
        return theory.AutonomousField(self.layer(nn.Sequential(*layers)))

    def monotone(self) -> nn.Module:
        """An activation with slopes in [0, 1], another one for another seed."""
        return self.activations[0]()

    def activation(self) -> nn.Module:
        """Any activation whose slopes are known, another one for another seed."""
        return self.activations[1]()


class _Rotating(nn.Module):
    """cos(t)·tanh(y): a module of a user's own, which depends on time and has no rule."""

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y)."""
        return torch.cos(theory.broadcast_time(time, state)) * torch.tanh(state)


def _flow(draw: Draw) -> theory.GradientFlowField:
    return theory.GradientFlowField(draw.layer(nn.Linear(6, 7)), draw.monotone())


def _conv_flow(draw: Draw) -> theory.GradientFlowField:
    return theory.GradientFlowField(draw.layer(nn.Conv2d(2, 3, 3, padding=1)), draw.monotone())


def _skew(draw: Draw) -> theory.SkewSymmetricField:
    return theory.SkewSymmetricField(draw.layer(nn.Linear(6, 6, bias=False)))


def _conv_skew(draw: Draw) -> theory.SkewSymmetricField:
    return theory.SkewSymmetricField(draw.layer(nn.Conv2d(2, 2, 3, padding=1, bias=False)))


def _dense(draw: Draw) -> theory.AutonomousField:
    return draw.chain(nn.Linear(6, 8), draw.activation(), nn.Linear(8, 6))


def _conv(draw: Draw) -> theory.AutonomousField:
    return draw.chain(nn.Conv2d(2, 3, 3, padding=1), draw.activation(), nn.Conv2d(3, 2, 3, padding=1))


def _linear(draw: Draw) -> theory.LinearField:
    return theory.LinearField(0.4 * draw.tensor(6, 6))


def _decay(draw: Draw) -> theory.LinearField:
    return theory.LinearField(-torch.diag(draw.tensor(6).abs()))


def _hamiltonian(draw: Draw) -> theory.HamiltonianField:
    halves = [theory.GradientFlowField(draw.layer(nn.Linear(3, 4)), draw.monotone()) for _ in range(2)]
    return theory.HamiltonianField(halves[0], halves[1])


def _conv_hamiltonian(draw: Draw) -> theory.HamiltonianField:
    maps = [draw.layer(nn.Conv2d(1, 2, 3, padding=1)) for _ in range(2)]
    return theory.HamiltonianField(*(theory.GradientFlowField(one, draw.monotone()) for one in maps))


def _dense_network(draw: Draw) -> theory.AutonomousField:
    inner = theory.EulerNet(_dense(draw), 0.1, 2)
    ends = [draw.layer(nn.Linear(6, 6)) for _ in range(2)]
    return theory.AutonomousField(nn.Sequential(ends[0], inner, draw.activation(), ends[1]).eval())


FIELDS: dict[str, tuple[Shape, Callable[[Draw], Any]]] = {
    "dense": (FLAT, _dense),
    "dense, three layers": (FLAT, lambda d: d.chain(nn.Linear(6, 8), d.activation(), nn.Linear(8, 7), d.monotone(),
                                                    nn.Dropout(), nn.Linear(7, 6))),
    "dense, batch norm": (FLAT, lambda d: d.chain(nn.Linear(6, 8), nn.BatchNorm1d(8), d.activation(),
                                                  nn.Linear(8, 6), nn.BatchNorm1d(6))),
    "batch norm before dense": (FLAT, lambda d: d.chain(nn.BatchNorm1d(6), nn.Linear(6, 6),
                                                        d.activation(), nn.Identity())),
    "one linear layer": (FLAT, lambda d: d.chain(nn.Linear(6, 6))),
    "one activation": (FLAT, lambda d: d.chain(d.activation())),
    "chain with a network": (FLAT, _dense_network),
    "linear": (FLAT, _linear),
    "linear decay": (FLAT, _decay),
    "gradient flow": (FLAT, _flow),
    "skew": (FLAT, _skew),
    "Hamiltonian": (FLAT, _hamiltonian),
    "dissipative gradient flow": (FLAT, lambda d: theory.DissipativeField(_flow(d), d.number(0.1, 1.0))),
    "dissipative skew": (FLAT, lambda d: theory.DissipativeField(_skew(d), d.number(0.1, 1.0))),
    "dissipative dense": (FLAT, lambda d: theory.DissipativeField(_dense(d), d.number(0.1, 3.0))),
    "scaled gradient flow": (FLAT, lambda d: theory.ScaledField(_flow(d), d.number(0.1, 0.9))),
    "gradient flow turned": (FLAT, lambda d: theory.ScaledField(_flow(d), -0.5)),
    "skew turned": (FLAT, lambda d: theory.ScaledField(_skew(d), -0.5)),
    "dense turned": (FLAT, lambda d: theory.ScaledField(_dense(d), -0.5)),
    "gradient flow and skew": (FLAT, lambda d: theory.SumField([_flow(d), _skew(d)])),
    "dissipative sum": (FLAT, lambda d: theory.DissipativeField(theory.SumField([_flow(d), _skew(d)]), 0.8)),
    "scaled sum": (FLAT, lambda d: theory.ScaledField(theory.SumField([_flow(d), _decay(d)]), 0.5)),
    "dense and linear": (FLAT, lambda d: theory.SumField([_dense(d), _linear(d), _flow(d)])),
    "function": (FLAT, lambda _d: lambda _t, y: 0.5 * torch.sin(y)),
    "time": (FLAT, lambda _d: _Rotating()),
    "sequence": (SEQUENCE, lambda d: d.chain(nn.Conv1d(2, 3, 3, padding=1), nn.BatchNorm1d(3), d.activation(),
                                             nn.Dropout1d(), nn.AvgPool1d(3, 1, 1), nn.Conv1d(3, 2, 3, padding=1))),
    "sequence, pools": (SEQUENCE, lambda d: d.chain(nn.MaxPool1d(3, 1, 1), nn.Conv1d(2, 2, 1), nn.AdaptiveAvgPool1d(3),
                                                    nn.Flatten(), nn.Linear(6, 12), nn.Unflatten(1, (2, 6)))),
    "volume": (VOLUME, lambda d: d.chain(nn.Conv3d(2, 3, 3, padding=1), nn.BatchNorm3d(3), d.activation(),
                                         nn.AvgPool3d(3, 1, 1), nn.Conv3d(3, 2, 3, padding=1))),
    "image": (IMAGE, _conv),
    "image, batch norm": (IMAGE, lambda d: d.chain(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), d.activation(),
                                                   nn.Dropout2d(), nn.Conv2d(4, 2, 3, padding=1, bias=False),
                                                   nn.BatchNorm2d(2))),
    "image, pools": (IMAGE, lambda d: d.chain(nn.Conv2d(2, 3, 3, padding=1), nn.AvgPool2d(3, 1, 1), d.activation(),
                                              nn.Conv2d(3, 2, 3, padding=1), nn.MaxPool2d(3, 1, 1))),
    "image, shuffled": (IMAGE, lambda d: d.chain(nn.PixelUnshuffle(2), nn.Conv2d(8, 8, 1), d.activation(),
                                                 nn.PixelShuffle(2))),
    "image, flattened": (IMAGE, lambda d: d.chain(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 5),
                                                  d.activation(), nn.Linear(5, 32), nn.Unflatten(1, (2, 4, 4)))),
    "image, groups": (IMAGE, lambda d: d.chain(nn.Conv2d(2, 4, 3, padding=2, dilation=2, groups=2), d.activation(),
                                               nn.Conv2d(4, 2, 3, padding=1))),
    "image gradient flow": (IMAGE, _conv_flow),
    "image skew": (IMAGE, _conv_skew),
    "image Hamiltonian": (IMAGE, _conv_hamiltonian),
    "image dissipative": (IMAGE, lambda d: theory.DissipativeField(_conv_flow(d), 0.5)),
    "image gradient flow and skew": (IMAGE, lambda d: theory.SumField([_conv_flow(d), _conv_skew(d)])),
    "image scaled": (IMAGE, lambda d: theory.ScaledField(_conv(d), -0.7)),
    "image without a rule": (IMAGE, lambda d: d.chain(nn.InstanceNorm2d(2), nn.Conv2d(2, 2, 1), nn.Softplus())),
}  # fmt: skip

METHODS: tuple[Callable[..., Any], ...] = (
    theory.EulerNet,
    theory.HeunNet,
    *(lambda f, h, n, tableau=tableau: theory.RungeKuttaNet(f, h, n, tableau=tableau) for tableau in theory.TABLEAUS),
    theory.BackwardEulerNet,
    lambda f, h, n: theory.BackwardEulerNet(f, h, n, solver=theory.Anderson()),
    theory.PolyNet,
    lambda f, h, n: theory.PolyNet(f, h, n, order=3),
    theory.FractalNet,
    lambda f, h, n: theory.FractalNet(f, h, n, columns=3),
    theory.RevNet,
)


def random_network(number: int) -> tuple[Any, Sequence[Any], Shape, Tensor]:
    """Network `number`, its distinct fields, the shape of the states these act on, and y_0: every eighth in float32."""
    draw = Draw(number, torch.float32 if number % 8 == 7 else torch.float64)
    shape, make = list(FIELDS.values())[number % len(FIELDS)]
    if number >= FIXED:
        return _neural_ode(draw, number, make(draw), shape)
    method = METHODS[number % len(METHODS)]
    own = STEPS if number % 3 == 0 else 1  # a field for every step, or one for all
    step_size = draw.number(0.05, 0.4)
    if method is not theory.RevNet:
        fields = [make(draw) for _ in range(own)]
        net = method(fields if own > 1 else fields[0], step_size, STEPS)
        return net.eval(), fields, shape, draw.tensor(BATCH, *shape)
    pairs = [(make(draw), make(draw)) for _ in range(own)]
    net = theory.RevNet(pairs if own > 1 else pairs[0], step_size, STEPS)
    fields = [field for pair in pairs for field in pair]
    return net.eval(), fields, shape, draw.tensor(BATCH, 2 * shape[0], *shape[1:])


def _neural_ode(draw: Draw, number: int, field: Any, shape: Shape) -> tuple[Any, Sequence[Any], Shape, Tensor]:
    """A pair by turns, every sixth on torchdiffeq's grid."""
    if number % 6 == 0:
        net = theory.NeuralODE(field, 0.7, solver="torchdiffeq")
    else:
        tableau = (theory.DOPRI5, theory.BOGACKI_SHAMPINE, theory.FEHLBERG45)[number % 3]
        net = theory.NeuralODE(field, 0.7, rtol=1e-4, atol=1e-4, tableau=tableau)
    return net.eval(), [field], shape, draw.tensor(BATCH, *shape)


LAYERS: tuple[tuple[Shape, Callable[[], nn.Module]], ...] = (
    *((FLAT, kind) for kind in (*ACTIVATIONS, *REFUSED_ACTIVATIONS)),
    (FLAT, lambda: nn.Linear(6, 9)), (FLAT, lambda: nn.Linear(5, 9)), (FLAT, lambda: nn.Linear(6, 2, bias=False)),
    (FLAT, nn.Dropout), (FLAT, nn.AlphaDropout), (FLAT, lambda: nn.BatchNorm1d(6)), (FLAT, lambda: nn.LayerNorm(6)),
    (FLAT, lambda: nn.BatchNorm1d(6, track_running_stats=False)), (FLAT, lambda: nn.Bilinear(6, 6, 2)),
    (FLAT, lambda: nn.BatchNorm1d(6, affine=False)),
    (SEQUENCE, lambda: nn.Conv1d(2, 3, 3, padding=1)), (SEQUENCE, lambda: nn.Conv1d(2, 4, 3, stride=2, groups=2)),
    (SEQUENCE, lambda: nn.BatchNorm1d(2)), (SEQUENCE, lambda: nn.AvgPool1d(2)), (SEQUENCE, lambda: nn.MaxPool1d(3, 2)),
    (SEQUENCE, lambda: nn.AdaptiveAvgPool1d(3)), (SEQUENCE, nn.Dropout1d), (SEQUENCE, lambda: nn.Linear(6, 4)),
    (SEQUENCE, lambda: nn.Unflatten(2, (2, 3))), (SEQUENCE, lambda: nn.AdaptiveMaxPool1d(2)),
    (IMAGE, lambda: nn.Conv2d(2, 3, 3, padding=1)), (IMAGE, lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1)),
    (IMAGE, lambda: nn.Conv2d(2, 3, 2, dilation=2)), (IMAGE, lambda: nn.Conv2d(2, 4, 3, groups=2, padding="same")),
    (IMAGE, lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular")), (IMAGE, lambda: nn.BatchNorm2d(2)),
    (IMAGE, lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect")), (IMAGE, nn.Dropout2d),
    (IMAGE, lambda: nn.AvgPool2d(2)), (IMAGE, lambda: nn.AvgPool2d(3, 2, 1)), (IMAGE, nn.Flatten),
    (IMAGE, lambda: nn.ConvTranspose2d(2, 2, 3)),
    (IMAGE, lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False)), (IMAGE, lambda: nn.MaxPool2d(2)),
    (IMAGE, lambda: nn.MaxPool2d(3, 1, 1)), (IMAGE, lambda: nn.MaxPool2d(2, return_indices=True)),
    (IMAGE, lambda: nn.AdaptiveAvgPool2d((2, 1))), (IMAGE, lambda: nn.AdaptiveAvgPool2d(3)),
    (IMAGE, lambda: nn.PixelUnshuffle(2)), (IMAGE, lambda: nn.ZeroPad2d(1)), (IMAGE, lambda: nn.GroupNorm(1, 2)),
    ((4, 2, 2), lambda: nn.PixelShuffle(2)), (VOLUME, lambda: nn.Conv3d(2, 3, 2)), (VOLUME, lambda: nn.AvgPool3d(2)),
    (VOLUME, lambda: nn.BatchNorm3d(2)), (VOLUME, nn.Dropout3d),
    (FLAT, lambda: nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))),
    (IMAGE, lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3, 4))),
)  # fmt: skip
