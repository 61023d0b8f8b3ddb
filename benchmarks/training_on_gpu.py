"""ResNet-56 on CIFAR-sized images on a GPU: beside the eager loop, bfloat16 beside float32, and what remains."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10
from torchvision.transforms import Compose, RandomCrop, RandomHorizontalFlip, ToTensor

from benchmarks.measurement import Row, interleaved_medians, versioned
from benchmarks.states import SEED
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import ResidualSpecification, build_classifier, model_cost, resnet_56
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import EngineOptions, TrainingSpecification, train

SECTION = "training_on_gpu"
BATCH, SHAPE = 128, (3, 32, 32)
PLAIN = TrainingSpecification(
    epochs=1, batch_size=BATCH, optimiser="sgd", learning_rate=0.01, weight_decay=1e-4, augmentation="crop_flip"
)
FLOAT32 = EngineOptions(tf32=True, channels_last=True)
BFLOAT16 = replace(FLOAT32, precision="bfloat16")
PRODUCT_SIZE = 8192  # of the matrix product whose rate stands for the peak


def rows(*, quick: bool = False) -> list[Row]:
    """On the first CUDA device; no rows, and a line that says so, where there is none."""
    if not torch.cuda.is_available():
        print(f"{SECTION}: skipped, torch sees no CUDA device", file=sys.stderr)
        return []
    images = random_images(10 * BATCH if quick else 50_000)
    return compared(images, resnet_56(), torch.device("cuda"), workers=(0, 4, 8), repeats=1 if quick else 3)


def random_images(count: int) -> Dataset:
    """CIFAR-sized random bytes: what an epoch costs does not depend on what the images show."""
    generator = RandomStreams(SEED).generator("data")
    pixels = torch.randint(0, 256, (count, *SHAPE), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=generator)
    return Dataset(
        name="random", title="random bytes", train_x=pixels, train_y=labels, test_x=pixels[:1], test_y=labels[:1],
        num_classes=10, pixel_scale=255, source="drawn here",
    )  # fmt: skip


def compared(
    data: Dataset, network: ResidualSpecification, device: torch.device, *, workers: tuple[int, ...], repeats: int
) -> list[Row]:
    """The rows on this device, the eager loop with the best of these numbers of workers."""
    ours = {"float32": _ours(data, network, FLOAT32, device), "bfloat16": _ours(data, network, BFLOAT16, device)}
    peers = {f"eager, {count} workers": _eager_loop(data, network, device, count) for count in workers}
    seconds = interleaved_medians(ours | peers, repeats=repeats, warmup=1)
    fastest = min(peers, key=lambda name: seconds[name])
    rates = {name: len(data.train_x) / seconds[name] for name in ours}
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    case = f"{network.label}, {len(data.train_x)} images of 3×32×32, batch {BATCH}, {where}"
    speed = "; ".join(f"{name} {rate:,.0f} images/s" for name, rate in rates.items())
    flops = 3 * model_cost(network, SHAPE, 10).forward_flops * rates["bfloat16"]
    peak = _product_rate(device)

    def row(subject: str, peer: str, quantity: str, value: float, remark: str, target: float | None = None) -> Row:
        return Row(
            section=SECTION, case=case, subject=subject, peer=peer, quantity=quantity, value=value, target=target,
            remark=remark,
        )  # fmt: skip

    eager = f"eager loop, float32, {versioned('torchvision')} CIFAR10, DataLoader, {fastest[7:]} (best of {workers})"
    beside = {name: seconds[name] / seconds[fastest] for name in ours}
    return [
        row("an epoch of train(), bfloat16", eager, "time / peer's", beside["bfloat16"], speed, 0.25),
        row("an epoch of train(), TF32", eager, "time / peer's", beside["float32"], speed),
        row(
            "an epoch of train(), bfloat16", "the same in TF32", "time / peer's",
            seconds["bfloat16"] / seconds["float32"], speed,
        ),
        row(
            "convolutions and matrix products of train(), bfloat16",
            f"a bfloat16 product of two {PRODUCT_SIZE}×{PRODUCT_SIZE} matrices, {peak / 1e12:.0f} TFLOP/s",
            "share of the peak", flops / peak, _profile(ours["bfloat16"], device),
        ),
    ]  # fmt: skip


def _synchronised(run: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """The run, over when the device is."""

    def whole() -> None:
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return whole


def _network(network: ResidualSpecification, device: torch.device) -> nn.Module:
    start = RandomStreams(SEED).generator("init")
    return build_classifier(network, image_shape=SHAPE, num_classes=10, generator=start).to(device).train()


def _ours(
    data: Dataset, network: ResidualSpecification, engine: EngineOptions, device: torch.device
) -> Callable[[], None]:
    model = _network(network, device)
    specification = replace(PLAIN, engine=engine)
    return _synchronised(
        lambda: train(model, data, specification, generator=RandomStreams(SEED).generator("train")), device
    )


def _eager_loop(
    data: Dataset, network: ResidualSpecification, device: torch.device, workers: int
) -> Callable[[], None]:
    """What most programs do: PIL images, cropped and mirrored one by one, a loss read every step."""
    model = _network(network, device)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    source = CIFAR10.__new__(CIFAR10)  # torchvision's own way from bytes to tensors, with these bytes
    source.data, source.targets = data.train_x.permute(0, 2, 3, 1).numpy(), data.train_y.tolist()
    source.transform = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), ToTensor()])
    source.target_transform = None
    pinned = device.type == "cuda"
    loader = DataLoader(source, batch_size=BATCH, shuffle=True, num_workers=workers, pin_memory=pinned)

    def epoch() -> None:
        for images, labels in loader:
            optimiser.zero_grad()
            logits = model(images.to(device, non_blocking=True))
            loss = nn.functional.cross_entropy(logits, labels.to(device, non_blocking=True))
            loss.backward()
            optimiser.step()
            loss.item()

    return _synchronised(epoch, device)


def _product_rate(device: torch.device) -> float:
    """Operations a second of a large bfloat16 matrix product on random numbers, the best of five."""
    size = PRODUCT_SIZE if device.type == "cuda" else 256
    factor = torch.randn((size, size), device=device, dtype=torch.bfloat16)
    product = _synchronised(lambda: factor @ factor, device)
    product()
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def _profile(run: Callable[[], None], device: torch.device) -> str:
    """The five kinds of work that take most of an epoch, with their shares."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]
    with profile(activities=activities) as recorded:
        run()

    events = recorded.key_averages()
    spent = {event.key: event.self_device_time_total if on_gpu else event.self_cpu_time_total for event in events}
    total = sum(spent.values()) or 1.0
    heaviest = sorted(spent, key=lambda name: -spent[name])[:5]
    return "profile: " + "; ".join(f"{name[:60]} {spent[name] / total:.0%}" for name in heaviest)
