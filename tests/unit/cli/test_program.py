"""Commands that a person copies are called as this one was, where the shell would not find it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.cli.program import program


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """``sfbridge`` in a virtual environment."""
    path = tmp_path / ".venv" / "bin" / "sfbridge"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_what_is_not_on_the_path_is_called_as_it_was_started(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert program(".venv/bin/sfbridge", {"PATH": "/nowhere"}) == ".venv/bin/sfbridge"
    assert program(str(made), {"PATH": str(made.parent)}) == "sfbridge"
    assert program("a b/sfbridge", {}) == "'a b/sfbridge'"


def test_another_one_on_the_path_is_not_meant(made: Path, tmp_path: Path) -> None:
    other = tmp_path / "sfbridge"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert program(str(made), {"PATH": str(tmp_path)}) == str(made)


def test_a_link_on_the_path_is_this_one(made: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sfbridge").symlink_to(made)
    assert program(str(made), {"PATH": str(tmp_path / "bin")}) == "sfbridge"


def test_a_module_is_run_by_its_python(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program("/x/bridge/__main__.py", {"PATH": "/nowhere"}) == f"{sys.executable} -m bridge"
    monkeypatch.setattr(sys, "executable", str(made.parent / "python"))
    assert program("/x/bridge/__main__.py", {"PATH": str(made.parent)}) == "sfbridge"
