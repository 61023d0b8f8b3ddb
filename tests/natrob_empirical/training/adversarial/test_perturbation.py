import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_empirical.training.adversarial.perturbation import allowed_box, normal_noise, sign_ascent, uniform_noise
from natrob_empirical.training.model_modes import evaluating, frozen


def test_uniform_noise_fills_the_ball_evenly() -> None:
    images = torch.zeros(100, 1, 10, 10, dtype=torch.float64)
    noise = uniform_noise(images, 0.3, generator=torch.Generator().manual_seed(0))
    assert float(noise.abs().max()) <= 0.3
    counts = torch.histc(noise, bins=10, min=-0.3, max=0.3)
    # ten bins of 1,000 expected each, whose standard deviation is √(1000 · 0.9) = 30
    assert float((counts - 1000).abs().max()) < 5 * 30
    assert counts.sum() == 10_000


def test_normal_noise_has_its_scale() -> None:
    noise = normal_noise(torch.zeros(100, 100, dtype=torch.float64), 0.001, generator=torch.Generator().manual_seed(0))
    assert abs(float(noise.std()) - 0.001) < 5 * 0.001 / 20_000**0.5
    assert abs(float(noise.mean())) < 5 * 0.001 / 100
    assert float((noise.abs() < 0.001).double().mean()) == pytest.approx(0.6827, abs=0.025)


@pytest.mark.parametrize("draw", [uniform_noise, normal_noise])
def test_draws_come_from_the_generator_alone_and_have_the_dtype_of_the_images(draw: type) -> None:
    for dtype in (torch.float32, torch.float64):
        images = torch.zeros(2, 3, dtype=dtype)
        state = torch.get_rng_state()
        first, again, other = (draw(images, 1.0, generator=torch.Generator().manual_seed(s)) for s in (0, 0, 1))
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert first.dtype == dtype


@pytest.mark.gpu
def test_a_gpu_trains_on_the_draws_of_the_cpu() -> None:
    images = torch.zeros(4, 1, 8, 8)
    for draw in (uniform_noise, normal_noise):
        here = draw(images, 0.1, generator=torch.Generator().manual_seed(0))
        there = draw(images.cuda(), 0.1, generator=torch.Generator().manual_seed(0))
        assert there.is_cuda
        assert torch.equal(there.cpu(), here)


@given(
    pixels=st.lists(st.floats(0, 1), min_size=1, max_size=5),
    epsilon=st.floats(0, 1.5),
    step_size=st.floats(1e-3, 2),
    steps=st.integers(1, 4),
    seed=st.integers(0, 5),
)
def test_ascents_stay_in_the_ball_and_the_pixel_range(
    pixels: list[float], epsilon: float, step_size: float, steps: int, seed: int
) -> None:
    images = torch.tensor([pixels], dtype=torch.float64)
    slope = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    box = allowed_box(images, epsilon)
    end = sign_ascent(images, box, lambda x: (slope * x).sum(), step_size=step_size, steps=steps)
    assert float((end - images).abs().max()) <= epsilon + 1e-15
    assert float(end.min()) >= 0
    assert float(end.max()) <= 1
    # a linear objective is climbed by steps · step_size, as far as the box goes
    target = images + (slope.sign() * min(steps * step_size, epsilon))
    torch.testing.assert_close(end, target.clamp(0, 1), rtol=0, atol=1e-12)


def test_ascent_stands_still_where_there_is_no_slope() -> None:
    images = torch.full((1, 2), 0.5)
    end = sign_ascent(images, allowed_box(images, 0.1), lambda x: (x[:, :1]).sum(), step_size=0.05, steps=1)
    torch.testing.assert_close(end, torch.tensor([[0.55, 0.5]]))
    assert not images.requires_grad


def test_frozen_and_evaluating_give_back_what_they_found() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout())
    net[0].weight.requires_grad_(False)
    net[1].eval()

    def check() -> None:
        with frozen(net), evaluating(net):
            assert not any(parameter.requires_grad for parameter in net.parameters())
            assert not any(part.training for part in net.modules())
            raise KeyError

    with pytest.raises(KeyError):
        check()
    assert [parameter.requires_grad for parameter in net.parameters()] == [False, True, True, True]
    assert [part.training for part in net.modules()] == [True, True, False, True]
