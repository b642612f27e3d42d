"""Spans: a delivery or a call outside, told to whoever traces this process. By default that is nobody, and costs a call
of a function that does nothing; ``bridge.telemetry`` hands in OpenTelemetry's.

A span is never opened for each event. Its attributes are few and harmless: a method, a host, a status, an operation, a
count, the class of an error; never a secret, a value of an event, a query string or the text of an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol
from urllib.parse import urlsplit

Value = str | int | float | bool
CLIENT: Final = "CLIENT"
PRODUCER: Final = "PRODUCER"
STATUS: Final = "http.response.status_code"


class Span(Protocol):
    """A span that is open."""

    def note(self, name: str, value: Value) -> None:
        """One attribute more."""

    def failed(self, kind: str) -> None:
        """It ended badly: ``kind`` is the class of an error or an outcome, never a text."""


class _Nothing:
    """The span of a process that nobody traces."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def note(self, name: str, value: Value) -> None:
        pass

    def failed(self, kind: str) -> None:
        pass


Open = Callable[[str, str, Mapping[str, Value], float], AbstractContextManager[Span]]
"""Name, kind, attributes, and how many seconds ago it began."""

_NOTHING: Final = _Nothing()


def _nobody(_name: str, _kind: str, _facts: Mapping[str, Value], _ago: float) -> AbstractContextManager[Span]:
    return _NOTHING


_open: Open = _nobody


def told_to(opens: Open | None) -> None:
    """From now on ``opens`` opens spans; None: nobody does."""
    global _open
    _open = opens or _nobody


def span(
    name: str, kind: str, facts: Mapping[str, Value] | None = None, *, ago: float = 0.0
) -> AbstractContextManager[Span]:
    """Around one delivery or call. An exception marks it as failed, by its class, and passes through."""
    return _open(name, kind, facts or {}, ago)


def server(url: str) -> dict[str, Value]:
    """The host and port of a URL as attributes; nothing else of it."""
    parts = urlsplit(url)
    host: dict[str, Value] = {"server.address": parts.hostname or ""}
    return host | {"server.port": parts.port} if parts.port else host
