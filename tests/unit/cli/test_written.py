"""Files that commands make: where they cannot be written, one sentence, and nothing is half there."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from bridge.cli.main import main
from bridge.cli.written import put, write
from bridge.errors import ConfigurationError
from tests.support.memory_worker import GOOD

DESCRIBED = {"name": "Order_Placed__e", "fields": []}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sandbox --port-base 0 --only org --dir {file}", "--dir: {file} cannot be written: file exists"),
        ("sandbox --port-base 0 --only org --dir {file}/d", "--dir: {file}/d cannot be written: not a directory"),
        ("sandbox --port-base 0 --only org --state {file}/d", "--state: cannot keep state in {file}/d"),
        ("schemas generate --describe {metadata} --out {file}/d", "--out: {file}/d cannot be written: not a directory"),
        ("auth keystore --out {file}/d", "--out: {file}/d cannot be written: not a directory"),
        ("migrate {connector} --out {file}/d", "{file}/d cannot be written: not a directory"),
        ("worker --standalone {file}/d --worker {worker}", "--standalone: cannot keep state in {file}/d"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_is_a_wrong_command_line(
    line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {name: tmp_path / name for name in ("file", "metadata", "connector", "worker")}
    places["file"].write_text("")
    places["metadata"].write_text(json.dumps(DESCRIBED))
    places["connector"].write_text(json.dumps(GOOD))
    places["worker"].write_text(
        "bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\nlisteners=http://127.0.0.1:0\n"
    )
    assert main(line.format(**places).split()) == 2
    (last,) = [text for text in capsys.readouterr().err.splitlines() if not text.startswith("note: ")]
    assert said.format(**places).replace(": cannot", " cannot") in last.replace(": cannot", " cannot")


@pytest.mark.parametrize("command", ["sandbox --port-base 0 --only registry", "try"])
def test_without_a_folder_for_temporary_files_there_is_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(prefix: str) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.TemporaryDirectory", none)
    assert main(command.split()) == 2
    assert capsys.readouterr().err.startswith("sfbridge: TMPDIR: must name a folder that can be written to")


def test_all_or_none_and_what_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("before")
    (tmp_path / "second").mkdir()
    with pytest.raises(ConfigurationError, match=r"second: cannot be written: is a directory"):
        write([second], ["x"], force=True)

    def full(descriptor: int, mode: str) -> None:
        os.close(descriptor)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(ConfigurationError, match=f"{first}: cannot be written: no space left on device"):
        write([first], ["after"], force=True)
    monkeypatch.undo()
    assert first.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second"}
    put({first: b"after"}, mode=0o644)
    assert (first.read_text(), first.stat().st_mode & 0o777) == ("after", 0o644)
