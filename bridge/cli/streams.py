"""Standard output and standard error where they cannot be written: no reader any more, a full disk, closed.

What a command prints is not what it does. A service goes on without a reader, and with a full disk, as if all had been
written. A command that ends by itself does its work to the end, and its verdict is its exit code; instead of 0 it is 1
where the output was lost, but for a reader that went away on purpose (``| head``). What follows a topic has nothing to
do without a reader, and ends.

What goes to standard error is lost silently: there is no place left to say so.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Final, TextIO

SERVICES: Final = frozenset({"run", "worker", "sandbox"})
FOLLOWING: Final = {"consume": 0, "preview": 0, "top": 0, "try": 1}
"""Commands that end when nobody reads them, and their exit code then. ``try`` publishes as many events as it was asked
to, so an early end is no success."""


class UnwrittenError(Exception):
    """What was printed reached nobody, and the command has nothing else to do. No OSError, because it is none of the
    files that a command works on."""


class Stream(io.TextIOWrapper):
    """Output of the process that raises nothing where it cannot be written, unless it is ``followed``."""

    lost: OSError | None = None
    """What was met first."""
    followed = False
    is_service = False
    _told = False

    def write(self, text: str, /) -> int:
        """As much as was asked for, written or not. UnwrittenError."""
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """UnwrittenError."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        first, self.lost = self.lost is None, self.lost or error
        if error.errno == errno.EPIPE:  # for good; a full disk may have room again
            self.give_up()
        if self.followed:
            raise UnwrittenError from error
        if first and self.is_service and error.errno != errno.EBADF:  # closed on purpose
            # here: only what loses something needs it
            import logging

            logging.getLogger("bridge").warning("standard output %s; it goes on without", _reason(error))

    def give_up(self) -> None:
        """From now on nothing of it can fail, what waits to be written included."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)

    def sentence(self) -> str | None:
        """Why the output is not there, once, where somebody wanted it."""
        if self.lost is None or self.lost.errno == errno.EPIPE or self.is_service or self._told:
            return None
        self._told = True
        return f"standard output {_reason(self.lost)}"


def _reason(error: OSError) -> str:
    if error.errno == errno.EPIPE:
        return "is read by nobody any more"
    if error.errno == errno.EBADF:
        return "cannot be written: it is closed"
    return f"cannot be written: {(error.strerror or 'unknown reason').lower()}"


def ready() -> None:
    """Let output replace what its encoding lacks, and never end in a traceback; what is closed is opened, so that no
    file of ours gets its number."""
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(_opened(0))), "utf-8")
    sys.stdout, sys.stderr = _ready(sys.stdout, sys.__stdout__, 1), _ready(sys.stderr, sys.__stderr__, 2)


def _ready(stream: TextIO | None, original: TextIO | None, number: int) -> TextIO:
    if stream is None:
        # Open for reading: whatever is written fails, as it does on a closed one.
        raw = io.FileIO(_opened(number), "w")
        return Stream(io.BufferedWriter(raw), "utf-8", "replace")
    if isinstance(stream, Stream) or not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream is not original:  # somebody catches what is printed
        stream.reconfigure(errors="replace")
        return stream
    encoding, by_line, at_once = stream.encoding, stream.line_buffering, stream.write_through
    # The original stays what it is: the library asks it how wide the terminal is.
    return Stream(stream.buffer, encoding, "replace", line_buffering=by_line, write_through=at_once)


def _opened(number: int) -> int:
    """``/dev/null``, to be read, under the number of a closed descriptor."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
    return number


def used_by(command: str) -> None:
    """Whose output it is."""
    if isinstance(sys.stdout, Stream):
        sys.stdout.followed, sys.stdout.is_service = command in FOLLOWING, command in SERVICES
