import contextlib
import warnings

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from training_subjects import demanding, everything_of, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.models import NETWORKS, AbstractClassifier, ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import EngineOptions, StandardTraining, TrainingProgress, run
from natrob_empirical.training.arithmetic import arithmetic
from natrob_empirical.training.epoch_data import DeviceData, EpochPlan
from natrob_theory import ImplicitSolveError

CPU = torch.device("cpu")


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=80)


def classifier(network: str = "euler") -> nn.Module:
    specification = ModelSpecification(label="small", network=network, channels=4, hidden=4, num_steps=2)
    return build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=RandomStreams(0).generator("init")
    )


def products() -> tuple[object, object]:
    return torch.backends.cuda.matmul.fp32_precision, getattr(torch.backends.cudnn, "conv").fp32_precision  # noqa: B009


@pytest.mark.parametrize("tf32", [False, True])
def test_the_precision_of_products_is_set_and_put_back(tf32: bool) -> None:
    before = products()
    with arithmetic(small_network(), EngineOptions(tf32=tf32), CPU):
        assert products() == (("tf32", "tf32") if tf32 else ("ieee", "ieee"))
    assert products() == before
    with contextlib.suppress(KeyError), arithmetic(small_network(), EngineOptions(tf32=tf32), CPU):
        raise KeyError
    assert products() == before


def test_bfloat16_is_for_forward_passes_of_the_model_and_its_parts_only() -> None:
    model = classifier()
    assert isinstance(model, AbstractClassifier)
    images = torch.rand(2, 1, 8, 8)
    inner: list[torch.dtype] = []
    model.get_submodule("stem").register_forward_hook(lambda _m, _i, output: inner.append(output.dtype))
    exact = model(images)
    with arithmetic(model, EngineOptions(precision="bfloat16"), CPU):
        first = model.first_layer(images)
        rest = model.after_first_layer(first)
        whole = model(images)
        assert not torch.is_autocast_enabled("cpu")
    assert {tensor.dtype for tensor in (first, rest, whole)} == {torch.float32}
    assert torch.equal(rest, whole)
    assert not torch.equal(whole, exact)
    assert torch.allclose(whole, exact, atol=0.05)
    assert torch.equal(model(images), exact)
    assert "forward" not in vars(model)


@pytest.mark.parametrize("network", sorted(set(NETWORKS) - {"backward_euler"}))
def test_every_network_trains_in_bfloat16(network: str, few_digits: Dataset) -> None:
    specification = demanding(epochs=1, learning_rate=0.01, engine=EngineOptions(precision="bfloat16"))
    result = trained(classifier(network), few_digits, specification)
    assert 1.0 < result.loss < 4.0


def test_an_implicit_solve_says_that_bfloat16_is_too_coarse_for_it(few_digits: Dataset) -> None:
    specification = demanding(epochs=1, engine=EngineOptions(precision="bfloat16"))
    with pytest.raises(ImplicitSolveError, match="did not converge"):
        trained(classifier("backward_euler"), few_digits, specification)


def test_channels_last_is_undone(few_digits: Dataset) -> None:
    model = small_network()
    trained(model, few_digits, demanding(epochs=1, engine=EngineOptions(channels_last=True)))
    assert all(tensor.is_contiguous() for tensor in everything_of(model).values())


def test_batches_are_what_the_data_set_makes_of_its_images(few_digits: Dataset) -> None:
    plan = EpochPlan(order=torch.tensor([5, 0, 7, 2]), shifts=None, mirrored=None)
    images, labels = DeviceData(few_digits, CPU, memory_format=torch.contiguous_format).batch(plan, 1, 4)
    assert torch.equal(images, few_digits.to_images(few_digits.train_x[[0, 7, 2]]))
    assert torch.equal(labels, few_digits.train_y[[0, 7, 2]])


class _Readings(TorchDispatchMode):
    """Counts how often a tensor's value is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("batch_size", [80, 8])
def test_where_reading_waits_the_number_of_readings_does_not_grow_with_the_steps(
    batch_size: int, few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "reading_is_free", lambda _device: False)
    seen: list[TrainingProgress] = []
    specification = demanding(epochs=2, batch_size=batch_size, method=StandardTraining())
    with _Readings() as readings:
        trained(small_network(), few_digits, specification, progress=seen.append)
    assert [step.step for step in seen] == [80 // batch_size, 160 // batch_size]
    assert readings.count <= 30


def test_a_neural_ode_says_how_often_its_field_was_evaluated(few_digits: Dataset) -> None:
    seen: list[TrainingProgress] = []
    specification = demanding(epochs=1, batch_size=40, learning_rate=0.01)
    result = trained(classifier("neural_ode"), few_digits, specification, progress=seen.append)
    assert all(step.evaluations is not None and step.evaluations >= 8 for step in seen)
    assert result.evaluations == seen[-1].evaluations


@pytest.mark.slow
def test_a_compiled_model_trains_to_the_same_weights_up_to_rounding(few_digits: Dataset) -> None:
    plain, compiled = small_network(), small_network()
    for network in (plain, compiled):
        network[5] = nn.Dropout(0.0)  # a compiled dropout draws other numbers
    specification = demanding(epochs=1, batch_size=80)
    trained(plain, few_digits, specification)
    trained(compiled, few_digits, demanding(epochs=1, batch_size=80, engine=EngineOptions(compiled=True)))
    expected, found = everything_of(plain), everything_of(compiled)
    assert expected.keys() == found.keys()
    assert compiled._compiled_call_impl is None
    weights = [(expected[name], found[name]) for name, _ in plain.named_parameters()]
    assert all(torch.allclose(left, right, atol=1e-4) for left, right in weights)


@pytest.mark.gpu
def test_on_a_gpu_an_epoch_waits_only_at_its_end(few_digits: Dataset) -> None:
    model = small_network().cuda()
    specification = demanding(epochs=1, batch_size=8, method=StandardTraining())
    trained(model, few_digits, specification)
    with warnings.catch_warnings(record=True) as waits:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        trained(model, few_digits, specification)
    torch.cuda.set_sync_debug_mode("default")
    assert len(waits) <= 20  # reading the losses, the probe and the copy of the data; not 10 steps' own
