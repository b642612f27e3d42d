"""The last lines of the log, of the process and of each connector, kept within a fixed bound, with a cursor.

A line goes in as the log writes it: secrets masked, control characters gone. It is masked once more when somebody reads
it, because a secret may have become known since.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from typing import Final

from attrs import define, field, frozen

from bridge.log import exception_text, facts, line_message, masked, speaks

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_LINES: Final = 500
_OF_CONNECTOR: Final = 32 * 1024  # characters
_OF_PROCESS: Final = 512 * 1024
_LONGEST: Final = 4 * 1024
_CONNECTORS: Final = 2_000


@frozen
class Line:
    """One line. ``number`` rises by one with each line of the process."""

    number: int
    at: float
    level: int
    connector: str
    logger: str
    message: str
    more: str
    """Further facts as ``name=value``, and the traceback where there is one."""

    def document(self) -> dict[str, object]:
        """As JSON; ``at`` in ms since the epoch."""
        return {
            "at": int(self.at * 1000),
            "level": level_name(self.level),
            "connector": self.connector or None,
            "logger": self.logger,
            "message": masked(self.message),
            "more": masked(self.more) or None,
        }


@define(eq=False)
class Ring:
    """The last lines, up to so many characters."""

    room: int
    lines: deque[Line] = field(factory=deque)
    lost: int = 0
    """The number of the last line that fell out."""
    _size: int = 0

    def add(self, line: Line) -> None:
        """One more; the oldest go."""
        self.lines.append(line)
        self._size += _size(line)
        while len(self.lines) > _LINES or (self._size > self.room and len(self.lines) > 1):
            gone = self.lines.popleft()
            self._size -= _size(gone)
            self.lost = gone.number


@frozen
class Page:
    """Lines after a cursor. ``cursor``: where to go on; ``gap``: lines in between have fallen out."""

    lines: tuple[Line, ...]
    cursor: int
    gap: bool


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._all = Ring(_OF_PROCESS)
        self._of: dict[str, Ring] = {}
        self._keep = threading.Lock()
        self.addFilter(speaks)

    def install(self) -> None:
        """Listen to all that is logged from now on."""
        logging.getLogger().addHandler(self)

    def remove(self) -> None:
        """Listen no more."""
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line in; never raises."""
        try:
            self._take(record)
        except Exception:
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        known = facts(record)
        connector = str(known.pop("connector", "") or "")
        pairs = " ".join(f"{name}={value}" for name, value in known.items())
        message, trace = line_message(record), exception_text(record)
        more = masked(pairs + (f"\n{trace}" if trace else ""))
        with self._keep:
            self._number += 1
            line = Line(
                self._number, record.created, record.levelno, connector, record.name,
                masked(message)[:_LONGEST], more[:_LONGEST],
            )  # fmt: skip
            self._all.add(line)
            if connector:
                self._ring(connector).add(line)

    def after(self, cursor: int | None, level: int, most: int, connector: str | None = None) -> Page:
        """The lines since a cursor, the oldest first; without a cursor the newest. ``connector`` None: of all."""
        with self._keep:
            ring = self._all if connector is None else self._of.get(connector, Ring(0))
            lines, lost, end = tuple(ring.lines), ring.lost, self._number
        grave = [line for line in lines if line.level >= level]
        if cursor is None or cursor > end:
            return Page(tuple(grave[-most:]), end, False)
        since = [line for line in grave if line.number > cursor]
        shown = tuple(since[:most])
        return Page(shown, shown[-1].number if len(since) > most else end, lost > cursor)

    def forget(self, living: Iterable[str]) -> None:
        """Drop the lines of connectors that are none of these any more; the process's own ring keeps its copies."""
        with self._keep:
            for name in self._of.keys() - set(living):
                del self._of[name]

    def _ring(self, connector: str) -> Ring:
        ring = self._of.get(connector)
        if ring is None:
            if len(self._of) >= _CONNECTORS:
                del self._of[next(iter(self._of))]
            ring = self._of[connector] = Ring(_OF_CONNECTOR)
        return ring


def level_name(level: int) -> str:
    """The word of ours for a level, the next one below."""
    return next((name for name in reversed(LEVELS) if level >= level_number(name)), LEVELS[0])


def _size(line: Line) -> int:
    return len(line.message) + len(line.more) + 100


def level_number(name: str) -> int:
    """The number of one of ``LEVELS``."""
    return int(logging.getLevelNamesMapping()[name])
