"""ResNet-50 at h = 1 against torchvision's, with the stem swapped and the same weights."""

import torch
import torchvision
from torch import nn

from natrob_empirical.models import RESNET_50, ResidualClassifier, build_classifier


def pair() -> tuple[ResidualClassifier, nn.Module]:
    """Ours, and torchvision's with our weights: both list their tensors in the order of the forward pass."""
    ours = build_classifier(
        RESNET_50, image_shape=(3, 16, 16), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    with torch.random.fork_rng():
        theirs = torchvision.models.resnet50(weights=None, num_classes=10)
        theirs.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
    theirs.maxpool = nn.Identity()  # type: ignore[assignment]
    generator = torch.Generator().manual_seed(1)
    for name, tensor in ours.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    own, other = ours.state_dict(), theirs.state_dict()
    assert [tensor.shape for tensor in own.values()] == [tensor.shape for tensor in other.values()]
    theirs.load_state_dict(dict(zip(other, own.values(), strict=True)))
    return ours, theirs


def test_the_forward_pass_is_torchvisions() -> None:
    ours, theirs = pair()
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(ours.train()(x), theirs.train()(x), rtol=1e-5, atol=1e-5)
    for own, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)  # the running statistics moved alike
