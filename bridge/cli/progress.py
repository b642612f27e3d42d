"""How a command shows how far it is: on stderr, a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, TypeVar

from bridge.cli.terminal import rewrites

FIRST: Final = 1.0  # seconds until anything is shown: what is over by then needs no bar
_EVERY_BAR: Final = 0.1
_EVERY_LINE: Final = 5.0
_WIDEST: Final = 30
_T = TypeVar("_T")


class Progress:
    """Call it with how much is done, and of how much, as often as you like; use it as a context manager."""

    def __init__(self, what: str, unit: str = "records") -> None:
        self._what, self._unit = what, unit
        self._bar = rewrites(sys.stderr)
        self._began = self._shown = time.monotonic()
        self._drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def __call__(self, done: int, total: int) -> None:
        """``total`` 0: nobody knows."""
        now = time.monotonic()
        if now - self._began < FIRST or now - self._shown < (_EVERY_BAR if self._bar else _EVERY_LINE):
            return
        self._shown = now
        of = f" of at most {total}" if total else ""
        text = f"{self._what}: {done}{of} {self._unit}"
        if not self._bar:
            print(text, file=sys.stderr, flush=True)
            return
        room = shutil.get_terminal_size().columns - 1
        if total and room - len(text) > 10:
            wide = min(_WIDEST, room - len(text) - 3)
            full = min(wide, wide * done // total)
            text = f"{text} [{'#' * full}{'.' * (wide - full)}]"
        print(f"\r\x1b[2K{text[:room]}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def clear(self) -> None:
        """Take the bar away, before anything else is said."""
        if self._drawn:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
            self._drawn = False


def counted(items: Iterable[_T], what: str, unit: str) -> Iterator[_T]:
    """The items, and how many there were so far; the bar is away while one is worked on."""
    with Progress(what, unit) as progress:
        progress(0, 0)
        for number, item in enumerate(items, 1):
            progress.clear()
            yield item
            progress(number, 0)
