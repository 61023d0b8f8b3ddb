"""A kept build is taken for the same sources and the same Coq only."""

from pathlib import Path

import pytest

from proofs import coq_build
from proofs.coq_build import CoqBuild
from proofs.kept_builds import digest

LEMMA = "Lemma one : 1 = 1. Proof. reflexivity. Qed.\n"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled, by a Coq that accepts whatever has no "Error" in it."""
    asked: list[str] = []

    def accept(build: CoqBuild, name: str) -> str:
        asked.append(name)
        (build.folder / f"{name}.vo").write_text("compiled")
        return "Error" if "Error" in (build.folder / f"{name}.v").read_text() else ""

    monkeypatch.setattr(CoqBuild, "_compile", accept)
    monkeypatch.setattr(
        CoqBuild, "_requirements", lambda build: {file.stem: set() for file in build.folder.glob("*.v")}
    )
    monkeypatch.setattr(coq_build, "coq_version", lambda: "8.0")
    return asked


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "one.v").write_text(LEMMA)
    return folder


def test_a_second_build_of_the_same_sources_is_taken(sources: Path, tmp_path: Path, compiled: list[str]) -> None:
    for _ in range(2):
        with CoqBuild(sources, kept=tmp_path / "kept") as build:
            assert (build.folder / "one.vo").read_text() == "compiled"
    assert compiled == ["one"]


def test_without_a_folder_of_kept_builds_all_is_compiled_and_may_be_kept(
    sources: Path, tmp_path: Path, compiled: list[str]
) -> None:
    for _ in range(2):
        with CoqBuild(sources) as build:
            build.keep(tmp_path / "kept")
    with CoqBuild(sources, kept=tmp_path / "kept"):
        pass
    assert compiled == ["one", "one"]


def test_other_sources_are_compiled_and_take_the_place_of_the_earlier_ones(
    sources: Path, tmp_path: Path, compiled: list[str]
) -> None:
    for text in (LEMMA, LEMMA + "\n", LEMMA):
        (sources / "one.v").write_text(text)
        with CoqBuild(sources, kept=tmp_path / "kept"):
            pass
    assert compiled == ["one", "one", "one"]


def test_a_build_with_an_error_is_not_kept(sources: Path, tmp_path: Path, compiled: list[str]) -> None:
    (sources / "one.v").write_text("Error")
    for _ in range(2):
        with CoqBuild(sources, kept=tmp_path / "kept") as build:
            assert build.errors == {"one": "Error"}
    assert compiled == ["one", "one"]


def test_names_contents_and_coq_are_told_apart(tmp_path: Path) -> None:
    folders = {
        "a": {"one.v": "x", "two.v": "y"},
        "b": {"one.v": "xy", "two.v": ""},
        "c": {"one.v": "x", "three.v": "y"},
    }
    for name, files in folders.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    assert len({digest(tmp_path / name, version) for name in folders for version in ("8.0", "8.1")}) == 6
