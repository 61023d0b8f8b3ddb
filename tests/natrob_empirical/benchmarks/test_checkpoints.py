from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from natrob_empirical.benchmarks import Checkpoint, CheckpointError, CheckpointStore, load_checkpoint
from natrob_empirical.models import NETWORKS, ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams

SHAPE, CLASSES = (3, 8, 6), 4


def settings_of(network: str) -> dict[str, Any]:
    model = ModelSpecification(label=f"{network}, small", network=network, channels=2, hidden=2, num_steps=2,
                               pool_size=2)  # fmt: skip
    return {"model": asdict(model), "training": {"method": {"name": "standard"}}, "data": {"name": "mine"}, "seed": 0}


def untrained(network: str) -> tuple[torch.nn.Module, Checkpoint]:
    settings = settings_of(network)
    model = build_classifier(
        ModelSpecification(**settings["model"]),
        image_shape=SHAPE,
        num_classes=CLASSES,
        generator=RandomStreams(5).generator("init"),
    )
    return model, Checkpoint(
        settings=settings,
        image_shape=SHAPE,
        num_classes=CLASSES,
        state_dict=model.state_dict(),
        training_seconds=2.0,
    )


@pytest.mark.parametrize("network", NETWORKS)
def test_a_file_rebuilds_its_classifier_by_itself(network: str, tmp_path: Path) -> None:
    model, checkpoint = untrained(network)
    loaded = load_checkpoint(CheckpointStore(tmp_path).write(checkpoint))
    assert (loaded.dataset, loaded.training, loaded.image_shape, loaded.training_seconds) == (
        "mine",
        "standard",
        SHAPE,
        2.0,
    )
    images = torch.rand(5, *SHAPE, generator=RandomStreams(0).generator("data"))
    again = loaded.classifier()
    assert not again.training
    assert torch.equal(again(images), model.eval()(images))


@pytest.mark.parametrize("version", [1, 2, 7])
def test_another_schema_version_is_named_and_refused(version: int, tmp_path: Path) -> None:
    _, checkpoint = untrained("euler")
    store = CheckpointStore(tmp_path)
    path = store.path_of(checkpoint.settings)
    torch.save({"schema_version": version, "state_dict": checkpoint.state_dict, "training_seconds": 2.0}, path)
    with pytest.raises(CheckpointError, match=f"is of schema version {version}, this natrob reads version 3"):
        load_checkpoint(path)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    _, checkpoint = untrained("euler")
    other = replace(checkpoint, state_dict=untrained("revnet")[1].state_dict)
    loaded = load_checkpoint(CheckpointStore(tmp_path).write(other))
    with pytest.raises(CheckpointError, match="the checkpoint's weights do not fit the model that it describes"):
        loaded.classifier()


@pytest.mark.parametrize("content", [b"no tensors", None, {"schema_version": 7, "state_dict": {}}, {"weights": 1}])
def test_what_cannot_be_used_is_set_aside_and_nothing_is_lost(content: Any, tmp_path: Path) -> None:
    _, checkpoint = untrained("euler")
    store = CheckpointStore(tmp_path)
    assert store.read(checkpoint.settings) is None
    path = store.path_of(checkpoint.settings)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    before = path.read_bytes()
    assert store.read(checkpoint.settings) is None
    assert not path.exists()
    assert path.with_name(path.name + ".unreadable").read_bytes() == before


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (Path.touch, (Path(tmp_path / "sprung"),))  # pyright: ignore[reportReturnType]

    torch.save({"schema_version": 3, "state_dict": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(CheckpointError, match="cannot be read as plain tensors and data"):
        load_checkpoint(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()
