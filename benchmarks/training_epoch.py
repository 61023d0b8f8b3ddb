"""An epoch of training beside a plain eager loop with torchvision's DataLoader, and beside its own passes."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from benchmarks.measurement import Row, interleaved_medians, versioned
from benchmarks.states import SEED
from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.models import build_classifier
from natrob_empirical.models.paper_models import resnet_20
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import (
    YOPO,
    AbstractTrainingMethod,
    EngineOptions,
    PGDAdversarialTraining,
    StandardTraining,
    TrainingSpecification,
    train,
)

SECTION = "training_epoch"
BATCH, SIZE = 128, 28
PLAIN = TrainingSpecification(epochs=1, batch_size=BATCH, optimiser="sgd", learning_rate=0.01, weight_decay=1e-4)
FLOAT32 = EngineOptions(channels_last=True)
BFLOAT16 = EngineOptions(channels_last=True, precision="bfloat16")

Run = Callable[[], object]
"""One epoch of a model of its own."""


def rows(*, quick: bool = False) -> list[Row]:
    """On the CPU: beside the eager loop, beside the bare passes, YOPO beside PGD."""
    images = _mnist_sized(2 * BATCH if quick else 10 * BATCH)
    repeats = 1 if quick else 5
    return [*_beside_the_eager_loop(images, repeats), _yopo_beside_pgd(images, 1 if quick else 3)]


def _mnist_sized(count: int) -> Dataset:
    """The bundled digits, enlarged to 28×28 bytes."""
    digits = load_dataset("digits")
    pixels = nn.functional.interpolate(digits.to_images(digits.train_x), size=SIZE, mode="bilinear")
    enlarged = (255 * pixels).round().to(torch.uint8)
    return replace(
        digits, pixel_scale=255, train_x=enlarged, test_x=enlarged[:1], test_y=digits.train_y[:1]
    ).subset(train=min(count, len(enlarged)))  # fmt: skip


def _beside_the_eager_loop(data: Dataset, repeats: int) -> list[Row]:
    peers = {f"eager, {workers} workers": _eager_loop(data, workers) for workers in (0, 1, 2)}
    ours = {"float32": _ours(data, FLOAT32)}
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():  # without it bfloat16 is emulated, and slow
        ours["bfloat16"] = _ours(data, BFLOAT16)
    seconds = interleaved_medians(ours | {"passes": _bare_passes(data)} | peers, repeats=repeats, warmup=1)
    fastest = min(peers, key=lambda name: seconds[name])
    case = f"ResNet-20, {len(data.train_x)} images of 1×{SIZE}×{SIZE}, batch {BATCH}, {torch.get_num_threads()} threads"
    remark = "; ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    compared = [
        Row(
            section=SECTION,
            case=case,
            subject=f"an epoch of train(), SGD, channels_last, {name}",
            peer=f"eager loop, float32, {versioned('torchvision')} MNIST, DataLoader, {fastest[7:]} (best of 0, 1, 2)",
            quantity="time / peer's",
            value=seconds[name] / seconds[fastest],
            target=0.8,
            remark=remark,
        )
        for name in ours
    ]
    share = Row(
        section=SECTION,
        case=case,
        subject="an epoch of train(), SGD, channels_last, float32",
        peer="the same forward and backward passes and steps on one batch in place",
        quantity="time / peer's",
        value=seconds["float32"] / seconds["passes"],
        remark="what is above 1 is data, readings and bookkeeping; the smaller last batch is in both",
    )
    return [*compared, share]


def _yopo_beside_pgd(data: Dataset, repeats: int) -> Row:
    few = data.subset(train=min(2 * BATCH, len(data.train_x)))
    runs = {
        "YOPO-5-3": _ours(few, FLOAT32, YOPO(outer_steps=5, inner_steps=3)),
        "PGD-10": _ours(few, FLOAT32, PGDAdversarialTraining(steps=10)),
    }
    seconds = interleaved_medians(runs, repeats=repeats, warmup=1)
    return Row(
        section=SECTION,
        case=f"ResNet-20, {len(few.train_x)} images of 1×{SIZE}×{SIZE}, batch {BATCH}",
        subject="an epoch of YOPO-5-3",
        peer="an epoch of PGD-10, same engine and settings",
        quantity="time / peer's",
        value=seconds["YOPO-5-3"] / seconds["PGD-10"],
        remark=f"{seconds['YOPO-5-3']:.2f} s / {seconds['PGD-10']:.2f} s; full passes: 5 against 11",
    )


def _network() -> nn.Module:
    start = RandomStreams(SEED).generator("init")
    return build_classifier(resnet_20(), image_shape=(1, SIZE, SIZE), num_classes=10, generator=start).train()


def _ours(data: Dataset, engine: EngineOptions, method: AbstractTrainingMethod | None = None) -> Run:
    model = _network()
    specification = replace(PLAIN, engine=engine, method=method or StandardTraining())
    return lambda: train(model, data, specification, generator=RandomStreams(SEED).generator("train"))


def _eager_loop(data: Dataset, workers: int) -> Run:
    """What most programs do: PIL images through ToTensor, a loss read every step."""
    model = _network()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    source = MNIST.__new__(MNIST)  # torchvision's own way from bytes to tensors, with these bytes in place of its files
    source.data, source.targets = data.train_x[:, 0], data.train_y
    source.transform, source.target_transform = ToTensor(), None
    loader = DataLoader(source, batch_size=BATCH, shuffle=True, num_workers=workers)

    def epoch() -> None:
        for images, labels in loader:
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimiser.step()
            loss.item()

    return epoch


def _bare_passes(data: Dataset) -> Run:
    """Forward, backward and step on images that lie ready, as channels_last as ours."""
    model = _network().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True)
    images = data.to_images(data.train_x).contiguous(memory_format=torch.channels_last)
    batches: list[tuple[Tensor, Tensor]] = list(
        zip(images.split(BATCH), data.train_y.split(BATCH), strict=True)
    )  # fmt: skip

    def epoch() -> None:
        for batch, labels in batches:
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(batch), labels).backward()
            optimiser.step()

    return epoch
