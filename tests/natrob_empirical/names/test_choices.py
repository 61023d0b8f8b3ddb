from dataclasses import dataclass
from typing import Literal

import pytest

from natrob_empirical.names.choices import require_choices


@dataclass(frozen=True, kw_only=True)
class Settings:
    size: Literal["small", "large"]
    colour: Literal["red"] | None = None
    label: str = ""


@pytest.mark.usefixtures("unchecked")
def test_only_named_choices_pass() -> None:
    require_choices(Settings(size="large", colour="red", label="anything"))
    require_choices(Settings(size="small"))
    with pytest.raises(ValueError, match="`size` must be one of small, large, got 'huge'"):
        require_choices(Settings(size="huge"))  # pyright: ignore[reportArgumentType] - the error is the point
    with pytest.raises(ValueError, match="`size` must be one of small, large, got None"):
        require_choices(Settings(size=None))  # pyright: ignore[reportArgumentType] - the error is the point
    with pytest.raises(ValueError, match="`colour` must be one of red, got 'blue'"):
        require_choices(Settings(size="small", colour="blue"))  # pyright: ignore[reportArgumentType] - the error is the point
