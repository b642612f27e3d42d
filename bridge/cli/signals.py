"""How SIGINT and SIGTERM end a command: the first in order, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

_held: list[int] = []
"""The first signal, where it came before anybody could act on it."""


def hold() -> None:
    """Keep the first SIGINT or SIGTERM for ``stopped_by_signals``, while a command is being imported; a second one
    ends at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if _held:
            os._exit(128 + number)
        _held.append(number)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def release() -> None:
    """Signals end the process as they do by themselves. KeyboardInterrupt where one was held."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _held:
        raise KeyboardInterrupt


def stopped_by_signals(then: Callable[[], None] = lambda: None) -> threading.Event:
    """Set by the first SIGINT or SIGTERM, after which ``then`` is called; a second one ends at once, with 128 + its
    number."""
    stopped = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            os._exit(128 + number)
        stopped.set()
        then()

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)
    if _held:
        _held.clear()
        stopped.set()
        then()
    return stopped


def leave(code: int) -> NoReturn:
    """End the process although threads wait for somebody who does not answer."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
