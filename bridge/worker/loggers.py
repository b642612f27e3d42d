"""Levels of loggers, by Kafka Connect's rules and names (ALL, TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF)."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from bridge.log import is_sdk

LEVELS: Final = {
    "OFF": logging.CRITICAL + 10,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": 5,
    "ALL": 1,
}
_NAMES: Final = {number: name for name, number in LEVELS.items()}


class Loggers:
    """The loggers of this process."""

    def __init__(self) -> None:
        self._modified: dict[str, int] = {}
        self._lock = threading.Lock()

    def all(self) -> dict[str, dict[str, object]]:
        """Every logger that has a level of its own, and the root."""
        levels = {name: told for name in self._known() if (told := self.get(name)) is not None}
        return dict(sorted(levels.items()))

    def get(self, name: str) -> dict[str, object] | None:
        """Level and when it was changed (ms); None if there is no such logger."""
        if name not in self._known():
            return None
        number = _logger(name).getEffectiveLevel()
        return {"level": _name_of(number), "last_modified": self._modified.get(name)}

    def change(self, name: str, level: str) -> list[str]:
        """Set a logger and those below it; the names of those that had another level. Raises KeyError for an unknown
        level.

        Loggers of SDKs are passed over where the level is below WARN: see :func:`refusal`.
        """
        number = LEVELS[level.upper()]
        with self._lock:
            below = [name_below for name_below in self._known() if name_below.startswith(f"{name}.")]
            meant = {*self._known(), name} if name == "root" else {name, *below}
            every = sorted(
                one for one in meant if refusal(one, level) is None and _logger(one).level != number
            )
            now = int(time.time() * 1000)
            for one in every:
                _logger(one).setLevel(number)
                self._modified[one] = now
        return every

    def _known(self) -> set[str]:
        loggers = logging.Logger.manager.loggerDict
        with_level = {n for n, one in list(loggers.items()) if isinstance(one, logging.Logger) and one.level}
        return {"root", *with_level, *self._modified}


def refusal(name: str, level: str) -> str | None:
    """Why a logger cannot have a level, None where it can."""
    if LEVELS[level.upper()] >= logging.WARNING or not is_sdk(name):
        return None
    return (
        f"Logger {name} stays at WARN: below that, libraries of this kind write keys and tokens as they are sent; "
        "the bridge's own loggers (bridge, root) can be set to any level."
    )


def _logger(name: str) -> logging.Logger:
    return logging.getLogger() if name == "root" else logging.getLogger(name)


def _name_of(number: int) -> str:
    return _NAMES.get(number) or min(LEVELS, key=lambda name: abs(LEVELS[name] - number))
