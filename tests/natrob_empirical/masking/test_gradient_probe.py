import torch
from torch import Tensor

from natrob_empirical.attacks.margin import margin
from natrob_empirical.masking.gradient_probe import cosine, cross_entropy, is_zero, probe_gradient, probe_value


def test_the_cosine_says_what_zero_gradients_mean() -> None:
    first = torch.tensor([[1.0, 0.0], [1.0, 1.0], [3e-38, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    second = torch.tensor([[2.0, 0.0], [0.0, 1.0], [-1e30, 0.0], [0.0, 5.0], [0.0, 1.0], [0.0, 0.0]])
    expected = [1.0, 0.5**0.5, -1.0, 0.0, 0.0, torch.nan]
    assert torch.allclose(cosine(first, second), torch.tensor(expected).double(), equal_nan=True, atol=1e-7)


def test_a_zero_gradient_is_exactly_zero() -> None:
    gradient = torch.zeros(3, 1, 2, 2)
    gradient[1, 0, 1, 1] = 1e-45
    gradient[2] = torch.nan
    assert is_zero(gradient).tolist() == [True, False, False]


def test_a_probe_returns_what_an_attack_would_refuse() -> None:
    def model(x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(dim=1)
        return torch.stack([(mean - 0.5).abs().sqrt(), mean], dim=1)

    x, y = torch.full((2, 1, 2, 2), 0.5), torch.tensor([1, 1])
    x[1] = 0.7
    probe = probe_gradient(model, x, y, cross_entropy)
    assert probe.gradient is not None
    assert probe.gradient.isfinite().flatten(1).all(dim=1).tolist() == [False, True]
    with torch.no_grad():
        assert torch.equal(probe_value(model, x, y, margin), margin(model(x), y))
    assert probe_gradient(lambda images: model(images.detach()), x, y, margin).gradient is None
