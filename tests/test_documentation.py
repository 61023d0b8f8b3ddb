"""README and docs: blocks of Python run, command lines exist, links lead somewhere, sentences are short."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from natrob_empirical.benchmarks.presets.registry import preset_named
from natrob_empirical.command_line.app import app
from natrob_empirical.command_line.known_names import ATTACKS, CERTIFICATE_METHODS, CHECKED_METHODS, NETWORKS
from natrob_empirical.command_line.known_names import TRAINING_METHODS as TRAININGS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "reports" / "README.md"]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
NAMES = {"attack": ATTACKS, "train": TRAININGS, "certify": CERTIFICATE_METHODS, "check": CHECKED_METHODS}
"""Command → the names that its `--method` or `--attack` takes."""
MOST_LINES, MOST_WORDS, LONGEST_PARAGRAPH = 200, 25, 60


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)


def command_lines(text: str) -> list[list[str]]:
    """Every command line of a page, in blocks and within lines, without comments."""
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S)
             for line in block.replace("\\\n", " ").splitlines()]  # fmt: skip
    lines += re.findall(r"`((?:natrob|make|python -m) [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def prose(text: str) -> list[str]:
    """Paragraphs and list entries, without headings, code blocks, tables and links' targets; code counts as a word."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    text = re.sub(r"^[|#<!].*$", "", text, flags=re.M)
    text = re.sub(r"`[^`]+`", "code", re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text))
    return [part for part in re.split(r"\n\s*\n|\n(?=\* )", text) if part.strip()]


RUN = [(page, text) for page, text in TEXTS.items() if python_blocks(text)]
LINES = [(page, words) for page, text in TEXTS.items() for words in command_lines(text)]


@pytest.mark.parametrize(("page", "text"), RUN, ids=[page for page, _ in RUN])
def test_the_python_blocks_of_a_page_run_in_their_order(page: str, text: str) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for block in python_blocks(text):
        exec(compile(block, page, "exec"), names)
    for name, found in names.items():
        if name.startswith("test_") and callable(found):
            found()


@pytest.mark.parametrize(("page", "words"), LINES, ids=[f"{page}: {shlex.join(words)}" for page, words in LINES])
def test_a_command_line_of_a_page_exists(page: str, words: list[str]) -> None:
    program, *rest = words
    if program == "natrob":
        check_natrob(rest)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)
        assert rest[0] in targets
    else:
        assert words[:2] == ["python", "-m"], f"{page} has the command {words}, which no test knows"
        module = importlib.util.find_spec(words[2])
        assert module is not None
        folders = module.submodule_search_locations
        source = Path(next(iter(folders)), "__main__.py") if folders else Path(str(module.origin))
        options = [word for word in words[3:] if word.startswith("--")]
        assert [option for option in options if f'"{option}"' not in source.read_text(encoding="utf-8")] == []


def check_natrob(words: list[str]) -> None:
    """Parses the line as `natrob` does, and looks up the names that it checks only when it runs."""
    group: Any = typer.main.get_command(app)
    if words[0].startswith("-"):
        assert words == ["--help"]
        return
    for name in group.commands if words[0] == "COMMAND" else words[:1]:
        command = group.commands[name]
        if words[1:] in ([], ["-h"]):
            continue
        given = command.make_context(name, words[1:]).params
        if name in {"report", "bench"}:
            assert preset_named(given["preset"], given["experiment"])
        if name in NAMES:
            assert given["attack" if name == "attack" else "method"] in {*NAMES[name], None}
        if name == "train":
            assert given["network"] in NETWORKS


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_files_and_headings(page: str) -> None:
    for link in re.findall(r"(?:\]\(|srcset=\"|src=\")([^)\s\"]+)", TEXTS[page]):
        if link.startswith("https://"):
            continue
        address, _, anchor = link.partition("#")
        target = (ROOT / page).parent / address if address else ROOT / page
        assert target.exists(), f"{page} points to {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def test_the_index_has_every_page() -> None:
    linked = re.findall(r"\]\(([\w-]+\.md)\)", TEXTS["docs/README.md"])
    assert sorted(linked) == sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= MOST_LINES


@pytest.mark.parametrize("page", TEXTS)
def test_sentences_and_paragraphs_are_short(page: str) -> None:
    for paragraph in prose(TEXTS[page]):
        assert len(paragraph.split()) <= LONGEST_PARAGRAPH, paragraph
        for sentence in re.split(r"(?<=[.:?!;])\s", paragraph):
            assert len(sentence.split()) <= MOST_WORDS, sentence
