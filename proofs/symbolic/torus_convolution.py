"""The norm of a convolution from its Fourier blocks on a torus; zero padding and stride.

Statement.  1. On N points, Ĉ(κ) = Σ_t c_t ω^{−κt}, ω = e^{2πi/N}: the circular convolution is block diagonal in the
               Fourier basis, so its norm is max_κ ‖Ĉ(κ)‖₂. For a real kernel Ĉ(−κ) is the conjugate of Ĉ(κ).
            2. A zero-padded convolution of m points with k taps is that on any N ≥ m + k − 1 points, applied to the
               input extended by zeros, with some outputs dropped: its norm is at most the torus's. With p ≤ k − 1
               zeros at an end, N ≥ m + p do: what wraps is dropped.
            3. Keeping every s-th output, s | N, couples the s frequencies κ + jN/s; the norm is
               max ‖[Ĉ(κ) Ĉ(κ + N/s) …]‖₂/√s.
            4. With one tap c, Ĉ = c at every κ and the norm of 3 is ‖c‖₂: one point without stride has the same.
            5. A twisted torus has the taps z^t c_t, |z| = 1: its compression is that of 2 between diagonal unitary
               matrices. At z = e^{iπ/N} its blocks are Ĉ half a step off.
            6. The same operator as in 3 is one without stride on N/s points, of the phases u(sx − r) as channels with
               the taps c_{sq+r}, q < ⌈k/s⌉.
            7. Ĉ(κ)Ĉ(κ)* = Σ_d R_d ω^{−κd}, R_d = Σ_t c_{t+d}c_t*.
Proof.      1. Geometric sums of roots of unity. 2. A tap that wraps would have an index ≥ k or < 0. 3. ω^{Nj} = 1.
            4. [c … c][c … c]* = s·cc*. 5. z^{x−y} = z^x z^{−y}. 6. t = sq + r. 7. Sums in another order.
Axes.       Every statement is one of exponents and indices of one axis. Basis vectors, indices and windows of several
            axes are products, and a product with one vanishing factor (a wrapped tap) vanishes; so each axis is alone.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="circular: max_κ σ_max(Ĉ(κ)); zero padding: at most that on N ≥ m + p, twisted or not; stride s | N: "
    "[Ĉ … Ĉ]/√s, or phases as channels",
    assumptions=("stride 1 or a divisor of N", "a unitary change of basis keeps norms", "the norm of diagonal blocks"),
    source="theory, section 5; natrob_theory/layers/convolution.py (Sedghi, Gupta, Long 2019)",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Each part in general, then in full for small sizes with symbolic kernels."""
    _orthogonality()
    _eigenvectors()
    for points in (3, 4, 5, 6):
        _blocks_in_full(points)
    _conjugate_frequencies()
    _nothing_wraps()
    for inputs, taps in ((2, 2), (3, 2), (2, 3), (4, 3)):
        _compression_in_full(inputs, taps)
    for inputs, taps, padding in ((2, 3, 1), (3, 3, 1), (4, 3, 0), (3, 4, 2), (3, 2, 1)):
        _short_and_twisted_in_full(inputs, taps, padding)
    _aliasing()
    for points, stride in ((4, 2), (6, 2), (6, 3)):
        _stride_in_full(points, stride)
        _phases_in_full(points, stride)
    _one_tap()
    _products_in_full(3)


def _reduced(expression: Any, root: sympy.Symbol, points: int) -> Any:
    """The expression at a primitive N-th root of unity: its remainder modulo the cyclotomic polynomial Φ_N."""
    return sympy.rem(sympy.expand(expression), sympy.cyclotomic_poly(points, root), root)


def _orthogonality() -> None:
    # S(N) = Σ_{x<N} ρ^x has S(0) = 0 and S(N + 1) − S(N) = ρ^N, hence is (1 − ρ^N)/(1 − ρ) for ρ ≠ 1
    rho = sympy.symbols("rho")
    n = sympy.symbols("N", integer=True, positive=True)
    closed = (1 - rho**n) / (1 - rho)
    require_equal(closed.subs(n, 0), 0, "S(0) = 0")
    require_equal(sympy.expand_power_exp(closed.subs(n, n + 1)) - closed, rho**n, "S(N + 1) − S(N) = ρ^N")
    # ρ = ω^{κ−λ} with ρ^N = 1, ρ ≠ 1: ⟨u_κ, u_λ⟩ = S(N) = 0. For ρ = 1 it is N: u_κ/√N are orthonormal
    require_equal(closed.subs(rho**n, 1), 0, "Fourier vectors are orthogonal")


def _eigenvectors() -> None:
    # (c * u_κ)(x) = Σ_t c_t ω^{κ(x − t)}: each term is ω^{κx} times that of Ĉ(κ), and ω^{κ(x − t + N)} = ω^{κ(x − t)}
    kappa, x, t = sympy.symbols("kappa x t", integer=True)
    n = sympy.symbols("N", integer=True, positive=True)
    phase = 2 * sympy.pi * sympy.I / n
    term = sympy.exp(phase * kappa * (x - t))
    require_equal(term, sympy.exp(phase * kappa * x) * sympy.exp(-phase * kappa * t), "ω^{κ(x−t)} = ω^{κx}ω^{−κt}")
    require_equal(sympy.exp(phase * kappa * n), 1, "ω^{κN} = 1")


def _circulant(kernel: list[Any], points: int) -> Any:
    """(c * u)(x) = Σ_y c_{(x − y) mod N} u(y) as a matrix."""
    padded = kernel + [sympy.Integer(0)] * (points - len(kernel))
    return sympy.Matrix(points, points, lambda x, y: padded[(int(x) - int(y)) % points])


def _transform(kernel: list[Any], frequency: int, root: Any, points: int) -> Any:
    """Ĉ(κ), with ω^{−κt} written as the power ω^{−κt mod N}."""
    return sum(
        (tap * root ** (-frequency * index % points) for index, tap in enumerate(kernel)),
        sympy.Integer(0),
    )


def _blocks_in_full(points: int) -> None:
    """F*CF = N·diag(Ĉ(κ)) for a symbolic kernel on N points, in exact arithmetic with roots of unity.

    One channel each: with several, C is a matrix of such circulants, and F acts on each channel alike.
    """
    root = sympy.symbols("omega")
    kernel = list(sympy.symbols(f"c_0:{points}", real=True))
    product = _circulant(kernel, points)
    for row in range(points):
        for column in range(points):
            entry = sum(
                root ** (-row * x % points) * product[x, y] * root ** (column * y % points)
                for x in range(points)
                for y in range(points)
            )
            expected = points * _transform(kernel, column, root, points) if row == column else sympy.Integer(0)
            require_equal(_reduced(entry - expected, root, points), 0, f"F*CF on {points} points")


def _conjugate_frequencies() -> None:
    # real taps: the conjugate of c·e^{−iα} is c·e^{iα}, so Ĉ(−κ) is the conjugate of Ĉ(κ): half of one axis suffices
    tap, angle = sympy.symbols("c alpha", real=True)
    require_equal(
        sympy.conjugate(tap * sympy.exp(-sympy.I * angle)), tap * sympy.exp(sympy.I * angle), "conjugate frequencies"
    )


def _nothing_wraps() -> None:
    # output x of 0 … m + k − 2 and input y of 0 … m − 1: where x − y < 0, the tap (x − y) mod N = x − y + N is none
    x, room, taps = sympy.symbols("x e k", integer=True, nonnegative=True)
    below = sympy.symbols("g", integer=True, nonnegative=True)
    inputs = sympy.symbols("m", integer=True, positive=True)
    y, points = (inputs - 1) - below, inputs + taps - 1 + room  # y ≤ m − 1 and N ≥ m + k − 1
    require_at_most(taps, x - y + points, x + below + room, "a wrapped index is at least k")
    # and an output beyond those, x ≥ m + k − 1, reads x − y ≥ k: a zero. So wider padding adds rows of zeros only
    further = inputs + taps - 1 + x
    require_at_most(taps, further - y, x + below, "outputs further out are 0")


def _compression_in_full(inputs: int, taps: int) -> None:
    """The zero-padded convolution is a block of the circulant on N = m + k − 1 points, and of larger ones."""
    kernel = list(sympy.symbols(f"c_0:{taps}", real=True))
    outputs = inputs + taps - 1
    full = sympy.Matrix(
        outputs, inputs, lambda x, y: kernel[int(x) - int(y)] if 0 <= int(x) - int(y) < taps else sympy.Integer(0)
    )
    for points in (outputs, outputs + 1):
        # E extends by zeros, R keeps outputs: columns and rows of the identity, so ‖E‖ = ‖R‖ = 1
        identity = sympy.eye(points)
        extend, keep = identity[:, :inputs], identity[:outputs, :]
        require_equal(keep * _circulant(kernel, points) * extend, full, f"m = {inputs}, k = {taps}, N = {points}")
        require_equal(extend.T * extend, sympy.eye(inputs), "‖Eu‖ = ‖u‖")
        require_equal(keep * keep.T, sympy.eye(outputs), "‖R‖ = 1")
    # N one smaller wraps: then it is another operator
    if inputs > 1 and taps > 1:
        short = _circulant(kernel, outputs - 1)[:, :inputs]
        require(short != full[: outputs - 1, :], "N = m + k − 2 is too small")


def _short_and_twisted_in_full(inputs: int, taps: int, padding: int) -> None:
    """With p zeros at either end the kept outputs are x = k − 1 − p … m − 1 + p of the full ones, and N = m + p do."""
    # x − y < 0 wraps to x − y + N ≥ (k − 1 − p) − (m − 1) + m + p = k, and x − y ≥ k to x − y − N ≤ −1: no taps
    m, k, p, x = sympy.symbols("m k p x", integer=True)
    lowest, highest = (k - 1 - p) - (m - 1), m - 1 + p
    require_equal(lowest + (m + p), k, "the lowest that wraps upward")
    require_equal(highest - (m + p), -1, "the highest that wraps downward")
    kernel, z = list(sympy.symbols(f"c_0:{taps}", real=True)), sympy.Symbol("z", nonzero=True)
    points = inputs + padding
    twisted = [tap * z**index for index, tap in enumerate(kernel)]
    wrapped = [sum(twisted[index::points], sympy.Integer(0)) for index in range(min(points, taps))]
    circulant = _circulant(wrapped, points)
    for out in range(taps - 1 - padding, inputs + padding):
        for column in range(inputs):
            tap = out - column
            entry = kernel[tap] if 0 <= tap < taps else sympy.Integer(0)
            # D_out T D_in* has z^x·c_{x−y}·z^{−y}
            require_equal(circulant[out % points, column], z**out * entry * z**-column, "the twisted compression")
    require_equal(
        sympy.exp(sympy.I * sympy.pi * 2 * x / m) * sympy.exp(sympy.I * sympy.pi / m),
        sympy.exp(sympy.I * sympy.pi * (2 * x + 1) / m),
        "z = e^{iπ/N} moves a frequency by half a step",
    )


def _phases_in_full(points: int, stride: int) -> None:
    """(Cu)(sx) = Σ_r Σ_q c_{sq+r} u_r(x − q) with u_r(x) = u(sx − r), indices modulo N and N/s."""
    kernel = list(sympy.symbols(f"c_0:{points}", real=True))
    matrix = _circulant(kernel, points)
    for out in range(points // stride):
        for phase in range(stride):
            for q in range(points // stride):
                column = (stride * (out - q) - phase) % points
                require_equal(matrix[stride * out, column], kernel[stride * q + phase], "tap sq + r of phase r")


def _products_in_full(taps: int) -> None:
    """Both sides as polynomials in w = ω^{−κ} and its inverse, for one output and two inputs."""
    w = sympy.Symbol("w", nonzero=True)
    kernels = [list(sympy.symbols(f"{name}_0:{taps}", real=True)) for name in "ab"]
    blocks = [sum((tap * w**t for t, tap in enumerate(kernel)), sympy.Integer(0)) for kernel in kernels]
    product = sum((block * block.subs(w, 1 / w) for block in blocks), sympy.Integer(0))
    by_offset = sum(
        (
            kernel[t + d] * kernel[t] * w**d
            for kernel in kernels
            for d in range(1 - taps, taps)
            for t in range(max(0, -d), taps - max(0, d))
        ),
        sympy.Integer(0),
    )
    require_equal(sympy.expand(product), sympy.expand(by_offset), "ĈĈ* = Σ_d R_d ω^{−κd}")


def _aliasing() -> None:
    # u_κ/√N sampled at sx′ is 1/√s times a unit Fourier vector of the N/s points, the same for κ and κ + jN/s
    kappa, x, j = sympy.symbols("kappa x j", integer=True)
    stride, kept = sympy.symbols("s M", integer=True, positive=True)  # N = sM
    n = stride * kept

    def wave(frequency: Any, position: Any, points: Any) -> Any:
        return sympy.exp(2 * sympy.pi * sympy.I * frequency * position / points) / sympy.sqrt(points)

    sampled = wave(kappa, stride * x, n)
    require_equal(sampled, wave(kappa, x, kept) / sympy.sqrt(stride), "sampling divides by √s")
    ratio = sympy.expand(2 * sympy.pi * sympy.I * ((kappa + j * kept) - kappa) * stride * x / n)
    require_equal(sympy.exp(ratio), 1, "κ and κ + jM give the same samples")
    # so output frequency κ receives Σ_j Ĉ(κ + jM)û(κ + jM)/√s: one row of blocks; rows of different κ share no input.
    # −κ has the frequencies −κ − jM: the conjugate blocks in another order, hence the same norm
    require_equal(-(kappa + j * kept), -kappa + (-j) * kept, "−κ aliases with −κ − jM")


def _stride_in_full(points: int, stride: int) -> None:
    """The kept rows of C against the Fourier vectors, for a symbolic kernel: exactly the aliasing blocks over √s.

    Unnormalised: Σ_{x′} ω_M^{−κx′}(C u_λ)(sx′) is M·Ĉ(λ) for λ ≡ κ mod M = N/s and 0 otherwise; the norms √M and √N of
    the vectors turn M into M/√(MN) = 1/√s.
    """
    root = sympy.symbols("omega")
    kernel = list(sympy.symbols(f"c_0:{points}", real=True))
    kept = points // stride
    matrix = _circulant(kernel, points)[::stride, :]
    for out in range(kept):
        for frequency in range(points):
            entry = sum(
                root ** (-stride * out * x % points) * matrix[x, y] * root ** (frequency * y % points)
                for x in range(kept)
                for y in range(points)
            )
            aliases = frequency % kept == out
            expected = kept * _transform(kernel, frequency, root, points) if aliases else sympy.Integer(0)
            require_equal(_reduced(entry - expected, root, points), 0, f"stride {stride} on {points} points")
    require_equal(sympy.Rational(kept) / sympy.sqrt(kept * points), 1 / sympy.sqrt(stride), "M/√(MN) = 1/√s")


def _one_tap() -> None:
    # Ĉ(κ) = c_0 ω^0; and s copies of a matrix c side by side, over √s, have the Gram matrix of c
    root, tap = sympy.symbols("omega c_0")
    for points in (1, 4, 6):
        for frequency in range(points):
            require_equal(_transform([tap], frequency, root, points), tap, "one tap: the same at every frequency")
    matrix = sympy.Matrix(2, 3, sympy.symbols("c_0:6"))
    for stride in (2, 3):
        copies = sympy.Matrix.hstack(*[matrix] * stride) / sympy.sqrt(stride)
        require_equal(copies * copies.T, matrix * matrix.T, "s copies over √s")
