from dataclasses import asdict, dataclass, field

import pytest

from natrob_empirical.files.plain_settings import added_setting, plain_settings


@dataclass(frozen=True, kw_only=True)
class Inner:
    old: int = 1
    new: float = added_setting(0.0)


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    milestones: tuple[int, ...] = (3, 4)
    new: str = added_setting("none")


def test_without_added_settings_it_is_asdict() -> None:
    changed = Outer(inner=Inner(new=2.0), new="other")
    assert plain_settings(changed) == asdict(changed)


def test_an_added_setting_is_left_out_at_its_default_inside_too() -> None:
    assert plain_settings(Outer()) == {"inner": {"old": 1}, "milestones": (3, 4)}
    assert plain_settings(Outer(inner=Inner(new=2.0))) == {"inner": {"old": 1, "new": 2.0}, "milestones": (3, 4)}
    assert plain_settings(Outer(new="other")) == {"inner": {"old": 1}, "milestones": (3, 4), "new": "other"}


def test_what_is_left_out_comes_back_as_the_default() -> None:
    assert Inner(**plain_settings(Inner(old=5))) == Inner(old=5)


def test_other_things_than_dataclasses_are_refused() -> None:
    with pytest.raises(TypeError):
        plain_settings({"old": 1})
