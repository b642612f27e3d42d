"""Schemas by their ids: asked for once in a process, whichever connector of the org needs them first. What an id means
never changes (Pub/Sub API guide, *GetSchema*)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from attrs import define, field

from bridge.languages.avro.wire import Wire
from bridge.salesforce.failures import SessionOver, Verdict

_PERMANENT: Final = (Verdict.FATAL, Verdict.UNKNOWN)


class NoSchema(Exception):
    """Salesforce does not give the schema out, or it is none; the text goes on after its id."""


@define
class Schemas:
    """Of every org."""

    _known: dict[tuple[str, str], Wire] = field(factory=dict)
    _locks: dict[tuple[str, str], threading.Lock] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def of(self, org_id: str, schema_id: str, ask: Callable[[str], str]) -> Wire:
        """The schema, by ``GetSchema`` where nobody has asked yet. Raises NoSchema, and what ``ask`` raises where that
        may pass."""
        key = org_id, schema_id
        known = self._known.get(key)
        if known is not None:
            return known
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = _asked(schema_id, ask)
        return self._known[key]


SCHEMAS: Final = Schemas()


def _asked(schema_id: str, ask: Callable[[str], str]) -> Wire:
    try:
        return Wire.of(schema_id, ask(schema_id))
    except SessionOver as over:
        if over.failure.verdict in _PERMANENT:
            raise NoSchema(f"is not given out ({over.failure.text})") from None
        raise
    except ValueError as wrong:
        raise NoSchema(str(wrong)) from None
