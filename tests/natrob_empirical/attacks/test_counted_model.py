import torch
from torch import Tensor, nn

from natrob_empirical.attacks import CountedModel

WEIGHT = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
X = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = torch.tensor([0, 1, 2, 0, 1])


def curved(x: Tensor) -> Tensor:
    return torch.tanh(x.flatten(1) @ WEIGHT.T)


def test_a_sample_gets_the_gradient_of_its_own_loss() -> None:
    """A mean over the batch would divide every gradient by the number of neighbours."""
    _, together = CountedModel(curved, 5, X.device).logits_and_gradient(X, Y)
    for i in range(5):
        image = X[i : i + 1].clone().requires_grad_()
        loss = nn.functional.cross_entropy(curved(image), Y[i : i + 1])
        (alone,) = torch.autograd.grad(loss, image)
        assert torch.allclose(together[i : i + 1], alone, rtol=1e-12, atol=0)


def test_views_book_to_the_same_meter() -> None:
    meter = CountedModel(curved, 5, X.device)
    some = meter.select(torch.tensor([True, False, True, True, False]))
    some.logits(X[[0, 2, 3]])
    fewer = some.select(torch.tensor([2, 0]))
    fewer.logits_and_gradient(X[[3, 0]], Y[[3, 0]])
    assert meter.queries.tolist() == [2, 0, 1, 2, 0]
    assert meter.gradient_calls.tolist() == [1, 0, 0, 1, 0]
    assert fewer.queries.tolist() == [2, 2]


def test_images_are_safe_from_a_model_that_works_in_place() -> None:
    meter = CountedModel(lambda x: curved(x.mul_(0.5)), 5, X.device)
    before = X.clone()
    meter.logits(X)
    meter.logits_and_gradient(X, Y)
    assert torch.equal(X, before)


def test_logits_are_not_tracked() -> None:
    weight = nn.Parameter(WEIGHT)
    meter = CountedModel(lambda x: x.flatten(1) @ weight.T, 5, X.device)
    assert not meter.logits(X).requires_grad
    assert not any(tensor.requires_grad for tensor in meter.logits_and_gradient(X, Y))


def test_several_images_of_a_sample_are_as_many_queries() -> None:
    def model(x: Tensor) -> Tensor:
        return x.flatten(1).add_(0.5)  # in place: on a copy

    x = torch.rand(3, 4, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    counted = CountedModel(model, 5, x.device)
    logits = counted.select(torch.tensor([4, 0, 2])).logits_of_several(x)
    assert torch.equal(logits, before.flatten(2) + 0.5)
    assert torch.equal(x, before)
    assert counted.queries.tolist() == [4, 0, 4, 0, 4]
    assert counted.gradient_calls.tolist() == [0] * 5
