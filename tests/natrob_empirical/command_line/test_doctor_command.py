"""`natrob doctor`: one line a fact, and never an error."""

import json

import pytest
import torch
from console_runner import natrob, text_of

from natrob_empirical.command_line import doctor_facts
from natrob_theory.native import NativeStatus

FACTS = ["natrob", "python", "torch", "machine", "device", "threads", "compiler", "native"]


def test_every_fact_has_a_line() -> None:
    result = natrob("doctor")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == FACTS
    assert torch.__version__ in result.output


def test_the_facts_are_one_object_on_request() -> None:
    assert list(json.loads(natrob("doctor", "--json").output)) == FACTS


def test_a_compiler_that_is_not_there_or_does_not_run_is_a_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    result = natrob("doctor")
    assert result.exit_code == 0
    assert "compiler none on the PATH" in text_of(result)
    monkeypatch.setenv("CXX", "sh -c :")
    assert "compiler sh, which says nothing of itself" in text_of(natrob("doctor"))


def test_the_extension_is_built_on_request_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    built = NativeStatus(state="failed", reason="the build failed: no memory; solves run in Python")
    monkeypatch.setattr(doctor_facts, "build_extension", lambda: built)
    assert "no memory" not in natrob("doctor").output
    result = natrob("doctor", "--build")
    assert result.exit_code == 0
    assert f"native failed: {built.reason}" in text_of(result)
