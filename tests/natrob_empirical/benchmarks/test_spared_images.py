"""Certified images are spared the costliest attack, but for a tenth of them, and never where the certificate errs."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from natrob_empirical.benchmarks.attack_cell import AttackedModel
from natrob_empirical.benchmarks.cells import AttackAtBudget
from natrob_empirical.benchmarks.contradiction_watch import ContradictionWatch
from natrob_empirical.benchmarks.presets import AttackSpecification
from natrob_empirical.benchmarks.spared_images import spared_images
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import AttackResult, SampleCertificates, packed

Images = tuple[Tensor, Tensor]


def certificate(radii: list[float], norm: str = "L2") -> SampleCertificates:
    return SampleCertificates(method="global", norm=norm, images=len(radii), radii=packed(radii))  # pyright: ignore[reportArgumentType]


def spared(*certificates: SampleCertificates, norm: str = "L2", epsilon: float = 0.5, count: int = 4) -> list[bool]:
    return spared_images(
        certificates, norm=norm, epsilon=epsilon, count=count, streams=RandomStreams(0), attacked_anyway=0.0
    ).tolist()


def test_a_certificate_spares_from_its_own_radius_down() -> None:
    assert spared(certificate([0.5, 0.49, 0.0, 9.0])) == [True, False, False, True]
    assert spared(certificate([0.5, 0.0]), epsilon=0.0) == [True, False, False, False]


def test_a_certificate_in_the_maximum_norm_holds_in_the_euclidean_one_and_not_the_reverse() -> None:
    assert spared(certificate([0.6], "Linf"), count=1) == [True]
    assert spared(certificate([0.6], "L2"), norm="Linf", count=1) == [False]


def test_a_refused_certificate_spares_nothing() -> None:
    refused = SampleCertificates(method="global", norm="L2", images=4, refusal="no constant")
    assert spared(refused) == [False] * 4


def test_a_tenth_is_attacked_anyway_the_same_images_for_every_count_and_radius() -> None:
    def drawn(count: int, epsilon: float, seed: int = 0) -> Tensor:
        return spared_images(
            [certificate([1.0] * count)], norm="L2", epsilon=epsilon, count=count, streams=RandomStreams(seed)
        )

    many = drawn(2000, 0.5)
    assert 0.07 < float((~many).double().mean()) < 0.13
    assert torch.equal(drawn(100, 0.1), many[:100])
    assert not torch.equal(drawn(2000, 0.5, seed=1), many)


class Counting(nn.Module):
    """Notes how many images it is shown."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.shown = net, 0

    def forward(self, x: Tensor) -> Tensor:
        self.shown += len(x)
        return self.net(x)


def attacked(
    net: nn.Module, images: Images, attack: str, spare: Tensor | None, steps: int | None = None
) -> AttackResult:
    specification = AttackSpecification(label=attack, attack=attack, norm="Linf", epsilons=(0.02,), steps=steps)
    return AttackedModel(net, *images).result(
        AttackAtBudget(specification=specification, epsilon=0.02),
        source=None,
        generator=RandomStreams(0).generator("attack"),
        spared=spare,
    )


def test_spared_images_are_named_and_the_others_fare_as_without_them(
    digits_net: nn.Module, digit_images: Images
) -> None:
    images = digit_images[0][:8], digit_images[1][:8].clone()
    images[1][3] = (digits_net(images[0][3:4]).argmax() + 1) % 10  # wrong from the start, whatever a certificate says
    spare = torch.tensor([True, False, False, True, False, True, True, False])
    net = Counting(digits_net)
    whole = attacked(net, images, "AutoAttack", None, steps=2)
    shown, net.shown = net.shown, 0
    result = attacked(net, images, "AutoAttack", spare, steps=2)
    assert net.shown < shown / 1.5
    assert result.not_attacked == "0 5 6"
    assert result.outcomes[3] == "w"
    assert result.outcomes == whole.outcomes
    assert "3 images not attacked: certified" in result.accuracy.source
    assert [part.name for part in result.parts] == ["APGD-CE", "Targeted APGD", "FAB", "Square"]
    assert whole.parts[0].attacked - result.parts[0].attacked == 3


def test_other_attacks_try_every_certificate(digits_net: nn.Module, digit_images: Images) -> None:
    images = digit_images[0][:8], digit_images[1][:8]
    result = attacked(digits_net, images, "FGSM", torch.ones(8, dtype=torch.bool))
    assert (result.not_attacked, result.parts) == ("", [])


def test_an_image_that_did_not_keep_its_label_cannot_be_called_certified(
    digits_net: nn.Module, digit_images: Images
) -> None:
    result = attacked(digits_net, (digit_images[0][:8], digit_images[1][:8]), "FGSM", None)
    with pytest.raises(ValidationError, match="`not_attacked` must hold images that kept their label"):
        AttackResult(**{**result.model_dump(), "outcomes": "f" * 8, "not_attacked": "3"})


def test_the_watch_hands_on_no_certificates_before_it_has_any() -> None:
    assert ContradictionWatch().certificates == []
