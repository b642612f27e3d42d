"""Faults that can be switched on: what an org, a load balancer or a network does on a bad day.

A fault is armed for a point of the conversation and takes effect there a number of times. The table of kinds
is what the control endpoint accepts and what a test may name; nothing else is known.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from typing import Any, Final

from attrs import define, field

CONNECT: Final = "connect"
REPLY: Final = "reply"
SUBSCRIBE: Final = "subscribe"
HANDSHAKE: Final = "handshake"
LOGIN: Final = "login"
REST: Final = "rest"
TOPIC: Final = "topic"
SCHEMA: Final = "schema"
SUBSCRIBING: Final = "subscribing"
FETCH: Final = "fetch"

# kind → (where it takes effect, what it does)
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "busy": (CONNECT, "503::Server is too busy, in ext.sfdc.failureReason"),
    "daily_limit": (CONNECT, "403::Organization total events daily limit exceeded"),
    "advice_none": (CONNECT, "a successful connect whose advice says: do not reconnect"),
    "advice_handshake": (
        CONNECT,
        "a successful connect whose advice says: handshake again; the session ends",
    ),
    "silent": (CONNECT, "the poll is never answered and the connection stays open"),
    "http_503": (CONNECT, "HTTP 503 with a page instead of Bayeux"),
    "http_401": (CONNECT, "HTTP 401 with a page instead of Bayeux"),
    "drop": (REPLY, "the connection is cut after `bytes` of the reply's body (default 1000)"),
    "truncate": (REPLY, "the reply's JSON ends in the middle, the HTTP body is complete"),
    "html": (REPLY, "an HTML page with status 200 instead of the reply"),
    "slow": (REPLY, "the reply takes `seconds` (default 2) to arrive"),
    "duplicate": (REPLY, "every event of the reply stands in it twice"),
    "repeat": (REPLY, "the reply begins with `events` (default 10) that were delivered before"),
    "shuffle": (REPLY, "the events of the reply are in random order"),
    "surrogate": (REPLY, "the first text value of the reply's first event gets a lone surrogate"),
    "garbage": (REPLY, "the reply holds one event message that is no valid event"),
    "replay_expired": (SUBSCRIBE, "400::The replayId {n} you provided was invalid, whatever was asked for"),
    "subscribe_limit": (SUBSCRIBE, "403::Subscription limit exceeded for this topic"),
    "concurrent_limit": (HANDSHAKE, "403::Organization concurrent user limit exceeded"),
    "handshake_denied": (HANDSHAKE, "403::Handshake denied with failureReason 401::Authentication invalid"),
    "handshake_busy": (HANDSHAKE, "403::Handshake denied with failureReason 503::Server is too busy"),
    "login_refused": (LOGIN, "400 invalid_grant"),
    "login_busy": (LOGIN, "HTTP 503 from the token endpoint"),
    "rest_busy": (REST, "HTTP 503 SERVER_UNAVAILABLE from a REST resource"),
    "rest_limit": (REST, "HTTP 403 REQUEST_LIMIT_EXCEEDED"),
    "rest_expired": (REST, "HTTP 401 INVALID_SESSION_ID although the token is good"),
    "pubsub_topic": (TOPIC, "GetTopic ends with `code`, without its prefix (default topic.api.unavailable)"),
    "pubsub_schema": (SCHEMA, "GetSchema ends with `code` (default schema.api.unavailable)"),
    "pubsub_refused": (SUBSCRIBING, "Subscribe ends at once with `code` (default service.unavailable)"),
    "pubsub_error": (FETCH, "a stream ends with `code` in place of a response (default service.unavailable)"),
    "pubsub_reset": (FETCH, "half of a response, then RST_STREAM without an error code"),
    "pubsub_end": (FETCH, "a stream ends in place of a response, without an error"),
    "pubsub_silent": (FETCH, "a stream says nothing any more and stays open"),
    "pubsub_slow": (FETCH, "a response takes `seconds` (default 2) to arrive"),
}

# Only a reply that carries events can show these.
_NEED_EVENTS = frozenset({"duplicate", "shuffle", "surrogate"})


@define
class Armed:
    """A fault waiting for its moment. ``times`` -1: always; ``skip``: that many occasions pass first."""

    kind: str
    times: int = 1
    skip: int = 0
    probability: float = 1.0
    min_events: int = 0
    options: dict[str, Any] = field(factory=dict)


class Faults:
    """The armed faults of an org; thread-safe."""

    def __init__(self, seed: int = 1) -> None:
        self._lock = threading.Lock()
        self._armed: list[Armed] = []
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.fired: dict[str, int] = {}

    def arm(
        self,
        kind: str,
        *,
        times: int = 1,
        skip: int = 0,
        probability: float = 1.0,
        min_events: int | None = None,
        **options: Any,
    ) -> None:
        """Arm a fault; replies with fewer than ``min_events`` are spared. ``ValueError`` if unknown."""
        if kind not in KINDS:
            raise ValueError(f"unknown fault {kind!r}; known are {', '.join(sorted(KINDS))}")
        needed = int(kind in _NEED_EVENTS) if min_events is None else min_events
        with self._lock:
            self._armed.append(Armed(kind, times, skip, probability, needed, options))

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._armed.clear()

    def take(self, point: str, events: int = 0) -> Armed | None:
        """The fault that takes effect here and now, if any."""
        if not self._armed:
            return None
        with self._lock:
            for armed in self._armed:
                if KINDS[armed.kind][0] != point or events < armed.min_events:
                    continue
                if armed.skip > 0:
                    armed.skip -= 1
                    continue
                if self._random.random() >= armed.probability:
                    continue
                armed.times -= armed.times > 0
                if armed.times == 0:
                    self._armed.remove(armed)
                self.fired[armed.kind] = self.fired.get(armed.kind, 0) + 1
                return armed
        return None

    def shuffle(self, items: list[bytes]) -> None:
        """Put the items in another order, never the one they were in where there are two or more."""
        before = list(items)
        while len(set(before)) > 1 and items == before:
            self._random.shuffle(items)

    def state(self) -> dict[str, Any]:
        """What is armed and what has taken effect."""
        with self._lock:
            armed = [{"kind": a.kind, "times": a.times, "skip": a.skip, **a.options} for a in self._armed]
            return {"armed": armed, "fired": dict(self.fired)}
