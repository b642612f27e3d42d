"""Standard output and error without a reader, on a full disk, closed: what becomes of a command and its exit code."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.cli import streams
from bridge.cli.ending import concluded, unread
from tests.support.memory_worker import GOOD

_FULL = "sfbridge: standard output cannot be written: no space left on device\n"
_CLOSED = "sfbridge: standard output cannot be written: it is closed\n"


def ended(command: str, redirected: str, folder: Path) -> tuple[int, str]:
    """Exit code and what is on stderr, where that can be read."""
    errors = folder / "errors"
    words = f"exec {sys.executable} -m bridge {command} 2> {errors} {redirected}"
    done = subprocess.run(["bash", "-c", words], check=False, timeout=60, stdout=subprocess.DEVNULL)
    return done.returncode, errors.read_text()


@pytest.mark.parametrize(
    ("command", "redirected", "code", "said"),
    [
        ("version", ">/dev/full", 1, _FULL),
        ("version", ">&-", 1, _CLOSED),
        ("version", "2>&- <&-", 0, ""),
        ("version", ">&- 2>&- <&-", 1, ""),
        ("run --help", ">/dev/full", 1, _FULL),
        ("top --once", ">/dev/full", 1, _FULL),
        ("worker --hash-password", ">/dev/full </dev/null", 1, _FULL),
        ("validate {file}", ">/dev/full", 2, "sfbridge: nothing.json: does not exist\n"),
        ("validate {file}", "2>&-", 2, ""),
        ("validate {file}", "2>/dev/full", 2, ""),
        ("validat", "2>&-", 2, ""),
    ],
)
def test_a_command_without_its_output_fails_in_one_sentence_and_wrong_input_stays_wrong(
    command: str, redirected: str, code: int, said: str, tmp_path: Path
) -> None:
    assert ended(command.format(file="nothing.json"), redirected, tmp_path) == (code, said)


@pytest.mark.parametrize(("more", "code"), [({}, 0), ({"tasks.max": "3"}, 2)])
def test_a_reader_that_goes_away_changes_no_verdict(more: dict[str, str], code: int, tmp_path: Path) -> None:
    file, worker = tmp_path / "connector.json", tmp_path / "worker.properties"
    file.write_text(json.dumps(GOOD | more))
    worker.write_text("bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\n")
    theirs, ours = os.pipe()
    os.close(theirs)  # nobody reads
    command = [sys.executable, "-m", "bridge", "validate", str(file), "--worker", str(worker)]
    done = subprocess.run(
        command, stdout=ours, stderr=subprocess.PIPE, text=True, check=False, timeout=60, env=environment()
    )
    os.close(ours)
    assert done.returncode == code, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert len(said) == (1 if code else 0), done.stderr


def environment() -> dict[str, str]:
    """Whatever is printed is written at once."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def test_a_terminal_is_as_wide_as_it_is() -> None:
    """The library asks ``sys.__stdout__``, whatever ``sys.stdout`` is."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "bridge", "keys", "--help"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=clean) as process:
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 4096):
                text += chunk
        except OSError:  # the other end is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    assert 40 < max(map(len, text.decode().splitlines())) <= 50


class Disk(io.RawIOBase):
    """A file on a disk that may be full."""

    def __init__(self) -> None:
        self.room = False
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, content: bytes, /) -> int:  # type: ignore[override]  # all that is written to it
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.content += bytes(content)
        return len(content)


@contextmanager
def full_disk() -> Iterator[Disk]:
    """Standard output of this process is on it."""
    disk = Disk()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdout", streams.Stream(io.BufferedWriter(disk), "utf-8"))
        patched.setattr(streams.Stream, "give_up", lambda stream: None)  # it has no descriptor
        yield disk
        disk.room = True


def test_a_service_goes_on_and_is_heard_again_when_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with full_disk() as disk:
        streams.used_by("run")
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                print("x" * 5000, flush=True)
        (line,) = caplog.messages
        assert line == "standard output cannot be written: no space left on device; it goes on without"
        disk.room = True
        print("again", flush=True)
        assert disk.content.endswith(b"again\n")
        assert concluded(0) == 0


@pytest.mark.parametrize("command", ["consume", "preview", "top", "try"])
def test_what_only_shows_ends_without_its_output(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with full_disk():
        streams.used_by(command)
        with pytest.raises(streams.UnwrittenError):
            print("a record", flush=True)
        assert concluded(unread(command)) == 1
    assert capsys.readouterr().err == _FULL


def test_nobody_reads_a_follower() -> None:
    for command, code in (("consume", 0), ("try", 1)):
        theirs, ours = os.pipe()
        os.close(theirs)
        with pytest.MonkeyPatch.context() as patched, os.fdopen(ours, "wb") as raw:
            stream = streams.Stream(raw, "utf-8")
            patched.setattr(sys, "stdout", stream)
            streams.used_by(command)
            with pytest.raises(streams.UnwrittenError):
                print("a record", flush=True)
            assert unread(command) == code
            assert concluded(code) == code
            stream.detach()
