from pathlib import Path

import pytest

from natrob_empirical.datasets import resolve_data_root


def test_the_argument_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATROB_DATA", "from-environment")
    assert resolve_data_root("from-argument") == Path("from-argument")
    assert resolve_data_root() == Path("from-environment")


@pytest.mark.parametrize("value", [None, ""])
def test_the_cache_folder_comes_last(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("NATROB_DATA", raising=False)
    else:
        monkeypatch.setenv("NATROB_DATA", value)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: f"cache-of-{name}")
    assert resolve_data_root() == Path("cache-of-natrob")


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_data_root("~/data") == tmp_path / "data"
