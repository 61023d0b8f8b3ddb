import torch

from natrob_theory import EulerNet, LinearField, RevNet


def test_a_sequence_of_one_field_is_one_step() -> None:
    net = EulerNet([LinearField(torch.eye(2))], 0.5)
    assert net.num_steps == 1
    assert torch.equal(net(torch.ones(1, 2)), torch.full((1, 2), 1.5))


def test_a_sequence_of_one_pair_is_one_step() -> None:
    pair = (LinearField(torch.eye(1)), LinearField(torch.eye(1)))
    net = RevNet([pair], 1.0)
    assert net.num_steps == 1
    assert torch.equal(net(torch.ones(1, 2)), torch.tensor([[2.0, 3.0]]))
