import math
import re
from collections.abc import Callable

import pytest
import torch

from natrob_theory.numbers import argument_checks as checks


@pytest.mark.parametrize(
    ("check", "value", "error", "message"),
    [
        (checks.require_finite, "1", TypeError, "`h` must be a real number, got '1' of type str"),
        (checks.require_finite, True, TypeError, "`h` must be a real number, got True of type bool"),
        (checks.require_finite, 1j, TypeError, "`h` must be a real number, got 1j of type complex"),
        (checks.require_finite, float("nan"), ValueError, "`h` must be finite, got nan"),
        (checks.require_finite, float("-inf"), ValueError, "`h` must be finite, got -inf"),
        (checks.require_positive, 0.0, ValueError, "`h` must be greater than 0, got 0.0"),
        (checks.require_positive, -0.1, ValueError, "`h` must be greater than 0, got -0.1"),
        (checks.require_positive, float("inf"), ValueError, "`h` must be finite, got inf"),
        (checks.require_nonnegative, -1e-300, ValueError, "`h` must be at least 0, got -1e-300"),
        (checks.require_count, 0, ValueError, "`h` must be at least 1, got 0"),
        (checks.require_count, -3, ValueError, "`h` must be at least 1, got -3"),
        (checks.require_count, 2.0, TypeError, "`h` must be an integer, got 2.0 of type float"),
        (checks.require_count, True, TypeError, "`h` must be an integer, got True of type bool"),
        (checks.require_generator, 0, TypeError, "`h` must be a torch.Generator"),
        (checks.require_state, [[1.0]], TypeError, "`h` must be a torch.Tensor, got list"),
        (checks.require_state, torch.ones(2, 2, dtype=torch.int64), TypeError, "floating-point tensor, got dtype"),
        (checks.require_state, torch.ones(2, 2, dtype=torch.complex64), TypeError, "got dtype torch.complex64"),
        (checks.require_state, torch.ones(3), ValueError, "`h` must have shape (batch, *state)"),
        (checks.require_state, torch.ones(0, 3), ValueError, "got shape (0, 3)"),
        (checks.require_state, torch.ones(3, 0), ValueError, "got shape (3, 0)"),
    ],
)
def test_message_names_argument_requirement_and_value(
    check: Callable[[str, object], object], value: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        check("h", value)


def test_non_finite_state_counts_the_bad_samples() -> None:
    state = torch.ones(5, 2, 2)
    state[1, 0, 0], state[1, 1, 1], state[4, 0, 1] = torch.nan, torch.inf, -torch.inf
    with pytest.raises(ValueError, match="`y0` must be finite, got NaN or infinite entries in 2 of 5 samples"):
        checks.require_state("y0", state)


def test_good_values_come_back_converted() -> None:
    state, generator = torch.ones(2, 3), torch.Generator()
    assert checks.require_finite("h", -2) == -2.0
    assert isinstance(checks.require_finite("h", -2), float)
    assert checks.require_positive("h", 5e-324) == 5e-324
    assert checks.require_nonnegative("h", 0) == 0.0
    assert checks.require_count("n", 0, minimum=0) == 0
    assert checks.require_state("y0", state) is state
    assert checks.require_generator("generator", generator) is generator


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_all_finite_sees_every_entry_and_no_more(bad: float, dtype: torch.dtype) -> None:
    largest = torch.full((2, 9), torch.finfo(dtype).max, dtype=dtype)
    assert checks.all_finite(largest)  # though their sum is infinite
    for place in range(18):
        broken = largest.clone()
        broken.view(-1)[place] = bad
        assert not checks.all_finite(broken)
    assert not checks.all_finite(torch.tensor([math.inf, -math.inf], dtype=dtype))
