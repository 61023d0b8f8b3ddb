import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from natrob_empirical.random_streams import RandomStreams, SampleStreams, _as_signed, _mix

MASK = (1 << 64) - 1


def streams(batch_size: int = 4, seed: int = 0) -> SampleStreams:
    return SampleStreams(torch.Generator().manual_seed(seed), batch_size)


def correlation(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


def test_a_named_stream_starts_afresh_each_time() -> None:
    run = RandomStreams(7)
    first = torch.rand(5, generator=run.generator("attack"))
    assert torch.equal(first, torch.rand(5, generator=run.generator("attack")))
    assert torch.equal(first, torch.rand(5, generator=RandomStreams(7).generator("attack")))


def test_names_and_seeds_give_different_streams() -> None:
    names = ["data", "init", "train", "attack", "anything else"]
    draws = {
        float(torch.rand((), generator=RandomStreams(seed).generator(name))) for seed in range(9) for name in names
    }
    assert len(draws) == 45


def test_seed_and_name_are_not_run_together() -> None:
    first = torch.rand(3, generator=RandomStreams(1).generator("1a"))
    assert not torch.equal(first, torch.rand(3, generator=RandomStreams(11).generator("a")))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "`seed` must be at least 0, got -1"),
        (1.0, TypeError, "`seed` must be an integer, got 1.0"),
        (True, TypeError, "`seed` must be an integer, got True"),
    ],
)
def test_a_wrong_seed_is_refused(seed: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RandomStreams(seed)


@pytest.mark.usefixtures("unchecked")
def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(ValueError, match="`name` must be a non-empty string"):
        RandomStreams(0).generator("")
    with pytest.raises(TypeError, match="`name` must be a string, got 3 of type int"):
        RandomStreams(0).generator(3)  # pyright: ignore[reportArgumentType] - the error is the point


@given(st.integers(0, MASK))
def test_the_mixing_is_that_of_splitmix64(bits: int) -> None:
    z = bits
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    z ^= z >> 31
    assert int(_mix(torch.tensor([_as_signed(bits)]))) & MASK == z


@given(st.integers(1, 12), st.data())
def test_splitting_a_batch_changes_nothing(batch_size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, batch_size))
    whole = streams(batch_size)
    generator = torch.Generator().manual_seed(0)
    sizes = [size for size in (first, batch_size - first) if size]
    parts = [SampleStreams(generator, size) for size in sizes]
    for _ in range(2):
        assert torch.equal(whole.uniform(3, 2), torch.cat([part.uniform(3, 2) for part in parts]))
        assert torch.equal(whole.normal(3), torch.cat([part.normal(3) for part in parts]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_uniform_numbers_are_in_range_and_of_the_dtype(dtype: torch.dtype) -> None:
    numbers = streams(8).uniform(500, dtype=dtype)
    assert numbers.dtype == dtype
    assert numbers.shape == (8, 500)
    assert float(numbers.min()) >= 0
    assert float(numbers.max()) < 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_extreme_bits_never_become_one(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    extreme = torch.tensor([[-1, 0]])  # all bits set, no bit set
    monkeypatch.setattr(SampleStreams, "_next_bits", lambda *_: extreme)
    numbers = streams(1).uniform(2, dtype=dtype)
    assert float(numbers[0, 0]) == 1 - torch.finfo(dtype).eps / 2
    assert float(numbers[0, 1]) == 0
    normals = streams(1).normal(2, dtype=dtype)
    assert bool(normals.isfinite().all())
    assert float(normals[0, 0]) == -float(normals[0, 1]) == pytest.approx(8.2, abs=0.1)


def test_uniform_numbers_are_uniform() -> None:
    numbers = streams(50).uniform(4000, dtype=torch.float64)
    assert stats.kstest(numbers.flatten().numpy(), "uniform").pvalue > 1e-3
    within_samples = [stats.kstest(row.numpy(), "uniform").pvalue for row in numbers]
    assert stats.kstest(within_samples, "uniform").pvalue > 1e-3
    across_samples = [stats.kstest(column.numpy(), "uniform").pvalue for column in numbers.T[:200]]
    assert stats.kstest(across_samples, "uniform").pvalue > 1e-3


def test_normal_numbers_are_normal() -> None:
    numbers = streams(20).normal(5000, dtype=torch.float64)
    assert stats.kstest(numbers.flatten().numpy(), "norm").pvalue > 1e-3


def test_every_byte_is_used_alike_and_the_first_five_moments_are_the_normals(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 256 bytes once: the exact distribution of one number."""
    every_byte = torch.arange(256).to(torch.uint8).view(torch.int64)[None]
    monkeypatch.setattr(SampleStreams, "_next_bits", lambda *_: every_byte)
    values = streams(1).near_normal(256, dtype=torch.float64)[0]
    assert len(values.unique()) == 256
    moments = [float((values**order).mean()) for order in range(1, 6)]
    assert moments == pytest.approx([0, 1, 0, 3, 0], abs=1e-12)
    assert float(values.max()) == -float(values.min()) == pytest.approx(2.354, abs=1e-3)


def test_nearly_normal_numbers_make_normal_combinations() -> None:
    numbers = streams(64).near_normal(60, 64, dtype=torch.float64)
    assert abs(float(numbers.mean())) < 4 / numbers.numel() ** 0.5
    assert float(numbers.square().mean()) == pytest.approx(1, abs=4 * (2 / numbers.numel()) ** 0.5)
    sums = numbers.sum(dim=2).flatten() / 8
    assert stats.kstest(sums.numpy(), "norm").pvalue > 1e-3
    bound = 4 / numbers.numel() ** 0.5
    for lag in range(1, 10):  # the eight bytes of a word, and the next word
        assert abs(correlation(numbers[:, :, lag:], numbers[:, :, :-lag])) < bound
    assert abs(correlation(numbers[1:], numbers[:-1])) < bound


@pytest.mark.parametrize("shape", [(), (1,), (7,), (8,), (3, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nearly_normal_numbers_are_those_of_the_sample(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    whole, parent = streams(4), streams(4)
    chosen = parent.select(torch.tensor([3, 1]))
    for _ in range(2):
        numbers = whole.near_normal(*shape, dtype=dtype)
        assert numbers.shape == (4, *shape)
        assert numbers.dtype == dtype
        assert torch.equal(chosen.near_normal(*shape, dtype=dtype), numbers[[3, 1]])


def test_signs_are_fair_and_unrelated() -> None:
    drawn = streams(2).signs(200, 640, dtype=torch.float64)
    assert drawn.dtype == torch.float64
    assert drawn.shape == (2, 200, 640)
    assert set(drawn.flatten().tolist()) == {-1.0, 1.0}
    assert abs(float(drawn.mean())) < 4 / drawn.numel() ** 0.5
    flat = drawn.flatten(1)
    assert float((drawn.mean(dim=(0, 1))).abs().max()) < 5 / 400**0.5  # no place in a block of 64 is biased
    for lag in (1, 8, 32, 63, 64, 128):
        assert abs(correlation(flat[:, lag:], flat[:, :-lag])) < 0.01


def test_signs_are_the_bits_of_one_integer_per_64() -> None:
    bits = streams()._next_bits((2,))
    expected = torch.stack([(bits >> place) & 1 for place in range(64)], dim=2).flatten(1)[:, :100]
    assert torch.equal(streams().signs(4, 25), (2 * expected - 1).float().reshape(4, 4, 25))
    assert streams().select(torch.tensor([], dtype=torch.int64)).signs(3).shape == (0, 3)


def test_low_bits_are_fair_and_independent() -> None:
    bits = streams(64)._next_bits((1024,))
    for place in (0, 1, 31, 32, 62, 63):
        ones = int(((bits >> place) & 1).sum())
        assert stats.binomtest(ones, bits.numel()).pvalue > 1e-4


def test_neighbours_streams_and_calls_are_uncorrelated() -> None:
    drawn = streams(40)
    first, second = drawn.uniform(5000), drawn.uniform(5000)
    bound = 4 / first.numel() ** 0.5
    assert abs(correlation(first[:, 1:], first[:, :-1])) < bound
    assert abs(correlation(first[1:], first[:-1])) < bound
    assert abs(correlation(first, second)) < bound
    assert abs(correlation(first[:, 1:], second[:, :-1])) < bound
    assert len(torch.cat([first, second]).flatten().double().unique()) > 0.95 * 2 * first.numel()


def test_neighbouring_seeds_give_unrelated_streams() -> None:
    drawn = streams(2)
    drawn._seeds = torch.tensor([0, 1])
    rows = drawn.uniform(50_000)
    assert abs(correlation(rows[0], rows[1])) < 4 / 50_000**0.5


def test_a_subset_gets_its_own_samples_numbers() -> None:
    expected = streams(6).uniform(5)
    for index in (torch.tensor([4, 0, 3]), torch.tensor([True, False, False, True, True, False])):
        chosen = streams(6).select(index)
        assert len(chosen) == 3
        assert torch.equal(chosen.uniform(5), expected[index])


def test_a_subset_and_its_parent_share_counters() -> None:
    reference = streams(3)
    rounds = [reference.uniform(2) for _ in range(3)]
    parent = streams(3)
    child = parent.select(torch.tensor([2, 0]))
    assert torch.equal(child.uniform(2), rounds[0][[2, 0]])
    grandchild = child.select(torch.tensor([True, False]))
    assert torch.equal(grandchild.uniform(2), rounds[1][[2]])
    assert torch.equal(parent.uniform(2), torch.stack([rounds[1][0], rounds[0][1], rounds[2][2]]))


def test_an_empty_subset_draws_nothing() -> None:
    assert streams(3).select(torch.zeros(3, dtype=torch.bool)).normal(2).shape == (0, 2)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (torch.tensor([1, 1]), ValueError, "`index` must name each sample at most once"),
        (torch.tensor([True]), ValueError, r"`index` must be a mask of shape \(3,\)"),
        (torch.tensor(1), ValueError, "`index` must be a mask"),
        (torch.tensor([0.5]), TypeError, "`index` must be a boolean or int64 tensor, got torch.float32"),
        ([0], TypeError, "`index` must be a boolean or int64 tensor, got list"),
    ],
)
def test_a_wrong_index_is_refused(index: torch.Tensor, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        streams(3).select(index)


@pytest.mark.usefixtures("unchecked")
def test_wrong_constructor_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match=r"`generator` must be a torch\.Generator"):
        SampleStreams(0, 3)  # pyright: ignore[reportArgumentType] - the error is the point
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        SampleStreams(torch.Generator(), 0)


@pytest.mark.usefixtures("unchecked")
def test_a_generator_on_another_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class ElsewhereGenerator(torch.Generator):
        device = torch.device("cuda")

    monkeypatch.setattr(torch, "Generator", ElsewhereGenerator)
    with pytest.raises(ValueError, match="`generator` must be a generator on the CPU"):
        SampleStreams(ElsewhereGenerator(), 3)


@pytest.mark.gpu
def test_uniform_numbers_have_the_same_bits_on_every_device() -> None:
    on_gpu = SampleStreams(torch.Generator().manual_seed(0), 9, "cuda")
    on_cpu = streams(9)
    assert torch.equal(on_gpu.uniform(1000).cpu(), on_cpu.uniform(1000))
    assert torch.allclose(on_gpu.normal(1000).cpu(), on_cpu.normal(1000), atol=1e-6)
    assert torch.allclose(on_gpu.near_normal(1000).cpu(), on_cpu.near_normal(1000), atol=1e-6)
