"""torch's parametrisations: the constant of the weight as it is, none where it changes with every use."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal, spectral_norm

from natrob_theory import LayerRefusedError, constrain_norm
from natrob_theory.layers.questions import layer_lipschitz
from tests.natrob_theory.layers.matrices import matrix_of, norm_of


def test_a_spectral_norm_has_the_constant_of_its_weight_in_eval_mode() -> None:
    torch.manual_seed(0)
    dense, kernel = spectral_norm(nn.Linear(5, 4)).double().eval(), spectral_norm(nn.Conv2d(2, 3, 3)).double().eval()
    exact = norm_of(matrix_of(dense, (5,)))
    assert exact <= layer_lipschitz(dense, (5,)) <= exact * (1 + 1e-12)
    matrix = matrix_of(kernel, (2, 5, 5))
    assert norm_of(matrix) <= layer_lipschitz(kernel, (2, 5, 5)) <= 1.5 * norm_of(matrix)


def test_an_orthogonal_weight_has_the_constant_one_in_either_mode() -> None:
    torch.manual_seed(0)
    layer = orthogonal(nn.Linear(5, 4)).double()
    for training in (True, False):
        constant = layer_lipschitz(layer.train(training), (5,))
        assert norm_of(matrix_of(layer, (5,))) <= constant == pytest.approx(1.0, rel=1e-6)


def test_a_weight_that_changes_with_every_use_is_refused_by_name() -> None:
    torch.manual_seed(0)
    layer = spectral_norm(nn.Conv2d(2, 3, 3))
    with pytest.raises(ValueError, match=r"`weight` of layer ParametrizedConv2d changes with every use.*\.eval\(\)"):
        layer_lipschitz(layer.train(), (2, 5, 5))


def test_a_constrained_norm_has_its_constant_in_training_mode_too() -> None:
    torch.manual_seed(0)
    layer = constrain_norm(nn.Linear(3, 3).double(), method="exact").train()
    assert layer_lipschitz(layer, (3,)) >= norm_of(layer.weight.detach())


def test_a_spectral_norm_by_hooks_is_refused_in_either_mode() -> None:
    layer = nn.utils.spectral_norm(nn.Linear(5, 4))
    for training in (True, False):
        with pytest.raises(LayerRefusedError, match="Linear with forward hooks"):
            layer_lipschitz(layer.train(training), (5,))


def test_asking_leaves_a_weight_in_eval_mode_as_it_is() -> None:
    layer = spectral_norm(nn.Linear(5, 4)).eval()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    layer_lipschitz(layer, (5,))
    assert all(torch.equal(before[name], tensor) for name, tensor in layer.state_dict().items())
