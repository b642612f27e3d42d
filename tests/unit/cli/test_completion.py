"""Completion in the shells that this machine has; bash is one of them everywhere."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.cli import completion
from bridge.cli import main as cli
from bridge.cli.completion_tree import nodes

SHELLS = [shell for shell in completion.SHELLS if shutil.which(shell)]

# What zsh's own completion functions would be given; a real session needs a terminal.
_ZSH = """
compdef() { : }
_describe() { local name="${@[-1]}"; print -l -- ${(P)name} | cut -d: -f1 }
_files() { print -- FILES }
compadd() { shift; print -l -- "$@" }
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    places = list(nodes())
    for shell, write in completion.SHELLS.items():
        (folder / shell).write_text(write(places))
    return folder


def completed(shell: str, script: Path, line: str) -> set[str]:
    words = line.split(" ")
    if shell == "fish":
        command = f"source {script}; complete -C '{line}'"
    elif shell == "zsh":
        given = f'words=({line!r}); words=("${{(@s: :)words}}"); CURRENT={len(words)}'
        command = f"{_ZSH}source {script}; {given}; _sfbridge"
    else:
        listed = " ".join(f"'{word}'" for word in words)
        command = f"source {script}; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _sfbridge sfbridge; "
        command += 'printf "%s\\n" "${COMPREPLY[@]}"'
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    out = subprocess.run(
        [shell, *flags, "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert not out.stderr.strip(), out.stderr
    found = {entry.split("\t")[0] for entry in out.stdout.split("\n") if entry}
    return {entry for entry in found if entry.startswith(words[-1])} if shell == "zsh" else found


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_actions_options_and_values(shell: str, scripts: Path) -> None:
    def at(line: str) -> set[str]:
        return completed(shell, scripts / shell, line)

    assert at("sfbridge val") == {"validate"}
    assert at("sfbridge ") == set(cli.COMMANDS)
    assert at("sfbridge keys ve") == {"verify"}
    assert {"get", "set", "reset", "status", "import"} <= at("sfbridge offsets ")
    assert at("sfbridge keys list --wor") == {"--worker"}
    assert at("sfbridge keys list --output ") == {"table", "json"}
    assert at("sfbridge consume orders -o nd") == {"ndjson"}
    assert at("sfbridge completion ") == {"bash", "zsh", "fish"}
    assert at("sfbridge help key") == {"keys"}
    assert "--decrypt" in at("sfbridge consume --worker w.properties orders --d")


def test_files_where_files_are_wanted(scripts: Path, tmp_path: Path) -> None:
    """In bash an empty answer lets readline complete files."""
    assert completed("bash", scripts / "bash", "sfbridge validate conn") == set()
    assert completed("bash", scripts / "bash", "sfbridge validate c.json --worker w") == set()


def test_printed_by_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in completion.SHELLS:
        assert cli.main(["completion", shell]) == 0
        assert "sfbridge" in capsys.readouterr().out
