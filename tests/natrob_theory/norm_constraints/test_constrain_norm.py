"""Norms of at most 1 by construction: for any weights, in either precision, with true gradients."""

import copy
import inspect
import itertools
import pickle
from collections.abc import Callable
from typing import Any, cast, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrize

from natrob_theory import (
    GradientFlowField,
    NormConstraint,
    SkewSymmetricField,
    constrain_norm,
    lipschitz_upper_bound,
    materialised,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.layers.altered_layers import alteration
from natrob_theory.norm_constraints import largest_block as block_search
from natrob_theory.norm_constraints.largest_block import largest_block
from natrob_theory.norm_constraints.matrix_norms import exact_norm, gram_norm
from natrob_theory.norm_constraints.rescaled import RescaledRows
from natrob_theory.norm_constraints.spectral import DividedByTorusNorm
from natrob_theory.spectra.torus import plain_torus
from natrob_theory.spectra.torus_convolution import least_torus_norm_upper

METHODS = get_args(NormConstraint)
CONVOLUTIONAL = ("exact", "gram", "rescaled")
SIDES = (5, 4)


def dense(method: Any, seed: int = 0, *, inputs: int = 5, outputs: int = 7, scale: float = 3.0) -> nn.Linear:
    layer = nn.Linear(inputs, outputs).double()
    _draw(layer.weight, seed, scale)
    return constrain_norm(layer, method=method)


def convolution(method: Any, seed: int = 0, *, kernel_size: int = 3, scale: float = 3.0) -> nn.Conv2d:
    layer = nn.Conv2d(3, 4, kernel_size, padding=kernel_size // 2).double()
    _draw(layer.weight, seed, scale)
    return constrain_norm(layer, method=method, state_sides=SIDES)


def torus_norm(kernel: Tensor) -> float:
    """The norm on the torus that holds every output."""
    grid = (size + taps - 1 for size, taps in zip(SIDES, kernel.shape[2:], strict=True))
    return least_torus_norm_upper(kernel.detach(), tori=[plain_torus(*grid)], stride=[1, 1])


def constraint_of(layer: nn.Module) -> Any:
    return cast(Any, layer).parametrizations["weight"][0]


def raw_of(layer: nn.Module) -> nn.Parameter:
    return cast(Any, layer).parametrizations["weight"].original


def _draw(weight: Tensor, seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        weight.copy_(scale * torch.randn(weight.shape, generator=generator, dtype=weight.dtype))


def norm(layer: nn.Module, shape: tuple[int, ...]) -> float:
    return float(lipschitz_upper_bound(layer, input_shape=shape))


def operator_norm(layer: nn.Conv2d, sides: tuple[int, int]) -> float:
    """‖·‖ of the zero-padded convolution itself, from its matrix."""
    channels = layer.weight.shape[1]
    units = torch.eye(channels * sides[0] * sides[1], dtype=layer.weight.dtype).view(-1, channels, *sides)
    with torch.no_grad():
        images = nn.functional.conv2d(units, layer.weight, padding=layer.padding).flatten(1)  # type: ignore[arg-type]
    return float(torch.linalg.matrix_norm(images, ord=2))


@given(method=st.sampled_from(METHODS), seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_dense_norms_are_at_most_one(method: NormConstraint, seed: int, scale: float) -> None:
    for inputs, outputs in ((5, 7), (7, 5), (6, 6), (1, 4)):
        layer = dense(method, seed, inputs=inputs, outputs=outputs, scale=scale)
        assert norm(layer, (inputs,)) <= 1.0 + 1e-12
        assert norm(layer.float(), (inputs,)) <= 1.0 + 1e-6


@given(method=st.sampled_from(CONVOLUTIONAL), seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_convolutional_norms_are_at_most_one(method: NormConstraint, seed: int, scale: float) -> None:
    for kernel_size in (1, 3, 5):
        layer = convolution(method, seed, kernel_size=kernel_size, scale=scale)
        assert operator_norm(layer, SIDES) <= 1.0 + 1e-12
        assert norm(layer, (3, *SIDES)) <= 1.0 + 1e-12
        assert norm(layer.float(), (3, *SIDES)) <= 1.0 + 1e-6


@pytest.mark.parametrize("method", ["exact", "gram"])
def test_division_by_a_norm_leaves_little_room(method: NormConstraint) -> None:
    tight = 0.93 if method == "gram" else 1.0 - 1e-12
    assert norm(dense(method), (5,)) >= tight
    assert torus_norm(convolution(method).weight) >= tight


def test_a_smaller_image_than_stated_keeps_the_norm_and_a_larger_one_may_not() -> None:
    """A sign-changing kernel whose norm grows with the image: the sides matter."""
    layer = constrain_norm(nn.Conv2d(1, 1, 3, padding=1, bias=False).double(), method="exact", state_sides=(2, 2))
    with torch.no_grad():
        raw_of(layer).copy_(
            torch.tensor([[[[1.0, -3.0, 1.0], [-3.0, 1.0, 1.0], [-1.0, 2.0, 1.0]]]], dtype=torch.float64)
        )
    norms = [operator_norm(layer, (side, side)) for side in (1, 2, 8, 12)]
    assert max(norms[:2]) <= 1.0
    assert norms[3] > 1.0


def test_rescaled_rows_are_those_of_the_formula() -> None:
    layer = dense("rescaled")
    raw, rows = raw_of(layer), constraint_of(layer)
    assert isinstance(rows, RescaledRows)
    with torch.no_grad():
        rows.logarithms.copy_(torch.linspace(-1.0, 1.0, 7, dtype=torch.float64))
        q = rows.logarithms.exp()
        sums = torch.stack([((raw @ raw.T)[i].abs() * q / q[i]).sum() for i in range(7)])
    torch.testing.assert_close(layer.weight, raw / sums.sqrt()[:, None])
    assert norm(layer, (5,)) <= 1.0 + 1e-12
    # one tap in every pixel is the same matrix
    kernel = nn.Conv2d(5, 7, 1).double()
    with torch.no_grad():
        kernel.weight.copy_(raw[..., None, None])
    constraint_of(constrain_norm(kernel, method="rescaled")).load_state_dict(rows.state_dict())
    torch.testing.assert_close(kernel.weight[..., 0, 0], layer.weight)


def test_a_smaller_divisor_of_rescaled_rows_breaks_the_norm() -> None:
    """Two equal rows: T = 2 leaves a norm of exactly 1, so 1 % less is seen."""
    layer = nn.Linear(1, 2).double()
    nn.init.ones_(layer.weight)
    constrain_norm(layer, method="rescaled")
    assert norm(layer, (1,)) == pytest.approx(1.0, rel=1e-12)
    assert 1.01 * norm(layer, (1,)) > 1.0 + 1e-12


@pytest.mark.parametrize("shape", [(5, 7), (7, 5), (4, 4)])
def test_orthogonal_maps_have_singular_values_of_one(shape: tuple[int, int]) -> None:
    layer = dense("orthogonal", seed=1, inputs=shape[0], outputs=shape[1])
    values = torch.linalg.svdvals(layer.weight.detach())
    assert float(values.max()) <= 1.0 + 1e-12
    raw = raw_of(layer).detach()
    share = 1e-6 * float((raw**2).sum()) / min(shape)
    singular = torch.linalg.svdvals(raw)
    torch.testing.assert_close(values, torch.sqrt(singular**2 / (singular**2 + share)), atol=1e-10, rtol=0.0)
    # the rows, or columns, of a QR decomposition: the same spans, one after the other
    rows = raw if shape[1] <= shape[0] else raw.t()
    weight = layer.weight.detach() if shape[1] <= shape[0] else layer.weight.detach().t()
    orthonormal = torch.linalg.qr(rows.t())[0]
    overlap = (weight @ orthonormal).abs()
    torch.testing.assert_close(overlap, torch.eye(min(shape), dtype=torch.float64), atol=1e-3, rtol=0.0)


def test_gram_iteration_is_above_the_exact_norm_by_what_is_stated() -> None:
    generator = torch.Generator().manual_seed(0)
    for rows, columns, kind in itertools.product((1, 3, 20), (2, 20), (torch.float64, torch.complex128)):
        stack = torch.randn((4, rows, columns), generator=generator, dtype=kind)
        exact, above = exact_norm(stack), gram_norm(stack)
        assert bool((above >= exact * (1 - 1e-12)).all())
        assert bool((above <= exact * min(rows, columns) ** (2.0**-7) * (1 + 1e-12)).all())
    identity = gram_norm(torch.eye(64, dtype=torch.float64))
    assert float(identity) == pytest.approx(64 ** (2.0**-7), rel=1e-12)  # the worst case is attained


@pytest.mark.parametrize("method", METHODS)
def test_gradients_are_those_of_differences(method: NormConstraint) -> None:
    layers: list[nn.Linear | nn.Conv2d] = [dense(method, inputs=3, outputs=4, scale=1.0)]
    if method != "orthogonal":
        layers.append(convolution(method, scale=1.0))
    for layer in layers:
        constraint = constraint_of(layer)
        raw = raw_of(layer)
        assert torch.autograd.gradcheck(constraint, (raw.detach().clone().requires_grad_(),))
    if method == "rescaled":
        rows = constraint_of(layers[0])
        raw = raw_of(layers[0]).detach()

        def of_logarithms(logarithms: Tensor) -> Tensor:
            return torch.func.functional_call(rows, {"logarithms": logarithms}, (raw,))

        assert torch.autograd.gradcheck(of_logarithms, (torch.linspace(-1, 1, 4).double().requires_grad_(),))


def test_a_weight_of_zeros_stays_one() -> None:
    for method in METHODS:
        layer = nn.Linear(3, 4)
        nn.init.zeros_(layer.weight)
        constrain_norm(layer, method=method)
        assert torch.equal(layer.weight, torch.zeros(4, 3))
        layer.weight.sum().backward()
        gradient = raw_of(layer).grad
        assert gradient is not None
        assert not bool(gradient.isnan().any())


@pytest.mark.parametrize("method", METHODS)
def test_the_layer_is_an_unaltered_one_to_every_rule(method: NormConstraint) -> None:
    layer = dense(method)
    assert not alteration(layer, nn.Linear)
    field = GradientFlowField(layer, nn.ReLU())
    assert float(lipschitz_upper_bound(field, input_shape=(5,))) <= 1.0 + 1e-11
    assert float(one_sided_lipschitz_upper_bound(field, input_shape=(5,))) == 0.0
    skew = SkewSymmetricField(constrain_norm(nn.Linear(4, 4, bias=False).double(), method=method))
    assert float(lipschitz_upper_bound(skew, input_shape=(4,))) <= 2.0 + 1e-11


@pytest.mark.parametrize("method", METHODS)
def test_copies_states_and_other_precisions_keep_the_constraint(method: NormConstraint) -> None:
    layer = dense(method).float()
    weight = layer.weight.detach().clone()
    twin = copy.deepcopy(layer)
    assert torch.equal(twin.weight, weight)
    other = constrain_norm(nn.Linear(5, 7), method=method)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.weight, weight)
    assert set(layer.state_dict()) - {"parametrizations.weight.0.logarithms"} == {
        "bias",
        "parametrizations.weight.original",
    }
    double = copy.deepcopy(layer).double()
    assert double.weight.dtype == torch.float64
    torch.testing.assert_close(double.weight.detach(), weight.double(), atol=1e-5, rtol=1e-4)
    assert norm(double, (5,)) <= 1.0 + 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_a_remembered_weight_is_never_an_old_one(method: NormConstraint, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = dense(method)
    raw = raw_of(layer)
    with torch.no_grad():
        first = layer.weight
        assert torch.equal(layer.weight, first)
        layer.weight.mul_(3.0)  # lost, as with every parametrized weight
        assert torch.equal(layer.weight, first)
        raw.data[0, 0] += 1.0  # bumps no version
        second = layer.weight
        assert not torch.equal(first, second)
    (layer.weight * torch.arange(5.0)).sum().backward()  # with gradients on it is another tensor, with a graph
    assert raw.grad is not None
    torch.optim.SGD(layer.parameters(), lr=0.1).step()
    with torch.no_grad():
        third = layer.weight
        assert not torch.equal(third, second)
        if method == "rescaled":
            constraint_of(layer).logarithms[0] += 1.0
            assert not torch.equal(layer.weight, third)
    with torch.inference_mode():
        assert torch.isfinite(layer.weight).all()
    layer.weight.sum().backward()  # nothing kept from inference mode gets in the way
    for parameter in layer.parameters():
        parameter.requires_grad_(False)
    assert torch.isfinite(layer.weight).all()

    def again(raw: Tensor) -> Tensor:
        raise AssertionError("computed again, though nothing changed")

    monkeypatch.setattr(constraint_of(layer), "constrained", again)
    assert torch.isfinite(layer.weight).all()


def test_autocast_does_not_lower_the_precision() -> None:
    layer = constrain_norm(nn.Linear(6, 6), method="orthogonal")
    plain = layer.weight.detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer.weight.detach(), plain)


def test_a_field_computes_its_weight_once_per_evaluation() -> None:
    layer = dense("gram")
    calls = []
    constraint_of(layer).register_forward_hook(lambda *_: calls.append(1))
    field = GradientFlowField(layer, nn.ReLU())
    state = torch.ones((2, 5), dtype=torch.float64)
    field(torch.zeros(()), state)
    assert len(calls) == 1
    field(torch.zeros(()), state)
    assert len(calls) == 2  # and not longer: the parameters may have changed


def test_materialised_copies_compute_the_same_with_plain_weights() -> None:
    model = nn.Sequential(dense("gram"), nn.ReLU(), dense("rescaled", inputs=7, outputs=3), nn.Linear(3, 2).double())
    plain = materialised(model)
    x = torch.linspace(-1, 1, 10, dtype=torch.float64).view(2, 5)
    assert torch.equal(plain(x), model(x))
    assert not any(parametrize.is_parametrized(module) for module in plain.modules())
    assert set(plain.state_dict()) == {f"{index}.{name}" for index in (0, 2, 3) for name in ("weight", "bias")}
    assert type(plain[0]) is nn.Linear
    pickle.loads(pickle.dumps(plain))
    with torch.no_grad():
        cast(nn.Linear, plain[0]).weight.zero_()
    assert float(cast(nn.Linear, model[0]).weight.detach().abs().max()) > 0
    assert parametrize.is_parametrized(model[0])


def test_the_meta_device_has_shapes_only() -> None:
    with torch.device("meta"):
        layer = constrain_norm(nn.Conv2d(2, 3, 3, padding=1), method="gram", state_sides=(4, 4))
    assert layer.weight.shape == (3, 2, 3, 3)


def test_what_cannot_be_constrained_is_refused_by_name() -> None:
    plain = nn.Conv2d(2, 2, 3, padding=1)
    with pytest.raises(ValueError, match=r"`method` must be one of exact, gram, rescaled, orthogonal, got 'svd'"):
        inspect.unwrap(constrain_norm)(plain, method="svd")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='`method` = "orthogonal" is for dense maps and convolutions with one tap'):
        constrain_norm(plain, method="orthogonal", state_sides=(4, 4))
    with pytest.raises(ValueError, match=r'`state_sides` must be \(height, width\) for `method` = "gram", got None'):
        constrain_norm(plain, method="gram")
    with pytest.raises(ValueError, match="`state_sides` must be at least 1, got 0"):
        constrain_norm(plain, method="gram", state_sides=(4, 0))
    with pytest.raises(ValueError, match="`state_sides` is for convolutions"):
        constrain_norm(nn.Linear(2, 2), method="gram", state_sides=(4, 4))
    with pytest.raises(ValueError, match="stride 1"):
        constrain_norm(nn.Conv2d(2, 2, 3, stride=2, padding=1), method="gram", state_sides=(4, 4))
    with pytest.raises(ValueError, match="parametrized already"):
        constrain_norm(dense("gram"), method="exact")


def test_the_largest_block_is_the_one_with_gradients() -> None:
    """The torus norm from the single block equals the maximum over all blocks."""
    layer = convolution("exact", scale=1.0)
    raw = raw_of(layer).detach()
    constraint = constraint_of(layer)
    assert isinstance(constraint, DividedByTorusNorm)
    torch.testing.assert_close(layer.weight.detach() * torus_norm(raw), raw, rtol=1e-10, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1), flat=st.booleans(), kind=st.sampled_from([torch.complex64, torch.complex128]))
def test_the_largest_block_of_a_stack_is_found(seed: int, flat: bool, kind: torch.dtype) -> None:
    """Also where all norms are nearly the same, which training makes them."""
    generator = torch.Generator().manual_seed(seed)
    for shape in ((12, 6, 4), (12, 4, 6), (1, 3, 3)):
        stack = torch.randn(shape, generator=generator, dtype=kind)
        if flat:
            stack = stack / exact_norm(stack)[:, None, None]
            stack = stack * (1.0 + 1e-2 * torch.rand(shape[0], generator=generator))[:, None, None]
        norms = exact_norm(stack.to(torch.complex128))
        found = norms[largest_block(stack)]
        assert float(found) >= float(norms.max()) * (1.0 - 32 * torch.finfo(kind).eps)


def test_the_largest_block_is_found_from_a_bad_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = torch.randn((9, 5, 5), generator=torch.Generator().manual_seed(0), dtype=torch.complex128)
    norms = exact_norm(stack)
    for candidate in range(9):
        chosen = torch.nn.functional.one_hot(torch.tensor(candidate), 9)
        monkeypatch.setattr(block_search, "_rough_norms", lambda squares, chosen=chosen: chosen)
        assert largest_block(stack) == int(norms.argmax())
    monkeypatch.undo()
    assert largest_block(torch.zeros(3, 2, 2)) in range(3)


def awkward_weights(shape: tuple[int, ...], dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights of this shape whose squares under- or overflow, or whose rows depend on each other."""
    limits = torch.finfo(dtype)
    normal = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    small, large = limits.tiny * 1e8, limits.max * 1e-8
    found = {f"normal × {scale:g}": normal * scale for scale in (1e-23, 1e-30, small, 1e30, large)}
    found |= {"subnormal": normal * limits.tiny * 1e-3, "zero": torch.zeros(shape), "equal": torch.ones(shape)}
    found["just below the floor"] = torch.full(shape, 0.4 * limits.tiny / limits.eps, dtype=torch.float64)
    for name, values in (("one huge entry", torch.zeros(shape)), ("one huge entry among others", normal.clone())):
        found[name] = values.double()
        found[name].view(-1)[3] = large
    rows = {"a tiny row": normal.clone(), "tiny rows": normal * small, "equal rows": normal.clone()}
    rows["a tiny row"][0] *= small
    rows["tiny rows"][0] /= small
    rows["equal rows"][1] = rows["equal rows"][0] * (1 + 1e-7)
    flat = normal.flatten(1)
    rows["rank one"] = (flat[:, :1] @ flat[:1]).view(shape)
    return {name: values.to(dtype) for name, values in (found | rows).items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", METHODS)
def test_whatever_the_parameters_are(method: NormConstraint, dtype: torch.dtype) -> None:
    """The norm is at most 1, and gradients and the weight after a step of SGD are finite."""
    make: dict[str, Callable[[], nn.Linear | nn.Conv2d]] = {
        "dense": lambda: nn.Linear(12, 8, bias=False),
        "wide": lambda: nn.Linear(5, 17, bias=False),
        "one tap": lambda: nn.Conv2d(6, 5, 1, bias=False),
        "convolution": lambda: nn.Conv2d(3, 4, 3, padding=1, bias=False),
    }
    if method == "orthogonal":
        del make["convolution"]
    cases = ((kind, case) for kind in make for case in awkward_weights(tuple(make[kind]().weight.shape), dtype).items())
    for kind, (name, values) in cases:
        layer = make[kind]().to(dtype)
        layer.weight.data.copy_(values)
        if isinstance(layer, nn.Linear):
            constrain_norm(layer, method=method)
        else:
            constrain_norm(layer, method=method, state_sides=SIDES)
        _require_at_most_one(layer, name)
        weight = layer.weight
        (weight * torch.randn_like(weight)).sum().backward()
        assert all(bool(torch.isfinite(cast(Tensor, one.grad)).all()) for one in layer.parameters()), name
        torch.optim.SGD(layer.parameters(), lr=1e-3).step()
        _require_at_most_one(layer, name)


def _require_at_most_one(layer: nn.Linear | nn.Conv2d, name: str) -> None:
    weight = layer.weight.detach()
    assert bool(torch.isfinite(weight).all()), name
    if isinstance(layer, nn.Linear):
        norm = float(torch.linalg.matrix_norm(weight.double(), ord=2))
    else:
        sides: Any = layer.kernel_size
        wide = nn.Conv2d(weight.shape[1], weight.shape[0], sides, padding=sides[0] // 2, bias=False).double()
        wide.weight.data.copy_(weight)
        norm = operator_norm(wide, SIDES)
    assert norm <= 1.0 + 1e-6, name


@pytest.mark.parametrize("method", ["exact", "gram"])
@pytest.mark.parametrize("scale", [1e-30, 1e-23, 1e30])
def test_small_and_large_weights_are_divided_as_others_are(method: NormConstraint, scale: float) -> None:
    dense_norm = float(torch.linalg.matrix_norm(_float_dense(method, scale).weight.detach().double(), ord=2))
    assert dense_norm == pytest.approx(
        float(torch.linalg.matrix_norm(_float_dense(method, 1.0).weight.detach().double(), ord=2)), rel=1e-5
    )


def _float_dense(method: NormConstraint, scale: float) -> nn.Linear:
    layer = nn.Linear(5, 7)
    _draw(layer.weight, 0, scale)
    return constrain_norm(layer, method=method)


def test_logarithms_of_any_size_keep_rescaled_rows_at_one() -> None:
    layer = dense("rescaled")
    for extreme in (-1e3, -50.0, 50.0, 1e3):
        with torch.no_grad():
            constraint_of(layer).logarithms.copy_(torch.linspace(-extreme, extreme, 7))
        assert norm(layer, (5,)) <= 1.0 + 1e-12
        assert bool(torch.isfinite(layer.weight).all())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("method", METHODS)
def test_parameters_that_are_no_numbers_are_refused_by_name(method: NormConstraint, bad: float) -> None:
    layer = dense(method)
    raw_of(layer).data[1, 2] = bad
    with pytest.raises(ValueError, match=r"raw parameters of a constrained weight .* must be finite"):
        layer(torch.ones(1, 5, dtype=torch.float64))
    with torch.no_grad(), pytest.raises(ValueError, match="must be finite"):
        layer(torch.ones(1, 5, dtype=torch.float64))
    if method == "rescaled":
        other = dense(method)
        constraint_of(other).logarithms.data[0] = bad
        with pytest.raises(ValueError, match="RescaledRows"):
            other(torch.ones(1, 5, dtype=torch.float64))


@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_other_padding_modes_are_refused(mode: Any) -> None:
    with pytest.raises(ValueError, match="zero padding"):
        constrain_norm(nn.Conv2d(2, 2, 3, padding=1, padding_mode=mode), method="gram", state_sides=(4, 4))
