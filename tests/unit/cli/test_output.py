"""What is printed where: narrow terminals, other encodings, colours, bars, one document or many."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from bridge.cli import output, progress, terminal

ROWS = [
    ("orders", "RUNNING", "the topic does not exist, create it"),
    ("invoices-of-the-north", "FAILED", "ok"),
]


def table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str) -> list[str]:
    monkeypatch.setenv("COLUMNS", columns)
    output.print_table(("name", "state", "reason"), ROWS)
    return capsys.readouterr().out.splitlines()


def test_a_wide_table_is_a_line_a_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    output.print_table(("name", "state", "reason"), ROWS)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_narrow_one_folds_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = table(monkeypatch, capsys, "60")
    assert max(map(len, lines)) <= 60
    assert lines[1].split() == ["orders", "RUNNING", "the", "topic", "does", "not", "exist,"]
    assert lines[2].split() == ["create", "it"]
    assert lines[2].index("create") == lines[1].index("the")


def test_where_words_have_no_room_each_row_is_a_paragraph(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = table(monkeypatch, capsys, "30")
    assert max(map(len, lines)) <= 30
    assert lines[:3] == ["NAME: orders", "STATE: RUNNING", "REASON:"]
    assert lines[3:5] == ["    the topic does not exist,", "    create it"]


def test_wide_characters_count_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    output.print_table(("a", "b"), [("注文", "1"), ("abcd", "2")])
    assert capsys.readouterr().out == "A     B\n注文  1\nabcd  2\n"


@pytest.mark.parametrize(("how", "expected"), [("json", [{"a": 1}, {"a": 2}]), ("ndjson", None)])
def test_one_document_or_a_line_each(how: str, expected: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with output.documents(how, print) as write:
        write({"a": 1})
        write({"a": 2})
    out = capsys.readouterr().out
    assert (json.loads(out) if expected else out) == (expected or '{"a": 1}\n{"a": 2}\n')


def test_no_document_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    with output.documents("json", print):
        pass
    assert json.loads(capsys.readouterr().out) == []


_SAYS = """
import sys
from bridge.cli import output, streams
streams.ready()
output.print_table(("name",), [("Köln 注文 FAILED",), ("FAILED",)])
output.print_json({"name": "Köln"})
output.fail("Köln → Kafka")
"""


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "cp1252", "utf-8"])
def test_what_an_encoding_lacks_is_replaced(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", _SAYS], capture_output=True, env=environment, check=True)
    text = done.stdout.decode(encoding)
    assert json.loads(text[text.index("{") :]) == {"name": "Köln"}
    assert b"Kafka" in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


def on_a_terminal(code: str, **environment: str) -> str:
    """What a program writes to a terminal."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM", "COLUMNS")}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=theirs, stderr=theirs, env={**clean, **environment}
    )
    os.close(theirs)
    out = b""
    try:
        while chunk := os.read(ours, 4096):
            out += chunk
    except OSError:  # the other end was closed
        pass
    finally:
        os.close(ours)
    assert child.wait(60) == 0
    return out.decode()


def test_colours_where_they_are_wanted() -> None:
    assert "\x1b[31mFAILED\x1b[0m" in on_a_terminal(_SAYS, TERM="xterm")
    for environment in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}, {}):
        assert "\x1b" not in on_a_terminal(_SAYS, **environment)


_LONG = """
from bridge.cli import progress
progress.FIRST = progress._EVERY_BAR = progress._EVERY_LINE = 0
with progress.Progress("reading") as bar:
    for done in (10, 50, 100):
        bar(done, 100)
print("done")
"""


def test_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    drawn = on_a_terminal(_LONG, TERM="xterm", COLUMNS="70")
    assert "reading: 50 of at most 100 records [#" in drawn
    assert drawn.endswith("\r\x1b[2Kdone\r\n")
    plain = on_a_terminal(_LONG, TERM="dumb")
    assert plain.splitlines()[1] == "reading: 50 of at most 100 records"


def test_what_is_quick_needs_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Progress("reading") as bar:
        bar(1, 2)
    assert capsys.readouterr().err == ""


def test_a_folded_command_can_be_pasted() -> None:
    line = "  sfbridge validate connector.json --worker worker.properties --online"
    folded = terminal.folded_command(line, 40)
    assert all(len(one) <= 40 for one in folded.splitlines())
    assert folded.replace(" \\\n", " ").split() == line.split()


def test_a_stream_that_is_none_of_ours() -> None:
    assert terminal.columns(io.StringIO()) is None or os.environ.get("COLUMNS")
    assert terminal.speaks_unicode(io.StringIO())
