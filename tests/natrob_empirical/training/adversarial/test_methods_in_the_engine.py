import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import (
    TRADES,
    YOPO,
    EngineOptions,
    PGDAdversarialTraining,
    TrainingDivergedError,
    TrainingSpecification,
    train,
)
from natrob_empirical.training.abstract_method import AbstractTrainingMethod

METHODS = (
    PGDAdversarialTraining(epsilon=0.1, step_size=0.05, steps=2),
    TRADES(epsilon=0.1, step_size=0.05, steps=2),
    YOPO(epsilon=0.1, step_size=0.05, outer_steps=2, inner_steps=1),
)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first_layer = nn.Conv2d(1, 4, 3, stride=2)
        self.rest = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(36, 10))

    def after_first_layer(self, z: Tensor) -> Tensor:
        return self.rest(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(self.first_layer(x))


FULL, LOWERED = EngineOptions(), EngineOptions(precision="bfloat16")


def weights_after(digits: Dataset, method: AbstractTrainingMethod, seed: int, options: EngineOptions = FULL) -> Tensor:
    with initialised_with(RandomStreams(0).generator("init")):
        net = Net()
    specification = TrainingSpecification(method=method, epochs=1, batch_size=32, learning_rate=1e-3, engine=options)
    train(net, digits.subset(train=96), specification, generator=RandomStreams(seed).generator("train"))
    assert not net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_engine_trains_the_same_weights_twice(digits: Dataset, method: AbstractTrainingMethod) -> None:
    first, again, other = (weights_after(digits, method, seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    lowered = weights_after(digits, method, 0, LOWERED)
    # rounding changes the weights, but far less than other draws do
    assert 0 < float((lowered - first).abs().mean()) < 0.5 * float((other - first).abs().mean())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_loss_that_is_not_finite_reaches_the_engine(digits: Dataset, method: AbstractTrainingMethod) -> None:
    net = Net()
    net.first_layer.weight.data[0] = torch.nan
    with pytest.raises(TrainingDivergedError):
        train(net, digits.subset(train=32), TrainingSpecification(method=method), generator=torch.Generator())


@pytest.mark.parametrize(("method", "frozen_passes", "trained_passes"), [(METHODS[0], 2, 1), (METHODS[1], 3, 2)])
def test_parameters_are_frozen_while_images_are_perturbed(
    method: AbstractTrainingMethod, frozen_passes: int, trained_passes: int
) -> None:
    net, trainable = Net(), []
    net.rest.register_forward_pre_hook(lambda *_: trainable.append(net.first_layer.weight.requires_grad))
    method.backward(net, torch.rand(2, 1, 8, 8), torch.tensor([0, 1]), generator=torch.Generator())
    assert trainable == [False] * frozen_passes + [True] * trained_passes
